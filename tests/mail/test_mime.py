"""The parts of a message, as byte ranges."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.mime import (
    MAX_DEPTH,
    MAX_FIELD,
    MAX_PARTS,
    MAX_TEXT,
    Part,
    Structure,
    read_parameters,
    read_structure,
    text_of,
)
from listserv.mail.surgery import Header, read_fields
from tests.mail.building import crlf, nested


def _structure(raw: bytes) -> Structure:
    fields, _, start = read_fields(raw)
    return read_structure(raw, Header(fields), start)


def _tree(part: Part) -> object:
    return [part.type, *map(_tree, part.parts)] if part.parts else part.type


MIXED = """\
Content-Type: multipart/mixed; boundary=b

preamble
--b
Content-Type: text/plain

one
--b
Content-Type: multipart/alternative; boundary="b-inner"

--b-inner

two
--b-inner
Content-Type: text/html

<p>three
--b-inner--
--b  \t
Content-Type: image/png
Content-Transfer-Encoding: base64

AAAA
--b--
--b
epilogue
"""


def test_parts_lie_between_their_delimiters() -> None:
    raw = crlf(MIXED)
    root, defects = _structure(raw).root, _structure(raw).defects
    assert defects == ()
    assert _tree(root) == [
        "multipart/mixed",
        "text/plain",
        ["multipart/alternative", "text/plain", "text/html"],
        "image/png",
    ]
    bodies = [raw[part.start : part.end] for part in root.walk() if not part.parts]
    assert bodies == [b"one", b"two", b"<p>three", b"AAAA"]
    assert [part.is_text for part in root.walk()] == [False, True, False, True, True, False]
    assert [part.is_attachment for part in root.walk()] == [False] * 5 + [True]


def test_line_ends_of_unix_do_as_well() -> None:
    raw = MIXED.encode()
    bodies = [raw[p.start : p.end] for p in _structure(raw).root.walk() if not p.parts]
    assert bodies == [b"one", b"two", b"<p>three", b"AAAA"]


TREES = {
    "no header field": ("\nhello\n", "text/plain"),
    "a type that says nothing": ("Content-Type: text\n\nhello\n", "text/plain"),
    "a type in capitals": ("Content-Type: TEXT/HTML; Charset=UTF-8\n\nhello\n", "text/html"),
    "the parts of a digest are messages": (
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\n--b\n"
        "Content-Type: text/plain\n\nx\n--b--\n",
        ["multipart/digest", "message/rfc822", "text/plain"],
    ),
    "no close delimiter": (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n",
        ["multipart/mixed", "text/plain", "text/plain"],
    ),
    "a boundary that begins another": (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--bb\n--b x\nx--b\n--b--\n",
        ["multipart/mixed", "text/plain"],
    ),
    "a part without header and body": (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b--\n",
        ["multipart/mixed", "text/plain"],
    ),
    "a boundary in pieces (RFC 2231)": (
        'Content-Type: multipart/mixed; boundary*0="a b"; boundary*1=c\n\n'
        "--a bc\n\none\n--a bc--\n",
        ["multipart/mixed", "text/plain"],
    ),
    "of two types the first counts": (
        "Content-Type: text/html\nContent-Type: text/plain\n\nx\n",
        "text/html",
    ),
}


@pytest.mark.parametrize("case", TREES)
def test_odd_structures_are_read(case: str) -> None:
    text, tree = TREES[case]
    structure = _structure(crlf(text))
    assert _tree(structure.root) == tree
    assert structure.defects == ()


@pytest.mark.parametrize(
    "content_type",
    ["multipart/mixed", 'multipart/mixed; boundary=""', "multipart/mixed; boundary=no"],
)
def test_a_multipart_without_parts_is_a_defect(content_type: str) -> None:
    structure = _structure(crlf(f"Content-Type: {content_type}\n\n--b\n\nhello\n--b--\n"))
    assert structure.root.parts == ()
    assert structure.defects == ("a multipart has no parts",)


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 400, 2000])
def test_parts_are_followed_to_a_depth_and_no_deeper(depth: int) -> None:
    structure = _structure(nested(depth))
    assert len(list(structure.root.walk())) == MAX_DEPTH + 1
    too_deep = (f"parts are nested deeper than {MAX_DEPTH}",)
    assert structure.defects == (too_deep if depth > MAX_DEPTH else ())


@pytest.mark.parametrize("number", [MAX_PARTS, MAX_PARTS + 1, 50_000])
def test_parts_are_counted_and_no_more_of_them_read(number: int) -> None:
    raw = crlf("Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\nx\n" * number)
    structure = _structure(raw)
    assert len(structure.root.parts) == MAX_PARTS
    too_many = (f"it has more than {MAX_PARTS} parts",)
    assert structure.defects == (too_many if number > MAX_PARTS else ())


@pytest.mark.parametrize(
    "name", ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition"]
)
def test_a_field_longer_than_the_limit_is_not_looked_at(name: str) -> None:
    structure = _structure(crlf(f"{name}: x/y{';' * MAX_FIELD}\n\nhello\n"))
    assert structure.defects == (f"{name} is longer than 8 kB",)


ATTACHED = {
    "text/plain": (False, True),
    "text/plain; name=notes.txt": (True, False),
    "text/plain; name=notes.txt\nContent-Disposition: inline; filename=notes.txt": (False, True),
    "text/plain\nContent-Disposition: ATTACHMENT; filename=x": (True, False),
    "text/plain\nContent-Transfer-Encoding: x-uuencode": (True, False),
    "text/html\nContent-Transfer-Encoding: Base64": (False, True),
    "text/calendar": (True, False),
    "message/rfc822": (True, False),
    "application/pgp-signature": (False, False),
}


@pytest.mark.parametrize("content_type", ATTACHED)
def test_a_part_is_text_or_attachment_or_neither(content_type: str) -> None:
    part = _structure(crlf(f"Content-Type: {content_type}\n\nhello\n")).root
    assert (part.is_attachment, part.is_text) == ATTACHED[content_type]


PARAMETERS = {
    "; charset=utf-8; format=flowed": {"charset": "utf-8", "format": "flowed"},
    '; NAME="a \\"b\\" c"': {"name": 'a "b" c'},
    "; charset=utf-8; charset=utf-7": {"charset": "utf-8"},
    "; filename*=utf-8''a%20b": {"filename": "a%20b"},
    "; filename*0*=utf-8''a; filename*1=b": {"filename": "ab"},
    "; filename*99999999999*=x": {"filename": "x"},
    "; *=x": {"": "x"},
    '; charset="utf-8': {"charset": ""},
    ";;;; ; =; a; b = c": {"b": "c"},
}


@pytest.mark.parametrize("text", PARAMETERS)
def test_parameters_are_read_as_far_as_they_can_be(text: str) -> None:
    assert read_parameters(f"text/plain{text}") == PARAMETERS[text]


def _text(fields: str, body: bytes) -> str:
    raw = crlf(fields + "\n\n") + body
    return text_of(raw, _structure(raw).root)


TEXTS = {
    "plain": ("X: y", b"hello", "hello"),
    "Latin-1": ("Content-Type: text/plain; charset=iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
    "not what it says": ("Content-Type: text/plain; charset=utf-8", b"Gr\xfc", "Gr\ufffd"),
    "no charset but UTF-8": ("Content-Type: text/plain; charset=", b"ab", "ab"),
    "quoted-printable": (
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: Quoted-Printable",
        b"Gr=C3=BC=\r\n=C3=9Fe",
        "Grüße",
    ),
    "base64": ("Content-Transfer-Encoding: base64", b"aGVs\r\nbG8=\r\n", "hello"),
    "broken base64": ("Content-Transfer-Encoding: base64", b"aGVs*bG", "hell"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_text_is_read_in_its_encodings(case: str) -> None:
    fields, body, expected = TEXTS[case]
    assert _text(fields, body) == expected


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_no_more_than_the_beginning_of_a_text_is_decoded(encoding: str) -> None:
    text = _text(f"Content-Transfer-Encoding: {encoding}", b"QUFB" * 100_000)
    assert 0 < len(text) <= MAX_TEXT


MIMELIKE = st.lists(
    st.sampled_from(
        [b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/plain", b"\r\n", b"\n",
         b"--b", b"--", b"--b--", b"Content-Transfer-Encoding: base64", b"; charset=utf-7", b"=",
         b"\r\n\r\n", b"\r\n--b\r\n", b"x", b"\xff", b'"', b"; boundary=c", b"--c"]
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.binary() | MIMELIKE)
def test_parts_lie_inside_each_other_and_in_order_for_any_bytes(raw: bytes) -> None:
    def check(part: Part) -> None:
        at = part.start
        for child in part.parts:
            assert at <= child.start <= child.end <= part.end
            at = child.end
            check(child)

    root = _structure(raw).root
    assert 0 <= root.start <= root.end == len(raw)
    check(root)
    for part in root.walk():
        text_of(raw, part)
