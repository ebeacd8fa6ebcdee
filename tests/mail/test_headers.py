"""The table of outgoing headers, and the one writer of header fields."""

import re
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.headers import (
    OUTGOING,
    Becomes,
    header_line,
    outgoing_row,
    outgoing_table,
    structured_line,
)
from listserv.mail.personal import ONE_CLICK
from tests.mail.building import a_post, copy_of, fields_of

ROOT = Path(__file__).parents[2]


def test_the_page_about_headers_is_the_table() -> None:
    page = (ROOT / "docs" / "headers.md").read_text(encoding="utf-8")
    assert page == outgoing_table(), "write it again from outgoing_table()"


def test_no_header_has_two_rows() -> None:
    names = [row.header.lower() for row in OUTGOING]
    assert len(names) == len(set(names))


def test_the_longest_match_counts() -> None:
    assert outgoing_row("list-id").author is Becomes.REPLACED
    assert outgoing_row("list-archive").header == "List-*"
    assert outgoing_row("content-type").header == "Content-*"
    assert outgoing_row("content-length").author is Becomes.REMOVED
    assert outgoing_row("x-spam-status").header == "X-Spam-*"
    assert outgoing_row("x-spamtrap").author is Becomes.KEPT
    assert outgoing_row("user-agent").header == "*"


@pytest.mark.parametrize("row", OUTGOING, ids=lambda row: row.header or "mbox")
def test_the_authors_field_becomes_what_its_row_says(row: object) -> None:
    assert isinstance(row, type(OUTGOING[0]))
    name = row.header.replace("*", "Anything") if row.header != "*" else "X-Anything"
    first, second = f"{name}: one@example.org", f"{name}: two@example.org"
    if not row.header:
        first = second = "From ann@example.org Mon Nov  3"
    raw = a_post("X-Before: y")
    raw = f"{first}\r\n".encode() + raw.replace(b"X-Before: y", f"X-Before: y\r\n{second}".encode())
    if name in {"From", "To"}:
        raw = f"{first}\r\n{second}\r\n\r\n".encode()
    head = copy_of(raw, reply_to="author").head
    kept = [octets in head for octets in (first.encode(), second.encode())]
    expected = {
        Becomes.KEPT: [True, True],
        Becomes.FIRST: [True, False],
        Becomes.REMOVED: [False, False],
        Becomes.REPLACED: [False, False],
    }[row.author]
    # The author's own Reply-To is what ours says with reply_to=author.
    assert kept == ([True, False] if name == "Reply-To" else expected)


def test_every_header_of_ours_has_a_row_that_says_so() -> None:
    # A line that is too long is encoded, which takes two more.
    bare = copy_of(b"\r\n" + b"hello" * 200, subject_prefix="[x]", title="T")
    head = bare.head + ONE_CLICK
    ours = {name for name, _ in fields_of(head)} | {"cc"}
    rows = {row.header.lower() for row in OUTGOING if row.ours}
    assert ours == rows


WRITTEN = {
    "plain": ("Hello all", b"S: Hello all\r\n"),
    "nothing": ("", b"S:\r\n"),
    "white space": ("  a \t b\r\n c ", b"S: a b c\r\n"),
    "not ASCII": ("Grüße an alle", b"S: =?utf-8?b?R3LDvMOfZQ==?= an alle\r\n"),
    "the space between two such words counts": ("ü ä", b"S: =?utf-8?b?w7wgw6Q=?=\r\n"),
    "what looks like an encoded word": (
        "=?utf-8?q?=0D=0ABcc:?= x",
        b"S: =?utf-8?b?PT91dGYtOD9xPz0wRD0wQUJjYzo/PQ==?= x\r\n",
    ),
    "control characters": ("a\x00\x1b\x7f\x9fb", b"S: ab\r\n"),
    "separators": ("a\u2028b\u2029c", b"S: a b c\r\n"),
    "lone surrogates": ("a\udcffb", b"S: ab\r\n"),
    "folded at 78": (
        " ".join(["word"] * 20),
        b"S: " + b" ".join([b"word"] * 15) + b"\r\n " + b" ".join([b"word"] * 5) + b"\r\n",
    ),
    "a word too long to fold stands alone": (
        f"a {'b' * 100} c",
        b"S: a\r\n " + b"b" * 100 + b"\r\n c\r\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_text_is_written_for_the_wire(case: str) -> None:
    text, line = WRITTEN[case]
    assert header_line("S", text) == line


@settings(deadline=None, max_examples=300)
@given(st.text() | st.text(alphabet="a =?\r\n:\u2028é", max_size=400))
def test_a_header_line_is_one_field_whatever_it_says(text: str) -> None:
    for line in (header_line("Subject", text), structured_line("Subject", text)):
        ((name, whole),) = fields_of(line)
        assert (name, whole) == ("subject", line)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_the_email_package_reads_back_what_was_said(text: str) -> None:
    line = header_line("Subject", text)
    assert line.isascii()
    value = line.decode("ascii").removeprefix("Subject:").replace("\r\n", "").strip()
    said = str(make_header(decode_header(value)))
    dropped = re.compile(
        r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    )
    assert said.split() == dropped.sub("", text).split()


@pytest.mark.parametrize("word", ["x" * 5000, "ü" * 5000, "x" * 899, "x" * 901])
def test_no_line_is_longer_than_998(word: str) -> None:
    for line in (header_line("Subject", word), structured_line("Subject", word)):
        assert max(map(len, line.split(b"\r\n"))) <= 998
        fields_of(line)


@pytest.mark.parametrize("name", ["", "Sub ject", "Subject:", "Bcc\r\nX", "Sübject", "\x00"])
def test_a_name_that_is_none_is_our_own_mistake(name: str) -> None:
    with pytest.raises(ValueError, match="is no header name"):
        header_line(name, "x")
