"""A file of content rules is read whole, or refused with its line and the way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.errors import ListservError
from listserv.policy.content_language import ACTIONS, CONDITIONS, language_table
from listserv.policy.content_reader import MAX_CHARACTERS, MAX_PATTERNS, MAX_RULES, parse
from listserv.policy.content_rules import (
    ContentRule,
    ContentRules,
    Pattern,
    Place,
    Trait,
    Words,
)


def rule(text: str) -> ContentRule:
    (one,) = parse(text, "rules.txt").rules
    return one


def terms(*texts: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(text.split()) for text in texts)


CONDITIONS_READ = [
    ('subject has any of "selling"', Words(Place.SUBJECT, False, terms("selling"))),
    ('body has any of "End it all", "die"', Words(Place.BODY, False, terms("end it all", "die"))),
    ('subject or body has all of "a", "b"', Words(Place.EITHER, True, terms("a", "b"))),
    ('BODY HAS ANY OF "a"', Words(Place.BODY, False, terms("a"))),
    ("body has\n  any of “a”,\n  # of these\n  „b“", Words(Place.BODY, False, terms("a", "b"))),
    ("author is new", Trait.NEW_AUTHOR),
    ("post has link", Trait.LINK),
    ("post has attachment", Trait.ATTACHMENT),
]  # fmt: skip


@pytest.mark.parametrize(("text", "condition"), CONDITIONS_READ)
def test_a_condition_is_read(text: str, condition: object) -> None:
    assert rule(f"when {text} then urgent").conditions == (condition,)


@pytest.mark.parametrize(
    ("text", "place", "source"),
    [
        ("subject matches /free.*offer/", Place.SUBJECT, "free.*offer"),
        (r"subject or body matches /a\/b#c \"d\"/", Place.EITHER, r"a/b#c \"d\""),
    ],
)
def test_a_regular_expression_is_read(text: str, place: Place, source: str) -> None:
    (condition,) = rule(f"when {text} then urgent").conditions
    assert isinstance(condition, Pattern)
    assert (condition.place, condition.source) == (place, source)


ACTIONS_READ = [
    ('hold "advert?"', ContentRule(1, (Trait.LINK,), hold="advert?")),
    ("urgent", ContentRule(1, (Trait.LINK,), urgent=True)),
    ('tell moderators "crisis  sheet"', ContentRule(1, (Trait.LINK,), tell="crisis sheet")),
    ("answer author with crisis.txt", ContentRule(1, (Trait.LINK,), answer="crisis.txt")),
    (
        'urgent, tell moderators "x", answer author with c.txt, hold "y"',
        ContentRule(1, (Trait.LINK,), hold="y", urgent=True, tell="x", answer="c.txt"),
    ),
]


@pytest.mark.parametrize(("text", "read"), ACTIONS_READ)
def test_an_action_is_read(text: str, read: ContentRule) -> None:
    assert rule(f"when post has link then {text}") == read


def test_every_phrase_of_the_language_has_a_case_here() -> None:
    said = " ".join(text for text, _ in (*CONDITIONS_READ, *ACTIONS_READ)) + " matches"
    for phrase in (*CONDITIONS, *ACTIONS):
        assert phrase.words.removeprefix("PLACE ") in said
        assert f"`{phrase.written}`" in language_table()


def test_the_rules_of_the_example_are_read() -> None:
    text = (
        "\ufeff# our rules\r\n\r\n"
        'when subject or body has any of "selling", "survey" then hold "advert?"\r\n'
        'when body has any of "end it all"\r\n  then urgent, tell moderators "crisis sheet",'
        " answer author with crisis.txt\r\n"
        'when author is new and post has link then hold "first link"\r\n'
    )
    rules = parse(text, "rules.txt")
    assert [one.line for one in rules.rules] == [3, 4, 6]
    assert rules.answer_files == ("crisis.txt",)
    assert rules.rules[2].conditions == (Trait.NEW_AUTHOR, Trait.LINK)
    assert rules.rules[1].does == (
        "urgent", 'tell moderators "crisis sheet"', "answer author with crisis.txt",
    )  # fmt: skip


def test_an_empty_file_has_no_rules() -> None:
    assert parse("# nothing yet\n", "rules.txt") == ContentRules(())


LINK = "when post has link then"
WRONG = [
    ("urgent", 1, "each rule begins with when"),
    ("\n\nwhen", 3, 'nothing stands behind when; write one of: PLACE has any of "…"'),
    ('when subject contains "x" then urgent', 1, "has any of"),
    ("when author is old then urgent", 1, "author is old is not known behind when"),
    ('when subject has any of then hold "x"', 1, "wants words in quotation marks"),
    ('when subject has any of "a" "b" then urgent', 1, "comes and or then"),
    ('when subject has any of "a",, "b" then urgent', 1, "wants words in quotation marks"),
    ('when body has any of "a",\n "b\n" then urgent', 2, "close it on the same line"),
    ("when body matches /a then urgent", 1, "close it on the same line"),
    ("when body matches a then urgent", 1, "between two /"),
    ("when body matches // then urgent", 1, "1 to 500 characters"),
    ("when body matches /(/ then urgent", 1, "is no regular expression: missing )"),
    (f"when body matches /{'(' * 400}{')' * 50}/ then urgent", 1, "is no regular expression"),
    ("when body matches /(?:a{65535}){65535}/ then urgent", 1, "repeats"),
    ("when body matches /a{99999999999999999999}/ then urgent", 1, "repeats"),
    ('when body has any of "C++" then urgent', 1, "write matches /…/"),
    ('when body has any of "" then urgent', 1, "letters and figures"),
    (f'when body has any of "{"a " * 13}" then urgent', 1, "at most 12 words"),
    (f"{LINK}", 1, "write one of: hold"),
    (f"{LINK} reject", 1, "reject is not known behind then"),
    (f"{LINK} discard", 1, "write one of: hold"),
    (f'{LINK} hold ""', 1, "1 to 100 characters"),
    (f'{LINK} hold "a\x07b"', 1, "all to be read"),
    (f'{LINK} hold "{"a" * 101}"', 1, "1 to 100 characters"),
    (f'{LINK} hold "a",\n hold "b"', 2, "hold is there twice in one rule"),
    (f"{LINK} answer author with ../secret.txt", 1, "a file that stands beside this one"),
    (f"{LINK} answer author with /etc/passwd", 1, "wants the name of a file"),
    (f"{LINK} answer author with dkim.pem", 1, "ends in .txt"),
    (f"{LINK} answer author with .hidden.txt", 1, "a file that stands beside this one"),
    (f'{LINK} answer author with "a.txt"', 1, "without quotation marks"),
    (f"{LINK} urgent then urgent", 1, "each rule begins with when"),
    (f"{LINK} urgent\n" * (MAX_RULES + 1), MAX_RULES + 1, "more than 200 rules"),
    ("when body matches /a/ then urgent\n" * (MAX_PATTERNS + 1), MAX_PATTERNS + 1, "use words"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "says"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_named_with_file_line_and_the_way_out(text: str, line: int, says: str) -> None:
    with pytest.raises(ListservError) as refused:
        parse(text, "town/rules.txt")
    assert str(refused.value).startswith(f"town/rules.txt: line {line}: ")
    assert says in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(ListservError, match="larger than 1024 kB"):
        parse("#" * (MAX_CHARACTERS + 1), "rules.txt")


PIECES = [
    "when ", "then ", "and ", "subject ", "or ", "body ", "has any of ", "has all of ", "matches ",
    "author is new ", "post has link ", "hold ", "urgent ", "tell moderators ", ", ", '"a b" ',
    "answer author with ", "crisis.txt ", "/a+/ ", "/(/ ", '"', "/", "\\", "# x\n", "\n", "“", "\0",
]  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_any_text_is_a_file_of_rules_or_refused(text: str) -> None:
    try:
        assert isinstance(parse(text, "rules.txt"), ContentRules)
    except ListservError as refused:
        assert str(refused).startswith("rules.txt: ") and str(refused).isprintable()


@given(st.text("()[]{}|*+?.^$\\abkgpPNRVIfx0123<>=!:,&~-' ", min_size=1, max_size=30))
def test_any_text_is_a_regular_expression_or_refused(pattern: str) -> None:
    try:
        rule(f"when body matches /{pattern}/ then urgent")
    except ListservError as refused:
        assert str(refused).startswith("rules.txt: line 1: ")
