"""A held message as moderators get it: nothing that is shown as HTML, nothing of the connection,
and whatever it is made of, a whole mail of 7 bits."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listserv.mail.held_copy import held_copy
from listserv.mail.notices import Frame, write_notice
from listserv.mail.readable import readable
from listserv.resources import JinjaTemplates
from tests.flow.world import an_address

TEMPLATES = JinjaTemplates()
HTML = b"<html><body><script>alert(1)</script>Buy</body></html>\r\n"
# As some reader or other takes it for HTML.
ODD_TYPES: tuple[bytes, ...] = (
    b"text/html", b"TEXT/HTML; charset=utf-8", b"text / html", b'"text/html"', b"text/html(so)",
    b"(c) text/html", b"\r\n text/html", b"text/html;;;", b"text/ht\r\n ml", b"text/html\x00",
    b"text/x-html", b"application/xhtml+xml", b"image/svg+xml", b"text/xml", b"application/xml",
    b"message/rfc822", b"message/external-body; access-type=URL; URL=\"http://x/\"",
    b"multipart/related; boundary=none", b"text/html; x=" + b"y" * 9000,
    b"application/octet-stream; name=page.html", b"text/plain; name=\"page.HTM\"",
    b"image/png; name=x.svg", b"=?utf-8?q?text/html?=", b"text/html\xff",
    b"application/octet-stream; name*=utf-8''page.html",
    b"application/pdf; name=\"=?utf-8?q?p=2Ehtml?=\"",
)  # fmt: skip
TRACES = (
    b"Received: from [203.0.113.9] by mail.example\r\n",
    b"X-Originating-IP: [203.0.113.9]\r\n",
    b"Return-Path: <ann-203.0.113.9@example.org>\r\n",
    b"X-Mailer: on 203.0.113.9\r\n",
    b"User-Agent: on 203.0.113.9\r\n",
    b"Authentication-Results: x; iprev=pass policy.iprev=203.0.113.9\r\n",
    b"DKIM-Signature: v=1; b=203.0.113.9\r\n",
    b"Disposition-Notification-To: 203.0.113.9@example.org\r\n",
    b"Reply-To: 203.0.113.9@example.org\r\n",
    b"Content-X: 203.0.113.9\r\n",
    b"Content-Location: http://203.0.113.9/\r\n",
)


def left_out(kind: str, size: int) -> str:
    return f"[{kind} of {size} left out]\n"


def copy(raw: bytes) -> bytes:
    """It, after the checks that hold for every one."""
    made = held_copy(raw, left_out)
    assert made.isascii() and b"\0" not in made
    assert made.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", made)
    assert max(map(len, made.split(b"\r\n"))) <= 998
    for part in parts(made):
        assert part.get_content_type() not in {"text/html", "message/rfc822"}
        assert "html" not in str(part.get("Content-Type", "")).lower()
        assert str(part.get_content_maintype()) != "message"
    return made


def parts(raw: bytes) -> list[Message]:
    return list(message_from_bytes(raw).walk())


def parts_of(whole: Message) -> tuple[Message, Message]:
    """Of a multipart of two."""
    payload = whole.get_payload()
    assert isinstance(payload, list)
    first, second = payload
    assert isinstance(first, Message) and isinstance(second, Message)
    return first, second


def message(*fields: bytes, body: bytes = b"Hello\r\n") -> bytes:
    head = b"From: Ann <ann@example.org>\r\nSubject: Hi\r\nMIME-Version: 1.0\r\n"
    return head + b"".join(fields) + b"\r\n" + body


def typed(kind: bytes, body: bytes = HTML) -> bytes:
    return message(b"Content-Type: " + kind + b"\r\n", body=body)


def inside(*wrapped: bytes, kind: bytes = b"multipart/mixed") -> bytes:
    body = b"".join(b"--b\r\n" + one + b"\r\n" for one in wrapped) + b"--b--\r\n"
    return typed(kind + b"; boundary=b", body)


@pytest.mark.parametrize("kind", ODD_TYPES, ids=lambda kind: repr(kind)[:40])
def test_html_never_goes_along_as_html(kind: bytes) -> None:
    part = b"Content-Type: " + kind + b"\r\n\r\n" + HTML
    attached = b"Content-Disposition: attachment; filename=x\r\n" + part
    copy(typed(kind))
    copy(inside(part, attached, kind=b"multipart/alternative"))
    nested = b"Content-Type: multipart/related; boundary=c\r\n\r\n--c\r\n" + part + b"\r\n--c--\r\n"
    copy(inside(nested))
    copy(inside(b"Content-Type: message/rfc822\r\n\r\n" + typed(kind)))


def test_html_stays_readable_as_its_source() -> None:
    made = copy(inside(b"Content-Type: text/html; charset=utf-8\r\n\r\n" + HTML))
    assert b"<script>alert(1)</script>" in made


@pytest.mark.parametrize(
    "name", ["page.html", "page.xhtml", "x.svg", "mail.eml", "p.html. ", "P.MHT"]
)
def test_what_opens_as_html_by_its_name_stays_out(name: str) -> None:
    part = b'Content-Disposition: attachment; filename="%s"\r\n' % name.encode()
    part += b"Content-Type: application/octet-stream\r\n\r\n" + HTML
    made = copy(inside(part))
    assert b"left out]" in made and b"script" not in made


def test_parts_nested_too_deep_or_too_many_do_not_go_along() -> None:
    deep = b"Content-Type: text/html\r\n\r\n" + HTML
    for level in range(40):
        mark = b"m%d" % level
        deep = b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n--%s\r\n%s\r\n--%s--\r\n' % (
            mark, mark, deep, mark,
        )  # fmt: skip
    assert b"script" not in copy(message(deep.partition(b"\r\n\r\n")[0] + b"\r\n",
                                         body=deep.partition(b"\r\n\r\n")[2]))  # fmt: skip
    copy(inside(*[b"Content-Type: text/html\r\n\r\n" + HTML] * 300))


def test_readers_that_see_another_boundary_see_the_same_parts() -> None:
    """Of two boundaries in one field the first counts for some, the last for others."""
    body = (
        b"--a\r\n\r\nHello\r\n--b\r\nContent-Type: text/html\r\n\r\n" + HTML + b"--b--\r\n--a--\r\n"
    )
    for kind in (
        b"multipart/mixed; boundary=a; boundary=b",
        b"multipart/mixed; boundary=b; boundary=a",
    ):
        made = copy(typed(kind, body))
        assert made.count(b"boundary=") == 1


def test_nothing_tells_of_the_authors_connection() -> None:
    part = b"Content-Type: text/plain\r\n" + b"".join(TRACES) + b"\r\nHello"
    body = b"203.0.113.9\r\n--b\r\n" + part + b"\r\n--b--\r\n203.0.113.9"
    made = copy(message(*TRACES, b"Content-Type: multipart/mixed; boundary=b\r\n", body=body))
    assert b"203.0.113.9" not in made
    assert b"From: Ann <ann@example.org>" in made and b"Hello" in made


def test_large_attachments_are_replaced_and_others_go_along() -> None:
    large = b"Content-Type: image/png; name=large.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    small = large.replace(b"large", b"small") + b"QUJD\r\n"
    made = copy(inside(b"\r\nHello", small, large + b"QUJD\r\n" * 20_000))
    assert len(made) < 2_000
    assert b"[image/png of 120" in made
    assert [part.get_filename() for part in parts(made)] == [None, None, "small.png", None]
    assert parts(made)[2].get_payload(decode=True) == b"ABC"
    assert len(copy(typed(b"image/png", b"A" * 200_000))) < 1_000


def test_8_bit_text_and_long_lines_are_readable() -> None:
    text = "Grüße " * 300
    raw = typed(b"text/plain; charset=utf-8", text.encode() + b"\r\n")
    payload = message_from_bytes(copy(raw)).get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().strip() == text.strip()


def test_8_bit_header_fields_are_ascii() -> None:
    fields = "Subject: Grüße\r\nFrom: Jürgen <j@example.org>\r\n".encode()
    made = message_from_bytes(copy(fields + b"To: \xff\xfe <a@b.example>\r\n\r\nHello"))
    assert str(make_header(decode_header(made["Subject"]))) == "Grüße"
    assert made["From"] == "J?rgen <j@example.org>"
    assert made["To"] == "? <a@b.example>"


@pytest.mark.parametrize("kind", [b"application/\xff\xfe", b"message/\xff", b"x/" + b"y" * 99])
def test_a_type_that_nobody_can_write_is_no_fault_of_ours(kind: bytes) -> None:
    copy(inside(b"Content-Type: " + kind + b"; name=x\r\n\r\n" + b"A" * 150_000))


def test_what_replaces_a_part_of_an_unwritable_type_can_be_written() -> None:
    def in_words(kind: str, size: int) -> str:
        return TEMPLATES.render("part-left-out.txt", {"type": kind, "size": f"{size} kB"})

    raw = inside(b"Content-Type: message/\xff\r\n\r\nA")
    assert held_copy(raw, in_words).isascii()


_SOUP = st.lists(
    st.sampled_from(
        [b"Content-Type: text/html\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b",
         b"--b--", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"Content-Type: message/rfc822\r\n", b"\0",
         b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: x\r\n", b"A" * 1200,
         b"Content-Transfer-Encoding: quoted-printable\r\n", b"\xff\xfe", b"From: a@b.example\r\n",
         b"Subject: \xff\xc3\xbc\r\n", b"To: \xe4",
         b"Content-Disposition: attachment; filename=x.html\r\n", b"Subject: ", b"approve", b"<b>"]
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


@given(st.one_of(st.binary(max_size=400), _SOUP))
@example(b"")
@example(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n")
def test_any_bytes_make_a_notice_that_is_a_valid_multipart(raw: bytes) -> None:
    frame = Frame(
        sender_name="Town", sender="town-request@lists.example.org", reply_to=None,
        to=an_address("mo@example.org"), message_id="<7f3a.2@lists.example.org>",
        date=datetime(2026, 11, 21, tzinfo=UTC),
    )  # fmt: skip
    text = readable(raw, 60)
    values = {
        "title": "Town", "author": "a@b.example", "subject": "", "joins": False, "name": "",
        "reasons": ["it waits"], "lines": text.lines, "more": text.more, "attached": True,
        "others": text.others, "more_others": text.more_others,
        "attachments": [f"{name or kind} ({size} kB)" for name, kind, size in text.attachments],
    }  # fmt: skip
    made = write_notice(TEMPLATES, "moderator-held.txt", frame, values, attached=copy(raw))
    assert made.isascii() and max(map(len, made.split(b"\r\n"))) <= 998
    whole = message_from_bytes(made)
    assert whole.get_content_type() == "multipart/mixed"
    first, second = parts_of(whole)
    assert first.get_content_type() == "text/plain"
    assert second.get_content_type() == "message/rfc822"
    assert not [defect for part in (whole, first, second) for defect in part.defects]
    # Whatever the post says stands behind a mark, below our own first line.
    shown = first.get_payload(decode=True)
    assert isinstance(shown, bytes)
    quoted = shown.decode().split("The post:\r\n", 1)[1:]
    for line in "".join(quoted).partition("Attachments:")[0].split("\r\n"):
        assert not line or line.startswith(">")


def test_an_encoding_or_a_type_that_readers_guess_at_does_not_go_along() -> None:
    encoded = b"Content-Type: text/html\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x"
    made = copy(inside(b"\r\nHello", encoded))
    assert b"left out]" in made and b"begin 644" not in made
    made = copy(inside(b"\r\nHello", b"Content-Type: x/(so)\xfft\r\n\r\nABC"))
    assert b"Content-Type: application/octet-stream\r\n" in made
