"""The check of what leaves: it lets our mail pass, and nothing that is a little worse."""

from datetime import UTC, datetime

import pytest

from tests import sink

DOMAIN = "lists.example.org"
SENDER = f"town-bounces+{'a' * 24}@{DOMAIN}"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HEAD = (
    f'From: "Ann via Town" <town@{DOMAIN}>\r\nTo: town@{DOMAIN}\r\nSubject: Hello\r\n'
    f"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@{DOMAIN}>\r\n"
    "Precedence: list\r\nX-Auto-Response-Suppress: OOF\r\n"
).encode()
BODY = b"Good morning.\r\n"


def signed(head: bytes = HEAD, body: bytes = BODY, domain: str = DOMAIN) -> bytes:
    message = head + b"\r\n" + body
    return sink.signers(domain).signature(message, NOW) + message


def test_our_mail_passes() -> None:
    sink.check(signed(), SENDER)
    sink.check(b"Received: from a by b;\r\n\tSat\r\n" + signed(), SENDER)


def test_a_kept_from_passes_where_the_list_keeps_it() -> None:
    kept = HEAD.replace(f"<town@{DOMAIN}>".encode(), b"<ann@example.net>", 1)
    hers = signed(kept, domain="example.net")
    both = sink.signers(DOMAIN).signature(hers, NOW) + hers
    sink.check(both, SENDER, keeps_from=True)
    with pytest.raises(AssertionError):
        sink.check(both, SENDER)


@pytest.mark.parametrize("domain", ["", "example.org", "ample.net", "sub.example.net"])
def test_a_kept_from_needs_a_signature_of_its_own_domain(domain: str) -> None:
    kept = HEAD.replace(f"<town@{DOMAIN}>".encode(), b"<ann@example.net>", 1)
    inner = signed(kept, domain=domain) if domain else kept + b"\r\n" + BODY
    with pytest.raises(AssertionError, match="From is at"):
        sink.check(sink.signers(DOMAIN).signature(inner, NOW) + inner, SENDER, keeps_from=True)


@pytest.mark.parametrize(
    ("message", "sender"),
    [
        (HEAD + b"\r\n" + BODY, SENDER),
        (signed() + b"More.\r\n", SENDER),
        (signed().replace(b"Hello", b"Hullo"), SENDER),
        (signed(domain="example.org"), SENDER),
        (signed(), SENDER.replace("lists.", "")),
        (signed(), "town-bounces@lists.example.org"),
        (signed(HEAD + b"Subject: Again\r\n"), SENDER),
        (signed(HEAD.replace(b"Date", b"Dated")), SENDER),
        (signed(HEAD.replace(b"Precedence: list\r\n", b"")), SENDER),
        (signed(HEAD.replace(b"X-Auto-Response-Suppress: OOF\r\n", b"")), SENDER),
        (signed(body=b"x" * 999 + b"\r\n"), SENDER),
        (signed(body=b"a bare\nLF\r\n"), SENDER),
        (signed(body=b"a bare\rCR\r\n"), SENDER),
        (signed() + b"cut off", SENDER),
    ],
    ids=[
        "not signed", "changed body", "changed header", "signed by another", "comes back elsewhere",
        "no return path", "two subjects", "no date", "no precedence", "not suppressed",
        "a long line", "bare LF", "bare CR", "no end of line",
    ],
)  # fmt: skip
def test_what_is_worse_does_not(message: bytes, sender: str) -> None:
    with pytest.raises(AssertionError):
        sink.check(message, sender)
