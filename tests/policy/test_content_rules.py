"""Content rules find what a person reads, as whole words, and nothing keeps them busy for long."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.domain.wording import Wording
from listserv.mail.parse import parse as read_post
from listserv.mail.searched import MAX_SEARCHED, wording
from listserv.policy.content_reader import parse
from listserv.policy.content_rules import (
    MOST_SLOW,
    REGEX_SECONDS,
    ContentRules,
    Findings,
    fill_in,
    search,
    why_no_answer,
)


def rules(*conditions: str) -> ContentRules:
    return parse("\n".join(f"when {one} then urgent" for one in conditions), "rules.txt")


def found(one: Findings) -> list[int]:
    return [rule.line for rule in one.rules]


def said(subject: str = "", body: str = "", *, link: bool = False, file: bool = False) -> Wording:
    return Wording(subject, body, link, file)


TABLE = [
    ('body has any of "sell", "end it all"', said(body="I want to End\nit ALL now"), True),
    ('body has any of "sell"', said(body="selling, resell, sell-by"), True),
    ('body has any of "sell"', said(body="selling and reselling"), False),
    ('body has any of "end it all"', said(body="This is the end. It all began"), False),
    ('body has any of "end it all"', said("end it all", "hello"), False),
    ('subject has any of "sale"', said("SALE!", "no"), True),
    ('subject has any of "sale"', said("no", "sale"), False),
    ('subject or body has any of "sale"', said("no", "a sale"), True),
    ('subject or body has all of "car", "sale"', said("Sale", "of my car"), True),
    ('subject or body has all of "car", "sale"', said("Sale", "of my cart"), False),
    ('subject or body has any of "car sale"', said("my car", "sale"), False),
    ('body has any of "a b", "a b c"', said(body="x a b"), True),
    ('body has any of "a b c"', said(body="x a b"), False),
    ("body matches /end\\s+it/", said(body="END\r\n  it"), True),
    ("body matches /^end.*all$/", said(body="end\nof it all"), True),
    ("body matches /straße/", said(body="STRASSE"), True),
    ("subject matches /x/", said("a", "x"), False),
    ("subject or body matches /x/", said("a", "x"), True),
    ("post has link", said(link=True), True),
    ("post has link", said(file=True), False),
    ("post has attachment", said(file=True), True),
    ('post has link and subject has any of "a"', said("a", link=True), True),
    ('post has link and subject has any of "a"', said("b", link=True), False),
    ('post has link and subject has any of "a"', said("a"), False),
]


@pytest.mark.parametrize(("condition", "post", "applies"), TABLE, ids=range(len(TABLE)))
def test_a_condition_is_true_or_false(condition: str, post: Wording, applies: bool) -> None:
    assert bool(search(rules(condition), post, is_new=False).rules) is applies


def test_an_author_is_new_or_not() -> None:
    new = rules("author is new")
    assert search(new, said(), is_new=True).rules and not search(new, said(), is_new=False).rules


def test_all_rules_that_apply_are_found_in_their_order() -> None:
    three = rules('body has any of "a"', 'body has any of "b"', 'body has any of "c", "a"')
    assert found(search(three, said(body="c a"), is_new=False)) == [1, 3]


def test_a_reason_to_hold_is_named_once() -> None:
    text = 'when body has any of "a" then hold "x"\nwhen body has any of "b" then hold "x"'
    assert search(parse(text, "f"), said(body="a b"), is_new=False).holds == ("x",)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds


def test_a_catastrophic_expression_ends_in_its_time_and_finds_nothing() -> None:
    both = rules("body matches /(a+)+b$/", 'subject has any of "b"')
    with at_most(REGEX_SECONDS + 1.5):
        done = search(both, said("b", "a" * 1_000_000 + "!"), is_new=False)
    assert found(done) == [2]
    assert [rule.line for rule in done.slow] == [1]


def test_many_catastrophic_expressions_share_the_time_of_a_few() -> None:
    many = rules(*["body matches /(a+)+$/"] * 20)
    with at_most(REGEX_SECONDS * MOST_SLOW + 1):
        done = search(many, said(body="a" * 100_000 + "!"), is_new=False)
    assert len(done.slow) == 20 and not done.rules


def test_an_expression_is_only_tried_where_the_other_conditions_are_true() -> None:
    one = rules('body matches /(a+)+$/ and subject has any of "x"')
    done = search(one, said("y", "a" * 100_000 + "!"), is_new=False)
    assert done == Findings()


def test_ten_thousand_words_cost_little_more_than_one() -> None:
    words = ", ".join(f'"word{n} of these"' for n in range(10_000))
    many = rules(f"body has any of {words}")
    body = "word7 of those " * 15_000
    assert cost(many, body) < 3 * cost(rules('body has any of "word7 of these"'), body) + 0.2
    assert search(many, said(body=body + "word9999 of these"), is_new=False).rules


def cost(looked_for: ContentRules, body: str) -> float:
    began = time.process_time()
    search(looked_for, said(body=body), is_new=False)
    return time.process_time() - began


@pytest.mark.parametrize("word", ["a ", "a", ".", "\u0301\u0316", "\ufdfa", "\u00ad", "字"])
def test_a_text_takes_time_by_its_length(word: str) -> None:
    terms = ", ".join(f'"{" ".join(["a"] * n)} b"' for n in range(1, 12))
    looked_for = rules(f'body has any of {terms}, "字 字 一"')
    cost(looked_for, word * 1000)
    short, long = (cost(looked_for, (word * length)[:length]) for length in (30_000, 240_000))
    assert long < 24 * short + 0.1


ANY_RULES = rules(
    'subject or body has any of "a", "the", "end it all"', 'body has all of "a", "b"',
    r"subject or body matches /(\w+\s?)+$/", "author is new", "post has link",
    "post has attachment",
)  # fmt: skip


@given(st.binary(max_size=2000), st.booleans())
def test_any_bytes_are_searched(raw: bytes, is_new: bool) -> None:
    done = search(ANY_RULES, wording(raw, read_post(raw)), is_new=is_new)
    assert (4 in found(done)) is is_new


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["end", "it", "all", ".", ",", "\n", "-", "x"])), st.booleans())
def test_a_phrase_is_found_as_a_plain_search_finds_it(pieces: list[str], html: bool) -> None:
    text = " ".join(pieces)
    dividing = {",", "\n", "-"}
    plain = " ".join(piece for piece in pieces if piece not in dividing)
    expected = " end it all " in f" {plain} "
    body = f"<p>{text}</p>" if html else text
    kind = "html" if html else "plain"
    raw = f"Content-Type: text/{kind}\r\n\r\n{body}".encode()
    looked_for = rules('body has any of "end it all"')
    got = search(looked_for, wording(raw, read_post(raw)), is_new=False)
    assert bool(got.rules) is expected


def test_a_body_of_five_megabytes_is_searched_in_a_moment_as_far_as_people_write() -> None:
    head = b"Subject: Re: x\r\nContent-Type: text/html\r\n\r\n"
    fillings = (b"<", b"<a ", b"&#9999999;", b"<blockquote>", b"&lt;", b"word ", b"<br>a:")
    for filling in fillings:
        raw = head + b"end it all " + filling * (5_000_000 // len(filling))
        with at_most(3):
            post = wording(raw, read_post(raw))
            assert found(search(rules('body has any of "end it all"'), post, is_new=False)) == [1]
        assert len(post.body) <= 2 * MAX_SEARCHED


ANSWERS = [
    ("Dear $name,\n\nwrite to ${owner}. $$5\n", ""),
    ("Grüße\t— 🙂\r\n", ""),
    ("", "is empty"),
    (" \n ", "is empty"),
    ("costs 5$", "has a $ that names nothing"),
    ("$5", "has a $ that names nothing"),
    ("Dear $Name", "has $Name; there are $name, $title, $owner only"),
    ("$address", "has $address"),
    ("a\x1b[2J", "has the control character"),
]


@pytest.mark.parametrize(("text", "why"), ANSWERS, ids=range(len(ANSWERS)))
def test_an_answer_is_plain_text_with_three_names(text: str, why: str) -> None:
    says = why_no_answer(text)
    assert says.startswith(why) and bool(says) is bool(why)
    if not says:
        fill_in(text, {"name": "$title", "title": "T", "owner": "o@x.test"})


def test_what_a_member_is_called_is_never_looked_at() -> None:
    values = {"name": "$owner ${title} $", "title": "T", "owner": "o@x.test"}
    assert fill_in("Dear $name", values) == "Dear $owner ${title} $"


@given(st.text())
def test_any_text_can_be_filled_in_or_is_refused(text: str) -> None:
    if not why_no_answer(text):
        fill_in(text, {"name": "n", "title": "t", "owner": "o"})
