"""Bodies with lines that are too long, or with octets that the relay does not take: the same to a
reader, and nothing becomes a part that was none."""

import binascii
import email
import email.message
import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.encode import MAX_NESTED, fitted, has_long_line
from listserv.mail.mime import Part, read_structure
from listserv.mail.outgoing import ListCopy
from listserv.mail.surgery import Header, read_fields
from tests.mail.building import a_post, copy_of, crlf, fields_of, nested, values
from tests.mail.signing import signed, verifies

LONG = "x" * 1200
HEAD = b"From: ann@example.org\r\nSubject: x\r\n"


def whole(copy: ListCopy) -> bytes:
    return copy.head + b"\r\n" + copy.body


def refitted(raw: bytes, *, eight_bit: bool) -> bytes:
    """A message whose body was made to fit."""
    head, _, body = raw.partition(b"\r\n\r\n")
    new_head, new_body = fitted(head + b"\r\n", body, eight_bit=eight_bit)
    return new_head + b"\r\n" + new_body


def contents(raw: bytes) -> list[tuple[str, bytes]]:
    """(type, decoded content) of every single part, as another reader sees them; the line ends at
    the end of a text are not compared."""
    return [
        (part.get_content_type(), bytes(part.get_payload(decode=True) or b"").rstrip(b"\r\n"))
        for part in email.message_from_bytes(raw).walk()
        if not part.is_multipart()
    ]


def parts(raw: bytes) -> list[str]:
    """The types of all parts, as we read them."""
    fields, _, start = read_fields(raw)
    return [part.type for part in read_structure(raw, Header(fields), start).root.walk()]


def longest(raw: bytes) -> int:
    return max(map(len, raw.split(b"\r\n")))


SINGLE = {
    "plain": ("", f"short\n{LONG} end \n-- \n.\n"),
    "plain in UTF-8": ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n",
                       f"Grüße\n{LONG} ü\n"),
    "Chinese": ("Content-Type: text/plain; charset=utf-8\n", "字" * 800 + "\n"),
    "HTML": ("Content-Type: text/html\nContent-Transfer-Encoding: 7bit\n", f"<p>{LONG}\n=20 =\n"),
    "base64 in one line": ("Content-Transfer-Encoding: base64\n",
                           binascii.b2a_base64(b"hello " * 500).decode()),
    "quoted-printable in one line": ("Content-Transfer-Encoding: QUOTED-PRINTABLE\n",
                                     "a=3Db=\n" + "=C3=BC" * 300 + "\n=20\n"),
    "an image": ("Content-Type: image/png\n", f"{LONG}ü\n"),
    "an unknown encoding": ("Content-Transfer-Encoding: utf-8\n", f"{LONG}ü\n"),
    "an empty encoding": ("Content-Transfer-Encoding:\n", f"{LONG}ü\n"),
    "S/MIME in one part": ("Content-Type: application/pkcs7-mime\n", f"{LONG}ü\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", SINGLE)
@pytest.mark.parametrize("eight_bit", [True, False])
def test_a_single_part_reads_the_same(case: str, eight_bit: bool) -> None:
    head, body = SINGLE[case]
    raw = HEAD + crlf(f"{head}\n{body}")
    made = refitted(raw, eight_bit=eight_bit)
    assert longest(made) <= 998
    assert eight_bit or made.isascii()
    assert contents(made) == contents(raw)
    assert len(values(made, "Content-Transfer-Encoding")) == 1
    assert values(made, "MIME-Version") == ["1.0"]


def test_text_becomes_quoted_printable_when_that_is_shorter() -> None:
    latin = refitted(HEAD + crlf(f"\nGrüße {LONG}\n"), eight_bit=True)
    assert values(latin, "Content-Transfer-Encoding") == ["quoted-printable"]
    assert b"\r\nGr=C3=BC=C3=9Fe xxx" in latin
    chinese = refitted(HEAD + crlf("\n" + "字" * 500), eight_bit=True)
    assert values(chinese, "Content-Transfer-Encoding") == ["base64"]
    image = refitted(HEAD + crlf(f"Content-Type: image/png\n\n{LONG}"), eight_bit=True)
    assert values(image, "Content-Transfer-Encoding") == ["base64"]


def test_an_encoding_that_is_named_twice_is_named_once() -> None:
    fields = "Content-Transfer-Encoding: 8bit\nX: y\nContent-Transfer-Encoding: base64\n"
    made = refitted(HEAD + crlf(f"{fields}\n{LONG}\n"), eight_bit=True)
    assert made.startswith(HEAD + b"Content-Transfer-Encoding: quoted-printable\r\nX: y\r\nMIME")


def test_what_fits_is_not_touched() -> None:
    raw = HEAD + crlf("\nGrüße\n" + "x" * 998 + "\n" + "y" * 998)
    assert refitted(raw, eight_bit=True) == raw
    plain = raw.replace("ü".encode(), b"u").replace("ß".encode(), b"s")
    assert refitted(plain, eight_bit=False) == plain


@pytest.mark.parametrize(
    ("octets", "long"),
    [
        (b"", False), (b"x" * 998, False), (b"x" * 999, True), (b"x" * 998 + b"\r\n", False),
        (b"x" * 999 + b"\r\n", True), ((b"x" * 998 + b"\r\n") * 5, False),
        (b"\r\n" * 5000 + b"x" * 999, True), (b"a\n" * 600, True), (b"a\r\n" * 600, False),
    ],
)  # fmt: skip
def test_a_line_has_at_most_998_octets(octets: bytes, long: bool) -> None:
    assert has_long_line(octets) is long


def multipart(kind: str, *children: str, boundary: str = "b") -> str:
    """A multipart with its header; each child is a part with its header."""
    inside = "".join(f"--{boundary}\n{child}\n" for child in children)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\n\n{inside}--{boundary}--\n"


TEXT = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße"
IMAGE = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA"
MANY = {
    "one of two": multipart("mixed", TEXT, f"Content-Type: text/html\n\n<p>{LONG}"),
    "without a header": multipart("mixed", f"\n{LONG}", "\nü"),
    "without a header or a blank line": multipart("mixed", f"{LONG} a", f"X: y\n{LONG}ü"),
    "in each other": multipart(
        "mixed", multipart("alternative", TEXT, f"\n{LONG}", boundary="c"), IMAGE),
    "a forwarded message": multipart(
        "mixed", TEXT, f"Content-Type: message/rfc822\n\nFrom: x\nMIME-Version: 1.0\n{TEXT}{LONG}"),
    "a forwarded message without MIME-Version": multipart(
        "mixed", f"Content-Type: message/rfc822\n\nSubject: x\n\n{LONG}ü"),
    "a digest": multipart("digest", f"\nSubject: x\n\n{LONG}", "\nSubject: y\n\nü"),
    "a message for other alphabets": multipart(
        "mixed", f"Content-Type: message/global\n\nSubject: x\n\n{LONG}ü"),
}  # fmt: skip


@pytest.mark.parametrize("case", MANY)
@pytest.mark.parametrize("eight_bit", [True, False])
def test_parts_read_the_same_and_stay_the_same_parts(case: str, eight_bit: bool) -> None:
    raw = HEAD + b"MIME-Version: 1.0\r\n" + crlf(MANY[case])
    made = refitted(raw, eight_bit=eight_bit)
    assert longest(made) <= 998
    assert eight_bit or made.isascii()
    assert contents(made) == contents(raw)
    assert parts(made) == parts(raw)


def test_a_message_that_was_forwarded_in_base64_gets_shorter_lines() -> None:
    """It may not be (RFC 2046 5.2.1), and is."""
    text = binascii.b2a_base64(b"Subject: x\r\n\r\nhello" * 99, newline=False).decode()
    kind = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n"
    made = refitted(HEAD + crlf(f"{kind}\n{text}"), eight_bit=True)
    assert longest(made) <= 998
    assert made.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"").decode() == text


def test_only_the_part_concerned_is_encoded() -> None:
    raw = HEAD + b"MIME-Version: 1.0\r\n" + crlf(MANY["one of two"])
    made = refitted(raw, eight_bit=True)
    assert made.startswith(raw[: raw.index(b"Content-Type: text/html")])
    assert b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" in made


def test_containers_no_longer_say_8bit() -> None:
    outer = "Content-Transfer-Encoding: 8bit\n" + multipart(
        "mixed",
        "Content-Transfer-Encoding: binary\n" + multipart("alternative", TEXT, boundary="c"),
        "Content-Transfer-Encoding: 8bit\nContent-Type: message/rfc822\n\nX: y\n\nü",
    )
    made = refitted(HEAD + crlf(outer), eight_bit=False)
    assert b"8bit" not in made
    assert b"binary" not in made
    assert made.count(b"Content-Transfer-Encoding: 7bit\r\n") == 3


SIGNED = multipart("signed", TEXT, "Content-Type: application/pgp-signature\n\n-----", boundary="s")
SEALED = {
    "signed": SIGNED,
    "encrypted": SIGNED.replace("multipart/signed", "multipart/encrypted"),
    "signed beside an 8-bit text": multipart("mixed", SIGNED, TEXT),
    "signed in a forwarded message": multipart(
        "mixed", f"Content-Type: message/rfc822\n\n{SIGNED}", TEXT),
}  # fmt: skip


@pytest.mark.parametrize("case", SEALED)
def test_what_is_signed_or_encrypted_stays_byte_for_byte(case: str) -> None:
    raw = HEAD + b"MIME-Version: 1.0\r\n" + crlf(SEALED[case])
    made = refitted(raw, eight_bit=False)
    sealed = crlf(SIGNED.partition("\n\n")[2].removesuffix("\n"))
    assert sealed in made
    assert contents(made) == contents(raw)
    assert crlf(TEXT.partition("\n\n")[2]) not in made.replace(sealed, b"")


UNENCODABLE = {
    "signed": SIGNED.replace("Grüße", LONG),
    "a multipart without boundary": f"Content-Type: multipart/mixed\n\nhello\n{LONG}ü\n",
    "a multipart without parts": f"Content-Type: multipart/mixed; boundary=b\n\nhello\n{LONG}ü\n",
    "around the parts": f"{multipart('mixed', TEXT)}\n{LONG}".replace("\n\n", f"\n\n{LONG}\n", 1),
    "a report": f"Content-Type: message/delivery-status\n\nX: y\n\n{LONG}ü\n",
    "uuencode": f"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n{LONG}ü\nend\n",
    "an encoding with a comment": f"Content-Transfer-Encoding: base64 (x)\n\n{LONG}ü\n",
    "a type that nobody reads":
        f"Content-Type: multipart/mixed; x={'y ' * 5000}; boundary=b\n\n--b\n\n{LONG}ü\n--b--\n",
    "an encoding that nobody reads": f"Content-Transfer-Encoding: {'y ' * 5000}\n\n{LONG}ü\n",
    "too deep": nested(30).decode().replace("hello", LONG),
    "too many": multipart("mixed", *["\nx"] * 250, f"\n{LONG}ü"),
    "messages too deep": "Content-Type: message/rfc822\n\n" * (MAX_NESTED + 2) + f"\n{LONG}ü",
}  # fmt: skip


@pytest.mark.parametrize("case", UNENCODABLE)
def test_where_nothing_can_be_encoded_long_lines_are_cut(case: str) -> None:
    """As Postfix does (CR LF and a space), but before we sign."""
    for eight_bit in (True, False):
        copy = copy_of(HEAD + crlf(UNENCODABLE[case]), eight_bit=eight_bit)
        made = whole(copy)
        assert longest(made) <= 998
        assert b"x" * 998 + b"\r\n " + b"x" * 202 in made
        assert verifies(signed(copy))


def test_a_long_line_in_the_header_of_a_part_is_folded() -> None:
    part = f"Content-Disposition: attachment; a={'b ' * 600}; filename=x.txt\n\nhello"
    raw = HEAD + b"MIME-Version: 1.0\r\n" + crlf(multipart("mixed", part, "X: y\n\nü"))
    made = refitted(raw, eight_bit=True)
    assert longest(made) <= 998
    (found, _) = [p for p in email.message_from_bytes(made).walk() if not p.is_multipart()]
    assert found.get_filename() == "x.txt"
    assert contents(made) == contents(raw)


@pytest.mark.parametrize("rest", ["\nSubject: x\n\nü", "\n\nü", " ü"])
def test_an_mbox_line_on_a_forwarded_message_goes(rest: str) -> None:
    inner = f"From ann@example.org Mon Nov  3{rest}"
    raw = HEAD + crlf(multipart("mixed", f"Content-Type: message/rfc822\n\n{inner}", f"\n{LONG}"))
    assert b"From ann" in refitted(raw, eight_bit=True)
    made = refitted(raw, eight_bit=False)
    assert b"From ann" not in made
    assert made.isascii()
    assert (b"=C3=BC" in made) is ("\n" in rest)


def test_8_bit_text_in_the_header_of_a_part_is_no_reason_to_change_the_part() -> None:
    """There is no encoding for it."""
    for kind in ("text/plain", "message/rfc822", "message/x"):
        part = f"Content-Description: ü\nContent-Type: {kind}\n\nX: y\n\nhello"
        raw = HEAD + crlf(multipart("mixed", part, TEXT))
        assert crlf(part) in refitted(raw, eight_bit=False)


class TestHostile:
    """A line is broken, or decoded, where its author would like a part to begin."""

    BREAKS = (
        "x" * 75 + "--b--" + "x" * 2000,
        "x" * 75 + "--b--" + " " * 80 + "x" * 1000,
        "x" * 75 + "--b" + " " * 80 + "x" * 1000,
        "x" * 1200 + "--b--",
        "x" * 1200 + "--b",
    )

    @pytest.mark.parametrize("line", BREAKS)
    @pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable", "x-odd"])
    @pytest.mark.parametrize("kind", ["text/plain", "image/png", "message/x", "multipart/x"])
    def test_no_line_of_ours_ends_a_part(self, line: str, encoding: str, kind: str) -> None:
        child = f"Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n"
        for at in range(70, 80):
            text = "x" * (at - 75) + line[max(0, 75 - at) :]
            raw = HEAD + crlf(multipart("mixed", child + text, TEXT))
            made = refitted(raw, eight_bit=True)
            assert longest(made) <= 998
            assert parts(made) == parts(raw)

    def test_a_delimiter_that_was_quoted_stays_quoted(self) -> None:
        child = f"Content-Transfer-Encoding: quoted-printable\n\n=2D-b--\n{LONG}"
        raw = HEAD + crlf(multipart("mixed", child, TEXT))
        made = refitted(raw, eight_bit=True)
        assert parts(made) == parts(raw)
        assert contents(made) == contents(raw)

    def test_the_delimiter_of_a_message_around_is_kept_in_mind(self) -> None:
        child = f"Content-Transfer-Encoding: quoted-printable\n\n=2D-b--\n{LONG}"
        inner = multipart("mixed", child, boundary="c")
        raw = HEAD + crlf(multipart("mixed", f"Content-Type: message/rfc822\n\n{inner}", TEXT))
        made = refitted(raw, eight_bit=True)
        assert parts(made) == parts(raw)
        assert contents(made) == contents(raw)


def test_a_large_and_deep_mail_takes_neither_long_nor_much_memory() -> None:
    """Symptom: each level of depth kept a copy of all below it: 18 MB became 3 GB."""
    deep = "Content-Type: multipart/mixed; boundary=b0\n\n--b0\n"
    for n in range(1, 80):
        kind = f"multipart/mixed; boundary=b{n}" if n % 16 else "message/rfc822"
        deep += f"Content-Type: {kind}\n\n" + (f"--b{n}\n" if n % 16 else "")
    raw = HEAD + crlf(deep) + b"word " * 200_000
    tracemalloc.start()
    made = refitted(raw, eight_bit=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert longest(made) <= 998
    assert peak < 20 * len(raw)


class TestCopies:
    """list_copy brings long lines under the limit, and encodes for relays without 8BITMIME."""

    def test_a_long_line_goes_out_encoded_and_reads_the_same(self) -> None:
        copy = copy_of(a_post("Subject: x", body=f"Hello\n{LONG}\n"))
        assert longest(whole(copy)) <= 998
        assert contents(whole(copy)) == [("text/plain", b"Hello\r\n" + LONG.encode())]
        assert values(copy.head, "Content-Transfer-Encoding") == ["quoted-printable"]
        fields_of(copy.head)
        assert verifies(signed(copy))

    def test_the_footer_is_there_too(self) -> None:
        copy = copy_of(a_post(body=f"{LONG}\n"), footer="-- \nfoot")
        assert contents(whole(copy)) == [("text/plain", f"{LONG}\r\n\r\n-- \r\nfoot".encode())]

    def test_for_a_relay_without_8bitmime(self) -> None:
        raw = a_post("Content-Type: text/plain; charset=utf-8", body="Grüße\n")
        copy, plain = copy_of(raw), copy_of(raw, eight_bit=False)
        assert copy.eight_bit
        assert not plain.eight_bit
        assert (plain.unsubscribe, plain.utf8) == (copy.unsubscribe, copy.utf8)
        assert whole(plain).isascii()
        assert contents(whole(plain)) == contents(whole(copy))
        assert verifies(signed(plain))
        fits = a_post(body="Hello\n")
        assert copy_of(fits, eight_bit=False) == copy_of(fits)

    def test_8_bit_text_in_the_header_stays_and_is_told(self) -> None:
        plain = copy_of(a_post("X: ü", body="ü\n"), eight_bit=False)
        assert plain.eight_bit
        assert plain.body.isascii()


_PIECE = st.sampled_from(
    ["x" * 1200, "ü", "\n", "--b", "--b\n", "--b--", "--b--\n", "--c\n", "--c--\n", "=", "=2D",
     "=2D-b\n", " ", "\t", ".", "a", "From x\n", "Content-Type: text/html\n\n",
     "Content-Type: multipart/mixed; boundary=c\n\n", "Content-Type: message/rfc822\n\n",
     "Content-Transfer-Encoding: base64\n", "Content-Transfer-Encoding: quoted-printable\n",
     "Content-Type: multipart/signed; boundary=c\n\n", "x" * 75, "y" * 1000, "QUJD"]
)  # fmt: skip
_BODY = st.lists(_PIECE, max_size=14).map(lambda pieces: crlf("".join(pieces)))
_TYPE = st.sampled_from(
    ["", "Content-Type: multipart/mixed; boundary=b\r\n", "Content-Type: message/rfc822\r\n",
     "Content-Type: multipart/digest; boundary=b\r\n", "Content-Type: text/html\r\n"]
)  # fmt: skip


def _tree(part: Part) -> object:
    return part.type, [_tree(child) for child in part.parts]


@settings(max_examples=300)
@given(_TYPE, _BODY, st.booleans())
def test_any_body_fits_afterwards_and_has_the_same_parts(
    kind: str, body: bytes, eight_bit: bool
) -> None:
    raw = HEAD + kind.encode() + b"\r\n" + body
    made = refitted(raw, eight_bit=eight_bit)
    assert longest(made) <= 998
    trees = []
    for message in (raw, made):
        fields, _, start = read_fields(message)
        trees.append(_tree(read_structure(message, Header(fields), start).root))
    assert trees[0] == trees[1]
    again = refitted(made, eight_bit=eight_bit)
    assert again == made


@given(st.binary(), st.booleans())
def test_any_octets_become_a_body_that_fits(body: bytes, eight_bit: bool) -> None:
    made = refitted(HEAD + b"\r\n" + body * 20, eight_bit=eight_bit)
    assert longest(made) <= 998
    assert eight_bit or made.isascii()
    whole_body = bytes(email.message_from_bytes(made).get_payload(decode=True) or b"")
    assert re.sub(rb"[\r\n]", b"", whole_body) == re.sub(rb"[\r\n]", b"", body * 20)
