"""Cutting a message into fields and body, and putting it together again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.surgery import Field, Header, join, read_fields, split

# Bytes that are likely to look like a header.
HEADERLIKE = st.lists(
    st.sampled_from(
        [b"A: b", b"A:", b" ", b"\t", b"\r\n", b"\n", b"\r", b"\0", b"From ", b":", b"\xff", b"x"]
    ),
    max_size=30,
).map(b"".join)

CASES = {
    "an ordinary message": (b"A: 1\r\nB: 2\r\n\r\nbody", ["a", "b"], b"\r\n", b"body"),
    "line ends of Unix": (b"A: 1\nB: 2\n\nbody", ["a", "b"], b"\n", b"body"),
    "folding": (b"A: 1\r\n 2\r\n\t3\r\nB: 4\r\n\r\n", ["a", "b"], b"\r\n", b""),
    "a continuation of white space only": (b"A: 1\r\n \r\n\r\nbody", ["a"], b"\r\n", b"body"),
    "no body": (b"A: 1\r\n", ["a"], b"", b""),
    "no line end at all": (b"A: 1", ["a"], b"", b""),
    "no header": (b"\r\nbody", [], b"\r\n", b"body"),
    "nothing": (b"", [], b"", b""),
    "a line that is no field ends the header": (
        b"A: 1\r\nHi all\r\nB: 2", ["a"], b"", b"Hi all\r\nB: 2"),
    "a continuation of nothing is no header": (b" A: 1\r\nB: 2\r\n", [], b"", b" A: 1\r\nB: 2\r\n"),
    "an mbox line on top": (b"From ann Mon Nov  3\r\nA: 1\r\n\r\n", ["", "a"], b"\r\n", b""),
    "an mbox line further down": (b"A: 1\r\nFrom ann\r\n", ["a"], b"", b"From ann\r\n"),
    "white space before the colon": (b"From : a@b\r\n\r\n", ["from"], b"\r\n", b""),
    "a bare CR ends no field": (b"Subject: a\rApproved: x\r\n\r\n", ["subject"], b"\r\n", b""),
    "an 8-bit name is no field": (
        b"A: 1\r\n\xc3\xbc: 2\r\n\r\n", ["a"], b"", b"\xc3\xbc: 2\r\n\r\n"),
    "an empty name is no field": (b"A: 1\r\n: 2\r\n\r\n", ["a"], b"", b": 2\r\n\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_message_is_cut_where_other_readers_cut_it(case: str) -> None:
    raw, names, blank, body = CASES[case]
    message = split(raw)
    assert [field.name for field in message.fields] == names
    assert (message.blank, message.body) == (blank, body)
    assert join(message) == raw


@settings(deadline=None, max_examples=300)
@given(st.binary() | HEADERLIKE)
def test_split_and_join_give_back_any_bytes(raw: bytes) -> None:
    assert join(split(raw)) == raw


@settings(deadline=None)
@given(HEADERLIKE, st.integers(0, 20), st.integers(0, 60))
def test_reading_a_piece_sees_nothing_beside_it(raw: bytes, start: int, length: int) -> None:
    start = min(start, len(raw))
    end = min(start + length, len(raw))
    fields, header_end, body = read_fields(raw, start, end)
    assert start <= header_end <= body <= end
    assert b"".join(field.raw for field in fields) == raw[start:header_end]


def test_a_value_is_unfolded_and_stripped_of_the_space_around_it() -> None:
    field = Field("subject", b"Subject:  one\r\n two\r\n\tthree \r\n")
    assert field.text == "one two\tthree"
    assert field.value == b"  one\r\n two\r\n\tthree \r\n"


def test_octets_that_are_not_utf8_survive_as_lone_surrogates() -> None:
    assert Field("a", b"A: \xe9t\xc3\xa9\r\n").text == "\udce9té"


def test_the_first_field_that_says_something_is_the_one_that_counts() -> None:
    fields = split(b"Date:\r\nDATE: today\r\ndate: tomorrow\r\nX-Empty: \r\n\r\n").fields
    header = Header(fields)
    assert header.first("Date") == "today"
    assert header.chosen("date") is fields[1]
    assert header.all("dAtE") == ["", "today", "tomorrow"]
    assert header.chosen("x-empty") is fields[3]
    assert header.first("x-empty") == header.first("missing") == ""
    assert header.chosen("missing") is None
