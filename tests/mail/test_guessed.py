"""Reports in no standard's form, and mail that must not be taken for one."""

import email
import logging
import time

import pytest
from flufl.bounce import all_failures
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import parse_address
from listserv.mail.reports import Action, Failure, read_report
from tests.mail.building import crlf

MARY = parse_address("mary@example.org")
QMAIL = (
    "Hi. This is the qmail-send program at mx.example.org.\n"
    "I'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
    "<mary@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
    "--- Below this line is a copy of the message.\n\nSubject: Hello\n\n550 reasons to stay\n"
)
SORRY = "<mary@example.org>: Sorry, no mailbox here by that name. (#5.1.1)"
THE_FAILURE = Failure(MARY, Action.FAILED, "5.1.1", SORRY)

REPORTS: dict[str, tuple[str, str, Failure]] = {
    "qmail": ("From: MAILER-DAEMON@mx.example.org\nSubject: failure notice", QMAIL, THE_FAILURE),
    "without an author": ("Subject: failure notice", QMAIL, THE_FAILURE),
    "with an author of nothing": ("From: <>\nSubject: failure", QMAIL, THE_FAILURE),
    "Exim of old": (
        "From: a@b.example\nX-Failed-Recipients: mary@example.org\nSubject: Mail",
        "The following address(es) failed:\n\n  mary@example.org\n    mailbox is full\n",
        Failure(MARY, Action.FAILED, "", "mary@example.org mailbox is full"),
    ),
    "a delay": (
        "From: Mail Delivery Subsystem <mailer-daemon@mx.example.org>\nSubject: Delay",
        "Delivery to the following recipient has been delayed:\n\n     mary@example.org\n\n"
        "Message will be retried for 2 more day(s)\n",
        Failure(MARY, Action.DELAYED, "",
                "mary@example.org Message will be retried for 2 more day(s)"),
    ),
    "DragonFly, whose form nobody knows": (
        "From: MAILER-DAEMON <>\nSubject: Mail delivery failed",
        "This is the DragonFly Mail Agent.\n\nThere was an error delivering your mail.\n\n"
        "mx.example.org [192.0.2.1] did not like our RCPT TO:\n550 5.1.1 no such user\n\n"
        "Message headers follow.\n",
        Failure(None, Action.FAILED, "5.1.1", "550 5.1.1 no such user"),
    ),
    "a delay that nobody knows": (
        "From: postmaster@example.org\nSubject: Still waiting",
        "The other side says\n451 come back later\n",
        Failure(None, Action.DELAYED, "", "451 come back later"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_in_no_standards_form_is_read(name: str) -> None:
    header, body, failure = REPORTS[name]
    assert read_report(crlf(f"{header}\n\n{body}")) == (failure,)


AWAY = "From: Mary <mary@example.org>\nAuto-Submitted: auto-replied\n"
NO_REPORTS = {
    "a vacation answer in a mail system's words": f"{AWAY}Subject: Re: Hello\n\n{QMAIL}",
    "one that quotes the subject of a report": f"{AWAY}Subject: Re: Delivery failure\n\n{QMAIL}",
    "one in German": f"{AWAY}Subject: AW: Undeliverable mail\n\n{QMAIL}",
    "one of Exchange": f"{AWAY}Subject: Automatic reply: Delivery problem\n\n{QMAIL}",
    "one of a program that marks itself": (
        f"From: postmaster@example.org\nX-Autoreply: yes\nSubject: I am away\n\n{QMAIL}"
    ),
    "one of another": (
        f"From: postmaster@example.org\nPrecedence: auto_reply\nSubject: I am away\n\n{QMAIL}"
    ),
    "a person's postmaster address": (
        "From: postmaster@example.org\nSubject: Away\n\nI am back on Monday. Call 555 1234.\n"
    ),
    "a person who asks about a report": f"From: ann@example.org\nSubject: What is it?\n\n{QMAIL}",
    "a mail that was read": (
        "From: mary@example.org\nSubject: Read: Hello\nContent-Type: multipart/report; "
        "report-type=disposition-notification; boundary=b\n\n"
        f"--b\n\n{QMAIL}\n--b\nContent-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822;mary@example.org\n--b--\n"
    ),
}


@pytest.mark.parametrize("name", NO_REPORTS)
def test_mail_that_only_sounds_like_a_report_is_none(name: str) -> None:
    assert read_report(crlf(NO_REPORTS[name])) == ()


def test_these_would_be_taken_for_reports_by_their_words() -> None:
    taken = [all_failures(email.message_from_string(NO_REPORTS[name]))[1] for name in NO_REPORTS]
    assert taken.count(frozenset({b"mary@example.org"})) >= 6


RAISES = {
    "no author": b"Subject: failure notice\n\nAOL\n",
    "an author that is no text": b"From: \xff\xfe <\xff@\xff>\nX-Failed-Recipients: \xff@\xff\n\nx",
    "unknown charsets": (
        b"From: MAILER-DAEMON@a.example\nContent-Type: text/plain; charset=\"\xff\"\n"
        b"Content-Transfer-Encoding: base64\n\n%%%"
    ),
    "parts that are none": (
        b"From: MAILER-DAEMON@a.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: message/delivery-status\n\n--b\nContent-Type: message/rfc822\n\n--b--"
    ),
    "comments in comments": (
        b"From: MAILER-DAEMON@a.example\nX-Failed-Recipients: " + b"(" * 8000 + b"\n\nx"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RAISES)
def test_nothing_that_goes_wrong_comes_out(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        read_report(RAISES[name])
    assert not caplog.records


def test_who_guesses_raises_over_mail_without_an_author() -> None:
    with pytest.raises(IndexError):
        all_failures(email.message_from_string("Subject: failure notice\n\nHello\n"))


DAEMON = b"From: MAILER-DAEMON@mx.example.org\nSubject: failure notice\n"
MIXED = DAEMON + b"Content-Type: multipart/mixed; boundary=b\n\n"
STATUS = MIXED + b"--b\nContent-Type: message/delivery-status\n\n"
BOMBS = {
    "a line of white space": DAEMON + b"\nYour message to:\n" + b" " * 1_000_000,
    "a line of letters": DAEMON + b"\nYour message to:\n" + b"a" * 1_000_000,
    "empty lines": DAEMON + b"\n" + b"\n" * 1_000_000,
    "short lines": DAEMON + b"\n" + b"x\n" * 1_000_000,
    "bare CRs": DAEMON + b"\n" + b"x\r" * 1_000_000,
    "brackets": DAEMON + b"X-Failed-Recipients: " + b"<(\"" * 2000 + b"\n\nx",
    "many fields of brackets": DAEMON + (b"X-Failed-Recipients: " + b"<" * 8000 + b"\n") * 50,
    "many fields": DAEMON + b"X: y\n" * 1_000_000,
    "a thousand levels": DAEMON + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000)
    ) + b"x\n" * 100_000,
    "messages in messages": DAEMON + b"Content-Type: message/rfc822\n\n" * 10_000,
    "many parts": MIXED + b"--b\n\n\n" * 100_000,
    "a long type": MIXED + b"--b\nContent-Type: text/plain; x=\"" + b";" * 1_000_000 + b"\n\nx",
    "empty groups": STATUS + b"Action: x\n\n" * 100_000,
    "lines that are no fields": STATUS + b"x\n" * 500_000,
    "many statuses": MIXED + STATUS[len(MIXED):] * 199 + b"Action: x\n\n" * 100_000,
    "one group": STATUS + b"Final-Recipient: x\n" * 100_000,
    "a long address": STATUS + b"Final-Recipient: rfc822; " + b"<" * 1_000_000,
    "a crowd": STATUS + b"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n" * 10_000,
    "a page": DAEMON + b"Content-Type: text/html\n\n" + b"<a " * 300_000,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_made_to_take_long_does_not(name: str) -> None:
    began = time.process_time()
    read_report(BOMBS[name])
    assert time.process_time() - began < 5


_WORDS = st.sampled_from(
    [QMAIL, "mary@example.org", "<", ">", ":", "\n", "\n\n", "550 5.1.1 ", "Your message ", "\r",
     "Delivery to the following recipient failed\n", "=?utf-8?b?", "?=", "-", " ", "because:",
     "\x00", "\xe9"]
)  # fmt: skip


@given(st.sampled_from([DAEMON, MIXED, STATUS, b"\n"]), st.lists(_WORDS))
def test_any_text_of_a_mail_system_is_read(header: bytes, words: list[str]) -> None:
    for failure in read_report(header + b"\n" + "".join(words).encode("latin-1")):
        assert failure.words.isprintable()
