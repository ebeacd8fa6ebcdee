"""The arguments of MAIL and RCPT."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import parse_address
from listserv.domain.replies import BAD_ADDRESS, Reply
from listserv.smtp.envelope import MailFrom, read_mail, read_rcpt
from listserv.smtp.replies import NEEDS_SMTPUTF8, PARAMETER_UNKNOWN, PROTOCOL_REPLIES, SYNTAX, plain

MAIL: dict[str, MailFrom | Reply] = {
    "FROM:<ann@example.org>": MailFrom("ann@example.org", 0, False),
    "from:<Ann@Example.org> size=10": MailFrom("Ann@Example.org", 10, False),
    "FROM: <ann@example.org>  SIZE=10  BODY=8bitmime": MailFrom("ann@example.org", 10, False),
    "FROM:<ann@bücher.example> SMTPUTF8": MailFrom("ann@bücher.example", 0, True),
    "FROM:<ann@bücher.example>": NEEDS_SMTPUTF8,
    "FROM:<> BODY=7BIT": MailFrom("", 0, False),
    "FROM:": SYNTAX,
    "": SYNTAX,
    "TO:<ann@example.org>": SYNTAX,
    "FROM <ann@example.org>": SYNTAX,
    "FROM:<ann@example.org>SIZE=1": SYNTAX,
    "FROM:<ann@example.org> SIZE": SYNTAX,
    "FROM:<ann@example.org> SIZE=-1": SYNTAX,
    "FROM:<ann@example.org> SIZE=\u0661": SYNTAX,
    "FROM:<ann@example.org> SIZE=123456789012345678901": SYNTAX,
    "FROM:<ann@example.org> SIZE=1 SIZE=2": SYNTAX,
    "FROM:<ann@example.org> SIZE=1=2": SYNTAX,
    "FROM:<ann@example.org> SMTPUTF8=yes": SYNTAX,
    "FROM:<ann@example.org> BODY=BINARYMIME": SYNTAX,
    "FROM:<ann@example.org> AUTH=<>": PARAMETER_UNKNOWN,
    "FROM:<ann@example.org> REQUIRETLS": PARAMETER_UNKNOWN,
    "FROM:<=?utf-8?q?a=0d=0aX?=@evil.example>": BAD_ADDRESS,
    "FROM:<@relay.example:ann@example.org>": BAD_ADDRESS,
}

RCPT: dict[str, str | Reply] = {
    "TO:<town@lists.example.org>": "town@lists.example.org",
    "to: <Town@LISTS.example.org>": "Town@LISTS.example.org",
    'TO:<"to wn"@lists.example.org>': '"to wn"@lists.example.org',
    "TO:<postmaster>": "postmaster@lists.example.org",
    "TO:<PostMaster>": "PostMaster@lists.example.org",
    "TO:<town>": BAD_ADDRESS,
    "TO:<>": BAD_ADDRESS,
    "TO:<town@lists.example.org> NOTIFY=NEVER": PARAMETER_UNKNOWN,
    "TO:<grüße@lists.example.org>": NEEDS_SMTPUTF8,
}


@pytest.mark.parametrize(("argument", "wanted"), MAIL.items())
def test_mail(argument: str, wanted: MailFrom | Reply) -> None:
    assert read_mail(argument) == wanted


def test_a_sender_nobody_can_read_is_taken_where_a_refusal_would_be_bounced() -> None:
    for text in ("=?utf-8?q?a=0d=0aX?=@evil.example", "ann@under_score.example", "ann"):
        assert read_mail(f"FROM:<{text}>", any_sender=True) == MailFrom(text, 0, False)


@pytest.mark.parametrize(("argument", "wanted"), RCPT.items())
def test_rcpt(argument: str, wanted: str | Reply) -> None:
    assert read_rcpt(argument, utf8=False, domain="lists.example.org") == wanted


# Longer than a command line can be, and made of what the grammar is made of.
hostile = st.text(st.sampled_from('<>"\\@.a=?() \u00e4\x00'), max_size=2100)


@given(hostile)
def test_whatever_is_taken_is_an_address(text: str) -> None:
    for address in (
        read_rcpt(f"TO:{text}", utf8=True, domain="x.example"),
        read_rcpt(f"TO:<{text}>", utf8=True, domain="x.example"),
    ):
        if isinstance(address, str):
            assert parse_address(address) is not None
            assert address in text


@pytest.mark.parametrize("text", ['<"' + "\\" * 2000, "<" + '""' * 1000, '<"' + '\\"' * 1000])
def test_reading_takes_no_time_that_grows_faster_than_the_text(text: str) -> None:
    assert read_mail(f"FROM:{text}") is SYNTAX


def test_every_reply_can_be_sent_as_it_is() -> None:
    for reply in PROTOCOL_REPLIES:
        assert plain(reply.line) == reply.line
        assert reply.status[0] == str(reply.code)[0]
