"""The subject prefix: once, and the rest as its author wrote it."""

# ruff: noqa: RUF001 - a full-width colon is what some mail programs write

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.subject import has_prefix, with_prefix
from listserv.mail.surgery import Field
from listserv.mail.words import decode_words
from tests.mail.building import fields_of

HAVE_IT = [
    "[town] hello",
    "[Town] hello",
    "[town]hello",
    "Re: [town] hello",
    "[town] Re: hello",
    "RE: Re[2]: Fwd: AW: [town] hello",
    "Antwort: [town] hello",
    "回复：[town] hello",
    "Re : [town] hello",
    "Re(3): Re^2: [town] x",
    "[other] Re: [town] hello",
    "  [town]",
]
HAVE_IT_NOT = [
    "hello",
    "",
    "Re: hello",
    "hello [town]",
    "Re: what does [town] mean",
    "[towns] hello",
    "[other] hello",
    "town hello",
    "re:" * 5000 + "[town]",
]


@pytest.mark.parametrize("subject", HAVE_IT)
def test_a_prefix_in_front_or_behind_reply_marks_is_seen(subject: str) -> None:
    assert has_prefix(subject, "[town]")


@pytest.mark.parametrize("subject", HAVE_IT_NOT)
def test_a_prefix_elsewhere_is_none(subject: str) -> None:
    assert not has_prefix(subject, "[town]")


KEPT = [
    b"Subject: Re: [town] hello\r\n",
    b"SUBJECT:[town]  Re:   hello\r\n",
    b"Subject: =?utf-8?q?Re=3A_=5Btown=5D_gr=C3=BC=C3=9Fe?=\r\n",
    b"Subject: =?utf-8?b?UmU6IFt0b3duXSBncsO8w59l?=\r\n =?utf-8?b?IQ==?=\r\n",
    b"Subject: [town]\r\n\thello\r\n",
]


@pytest.mark.parametrize("raw", KEPT)
def test_a_subject_that_has_it_stays_byte_for_byte(raw: bytes) -> None:
    assert with_prefix(raw, "[town]") == raw


PUT = {
    b"Subject: hello\r\n": b"Subject: [town] hello\r\n",
    b"subject:hello\r\n": b"Subject: [town] hello\r\n",
    b"Subject: Re:  hello \r\n": b"Subject: [town] Re:  hello \r\n",
    b"Subject:\r\n hello\r\n": b"Subject: [town] hello\r\n",
    b"Subject: one\r\n\ttwo\r\n": b"Subject: [town] one\r\n\ttwo\r\n",
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n": b"Subject: [town] =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n",
    b"Subject: Gr\xfc\xdfe\r\n": b"Subject: [town] Gr\xfc\xdfe\r\n",
    b"Subject:\r\n": b"Subject: [town] (no subject)\r\n",
    b"Subject: \r\n \t\r\n": b"Subject: [town] (no subject)\r\n",
    b"Subject: " + b"x" * 70 + b"\r\n": b"Subject: [town]\r\n " + b"x" * 70 + b"\r\n",
    b"Subject: " + b"x" * 985 + b"\r\n": b"Subject: [town]\r\n " + b"x" * 985 + b"\r\n",
}


@pytest.mark.parametrize("raw", PUT)
def test_the_prefix_goes_in_front_and_the_rest_stays(raw: bytes) -> None:
    assert with_prefix(raw, "[town]") == PUT[raw]


NOT_ASCII = {
    b"Subject: hello\r\n": "[Grüße] hello",
    b"Subject: =?utf-8?q?=C3=BC?= x\r\n": "[Grüße] ü x",
    b"Subject: Re: =?utf-8?q?=C3=BC?=\r\n": "[Grüße] Re: ü",
}


@pytest.mark.parametrize("raw", NOT_ASCII)
def test_a_prefix_that_is_not_ascii_is_encoded_and_its_space_stays(raw: bytes) -> None:
    made = with_prefix(raw, "[Grüße]")
    assert made.isascii()
    assert decode_words(Field("subject", made).text) == NOT_ASCII[raw]


def test_a_prefix_that_looks_encoded_is_taken_literally() -> None:
    made = with_prefix(b"Subject: hello\r\n", "=?utf-8?q?x?=")
    assert decode_words(Field("subject", made).text) == "=?utf-8?q?x?= hello"


@settings(deadline=None)
@given(
    st.text(alphabet="[]town reRE:ü=?", max_size=40),
    st.sampled_from(["[town]", "[ü]", "t:", "[a  b]", "re:"]),
)
def test_a_second_time_changes_nothing(text: str, prefix: str) -> None:
    raw = b"Subject: " + text.encode() + b"\r\n"
    once = with_prefix(raw, prefix)
    fields_of(once) if once != raw else None
    assert with_prefix(once, prefix) == once
