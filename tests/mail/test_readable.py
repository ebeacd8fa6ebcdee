"""What a person reads of a message before they decide about it."""

from unicodedata import category

from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.readable import readable

TYPE = b"Content-Type: "
PLAIN, PAGE = b"text/plain\r\n\r\n", b"text/html\r\n\r\n"


def several(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(b"--b\r\n" + TYPE + part + b"\r\n" for part in parts)
    return TYPE + b"multipart/" + kind + b"; boundary=b\r\n\r\n" + body + b"--b--\r\n"


def lines(raw: bytes) -> tuple[str, ...]:
    return tuple(line for line in readable(raw, 60).lines if line)


def test_of_the_same_text_twice_the_plain_one_is_read() -> None:
    assert lines(several(b"alternative", PLAIN + b"Hello", PAGE + b"<b>Hello</b>")) == ("Hello",)


def test_an_empty_plain_text_hides_no_html() -> None:
    assert lines(several(b"alternative", PLAIN + b" \r\n", PAGE + b"<p>Buy</p>")) == ("Buy",)


def test_every_text_is_read_not_only_the_first() -> None:
    raw = several(b"mixed", PLAIN + b"Hello", PAGE + b"<p>Buy</p>", PLAIN + b"now")
    assert lines(raw) == ("Hello", "Buy", "now")


def test_what_is_attached_is_listed_and_not_read() -> None:
    named = b"text/plain; name=list.txt\r\n\r\nsecret"
    found = readable(several(b"mixed", PLAIN + b"Hello", named), 60)
    assert found.lines == ("Hello",)
    assert found.attachments == (("list.txt", "text/plain", 6),)


def test_what_is_left_out_is_counted() -> None:
    found = readable(b"\r\n" + b"line\r\n" * 100, 60)
    assert (len(found.lines), found.more) == (60, 40)


@given(st.binary(max_size=300))
def test_any_bytes_are_lines_that_are_safe_to_show(raw: bytes) -> None:
    found = readable(TYPE + b"text/plain; charset=utf-8\r\n\r\n" + raw, 10)
    names = [text for name, kind, _ in found.attachments for text in (name, kind)]
    steers = {"Cc", "Cs", "Zl", "Zp"}
    assert not steers & {category(char) for text in (*found.lines, *names) for char in text}
