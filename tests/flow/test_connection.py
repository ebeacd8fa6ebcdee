"""Nothing of a member's connection reaches anybody else, whatever is mailed because of their post:
neither what the client told us, nor what the mail tells of the way that it came."""

from dataclasses import replace

import pytest

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.mailing import Mode
from listserv.domain.post import Client, Incoming, Transport
from listserv.flow import receive
from listserv.mail.parse import parse
from tests.flow.world import DOMAIN, PROVEN, World, a_message

ANN, BOB = "ann@hers.test", "bob@example.org"
# Where Ann was, who lets her in, and whose servers her mail came through.
MARKS = (b"203.0.113.77", b"2001:db8::77", b"anns-laptop", b"ann.login", b"bounces.hers.test")
CLIENT = Client("203.0.113.77", "anns-laptop", trusted=False)
WAY = (
    "from anns-laptop (anns-laptop [IPv6:2001:db8::77]) by mx.bounces.hers.test with ESMTPSA"
    " (Authenticated sender: ann.login) for 203.0.113.77; Sat, 21 Nov 2026 12:00:00 +0000"
)
# Where MTAs, webmails and web hosts write such things. Not taken from the table of headers, so that
# a row which goes missing there is missed here.
TELLTALES = """
    Received X-Received Received-SPF Return-Path Delivered-To X-Delivered-To X-Original-To
    Envelope-To X-Envelope-From Apparently-To Authentication-Results
    Authentication-Results-Original ARC-Authentication-Results ARC-Seal ARC-Message-Signature
    X-Originating-IP X-Originating-Email X-Originating-Server X-Client-IP X-Sender-IP X-Remote-IP
    X-Source X-Source-IP X-Source-Sender X-Source-Auth X-Source-Args X-AOL-IP X-EN-OrigIP
    X-Rocket-Received X-PHP-Script X-PHP-Originating-Script NNTP-Posting-Host
    X-Authenticated-Sender X-Authenticated-User X-Authenticated-IP X-Auth-ID X-AuthUser
    X-Authentication-Warning X-Get-Message-Sender-Via X-Forwarded-For X-Forwarded-Encrypted
    X-Gm-Message-State X-Google-Smtp-Source X-MS-Exchange-CrossTenant-Id
    X-MS-Exchange-Organization-AuthSource X-Forefront-Antispam-Report X-Microsoft-Antispam
    X-Spam-Report X-Rspamd-Server Resent-From Resent-Sender Content-Length Sender Errors-To
""".split()
UNPROVEN = Authorship(Level.UNPROVEN, ("nothing aligns",), VerifiedPath(("bounces.hers.test",)))


def from_ann(world: World, to: str, authorship: Authorship = PROVEN) -> list[str]:
    """A mail of Ann's comes in; who gets mail because of it."""
    way = "".join(f"{name}: {WAY}\r\n" for name in ("Received", *TELLTALES))
    raw = way.encode() + a_message(f"Ann <{ANN}>", (to,))
    incoming = Incoming(Transport.SMTP, CLIENT, "prvs=1=ann@bounces.hers.test", (to,), raw)
    now, post = world.clock.now(), parse(raw)
    (reply,) = world.store.write(
        lambda tx: receive.message(tx, world.site, incoming, post, now, authorship)
    )
    assert reply.code == 250
    return world.deliver()


def told(world: World) -> list[bytes]:
    """Which of the marks are in what was sent."""
    assert world.sent
    sent = [part for one in world.sent for part in (one.sender.encode(), *one.data)]
    return [mark for mark in MARKS if any(mark in part for part in sent)]


@pytest.fixture
def town(world: World) -> World:
    mlist = world.found("town")
    world.join(mlist, ANN)
    world.join(mlist, BOB, role="owner")
    return world


@pytest.mark.parametrize("mode", Mode)
def test_not_in_a_copy(town: World, mode: Mode) -> None:
    town.site = replace(town.site, mode=mode)
    assert from_ann(town, f"town@{DOMAIN}") == [ANN, BOB]
    assert told(town) == []


def test_not_in_a_mail_to_the_owners(town: World) -> None:
    assert from_ann(town, f"town-owner@{DOMAIN}") == [BOB]
    assert told(town) == []


def test_not_in_the_question_whether_she_wrote_it(town: World) -> None:
    assert from_ann(town, f"town@{DOMAIN}", UNPROVEN) == [ANN]
    assert told(town) == []


def test_the_marks_would_be_seen(town: World) -> None:
    assert from_ann(town, f"town@{DOMAIN}") == [ANN, BOB]
    last = town.sent[-1]
    town.sent[-1] = last._replace(data=(*last.data, WAY.encode()))
    assert len(told(town)) == len(MARKS)
