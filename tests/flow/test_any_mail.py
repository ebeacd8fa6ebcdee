"""Any bytes as a mail to any address for commands, from any author: the answer is 250, and what is
not proven, contradicted or a program's changes nothing."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.domain.lists import MailingList
from listserv.domain.post import Client, Incoming, Transport
from listserv.flow import receive
from listserv.mail.parse import parse
from tests.flow.letters import (
    ANN,
    BOB,
    CONTRADICTED,
    LEVELS,
    MO,
    PROVEN,
    ZOE,
    at,
    letters,
    rows,
)
from tests.flow.world import World

TO = (
    "town-request", "listserv", "town-join", "town-leave", "town-subscribe",
    "town+subscribe-digest", "town+digest", "town+mail", "town+nomail", "TOWN-Signoff",
    "town-leave+" + "a" * 24, "town-confirm+" + "a" * 22,
)  # fmt: skip
WORDS = (
    "SUBSCRIBE", "SIGNOFF", "SET", "BREAK", "BACK", "NAME", "CHANGE", "ALSO", "QUERY", "WHICH",
    "REVIEW", "INFO", "LISTS", "HELP", "CONFIRM", "OK", "END", "HOLD", "FREE", "ADD", "DELETE",
    "INVITE", "BAN", "UNBAN", "QUIET", "FOR", "WITH", "UNTIL", "town", "city", "*", "DIGEST",
    "NOMAIL", "MAIL", "HTML", "1 June", "2 WEEKS", BOB, ZOE, "@example.net", "a" * 22, "Zoë",
    "undo", "yes", "\x00", "\ud800", "\u202e", "\U0001f600", "{{ 7 }}", "\t", "=00", "> ", "-- ",
    "x" * 400,
)  # fmt: skip
LINE = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
TEXT = st.lists(LINE, max_size=6).map("\r\n".join)
CHARSETS = ("utf-8", "utf-16", "iso-8859-1", "utf-7", "x-unknown", "iso-2022-jp", "utf-8\x00")
AUTHORS = (
    ANN,
    BOB,
    MO,
    ZOE,
    at("town"),
    "a@b",
    '"a b"@example.org',
    "\u00fc@example.org",
    "",
    "x, y@z",
)


@st.composite
def mails(draw: st.DrawFn) -> tuple[str, bytes]:
    """An author, and a mail that says to be theirs."""
    author = draw(st.sampled_from(AUTHORS))
    if draw(st.integers(0, 9)) == 0:
        return author, draw(st.binary(max_size=300))
    body = draw(TEXT | st.text(max_size=100)).encode("utf-8", "surrogatepass")
    lines = [
        b"From: " + author.encode(),
        b"Message-ID: <" + draw(st.uuids()).hex.encode() + b"@example.org>",
        b"Subject: " + draw(LINE).encode("utf-8", "surrogatepass"),
        f"Content-Type: text/{draw(st.sampled_from(('plain', 'html')))};"
        f' charset="{draw(st.sampled_from(CHARSETS))}"'.encode(),
    ]
    match draw(st.sampled_from(("", "base64", "quoted-printable", "8bit"))):
        case "base64":
            body = base64.encodebytes(body)
            lines.append(b"Content-Transfer-Encoding: base64")
        case "" | "8bit":
            pass
        case other:
            lines.append(f"Content-Transfer-Encoding: {other}".encode())
    marks = (b"", b"", b"", b"Auto-Submitted: auto-replied", b"Precedence: bulk", b"X-Spam: yes")
    lines.append(draw(st.sampled_from(marks)))
    return author, b"\r\n".join([*filter(None, lines), b"", body])


@pytest.fixture
def town(world: World) -> MailingList:
    world.found("city", subscription="approve")
    mlist = world.found("town", title="Our Town", subscription="open")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, MO, role="moderator")
    world.join(mlist, BOB)
    return mlist


def test_any_mail(world: World, town: MailingList) -> None:
    @settings(max_examples=4 * settings().max_examples)
    @given(
        mails(),
        st.lists(st.sampled_from(TO), min_size=1, max_size=2),
        st.sampled_from(list(LEVELS)),
    )
    def is_taken(mail: tuple[str, bytes], to: list[str], level: str) -> None:
        author, raw = mail
        world.clock.pass_by(hours=5)
        now = world.clock.now()
        peer = Client("192.0.2.1", "client.example", trusted=True)
        recipients = tuple(map(at, to))
        incoming = Incoming(Transport.SMTP, peer, author, recipients, raw)
        before = rows(world)
        replies = world.store.submit(
            lambda tx: receive.message(tx, world.site, incoming, parse(raw, "X-Spam: yes"), now,
                                       LEVELS[level])
        ).result()  # fmt: skip
        assert all(reply.code == 250 for reply in replies)
        marked = any(mark in raw for mark in (b"auto-replied", b"bulk", b"X-Spam: yes"))
        if LEVELS[level] is not PROVEN or not author or marked:
            assert rows(world) == before
        sent = letters(world)
        if LEVELS[level] is CONTRADICTED or not author or marked:
            assert sent == []
        assert not [one for one in sent if one.to.endswith(at(""))]

    is_taken()
