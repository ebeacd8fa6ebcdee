"""Mail through a real Postfix in front of us and behind us, set up by `listserv postfix`, in both
ways: `dedicated` (smtpd_proxy_filter to our SMTP listener) and `shared` (LMTP)."""

import re
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postfix.harness import Sunk, below_postfix, wait_until
from tests.postfix.installation import DOMAIN, MEMBERS, TOWN, Installation

pytestmark = pytest.mark.postfix

STRANGER = "forged@victim.example"
WAYS = ("dedicated", "shared")
PROXY_REFUSAL = {"dedicated": 550, "shared": 250}


@pytest.fixture(scope="module", params=WAYS)
def site(request: pytest.FixtureRequest, root: Path) -> Iterator[Installation]:
    folder = root / request.param
    folder.mkdir(mode=0o755)
    with Installation(folder, request.param) as installation:
        installation.listserv("list", "set", TOWN, "nonmember=reject")
        yield installation


def message(author: str, subject: str, body: bytes = b"Hello.\r\n", more: bytes = b"") -> bytes:
    return (
        f"From: {author}\r\nTo: {TOWN}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject.replace(' ', '.')}@example.net>\r\n"
    ).encode() + b"%s\r\n%s" % (more, body)


def send(site: Installation, sender: str, recipient: str, data: bytes, *options: str) -> int:
    """What the client hears at last: the code of the first refusal, or of the final dot."""
    with smtplib.SMTP("127.0.0.1", site.postfix.port, "client.example", timeout=30) as client:
        client.ehlo()
        code, _ = client.mail(sender, options)
        if code < 400:
            code, _ = client.rcpt(recipient)
        if code < 400:
            code, _ = client.data(data)
        return code


def arrived(site: Installation, subject: str) -> list[Sunk]:
    """The copies of a post, once all members have theirs and Postfix has nothing left."""

    def about(found: list[Sunk]) -> list[Sunk]:
        return [sunk for sunk in found if f"Subject: {subject}\r\n".encode() in sunk.data]

    wait_until(lambda: len(about(site.sink.messages())) >= len(MEMBERS), f"copies of {subject}")
    site.postfix.wait_until_empty()
    return about(site.sink.messages())


def left_for_others(site: Installation, subject: str) -> list[Sunk]:
    """What left Postfix for anybody but the members, up to the copies of a post that is sent now:
    whatever came in before it has had its consequences by then."""
    site.postfix.wait_until_empty()
    assert send(site, MEMBERS[0], TOWN, message(MEMBERS[0], subject)) == 250
    arrived(site, subject)
    return [sunk for sunk in site.sink.messages() if not set(sunk.recipients) <= set(MEMBERS)]


def test_each_of_three_members_gets_one_copy(site: Installation) -> None:
    assert send(site, MEMBERS[0], TOWN, message(MEMBERS[0], "tomatoes")) == 250
    copies = arrived(site, "tomatoes")
    assert sorted(sunk.recipients for sunk in copies) == [(member,) for member in sorted(MEMBERS)]
    senders = {sunk.sender for sunk in copies}
    assert len(senders) == len(MEMBERS)
    assert all(re.fullmatch(rf"town-bounces\+[a-z2-7]{{24}}@{DOMAIN}", s) for s in senders)


def test_a_forged_strangers_post_makes_nobody_write_to_the_stranger(site: Installation) -> None:
    said = send(site, STRANGER, TOWN, message(STRANGER, "spam"))
    assert said == PROXY_REFUSAL[site.way]
    assert left_for_others(site, "after the spam") == []
    assert site.postfix.queue() == []


def test_what_is_refused_over_lmtp_can_be_looked_at(site: Installation) -> None:
    send(site, STRANGER, TOWN, message(STRANGER, "look at me"))
    site.postfix.wait_until_empty()
    kept = [row["subject"] for row in site.shown("held", "ls", TOWN, "--discarded")]
    assert ("look at me" in kept) == (site.way == "shared")


@pytest.mark.parametrize(
    "local", ["town-moderate+garbage", "town-bounces+garbage", "town+garbage", "TOWN+Garbage"]
)
def test_a_bad_address_of_a_list_makes_nobody_write_to_a_forged_sender(
    site: Installation, local: str
) -> None:
    said = send(site, STRANGER, f"{local}@{DOMAIN}", message(STRANGER, "approve"))
    assert said == PROXY_REFUSAL[site.way]
    assert left_for_others(site, f"after {local}") == []
    assert site.postfix.queue() == []


@pytest.mark.parametrize("local", ["nobody", "town-nonsense", "nobody-bounces+abc"])
def test_the_client_hears_that_an_address_does_not_exist(site: Installation, local: str) -> None:
    assert send(site, STRANGER, f"{local}@{DOMAIN}", message(STRANGER, "hello")) == 550


@pytest.mark.parametrize(
    "recipient",
    [
        "x@elsewhere.example",
        f"x%elsewhere.example@{DOMAIN}",
        f'"x@elsewhere.example"@{DOMAIN}',
        f"@{DOMAIN}:x@elsewhere.example",
        f"elsewhere.example!x@{DOMAIN}",
        f"x@sub.{DOMAIN}",
    ],
)
def test_nothing_is_relayed_for_others(site: Installation, recipient: str) -> None:
    assert send(site, STRANGER, recipient, message(STRANGER, "relay")) in {454, 550, 553, 554}


def test_a_copy_reaches_the_next_hop_byte_for_byte(site: Installation) -> None:
    body = b"caf\xe9, na\xc3\xafve, \x80\xff  \r\n.a dot\r\n..\r\nFrom the start\r\n\r\n"
    post = message(MEMBERS[1], "eight bits", body, b"Cc: mary\r\nContent-Type: text/plain\r\n")
    assert send(site, MEMBERS[1], TOWN, post, "BODY=8BITMIME") == 250
    copies = arrived(site, "eight bits")
    sent = site.sent.messages()
    for sunk in copies:
        (ours,) = [data for data in sent[sunk.recipients[0]] if b"Subject: eight bits" in data]
        assert re.search(rb"^Cc: mary\r$", ours, re.MULTILINE)
        assert ours.endswith(b"\r\n\r\n" + body)
        assert below_postfix(sunk.data) == ours
