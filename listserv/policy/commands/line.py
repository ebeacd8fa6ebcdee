"""One line on its way to become a command: its words, the list it names, and what is left."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from listserv.domain.address import Address, ascii_lower, parse_address
from listserv.policy.commands.command import ALL_LISTS, Command, Option, Verb, Why

T = TypeVar("T")

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_QUOTES = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a"
_FRONT = _QUOTES + "<([\u00bf\u00a1" + _INVISIBLE
_STOPS = _QUOTES + ">)].,;:!?\u3002\uff0c\uff01"
_BACK = _STOPS + _INVISIBLE
# What some mail programs make of an address: a@b<mailto:a@b>.
_LINKED = re.compile(r"[<(\[]mailto:.*", re.IGNORECASE)
_EMPHASIS = "*_"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a line is not the command that its first word promises. `nearest` is a whole line."""

    why: Why
    nearest: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was `written`; `plain` is it without quotation marks and punctuation around."""

    written: str
    plain: str


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a line; those that are nothing but punctuation are left out. PW=…, a password
    that LISTSERV wanted, is nobody's business."""
    words = (Word(written, _plain(written)) for written in text.split())
    return tuple(word for word in words if word.plain and not word.plain.upper().startswith("PW="))


def _plain(written: str) -> str:
    plain = written.lstrip(_FRONT).rstrip(_BACK)
    emphasised = plain.strip(_EMPHASIS)
    # *unsubscribe* is unsubscribe, * is all lists.
    return emphasised if emphasised and "@" not in plain else plain


def abbreviations(words: Iterable[str], meaning: T) -> dict[str, T]:
    """Every lower-case form of words like "SUBscribe": the capitals are the least."""
    forms: dict[str, T] = {}
    for word in words:
        least = max((at for at, char in enumerate(word, 1) if not char.islower()), default=1)
        forms |= {word[:length].lower(): meaning for length in range(least, len(word) + 1)}
    return forms


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists that a mail may be about: all `names` of the `domain`, and the one whose address it
    was sent to ("" for listserv@)."""

    names: Collection[str]
    domain: str
    here: str = ""

    def named(self, word: Word) -> str:
        """The list that a word names, as name or name@domain; ALL_LISTS for *; "" for none."""
        if word.plain in {ALL_LISTS, "**", "***"}:
            return ALL_LISTS
        text = ascii_lower(word.plain).removesuffix(f"@{self.domain}")
        return text if text in self.names else ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line whose verb is known. `list` is what `rest`, the words behind it, is about."""

    verb: Verb
    list: str
    rest: tuple[Word, ...]
    lists: Lists
    today: date

    def command(
        self,
        verb: Verb | None = None,
        *,
        name: str = "",
        options: tuple[Option, ...] = (),
        old: Address | None = None,
        address: Address | None = None,
        until: date | None = None,
    ) -> Command:
        """The command about this line's list."""
        return Command(
            verb or self.verb,
            self.list,
            name=name,
            options=options,
            old=old,
            address=address,
            until=until,
        )

    def about(self, fillers: Collection[str] = ()) -> "Line":
        """The line with the list that its first word names, or else with the one that it came to.
        `fillers` are passed over (lower-case)."""
        rest = self.rest
        while rest:
            found = self.lists.named(rest[0])
            if found:
                return replace(self, list=found, rest=_without(rest[1:], fillers))
            if rest[0].plain.lower() not in fillers:
                break
            rest = rest[1:]
        return replace(self, list=self.lists.here, rest=rest)


def _without(words: tuple[Word, ...], fillers: Collection[str]) -> tuple[Word, ...]:
    """The words, none if they are all fillers."""
    return () if all(word.plain.lower() in fillers for word in words) else words


def address_of(word: Word) -> Address | None:
    """The address that a word is, as our one parser reads it: a look-alike stays what it is."""
    text = word.written.lstrip('<(["\u201c\u201e\u00ab')
    text = text[1:] if text.startswith("'") and text.endswith(("'", "',", "'.")) else text
    text = text[len("mailto:") :] if text[:7].lower() == "mailto:" else text
    return parse_address(_LINKED.sub("", text).rstrip(_STOPS))


def one_address(words: Sequence[Word]) -> Address | None:
    """The address that these words are, all of them."""
    return address_of(words[0]) if len(words) == 1 else None


def is_address_like(word: Word) -> bool:
    """Whether a word was meant to be an address."""
    return "@" in word.written and not word.plain.startswith("@")


def split_addresses(words: Sequence[Word]) -> tuple[list[Word], list[Word]]:
    """(words meant to be addresses, the others), in their order."""
    like = [word for word in words if is_address_like(word)]
    return like, [word for word in words if not is_address_like(word)]


def lookup(table: Mapping[str, T], word: Word) -> T | None:
    """What a word means in a table of lower-case words."""
    return table.get(ascii_lower(word.plain))
