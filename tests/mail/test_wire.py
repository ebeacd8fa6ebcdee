"""An author's header field on its way out: no line over 998 octets, and the same to a reader."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.surgery import read_fields
from listserv.mail.wire import wire_field
from listserv.mail.words import decode_words
from tests.mail.building import a_list, a_post, copy_of, fields_of, values

CHANGED = {
    "a space before the colon": (b"Subject \t: a : b\r\n", b"Subject: a : b\r\n"),
    "VT and FF": (b"X: \x0ba\x0cb\r\n", b"X:  a b\r\n"),
    "a bare CR": (b"X: a\rb\r\n", b"X: a b\r\n"),
    "a bare LF": (b"X: a\n b\n", b"X: a\r\n b\r\n"),
    "an empty fold": (b"X: a\r\n \t\r\n b\r\n", b"X: a\r\n b\r\n"),
    "an empty fold at the end": (b"X: a\r\n \t\r\n", b"X: a\r\n"),
    "an empty fold of VT": (b"X: a\r\n \x0b\r\n", b"X: a\r\n"),
    "no line end": (b"X: a", b"X: a\r\n"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_readers_disagree_about_goes(case: str) -> None:
    raw, written = CHANGED[case]
    assert wire_field(raw) == written


KEPT = [b"X:\r\n", b"x:y\r\n", b"X: a  b \r\n\tc\r\n", b"X: \xff\xfe\r\n", b"X: a : b\r\n",
        b"X: " + b"x" * 995 + b"\r\n", b"X: a\r\n " + b"x" * 997 + b"\r\n"]  # fmt: skip


@pytest.mark.parametrize("raw", KEPT)
def test_any_other_field_stays_byte_for_byte(raw: bytes) -> None:
    assert wire_field(raw) == raw


def _lines(field: bytes) -> list[int]:
    return [len(line) for line in field.split(b"\r\n")]


FOLDED = {
    "words": b"Subject: " + b"word " * 400 + b"end",
    "words behind a fold": b"X: a\r\n\t" + b"word " * 400 + b"end",
    "white space": b"X: a" + b" \t" * 1000 + b"b",
    "white space at the end": b"X: a" + b" " * 2000,
    "white space at the end of each line": b"X: a" + b" " * 2000 + b"\r\n b" + b" " * 2000,
    "white space only": b"Subject:" + b" " * 2000,
    "one line of several": b"X: a\r\n b\r\n " + b"c " * 600 + b"\r\n d",
    "white space behind the last octet that fits": b"X: a " + b"x" * 993 + b"  ",
    "exactly one octet too many": b"X: a " + b"x" * 994,
}


@pytest.mark.parametrize("case", FOLDED)
def test_a_long_line_is_folded_where_white_space_is(case: str) -> None:
    field = wire_field(FOLDED[case] + b"\r\n")
    assert max(_lines(field)) <= 998
    ((_, whole),) = fields_of(field)
    assert whole.split() == FOLDED[case].split()
    assert not whole.startswith(b"X:\r\n")


def test_without_white_space_it_is_folded_where_some_may_be_added() -> None:
    addresses = b",".join(b"member%d@example.org" % n for n in range(200))
    identifiers = b"".join(b"<%d@example.org>" % n for n in range(200))
    parameters = b"text/plain;" + b";".join(b"p%d=x" % n for n in range(300))
    for value, mark in ((addresses, b","), (identifiers, b">"), (parameters, b";")):
        field = wire_field(b"X:" + value + b"\r\n")
        assert max(_lines(field)) <= 998
        assert re.sub(rb"\r\n ", b"", field) == b"X:" + value + b"\r\n"
        assert all(line.endswith(mark) for line in field.split(b"\r\n ")[:-1])


def test_without_any_place_it_is_cut() -> None:
    field = wire_field(b"X: " + b"x" * 3000 + b"\r\n")
    assert max(_lines(field)) <= 998
    assert re.sub(rb"\r\n ", b"", field) == b"X: " + b"x" * 3000 + b"\r\n"


@pytest.mark.parametrize("word", ["x" * 3000, "ü" * 1500, "=?utf-8?q?" + "=C3=BC" * 500 + "?="])
def test_a_subject_of_one_long_word_reads_the_same(word: str) -> None:
    ((_, field),) = fields_of(wire_field(f"subject: {word} end\r\n".encode()))
    assert max(_lines(field)) <= 998
    (read,) = read_fields(field)[0]
    assert decode_words(read.text) == decode_words(f"{word} end")


def test_a_field_whose_name_alone_is_too_long_goes() -> None:
    """Symptom: a cut in a name ends the header, and what follows becomes text."""
    raw = a_post("X" * 1200 + ": y", "Subject: x")
    assert "x" * 1200 not in dict(fields_of(copy_of(raw).head))
    assert values(copy_of(raw).head, "Subject") == ["x"]


def test_nothing_that_a_copy_adds_makes_a_line_too_long() -> None:
    for length in (960, 985, 988, 989, 990, 991):
        cc = "Cc: " + "b" * length + "@x.example"
        subject = "Subject: " + "s" * length
        for field in (cc[:1002], subject[:1007], f"Reply-To: {cc[4:1002]}"):
            for mlist in (a_list(subject_prefix="[x]"), a_list(reply_to="author")):
                head = copy_of(a_post(field), mlist).head
                assert max(_lines(head)) <= 998
                fields_of(head)


_LONG = st.builds(
    bytes.__mul__,
    st.sampled_from(
        [b"x", b" ", b"\t ", b"a,", b"word ", b"\xff", b"<a>", b"\x0b", b"\r\n ", b";"]
    ),
    st.integers(0, 1500),
)


@given(st.sampled_from([b"Subject", b"X", b"To ", b"y" * 99]), st.lists(_LONG, max_size=6))
def test_any_field_goes_out_in_lines_of_998(name: bytes, pieces: list[bytes]) -> None:
    field = wire_field(name + b":" + b"".join(pieces) + b"\r\n")
    assert max(_lines(field)) <= 998
    ((_, whole),) = fields_of(field)
    assert whole == field
    assert wire_field(field) == field
