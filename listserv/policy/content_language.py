"""The language of content rules: CONDITIONS and ACTIONS, a table of its phrases.

    # comment
    when subject or body has any of "selling", "survey" then hold "advert?"

A new phrase is a row here and a case in tests/policy/test_content_reader.py; docs/content-rules.md
has the tables as `language_table` prints them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from listserv.policy.content_rules import Pattern, Place, Trait, Words
from listserv.policy.markdown import markdown


class Takes(StrEnum):
    """What stands behind a phrase."""

    NOTHING = ""
    WORDS = '"…", "…"'
    WORDING = '"…"'
    PATTERN = "/…/"
    FILE = "FILE.txt"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One row: `words` as they are written, where PLACE is one of the places, what they take, what
    they mean, and what is made of them: a condition from (place, value), or fields of a rule."""

    words: str
    takes: Takes
    means: str
    make: Callable[[Place, Any], Any]

    @property
    def written(self) -> str:
        return f"{self.words} {self.takes}".strip()


PLACES = {
    Place.EITHER: "both", Place.SUBJECT: "the subject",
    Place.BODY: "the text that a person reads, without what it quotes",
}  # fmt: skip

CONDITIONS: tuple[Phrase, ...] = (
    Phrase("PLACE has any of", Takes.WORDS, "one of these words or phrases is there",
           lambda place, terms: Words(place, False, frozenset(terms))),
    Phrase("PLACE has all of", Takes.WORDS, "each of them is there",
           lambda place, terms: Words(place, True, frozenset(terms))),
    Phrase("PLACE matches", Takes.PATTERN, "this regular expression is found there",
           lambda place, found: Pattern(place, found.pattern, found)),
    Phrase("author is new", Takes.NOTHING,
           "fewer posts of the author went out than `new_member_posts`, or they are no member",
           lambda place, _: Trait.NEW_AUTHOR),
    Phrase("post has link", Takes.NOTHING, "a web address is in the text or the subject",
           lambda place, _: Trait.LINK),
    Phrase("post has attachment", Takes.NOTHING, "a file is attached, or a picture is in the text",
           lambda place, _: Trait.ATTACHMENT),
)  # fmt: skip

ACTIONS: tuple[Phrase, ...] = (
    Phrase("hold", Takes.WORDING, "the post waits for a moderator, who reads this reason",
           lambda _, said: {"hold": said}),
    Phrase("urgent", Takes.NOTHING, "all moderators are told of the post at once, as urgent",
           lambda place, _: {"urgent": True}),
    Phrase("tell moderators", Takes.WORDING, "all moderators are told of the post, with this text",
           lambda _, said: {"tell": said}),
    Phrase("answer author with", Takes.FILE,
           "a member who wrote the post gets the text of this file by mail, once a day",
           lambda _, name: {"answer": name}),
)  # fmt: skip


def language_table() -> str:
    """The phrases in Markdown."""
    parts = (
        ("Where to look", "PLACE", [(str(place), means) for place, means in PLACES.items()]),
        ("Conditions", "behind `when`, joined with `and`", _rows(CONDITIONS)),
        ("What then", "behind `then`, with commas between them", _rows(ACTIONS)),
    )
    return "\n".join(
        f"### {title}\n\n{markdown([(heading, 'means'), *((f'`{a}`', b) for a, b in rows)])}"
        for title, heading, rows in parts
    )


def _rows(table: Iterable[Phrase]) -> list[tuple[str, str]]:
    return [(phrase.written, phrase.means) for phrase in table]
