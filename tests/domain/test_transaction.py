"""Dot-stuffing, and how it is undone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.transaction import dot_stuff, is_dotless


@pytest.mark.parametrize(
    ("data", "stuffed"),
    [
        (b"", b""),
        (b"a\r\n", b"a\r\n"),
        (b".\r\n", b"..\r\n"),
        (b"..\r\n.a\r\na.\r\n", b"...\r\n..a\r\na.\r\n"),
        (b"\r\n.\r\n.\r\n", b"\r\n..\r\n..\r\n"),
    ],
)
def test_a_dot_that_begins_a_line_is_doubled(data: bytes, stuffed: bytes) -> None:
    assert dot_stuff(data) == stuffed


@pytest.mark.parametrize("data", [b"a\n.\r\n", b"a\r.\r\n", b"a\r\n\n", b"\r", b"\n\r"])
def test_a_bare_line_end_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="bare"):
        dot_stuff(data)


@given(st.lists(st.sampled_from([b".", b"a", b"\r\n", b"\x80"])).map(b"".join))
def test_a_peer_reads_what_was_meant(data: bytes) -> None:
    stuffed = dot_stuff(data)
    assert re.sub(rb"(^|\r\n)\.", rb"\1", stuffed) == data
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed
    assert is_dotless([b"a\r\n", stuffed]) == (stuffed == data)
