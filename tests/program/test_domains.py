"""Lists at several domains: each has its own addresses, notices and keys; and a key is rotated
while the server runs."""

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
from tests.program.test_serve import DOMAIN, PATIENCE, Server

OTHER = "lists.example.net"
ANN, BEN = "ann@example.com", "ben@example.com"


class Domains(Server):
    """Two domains with a list of the same name each, and keys that `listserv dkim` made."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._seen: set[Path] = set()
        for path in folder.glob("dkim.*"):
            path.unlink()
        with self.config.open("a") as more:
            more.write(f'[[domain]]\nname = "{OTHER}"\n')
        # In this process: starting a Python for each command takes longer than the test.
        self.shell = Shell(self.config)
        self.shell.ok("dkim", "key")
        for domain in (DOMAIN, OTHER):
            self.shell.ok("list", "create", f"town@{domain}", "--title", f"Town at {domain}")
            self.shell.ok("member", "add", f"town@{domain}", ANN, BEN)

    def records(self) -> dict[str, str]:
        return {each["name"]: each["value"] for each in self.shell.json("dns")}

    def write(self, number: int, *to: str) -> None:
        text = (
            f"From: Ann <{ANN}>\r\nTo: {', '.join(to)}\r\nSubject: {number}\r\n"
            f"Message-ID: <{number}@example.com>\r\n\r\nText {number}.\r\n"
        )
        with smtplib.SMTP("127.0.0.1", self.port) as client:
            client.sendmail(ANN, list(to), text)

    def mail(self, wanted: int) -> list[Message]:
        """The mail that came since the last time, once it is so much; each as it should be."""
        new, records, patience = self.folder / "Maildir" / "new", self.records(), Event()
        for _ in range(int(PATIENCE / 0.02)):
            if len(paths := set(new.glob("*")) - self._seen) >= wanted:
                break
            patience.wait(0.02)
        assert len(paths) == wanted
        self._seen |= paths
        return [sink.check_maildir(path, records) for path in paths]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Domains]:
    made = Domains(tmp_path)
    made.start()
    yield made
    if made.process is not None:
        made.stop(signal.SIGKILL)


def signed_by(message: Message) -> tuple[str, str]:
    """d= and s=."""
    tags = re.findall(r"\b([ds])=([^;]+);", message["DKIM-Signature"])
    return tags[0][1], tags[1][1]


@pytest.mark.parametrize("domain", [DOMAIN, OTHER])
def test_a_copy_is_of_its_lists_domain_in_every_address(server: Domains, domain: str) -> None:
    server.write(1, f"town@{domain}")
    for copy in server.mail(2):
        assert signed_by(copy)[0] == domain
        ours = {
            name: re.findall(r"@(lists\.[\w.]+)", value)
            for name, value in copy.items()
            if name in {"From", "To", "Return-Path", "Reply-To"} or name.startswith("List-")
        }
        assert ours["Return-Path"] and ours["From"] and ours["List-Owner"]
        assert {where for found in ours.values() for where in found} == {domain}


def test_a_notice_is_of_its_lists_domain(server: Domains) -> None:
    for number, domain in enumerate((DOMAIN, OTHER), 1):
        server.shell.ok("list", "set", f"town@{domain}", "moderation=all")
        server.write(number, f"town@{domain}")
        (waiting,) = server.shell.json("held", "ls", f"town@{domain}")
        server.shell.ok("held", "reject", str(waiting["id"]), "--reason", "Not here.")
    notices = server.mail(2)
    assert {signed_by(notice)[0] for notice in notices} == {DOMAIN, OTHER}
    for notice in notices:
        assert signed_by(notice)[0] in notice["From"] and notice["Delivered-To"] == ANN


def test_the_next_mail_is_signed_with_the_key_that_was_switched_to(server: Domains) -> None:
    server.write(1, f"town@{DOMAIN}")
    before = {signed_by(copy)[1] for copy in server.mail(2)}
    server.shell.ok("dkim", "key", "--next")
    server.write(2, f"town@{DOMAIN}")
    assert {signed_by(copy)[1] for copy in server.mail(2)} == before
    server.shell.ok("dkim", "switch", "--domain", DOMAIN)
    server.write(3, f"town@{DOMAIN}", f"town@{OTHER}")
    after = {signed_by(copy) for copy in server.mail(2)}
    assert len(before) == len(after) == 1 and after != {(DOMAIN, *before)}
    server.write(4, f"town@{OTHER}")
    assert {signed_by(copy) for copy in server.mail(2)} == {(OTHER, *before)}


def test_a_domain_that_is_not_configured_has_no_lists(server: Domains) -> None:
    refused = server.shell.refused("list", "create", "town@lists.example.com")
    assert f"this server has lists at {OTHER}, {DOMAIN} only (site.domain, [[domain]])" in refused
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        client.ehlo()
        client.mail(ANN)
        assert client.rcpt("town@lists.example.com")[0] == 550
        assert client.rcpt(f"postmaster@{OTHER}")[0] == client.rcpt(f"postmaster@{DOMAIN}")[0]


def test_a_key_that_cannot_be_used_keeps_the_server_from_starting(server: Domains) -> None:
    server.stop()
    (key,) = server.folder.glob(f"dkim.{OTHER}.*")
    key.chmod(0o644)
    refused = server.run("serve", code=1)
    assert f"may be read by everybody: {key}; chmod 600 it" in refused
    assert "Traceback" not in refused
