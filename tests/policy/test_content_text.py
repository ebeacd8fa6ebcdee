"""Texts are compared as people read them: spelling of characters and wrapping do not count."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.content_text import LONGEST, term_of, tidy, words_of

SAME = [
    ("end it all", "End  it\r\n\tALL"),
    ("end it all", "e\u00adnd it\u200b all"),
    ("don't", "don\u2019t"),
    ("don't", "DON\x92T"),
    ("e-mail", "e\u2011mail"),
    ("Straße", "STRASSE"),
    ("café", "cafe\u0301"),
    ("office", "o\ufb03ce"),
    ("sale", "\uff33\uff21\uff2c\uff25"),
    ("हिन्दी", "हिन्दी"),
    ("end it all", "end\u00a0it\u3000all"),
    ("end it all", "*end* _it_ (all),"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_these_are_the_same_words(one: str, other: str) -> None:
    assert term_of(one) is not None
    assert [word for word in words_of(tidy(other)) if word != "."] == list(term_of(one) or ())


NO_TERMS = ["", " ", "-", "'", "C++", "$100", "3.50", "who?", "a/b", "sell*", "a.b", "🙂", "\u00ad"]


@pytest.mark.parametrize("text", NO_TERMS)
def test_what_would_not_be_compared_as_it_is_written_is_no_term(text: str) -> None:
    assert term_of(text) is None


def test_a_sentence_ends_a_phrase() -> None:
    assert words_of("the end. it all began") == ("the", "end", ".", "it", "all", "began")


def test_where_nobody_writes_spaces_each_character_is_a_word() -> None:
    assert term_of("自杀") == ("自", "杀")
    assert words_of(tidy("我想自杀。")) == ("我", "想", "自", "杀", ".")


@given(st.text(st.characters(codec="ascii")))
def test_plain_english_is_read_as_any_other_text(text: str) -> None:
    beside = words_of(tidy(f"{text} é"))
    assert (*words_of(tidy(text)), "é") == beside


@given(st.text(max_size=300))
def test_any_text_is_one_line_of_words(text: str) -> None:
    tidied = tidy(text)
    assert tidied == " ".join(tidied.split())
    assert all(words_of(tidied))


@given(st.text(st.characters(categories=["L", "N", "Z"]), max_size=40))
def test_a_term_is_found_in_its_own_text(text: str) -> None:
    term = term_of(text)
    assert term is None or term == words_of(tidy(text))


def test_no_more_is_compared_than_anybody_writes() -> None:
    """This one character becomes 18."""
    assert len(tidy("\ufdfa" * 300_000)) <= LONGEST


def test_a_letter_with_very_many_marks_takes_no_longer_than_other_text() -> None:
    """Normalising alone takes the square of their number."""
    marks = "a" + "\u0301\u0316" * 100_000
    began = time.process_time()
    tidied = tidy(marks)
    assert time.process_time() - began < 2
    assert len(tidied) <= 32
    assert unicodedata.is_normalized("NFKC", tidied)
