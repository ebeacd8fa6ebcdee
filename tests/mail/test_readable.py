"""What a person reads of a message before they decide about it."""

from unicodedata import category

import pytest
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


SAME = (
    ("Hello all,\r\nhow are you?", "<p>Hello all,</p><p>how are you?</p>"),
    ("*Hello* [1]\r\n\r\n> [image: logo.png]\r\n", "<b>Hello</b> <img alt=logo src=x> 1"),
    ("Our page <https://a.example/b> now", "<a href='https://a.example/b'>Our page</a> now"),
    ("Hello\r\n\r\nand more that the page leaves out", "<p>Hello</p>"),
    ("今日は良\r\nい天気", "<p>今日は良い天気</p>"),
    ("Hello", "<style>p{color:red}</style>&zwnj;&nbsp;\u200b<p>Hel\u00adlo</p>"),
    ("Hello", "<p>Hello</p><!-- Buy pills at http://x.example -->"),
    ("Hello", "<!--[if gte mso 9]><xml><w:View>Normal</w:View></xml><![endif]--><p>Hello</p>"),
    ("Hello", "<p>Hello<img src='cid:logo'></p>"),
    (" ".join(f"word{n}" for n in range(100)) + " end",
     " ".join(f"word{n}" for n in range(100)) + " that is all"),
)  # fmt: skip
OTHER = (
    ("Hello", "<p>Buy pills</p>", "Buy pills"),
    ("Hello all", "<p>Hello all</p><p>Buy pills at our shop</p>", "Buy pills at our shop"),
    ("Hello", "<p>He\u200bllo</p><p>spam.example</p>", "spam.example"),
    ("our page", "<a href='https://spam.example/x'>our page</a>", "<https://spam.example/x>"),
    ("Hello", "<style>x{}</style>" + "<!-- -->" * 4000 + "<p>Buy pills</p>", "Buy pills"),
    ("Hello", "<p>Hello</p><p class=x style='display:none'>Buy pills</p>", "Buy pills"),
    (" ".join(f"word{n}" for n in range(1000)),
     " ".join(f"word{n}" for n in range(1000)) + "<p>Buy" + " pills" * 30, "Buy pills"),
    ("Hello", "<p>Hello</p><!--[if mso]><p>Buy pills</p><![endif]-->", "Buy pills"),
    ("Hello", "<p>Hello</p><img width=600 src='https://x.example/a.png'>", "<https://x.example/"),
    ("Hello", "<p style='background:url(//x.example/a.png)'>Hello</p>", "<//x.example/a.png>"),
    ("Hello", "Hello" + "<i></i>" * 80_000 + "<p>Buy pills</p>", "Hello"),  # too long to be read
)  # fmt: skip


def alternative(text: str, page: str) -> bytes:
    utf8 = b"; charset=utf-8\r\n\r\n"
    return several(
        b"alternative", b"text/plain" + utf8 + text.encode(), b"text/html" + utf8 + page.encode()
    )


@pytest.mark.parametrize(("text", "page"), SAME)
def test_html_that_says_the_same_is_not_read(text: str, page: str) -> None:
    assert readable(alternative(text, page), 60).others == ()


@pytest.mark.parametrize(("text", "page", "says"), OTHER, ids=range(len(OTHER)))
def test_html_that_says_something_else_is_read_too(text: str, page: str, says: str) -> None:
    found = readable(alternative(text, page), 60)
    assert "".join(found.lines) == text
    assert says in "\n".join(found.others)
    deeper = several(b"mixed", alternative(text, page).removeprefix(TYPE))
    related = several(b"alternative", PLAIN + text.encode(), several(
        b"related", b"text/html; charset=utf-8\r\n\r\n" + page.encode()).removeprefix(TYPE)
        .replace(b"--b", b"--c").replace(b"=b", b"=c"))  # fmt: skip
    for raw in (deeper.replace(b"=b\r\n\r\n--b\r\n", b"=d\r\n\r\n--d\r\n", 1), related):
        assert says in "\n".join(readable(raw, 60).others)


def test_a_paragraph_without_an_end_is_several_lines() -> None:
    found = readable(PLAIN.replace(b"text", TYPE + b"text", 1) + b"x" * 100_000, 60)
    assert (len(found.lines), found.more) == (60, 40)
    assert {len(line) for line in found.lines} == {1000}


def test_what_is_left_out_of_the_other_text_is_counted() -> None:
    page = "".join(f"<p>spam{n}</p>" for n in range(100))
    found = readable(alternative("Hello", page), 60)
    assert (len(found.others), found.others[0]) == (60, "spam0")
    assert found.more_others > 30


def test_what_is_left_out_is_counted() -> None:
    found = readable(b"\r\n" + b"line\r\n" * 100, 60)
    assert (len(found.lines), found.more) == (60, 40)


@given(st.binary(max_size=300))
def test_any_bytes_are_lines_that_are_safe_to_show(raw: bytes) -> None:
    found = readable(TYPE + b"text/plain; charset=utf-8\r\n\r\n" + raw, 10)
    names = [text for name, kind, _ in found.attachments for text in (name, kind)]
    steers = {"Cc", "Cs", "Zl", "Zp"}
    assert not steers & {
        category(char) for text in (*found.lines, *found.others, *names) for char in text
    }
