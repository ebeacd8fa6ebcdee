"""A message between DATA and the final dot, cut into blocks in every way."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.replies import (
    BARE_LINE_END,
    HEADER_TOO_BIG,
    LINE_TOO_LONG,
    STORAGE,
    TOO_BIG,
    Reply,
)
from listserv.smtp.data import DataBlock


def receive(
    octets: bytes,
    cuts: list[int] | None = None,
    *,
    largest: int = 1000,
    longest_line: int = 100,
    largest_header: int = 200,
) -> tuple[bytes | Reply | None, bytes]:
    """The message and what stood behind it; None when it has not ended."""
    block = DataBlock(largest=largest, longest_line=longest_line, largest_header=largest_header)
    places = [0, *sorted(cuts or ()), len(octets)]
    for start, end in pairwise(places):
        rest = block.feed(octets[start:end])
        if block.flaw is BARE_LINE_END:
            return BARE_LINE_END, b""
        if rest is not None:
            return block.message(), rest + octets[end:]
    return None, b""


def stuffed(raw: bytes) -> bytes:
    """As a client sends it (RFC 5321 4.5.2)."""
    return (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


ENDINGS = (
    (b".\r\n", b"", b""),
    (b".\r\nQUIT\r\n", b"", b"QUIT\r\n"),
    (b"a\r\n.\r\n", b"a\r\n", b""),
    (b"\r\n.\r\n", b"\r\n", b""),
    (b"..\r\n.\r\n", b".\r\n", b""),
    (b"...\r\n..a\r\n.\r\nx", b"..\r\n.a\r\n", b"x"),
    (b".a\r\n.\r\n", b"a\r\n", b""),
    (b"a.\r\n.\r\n", b"a.\r\n", b""),
    (b"a\r\n.\r\n.\r\n", b"a\r\n", b".\r\n"),
)  # fmt: skip


@pytest.mark.parametrize(("octets", "raw", "rest"), ENDINGS, ids=repr)
def test_a_message_ends_at_a_line_that_is_one_dot(octets: bytes, raw: bytes, rest: bytes) -> None:
    assert receive(octets) == (raw, rest)
    assert receive(octets, list(range(len(octets)))) == (raw, rest)


@pytest.mark.parametrize(
    "octets", [b"", b".", b".\r", b"a\r\n.", b"a\r\n.\r", b"..\r\n", b"a.\r\n"]
)
def test_nothing_less_ends_a_message(octets: bytes) -> None:
    assert receive(octets) == (None, b"")


lines = st.lists(st.text("ab. \xe4", max_size=20).map(lambda t: t.encode() + b"\r\n"), max_size=20)


@given(lines, st.binary(max_size=10), st.lists(st.integers(0, 700)))
def test_any_lines_come_out_as_they_were_however_they_are_cut(
    written: list[bytes], behind: bytes, cuts: list[int]
) -> None:
    raw = b"\r\n" + b"".join(written)
    octets = stuffed(raw) + behind
    assert receive(octets, [min(cut, len(octets)) for cut in cuts]) == (raw, behind)


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b".", b"\0"])), st.data())
def test_the_cuts_make_no_difference_for_any_octets(
    pieces: list[bytes], data: st.DataObject
) -> None:
    octets = b"".join(pieces) + b"\r\n.\r\n"
    cuts = data.draw(st.lists(st.integers(0, len(octets))))
    whole, in_pieces = receive(octets), receive(octets, cuts)
    assert whole == in_pieces
    bad = octets.replace(b"\r\n", b"")
    content = receive(octets.replace(b"\0", b"a"))[0]
    if not any(octet in bad for octet in (b"\r", b"\n", b"\0")):
        assert isinstance(content, bytes)


LIMITS = (
    ("a message of just the limit", b"\r\n" + b"a\r\n" * 6, 20, None),
    ("one octet more", b"\r\n" + b"a\r\n" * 6 + b"\r\n", 20, TOO_BIG),
    ("dots that are doubled do not count", b"\r\n" + b".\r\n" * 6, 20, None),
    ("a line of just the limit", b"\r\n" + b"a" * 98 + b"\r\n", 1000, None),
    ("one octet more in a line", b"\r\n" + b"a" * 99 + b"\r\n", 1000, LINE_TOO_LONG),
    ("a header of just the limit", b"H: 2345678\r\n" * 16 + b"H: 345\r\n\r\n", 1000, None),
    ("an octet more of header", b"H: 2345678\r\n" * 16 + b"H: 3456\r\n\r\n", 1000, HEADER_TOO_BIG),
    ("a header without end", b"H: 2345678\r\n" * 17, 1000, HEADER_TOO_BIG),
    ("no header and a body", b"\r\n" + b"H: 2345678\r\n" * 17, 1000, None),
)  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "largest", "refusal"), [row[1:] for row in LIMITS], ids=[row[0] for row in LIMITS]
)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_limit_is_the_last_that_is_taken(
    raw: bytes, largest: int, refusal: Reply | None, step: int
) -> None:
    octets = stuffed(raw)
    message, rest = receive(octets + b"QUIT", list(range(0, len(octets), step)), largest=largest)
    assert message == (refusal or raw)
    assert rest == b"QUIT"


@given(st.binary(min_size=1, max_size=50).filter(lambda b: b"\r" not in b and b"\n" not in b))
def test_what_is_refused_is_not_kept_while_the_end_is_awaited(octets: bytes) -> None:
    block = DataBlock(largest=1000, longest_line=100, largest_header=200)
    block.refuse(STORAGE)
    for _ in range(1000):
        block.feed(octets.replace(b"\0", b"a"))
        assert len(block._octets) <= 4
    assert block.feed(b"\r\n.\r\nQUIT") == b"QUIT"
    assert block.message() is STORAGE


@given(st.sampled_from([b"a\r\n", b"a", b"..\r\n"]))
def test_a_message_without_end_is_not_kept_either(piece: bytes) -> None:
    block = DataBlock(largest=1000, longest_line=100_000, largest_header=200)
    most = 0
    for _ in range(1000):
        block.feed(piece * 100)
        most = max(most, len(block._octets))
    assert block.flaw is TOO_BIG
    assert most <= 2000


def test_a_bare_line_end_is_the_worst_of_flaws() -> None:
    assert receive(b"a" * 5000 + b"\r\nb\n\r\n.\r\n")[0] is BARE_LINE_END
    assert receive(b"a" * 5000 + b"\r\nb\n\r\n.\r\n", [4000, 5000, 5003])[0] is BARE_LINE_END
