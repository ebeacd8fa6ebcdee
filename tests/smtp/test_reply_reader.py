"""Bytes become replies, in whatever pieces they come."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.smtp.reply_reader import ReplyReader

REPLIES = {
    b"250 ok\r\n": [b"250 ok"],
    b"250\r\n": [b"250"],
    b"250 \r\n": [b"250 "],
    b"250 ok\r\n354 go\r\n": [b"250 ok", b"354 go"],
    b"250-a\r\n250-b\r\n250 c\r\n": [b"250 a b c"],
    b"250-a\r\n250\r\n": [b"250 a"],
    b"550 caf\xe9\r\n": [b"550 caf\xe9"],
    b"250 " + b"x" * 506 + b"\r\n": [b"250 " + b"x" * 506],
    b"250": [],
    b"250 ok\r": [],
    b"250-a\r\n": [],
}
GARBAGE = {
    b"hello\r\n": b"hello",
    b"\r\n": b"",
    b"25\r\n": b"25",
    b"150 ok\r\n": b"150 ok",
    b"650 ok\r\n": b"650 ok",
    b"250ok\r\n": b"250ok",
    b"250 ok\n": b"250 ok\n",
    b"250 a\n250 b\r\n": b"250 a\n250 b",
    b"250 a\r250 b\r\n": b"250 a\r250 b",
    b"250-a\r\n550 b\r\n": b"550 b",
    b"250 " + b"x" * 507 + b"\r\n": b"250 " + b"x" * 506,
    b"250 " + b"x" * 600: b"250 " + b"x" * 506,
    b"250-" + b"\r\n250-".join([b"x" * 500] * 20) + b"\r\n": b"250-" + b"x" * 500,
}


def read(*pieces: bytes) -> tuple[list[bytes], bytes | None]:
    reader = ReplyReader()
    replies = []
    for piece in pieces:
        if reader.garbage is None:
            replies += reader.feed(piece)
    return replies, reader.garbage


@pytest.mark.parametrize(("data", "replies"), REPLIES.items())
def test_replies(data: bytes, replies: list[bytes]) -> None:
    assert read(data) == (replies, None)


@pytest.mark.parametrize(("data", "garbage"), GARBAGE.items())
def test_what_can_be_no_reply_is_kept_for_the_log(data: bytes, garbage: bytes) -> None:
    assert read(b"250 before\r\n" + data) == ([b"250 before"], garbage)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ((b"250-a\r\n", b"250 b\r\n"), ([b"250 a b"], None)),
        ((b"25", b"250 ok\r\n"), ([], b"25250 ok")),
        ((b"250 ok\r", b"\n"), ([b"250 ok"], None)),
        ((b"250 ok\r", b"250 ok\r\n"), ([], b"250 ok\r250 ok")),
    ],
)
def test_a_reply_may_come_in_pieces(
    pieces: tuple[bytes, ...], expected: tuple[list[bytes], bytes | None]
) -> None:
    assert read(*pieces) == expected


@given(
    st.lists(st.sampled_from([*REPLIES, *GARBAGE]) | st.binary(max_size=8), max_size=6),
    st.randoms(use_true_random=False),
)
def test_it_makes_no_difference_how_the_bytes_are_cut(parts: list[bytes], random: Random) -> None:
    data = b"".join(parts)
    pieces, at = [], 0
    while at < len(data):
        cut = random.choice([1, 2, 7, 700])
        pieces.append(data[at : at + cut])
        at += cut
    whole, garbage = read(data)
    cut_up, cut_garbage = read(*pieces)
    assert whole == cut_up
    assert (garbage is None) == (cut_garbage is None)
