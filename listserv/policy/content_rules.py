"""Content rules: what a list's owners want held, or told, by its text. A file in plain words, read
by content_language.py into frozen values; here they are matched.

They never reject: what a rule asks for is a hold, a word to the moderators, an answer to the
author. Words are looked up, in one pass over the text for all rules together. A regular expression
has a time limit; when its time is over its rule finds nothing, and is named as slow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from string import Template
from types import MappingProxyType
from typing import Any

from listserv.domain.wording import Wording
from listserv.policy.content_text import Term, tidy, words_of

# Seconds that one regular expression has for one text, and how many of one post may use them up.
REGEX_SECONDS = 0.1
MOST_SLOW = 3


class Place(StrEnum):
    SUBJECT = "subject"
    BODY = "body"
    EITHER = "subject or body"


class Trait(StrEnum):
    """What is known of a post or its author besides the text."""

    NEW_AUTHOR = "author is new"
    LINK = "post has link"
    ATTACHMENT = "post has attachment"


@dataclass(frozen=True, slots=True)
class Words:
    """One of the terms is there, or with `every` each of them."""

    place: Place
    every: bool
    terms: frozenset[Term]


@dataclass(frozen=True, slots=True)
class Pattern:
    """`compiled` is of the regex library, which has time limits."""

    place: Place
    source: str
    compiled: Any


Condition = Words | Pattern | Trait


@dataclass(frozen=True, slots=True)
class ContentRule:
    """One rule, in force when all its conditions are true. `line` is where it begins in the file;
    `hold` and `tell` are the owner's words, `answer` names a file; "" where it says nothing."""

    line: int
    conditions: tuple[Condition, ...]
    hold: str = ""
    urgent: bool = False
    tell: str = ""
    answer: str = ""

    @property
    def tells(self) -> bool:
        """Whether the moderators hear of the post at once."""
        return self.urgent or bool(self.tell)

    @property
    def name(self) -> str:
        return f"line {self.line}"

    @property
    def does(self) -> tuple[str, ...]:
        """What it asks for, in the words of the language."""
        asked = {
            f'hold "{self.hold}"': self.hold,
            "urgent": self.urgent,
            f'tell moderators "{self.tell}"': self.tell,
            f"answer author with {self.answer}": self.answer,
        }
        return tuple(words for words, is_asked in asked.items() if is_asked)


@dataclass(frozen=True, slots=True)
class ContentRules:
    """A whole file. `lengths` says of the first word of each term how many words those terms have;
    `answers` are the texts of the files that rules answer with."""

    rules: tuple[ContentRule, ...]
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lengths: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)
    terms: frozenset[Term] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        terms = frozenset(
            term
            for rule in self.rules
            for condition in rule.conditions
            if isinstance(condition, Words)
            for term in condition.terms
        )
        lengths: dict[str, set[int]] = {}
        for term in terms:
            lengths.setdefault(term[0], set()).add(len(term))
        object.__setattr__(self, "terms", terms)
        frozen = {first: tuple(sorted(found)) for first, found in lengths.items()}
        object.__setattr__(self, "lengths", MappingProxyType(frozen))

    def with_answers(self, answers: Mapping[str, str]) -> "ContentRules":
        return replace(self, answers=MappingProxyType(dict(answers)))

    @property
    def answer_files(self) -> tuple[str, ...]:
        """The files that rules answer with, each once."""
        return tuple(dict.fromkeys(rule.answer for rule in self.rules if rule.answer))


@dataclass(frozen=True, slots=True)
class Findings:
    """The rules that apply to a post; those whose time was over; and `answers`, as in ContentRules.
    `unreadable`: the list's file never could be read, so every post waits for a person."""

    rules: tuple[ContentRule, ...] = ()
    slow: tuple[ContentRule, ...] = ()
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    unreadable: bool = False

    @property
    def holds(self) -> tuple[str, ...]:
        """Why the post is held, in the words of the rules, each once; () when it is not."""
        if self.unreadable:
            return (UNREADABLE,)
        return tuple(dict.fromkeys(rule.hold for rule in self.rules if rule.hold))


UNREADABLE = "the file of rules cannot be read"
NOTHING = Findings()


def search(rules: ContentRules, wording: Wording, *, is_new: bool) -> Findings:
    """What the rules find in a post; `is_new`: its author is."""
    texts = _Texts(rules, wording, is_new)
    found: list[ContentRule] = []
    slow: list[ContentRule] = []
    for rule in rules.rules:
        try:
            if all(map(texts.fulfil, sorted(rule.conditions, key=_costs))):
                found.append(rule)
        except TimeoutError:
            slow.append(rule)
    return Findings(tuple(found), tuple(slow), rules.answers)


def _costs(condition: Condition) -> bool:
    return isinstance(condition, Pattern)


class _Texts:
    """The texts of one post, each tidied and looked through at most once."""

    def __init__(self, rules: ContentRules, wording: Wording, is_new: bool) -> None:
        self._rules = rules
        self._traits = {
            Trait.NEW_AUTHOR: is_new,
            Trait.LINK: wording.link,
            Trait.ATTACHMENT: wording.attachment,
        }
        self._raw = {Place.SUBJECT: wording.subject, Place.BODY: wording.body}
        self._tidied: dict[Place, str] = {}
        self._found: dict[Place, frozenset[Term]] = {}
        self._too_slow = 0

    def fulfil(self, condition: Condition) -> bool:
        """Whether a condition is true. Raises TimeoutError when that takes too long to find out."""
        if isinstance(condition, Trait):
            return self._traits[condition]
        if isinstance(condition, Pattern):
            return any(self._matches(condition, place) for place in _places(condition.place))
        there = frozenset[Term]().union(*map(self._terms_in, _places(condition.place)))
        return (
            condition.terms <= there if condition.every else not condition.terms.isdisjoint(there)
        )

    def _matches(self, pattern: Pattern, place: Place) -> bool:
        if self._too_slow >= MOST_SLOW:
            raise TimeoutError
        try:
            # concurrent: other threads go on meanwhile
            found = pattern.compiled.search(
                self._text(place), timeout=REGEX_SECONDS, concurrent=True
            )
        except (TimeoutError, MemoryError):
            self._too_slow += 1
            raise TimeoutError from None
        return found is not None

    def _text(self, place: Place) -> str:
        if place not in self._tidied:
            self._tidied[place] = tidy(self._raw[place])
        return self._tidied[place]

    def _terms_in(self, place: Place) -> frozenset[Term]:
        if place not in self._found:
            self._found[place] = frozenset(_occurring(self._rules, words_of(self._text(place))))
        return self._found[place]


def _places(place: Place) -> tuple[Place, ...]:
    return (Place.SUBJECT, Place.BODY) if place is Place.EITHER else (place,)


def _occurring(rules: ContentRules, words: Term) -> Iterator[Term]:
    """The terms of the rules that stand in a text. Terms are short, so this is linear in it."""
    if rules.lengths.keys().isdisjoint(words):
        return
    for at, word in enumerate(words):
        for length in rules.lengths.get(word, ()):
            term = words[at : at + length]
            if term in rules.terms:
                yield term


# What an answer may name.
ANSWER_VALUES = ("name", "title", "owner")


def why_no_answer(text: str) -> str:
    """Why a file's text cannot be sent as an answer; "" when it can."""
    if not text.strip():
        return "is empty: write there what the author of such a post is to read"
    unshown = next((c for c in text if not (c.isprintable() or c in "\t\n\r")), "")
    if unshown:
        return f"has the control character {unshown!r} in it: save it as plain text"
    template = Template(text)
    known = ", ".join(f"${name}" for name in ANSWER_VALUES)
    if not template.is_valid():
        return f"has a $ that names nothing; there are {known}, and $$ for the sign itself"
    unknown = sorted(set(template.get_identifiers()) - set(ANSWER_VALUES))
    return f"has ${unknown[0]}; there are {known} only" if unknown else ""


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """An answer with its values: only those named, so that a user's words are never looked at."""
    return Template(text).substitute(values)
