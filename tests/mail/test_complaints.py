"""Complaints: whose copy they are about, and mail that is none."""

import base64
import quopri
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.complaints import Complaint, read_complaint
from tests.mail.building import crlf, nested
from tests.mail.reporting import complaint, report

BOUNCES, LEAVE, WEB = "b" * 24, "c" * 24, "d" * 32
COPY = crlf(
    f"Return-Path: <town-bounces+{BOUNCES}@lists.example.org>\n"
    "Received: from mail.example.org by mx.example.net; Sat, 21 Nov 2026 12:00:00 +0000\n"
    f"List-Unsubscribe: <https://lists.example.org/prefix/u/{WEB}>,\n"
    f"\t<mailto:town-leave+{LEAVE}@lists.example.org>\n"
    "From: Ann via Town <town@lists.example.org>\nSubject: Hello\n\nGood morning.\n"
)
WHOLE = Complaint("abuse", (BOUNCES,), (WEB, LEAVE))

READ: dict[str, tuple[bytes, Complaint]] = {
    "with the whole copy": (complaint(COPY), WHOLE),
    "with its header alone": (
        complaint(COPY.partition(b"\r\n\r\n")[0], copy="text/rfc822-headers"), WHOLE,
    ),
    "in base64": (
        complaint(base64.encodebytes(COPY), encoding="Content-Transfer-Encoding: base64\n"), WHOLE,
    ),
    "in quoted-printable": (
        complaint(
            quopri.encodestring(COPY), encoding="Content-Transfer-Encoding: quoted-printable\n"
        ),
        WHOLE,
    ),
    "in capitals": (
        complaint(
            COPY, feedback="Abuse", report_type="FEEDBACK-REPORT", about="MESSAGE/feedback-Report"
        ),
        WHOLE,
    ),
    "with the return path only in what it says": (
        complaint(
            b"Subject: Hello\r\n\r\n",
            more=f"Original-Mail-From: <town-bounces+{BOUNCES}@x.example>\n",
        ),
        Complaint("abuse", (BOUNCES,), ()),
    ),
    "through somebody who rewrites return paths": (
        complaint(
            f"Return-Path: <SRS0=x=YZ=lists.example.org=town-bounces+{BOUNCES.upper()}@fwd.example>"
            .encode() + b"\r\n\r\n"
        ),
        Complaint("abuse", (BOUNCES,), ()),
    ),
    "without a token": (complaint(b"Subject: Hello\r\n\r\n"), Complaint("abuse", (), ())),
    "of another type": (
        complaint(COPY, feedback="not-spam"), Complaint("not-spam", (BOUNCES,), (WEB, LEAVE)),
    ),
    "with tokens in the text alone": (
        complaint(b"Subject: Hello\r\n\r\n" + COPY), Complaint("abuse", (), ()),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_complaint_names_the_copy_that_it_is_about(name: str) -> None:
    raw, expected = READ[name]
    assert read_complaint(raw) == expected


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n"])
def test_its_lines_may_end_in_anything(end: bytes) -> None:
    assert read_complaint(complaint(COPY).replace(b"\r\n", end)) == WHOLE


TYPES = {
    "abuse": True, "fraud": True, "opt-out": True, "opt-out-list": True,
    "not-spam": False, "auth-failure": False, "virus": False, "other": False, "": False,
}  # fmt: skip


@pytest.mark.parametrize("feedback", TYPES)
def test_only_some_complaints_say_that_mail_is_unwanted(feedback: str) -> None:
    read = read_complaint(complaint(COPY, feedback=feedback))
    assert read is not None and read.is_unwanted is TYPES[feedback]


NONE = {
    "a mail": COPY,
    "a report of another kind": report("Final-Recipient: rfc822; a@b.example\nAction: failed"),
    "the wrong type of report": complaint(COPY, report_type="delivery-status"),
    "nothing said about the copy": complaint(COPY, about="text/plain"),
    "no copy": complaint(COPY, copy="text/plain"),
    "a copy without a type": complaint(COPY).replace(b"Content-Type: message/rfc822", b"X: y", 1),
    "forwarded by hand": crlf(
        "From: mary@example.net\nSubject: Fwd: feedback-report\nContent-Type: multipart/mixed; "
        'boundary="=_c"\n\n--=_c\n\nPlease look at this.\n--=_c\nContent-Type: message/rfc822\n\n'
    ) + COPY + b"\r\n--=_c--\r\n",
    "a complaint forwarded by hand": crlf(
        "From: mary@example.net\nSubject: Fwd: feedback-report\nContent-Type: multipart/mixed; "
        'boundary="=_c"\n\n--=_c\n\nWhat is it?\n--=_c\nContent-Type: message/rfc822\n\n'
    ) + complaint(COPY) + b"\r\n--=_c--\r\n",
    "fifty levels": nested(50).replace(b"hello", complaint(COPY)),
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("name", NONE)
def test_what_only_looks_like_a_complaint_is_none(name: str) -> None:
    assert read_complaint(NONE[name]) is None


BOMBS = {
    "a header without an end": complaint(b"Return-Path: <" + b"a" * 2_000_000),
    "tokens": complaint(
        "".join(f"Return-Path: {2222 + n}{'a' * 20}\r\n" for n in range(2000)).encode()
    ),
    "many parts": complaint(COPY).replace(b"--=_b--", b"--=_b\r\n\r\n\r\n" * 100_000),
    "20 MB": complaint(COPY + b"x" * 20_000_000),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_made_to_take_long_does_not(name: str) -> None:
    began = time.process_time()
    read = read_complaint(BOMBS[name])
    assert time.process_time() - began < 5
    assert read is None or len(read.return_path) + len(read.unsubscribe) <= 40


@given(st.binary(), st.binary())
def test_any_octets_are_read(copy: bytes, more: bytes) -> None:
    read_complaint(more + complaint(copy, more=more.decode("latin-1")))
    read_complaint(copy + b"feedback-report" + more)
