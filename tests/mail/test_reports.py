"""Reports of other mail systems: what is read of them, and that nothing harmful is."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import parse_address
from listserv.mail.report_text import MAX_WORDS
from listserv.mail.reports import MAX_FAILURES, Action, Failure, read_report
from tests.mail.building import crlf, nested
from tests.mail.reporting import report

MARY = parse_address("mary@example.org")


def group(*fields: str) -> str:
    return "\n".join(fields)


FAILED = group(
    "Final-Recipient: rfc822; mary@example.org",
    "Action: failed",
    "Status: 5.1.1",
    "Diagnostic-Code: smtp; 550 5.1.1 <mary@example.org>: no such\n    user here",
)
THE_FAILURE = Failure(
    MARY, Action.FAILED, "5.1.1", "550 5.1.1 <mary@example.org>: no such user here"
)


def test_a_report_tells_who_why_and_in_whose_words() -> None:
    assert read_report(report(FAILED)) == (THE_FAILURE,)


READ = {
    "delayed": (("Action: delayed", "Status: 4.4.1"), (Action.DELAYED, "4.4.1")),
    "delivered": (("Action: delivered", "Status: 2.0.0"), (Action.DELIVERED, "2.0.0")),
    "relayed": (("Action: relayed", "Status: 2.0.0"), (Action.RELAYED, "2.0.0")),
    "expanded": (("Action: expanded", "Status: 2.0.0"), (Action.EXPANDED, "2.0.0")),
    "given up": (("Action: failed", "Status: 4.4.7"), (Action.FAILED, "4.4.7")),
    "in capitals": (("ACTION: FAILED", "STATUS: 5.1.1"), (Action.FAILED, "5.1.1")),
    "with comments": (
        ("Action: failed (bounced)", "Status: 5.1.1 (no such user)"), (Action.FAILED, "5.1.1"),
    ),
    "OpenSMTPD": (("Action: error", "Status: 5.0.0"), (Action.FAILED, "5.0.0")),
    "no action": (("Status: 5.1.1",), (Action.FAILED, "5.1.1")),
    "no action, not yet": (("Status: 4.4.1",), (Action.DELAYED, "4.4.1")),
    "no status": (("Action: failed",), (Action.FAILED, "")),
    "a status in the reply": (
        ("Action: failed", "Diagnostic-Code: smtp; 550-5.2.1 off"), (Action.FAILED, "5.2.1"),
    ),
    "no status but an address": (
        ("Action: failed", "Diagnostic-Code: smtp; 550 [192.0.2.1.5]"), (Action.FAILED, ""),
    ),
    "an action of the future": (("Action: archived", "Status: 5.1.1"), (Action.FAILED, "5.1.1")),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_became_of_the_copy_is_read_however_it_is_written(name: str) -> None:
    fields, expected = READ[name]
    one = report(group("Final-Recipient: rfc822; mary@example.org", *fields))
    (failure,) = read_report(one)
    assert (failure.action, failure.status) == expected
    assert failure.recipient == MARY


RECIPIENTS = {
    "rfc822; mary@example.org": "mary@example.org",
    "RFC822;mary@example.org": "mary@example.org",
    "rfc822; <mary@example.org>": "mary@example.org",
    "rfc822; mary@example.org (Mary)": "mary@example.org",
    "mary@example.org": "mary@example.org",
    "<mary@example.org>": "mary@example.org",
    'rfc822; "mary;jane"@example.org': '"mary;jane"@example.org',
    "utf-8; Bj\u00f6rn@example.org": "Bj\u00f6rn@example.org",
    r"utf-8; Bj\x{F6}rn@example.org": "Bj\u00f6rn@example.org",
    r"UTF-8;mary\x{2B}lists@example.org": "mary+lists@example.org",
    r"utf-8; \x{1F33B}@example.org": "\U0001f33b@example.org",
    r"utf-8; \x{FFFFFF}@example.org": None,
    r"utf-8; \x{D800}a@example.org": None,
    "utf-8; mary@b\u00fccher.example": "mary@xn--bcher-kva.example",
    r"rfc822; Bj\x{F6}rn@example.org": None,
    "x400; /c=gb/s=mary/": None,
    "rfc822; mary": None,
    "rfc822;": None,
    "": None,
}


@pytest.mark.parametrize("written", RECIPIENTS)
def test_a_recipient_is_read_as_the_standards_and_others_write_it(written: str) -> None:
    expected = RECIPIENTS[written]
    kinds = ("message/delivery-status", "message/global-delivery-status")
    for kind in kinds:
        one = report(group(f"Final-Recipient: {written}", "Action: failed"), kind=kind)
        (failure,) = read_report(one)
        assert failure.recipient == (parse_address(expected) if expected else None)


def test_the_recipient_that_we_named_counts_before_the_one_it_went_on_to() -> None:
    (failure,) = read_report(
        report(
            group(
                "Original-Recipient: rfc822; mary@example.org",
                "Final-Recipient: rfc822; m123@inside.example.net",
                "Action: failed",
            )
        )
    )
    assert failure.recipient == MARY


def test_each_of_several_recipients_is_told_of() -> None:
    jane = FAILED.replace("mary", "jane").replace("failed", "delayed").replace("5.1.1", "4.2.2")
    found = read_report(report(FAILED, jane))
    assert [(str(f.recipient), f.action) for f in found] == [
        ("mary@example.org", Action.FAILED),
        ("jane@example.org", Action.DELAYED),
    ]
    together = report(f"{FAILED}\n{jane}")
    assert read_report(together) == found, "some write no blank line between them"


def test_who_writes_everything_into_one_group_is_understood() -> None:
    raw = report(FAILED).replace(b"mx.example.org\r\n\r\nFinal", b"mx.example.org\r\nFinal")
    assert read_report(raw) == (THE_FAILURE,)


ENDS = {"CR LF": b"\r\n", "LF": b"\n", "CR": b"\r", "CR CR LF": b"\r\r\n"}


@pytest.mark.parametrize("name", ENDS)
def test_lines_may_end_in_anything(name: str) -> None:
    assert read_report(report(FAILED).replace(b"\r\n", ENDS[name])) == (THE_FAILURE,)


def test_lines_may_end_in_several_things_at_once() -> None:
    lines = report(FAILED).split(b"\r\n")
    ends = list(ENDS.values())[:3]
    mixed = b"".join(line + ends[n // 2 % 3] for n, line in enumerate(lines))
    assert read_report(mixed) == (THE_FAILURE,)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_status_that_some_gateway_encoded_is_read(encoding: str) -> None:

    status = f"Reporting-MTA: dns; mx.example.org\n\n{FAILED}\n".encode()
    body = base64.encodebytes(status) if encoding == "base64" else quopri.encodestring(status)
    head, _, tail = report("@", before=f"Content-Transfer-Encoding: {encoding}\n").partition(
        b"Reporting-MTA: dns; mx.example.org\r\n\r\n@\r\n"
    )
    assert read_report(head + body.replace(b"\n", b"\r\n") + tail) == (THE_FAILURE,)


NO_REPORTS = {
    "nothing": b"",
    "a mail": crlf("From: mary@example.org\nSubject: Hello\n\nFinal-Recipient: mary@example.org\n"),
    "a vacation answer": crlf(
        "From: mary@example.org\nAuto-Submitted: auto-replied\nSubject: Out of office\n\n"
        "I am away until Monday. Your message to the following recipients cannot be read.\n"
    ),
    "a receipt that it was read": crlf(
        "From: mary@example.org\nSubject: Read: Hello\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        "--b\n\nIt was read.\n--b\nContent-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822;mary@example.org\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n"
    ),
    "a returned report inside a mail": crlf(
        "From: mary@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nWhat?\n"
        "--b\nContent-Type: message/rfc822\n\n"
    )
    + report(FAILED)
    + b"\r\n--b--\r\n",
    "a status that says nothing": report("Arrival-Date: Mon, 1 Jan 2024 00:00:00 +0000"),
    "no parts": crlf("Content-Type: multipart/report; boundary=\n\nFinal-Recipient: a@b.example\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_REPORTS)
def test_what_is_no_report_reports_nothing(name: str) -> None:
    assert read_report(NO_REPORTS[name]) == ()


def test_words_are_one_printable_line_and_not_too_long() -> None:
    words = "\x1b]0;title\x07 550 \u202egpj.exe\u202c =?utf-8?q?gr=C3=BCn?=\n\t" + "x" * 5000
    (failure,) = read_report(
        report(group("Final-Recipient: rfc822; a@b.example", "Action: failed",
                     f"Diagnostic-Code: smtp; {words}"))
    )  # fmt: skip
    assert failure.words.isprintable()
    assert len(failure.words) == MAX_WORDS
    assert failure.words.startswith("]0;title 550 gpj.exe grün xxx")


def test_no_more_people_are_read_than_anybody_mails_at_once() -> None:
    crowd = (FAILED.replace("mary", f"m{n}") for n in range(MAX_FAILURES + 100))
    assert len(read_report(report(*crowd))) <= MAX_FAILURES


@pytest.mark.parametrize("depth", [50, 400])
def test_deep_parts_hide_nothing_and_harm_nobody(depth: int) -> None:
    assert read_report(nested(depth)) == ()


@given(st.binary())
def test_any_octets_are_read(raw: bytes) -> None:
    read_report(raw)


@given(st.lists(st.sampled_from(
    ["Final-Recipient:", "Original-Recipient:", "Action: failed", "Action:", "Status: 5.1.1",
     "Status:", "Diagnostic-Code: smtp;", " rfc822;", " utf-8;", "a@b.example", "<", ">", "(", ")",
     "\\x{", "}", "\n", "\n\n", "\r", "\t", "\x00", "é", ":", ";", " "]
)))  # fmt: skip
def test_any_status_is_read_and_its_words_can_be_shown(pieces: list[str]) -> None:
    for failure in read_report(report("".join(pieces))):
        assert failure.words.isprintable()
        assert len(failure.words) <= MAX_WORDS
