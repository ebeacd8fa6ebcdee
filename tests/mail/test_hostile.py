"""Mail that was made to break readers: each is read within limits, and a copy of it is harmless.

The cases are those of the threat list: bombs (18), inputs that crash the email package (19), odd
authors (24), and header injection through what we write ourselves (43).
"""

import email

import pytest

from listserv.mail.mime import MAX_FIELD
from listserv.mail.parse import parse
from tests.mail.building import a_list, a_post, copy_of, crlf, fields_of, nested

LONG = MAX_FIELD + 1
BOMBS: dict[str, tuple[bytes, str]] = {
    "400 levels of parts": (nested(400), "parts are nested deeper than 20"),
    "100,000 parts": (
        crlf("Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\n\n" * 100_000),
        "it has more than 200 parts",
    ),
    "semicolons in Content-Type": (
        a_post("Content-Type: multipart/mixed" + ";" * 31_000),
        "Content-Type is longer than 8 kB",
    ),
    "parameters in Content-Disposition": (
        a_post("Content-Disposition: attachment" + "; a=b" * 10_000),
        "Content-Disposition is longer than 8 kB",
    ),
    "comments in From": (
        a_post(f"From: {'(' * LONG}{')' * LONG} ann@example.org", ann=False),
        "From is longer than 8 kB",
    ),
    "addresses in To": (a_post("To: " + "a@b.example, " * 1000), "To is longer than 8 kB"),
    "addresses in Cc": (a_post("Cc: " + "<" * LONG), "Cc is longer than 8 kB"),
    "a header of a megabyte": (
        a_post(*(f"X-{n}: {'x' * 60}" for n in range(15_000))),
        "its header is longer than 100 kB",
    ),
    "a header without an end": (b"X: " + b"y" * 2_000_000, "its header is longer than 100 kB"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_is_beyond_a_limit_is_not_read_and_named(bomb: str) -> None:
    raw, defect = BOMBS[bomb]
    post = parse(raw)
    assert defect in post.defects
    assert post.size == len(raw)


# Just below the limits, where only the shape is hostile: these have to be linear.
SHAPES = {
    "semicolons": "Content-Type: multipart/mixed" + ";" * 8000,
    "spaces between semicolons": "Content-Type: multipart/mixed" + "; " * 4000,
    "unclosed quotes": "Content-Type: text/plain" + ';a="\\' * 1600,
    "names without values": "Content-Type: text/plain;" + "a" * 8000,
    "nested comments": "To: " + "(" * 4000 + ")" * 4000,
    "unclosed comments": "To: " + "(" * 8000,
    "angles": "To: " + "<" * 8000,
    "quotes": 'To: "' + '\\"' * 4000,
    "commas": "To: " + "," * 8000,
    "colons": "To: " + ":" * 8000,
    "encoded words without end": "Subject: " + "=?utf-8?q?" * 9000,
    "question marks": "Subject: " + "=?" * 40_000,
    "reply marks": "Subject: " + "re:" * 30_000,
    "brackets": "Subject: " + "[" * 90_000,
    "white space in a fold": "Subject: a" + "\n " * 40_000,
    "a message id": "Message-ID: " + "<" * 90_000,
    "a list id": "List-Id: " + "< " * 40_000,
    "spaces in a list id": "List-Id: <" + " " * 90_000,
    "a keyword": "Auto-Submitted: " + "(" * 90_000,
}
BODIES = {
    "unclosed comments": "<!--" * 5000,
    "unclosed tags": "<p" * 9000,
    "less-than signs": "<" * 17_000,
    "unclosed styles": "<style>" * 3000,
    "ampersands": "&#" * 9000,
    "digits": "&#" + "9" * 17_000,
    "quotation marks": ">" * 17_000,
    "attributions": "On On On:\n> " * 2000,
    "a rule that is none": "-" * 16_000 + "x\n",
    "a rule with much in it": ("-" * 100 + "x") * 160 + "\n",
    "blank lines": "\n" * 60_000,
    "boundaries that are none": "--bx\n" * 60_000,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_header_fields_are_read_and_copied(shape: str) -> None:
    raw = a_post(SHAPES[shape])
    assert parse(raw).size == len(raw)
    assert copy_of(raw, subject_prefix="[town]", footer="-- \nfoot").body


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "multipart/mixed; boundary=b"])
@pytest.mark.parametrize("shape", BODIES)
def test_hostile_bodies_are_read_and_copied(shape: str, kind: str) -> None:
    raw = a_post(f"Content-Type: {kind}", body=BODIES[shape])
    assert parse(raw).size == len(raw)
    assert copy_of(raw, footer="-- \nfoot").body


# Each made some version of the email package raise.
CRASHES = [
    "Message-ID: <[a]@b> x",
    "Message-ID: <a@",
    "From: .. <a@b>",
    "From: <@",
    "From: =?utf-8?q?=0D=0A?= <a@b>",
    "From: " + "(" * 1000 + ")" * 1000,
    "To: =?utf-8?q?a=0d=0ab?=@example.org",
    "Content-Type: text/plain; *=x",
    "Content-Type: text/plain; charset=x-unknown",
    "Content-Type: text/plain; charset*=x-unknown''%ff",
    "Content-Type: text/plain; charset=\x01",
    "Content-Type: text/plain; filename*99999999999*=x",
    "Content-Type: text/plain; name*0*=us-ascii'en'x; name*0=y",
    "Content-Type: text/plain; charset=idna",
    "Content-Type: text/plain; charset=zlib",
    "Content-Type: text/html; charset=big5\nContent-Transfer-Encoding: 8bit",
    "Content-Type: /",
    "Content-Type: multipart/mixed; boundary=\udcff",
    "Content-Transfer-Encoding: \u2028",
    "Content-Transfer-Encoding: base64",
    "Content-Transfer-Encoding: x-uuencode",
    "Content-Disposition: ;",
    "Date: \x0b",
    "Date: Mon, 99 Foo 99999999999 99:99:99 +9999",
    "Subject: =?x?q?=FF?=",
    "Subject: =?utf-8?b?a?=",
    "Subject: =?utf-8?b?=?=",
    "Subject : x",
    "Subject: a\x0bb\x0cc",
    "X\x0b: y",
    ": no name",
    "no colon",
    " continuation of nothing",
]


@pytest.mark.parametrize("field", CRASHES)
def test_what_crashes_other_readers_is_read_and_copied(field: str) -> None:
    raw = field.replace("\n", "\r\n").encode("utf-8", "surrogateescape")
    raw += b"\r\nFrom: Ann <ann@example.org>\r\n\r\nhello \xff\r\n"
    parse(raw)
    copy = copy_of(raw, subject_prefix="[ü]", footer="-- \nfüße")
    assert copy.body
    fields_of(copy.head)


def test_utf7_never_becomes_markup() -> None:
    raw = a_post("Content-Type: text/html; charset=utf-7", body="+ADw-script+AD4-alert(1)\n")
    assert parse(raw).first_line == "+ADw-script+AD4-alert(1)"
    assert copy_of(raw, footer="foot").body == b"+ADw-script+AD4-alert(1)\r\n"


INJECTIONS = ["\r\nBcc: evil@x.example", "\nBcc: evil@x.example", "\rBcc: evil@x.example",
              "\u2028Bcc: evil@x.example", "\x85Bcc: e@x.example", "\x0bBcc: e@x.example",
              "\x00\r\n\r\nBcc: evil@x.example"]  # fmt: skip


@pytest.mark.parametrize("injection", INJECTIONS)
def test_nothing_that_a_person_wrote_makes_a_header_field_of_ours(injection: str) -> None:
    encoded = "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in injection.encode()) + "?="
    raw = a_post(
        f"From: {encoded} <ann@example.org>", f"Subject: {encoded}", f"Cc: {encoded} <b@x.example>",
        ann=False,
    )  # fmt: skip
    settings = {"title": f"T{injection}", "subject_prefix": f"[T{injection}]"}
    for given in ({}, settings, settings | {"reply_to": "author"}):
        copy = copy_of(raw, a_list(**given))
        names = [name for name, _ in fields_of(copy.head)]
        assert "bcc" not in names
        assert len(names) == len(set(names)), "no field twice"
        assert email.message_from_bytes(copy.head)["Bcc"] is None


SMUGGLED = {
    "a bare CR": b"Subject: a\rApproved: x\r\n",
    "a NUL": b"Subject: a\0Approved: x\r\n",
    "a bare LF in a fold": b"Subject: a\n Approved: x\r\n",
    "an empty fold": b"Subject: a\r\n \r\nX: y\r\n",
    "a CR at the end": b"X: y\r",
}


@pytest.mark.parametrize("case", SMUGGLED)
def test_a_copy_has_no_bare_line_ends_in_its_header(case: str) -> None:
    copy = copy_of(b"From: ann@example.org\r\n" + SMUGGLED[case])
    fields_of(copy.head)
    assert email.message_from_bytes(copy.head)["Approved"] is None
