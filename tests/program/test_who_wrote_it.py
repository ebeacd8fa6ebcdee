"""Who wrote it, with the whole server: a name server to ask, SMTP in with the client that an MTA
names by XFORWARD, a Maildir out, and the command line."""

import re
import signal
import smtplib
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from threading import Event

import pytest

from tests import sink
from tests.cli.shell import Shell
from tests.dns import NO_DNS, DnsServer, dns_server
from tests.flow.world import a_message
from tests.program.test_serve import DOMAIN, PATIENCE, Server
from tests.smtp.correspondence import key_record, signed

TOWN = f"town@{DOMAIN}"
# Ann's domain signs and asks to refuse what is not signed; Ben's says nothing, and his mail comes
# by his provider, whose name is in the envelope.
ANN, BEN = "ann@strict.example", "ben@club.example"
BENS_PROVIDER = "ben77@provider.example"
HERS, HIS, A_FORGERS = "192.0.2.1", "192.0.2.2", "192.0.2.66"


class Town(Server):
    """One list with two members, and the domains that they write from."""

    def __init__(self, folder: Path, dns: DnsServer) -> None:
        super().__init__(folder)
        asks = f'[dns]\nservers = ["{dns.address}"]\n'
        self.config.write_text(self.config.read_text().replace(NO_DNS, asks))
        dns.add("_dmarc.strict.example", "TXT", "v=DMARC1; p=reject")
        dns.add("s1._domainkey.strict.example", "TXT", key_record())
        dns.add("provider.example", "TXT", f"v=spf1 ip4:{HIS} -all")
        self.shell = Shell(self.config)
        self.shell.ok("list", "create", TOWN, "--title", "Our Town")
        self.shell.ok("member", "add", TOWN, ANN, BEN)
        self._seen: set[Path] = set()

    def hand_in(self, raw: bytes, sender: str, client: str, to: str = TOWN) -> None:
        with smtplib.SMTP("127.0.0.1", self.port) as smtp:
            smtp.ehlo()
            assert smtp.docmd("XFORWARD", f"ADDR={client} HELO=client.example")[0] == 250
            smtp.sendmail(sender, [to], raw)

    def mail(self, wanted: int) -> list[Message]:
        """The mail that came since the last time, once it is so much."""
        new, patience = self.folder / "Maildir" / "new", Event()
        for _ in range(int(PATIENCE / 0.02)):
            if len(paths := set(new.glob("*")) - self._seen) >= wanted:
                break
            patience.wait(0.02)
        assert len(paths) == wanted
        self._seen |= paths
        return [sink.check_maildir(path) for path in paths]

    def held(self) -> list[str]:
        return [str(row["subject"]) for row in self.shell.json("held", "ls", TOWN)]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with dns_server() as dns:
        made = Town(tmp_path, dns)
        made.start()
        yield made
        if made.process is not None:
            made.stop(signal.SIGKILL)


def test_an_author_whose_domain_asks_to_refuse_others_is_passed_on_from_the_list(
    town: Town,
) -> None:
    town.hand_in(signed(a_message(ANN, (TOWN,)), "strict.example"), ANN, HERS)
    for copy in town.mail(2):  # each of which dkimpy finds signed by the list's domain
        assert copy["From"] == f'"ann via Our Town" <{TOWN}>'
        assert "d=lists.example.org" in re.sub(r"\s", "", copy["DKIM-Signature"])


def test_a_forged_post_of_a_member_is_held_with_the_reason_in_words(town: Town) -> None:
    town.hand_in(a_message(ANN, (TOWN,), subject="Forged"), ANN, A_FORGERS)
    (row,) = town.shell.json("held", "ls", TOWN)
    shown = town.shell.json("held", "show", str(row["id"]))
    assert "strict.example asks to refuse such mail" in str(shown)
    # The next post is Ann's own: nobody was written to in between.
    town.hand_in(signed(a_message(ANN, (TOWN,), subject="Mine"), "strict.example"), ANN, HERS)
    assert {copy["Subject"] for copy in town.mail(2)} == {"Mine"}


def test_an_honest_member_without_dkim_confirms_once_and_is_not_asked_again(town: Town) -> None:
    town.hand_in(a_message(BEN, (TOWN,), subject="First"), BENS_PROVIDER, HIS)
    (question,) = town.mail(1)
    assert question["Delivered-To"] == BEN
    assert town.held() == ["First"]
    reply_to = re.search(r"town-confirm\+\w+@[\w.]+", question["Reply-To"])
    assert reply_to is not None
    yes = a_message(BEN, (reply_to[0],), subject=f"Re: {question['Subject']}", body="Yes")
    town.hand_in(yes, BENS_PROVIDER, HIS, to=reply_to[0])
    subjects = sorted(str(mail["Subject"]) for mail in town.mail(3))
    assert subjects.count("First") == 2 and town.held() == []
    town.hand_in(a_message(BEN, (TOWN,), subject="Second"), BENS_PROVIDER, HIS)
    assert {mail["Subject"] for mail in town.mail(2)} == {"Second"}
    # By another way it is not he.
    town.hand_in(a_message(BEN, (TOWN,), subject="Third"), "eve@evil.example", A_FORGERS)
    assert town.held() == ["Third"]
