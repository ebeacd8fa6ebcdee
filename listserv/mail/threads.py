"""The posts of an issue as conversations.

A post answers the one that its In-Reply-To and References name, or belongs to the same conversation
as another that names the same earlier post. An answer that names none of these goes by its subject.
A post that answers nothing begins a conversation, though another has the same subject.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from listserv.mail.issue import Item
from listserv.mail.said import FORWARD_MARKS, REPLY_MARK
from listserv.mail.words import shown

# Of a subject, in characters; no longer one is anybody's.
_LONGEST = 1000
# In front of a reply mark another list has put it there.
_TAG = re.compile(r"\[[^\]\[]{1,40}\]\s*")


@dataclass(frozen=True, slots=True)
class Conversation:
    """`title` is the subject of its first post without reply marks, "" when it has none. `goes_on`
    says that it began before this issue. `items` are by number."""

    title: str
    goes_on: bool
    items: tuple[Item, ...]


def conversations(items: Iterable[Item], prefix: str = "") -> list[Conversation]:
    """The new ones, then those that go on, each in the order of their first posts; items are by
    number. Linear."""
    groups: list[list[Item]] = []
    by_id: dict[str, list[Item]] = {}
    by_subject: dict[str, list[Item]] = {}
    begun: set[int] = set()  # ids of those groups that have a post which answers nothing
    for item in items:
        key = bare_title(item.subject, prefix).casefold()
        answers = is_answer(item, prefix)
        # The nearest first. Its own, because its answer may have been accepted before it.
        named = (item.message_id, *reversed(_parents(item)))
        group = next((by_id[one] for one in named if one in by_id), None)
        if group is None and key:
            same = by_subject.get(key)
            group = same if same is not None and (answers or id(same) not in begun) else None
        if group is None:
            group = []
            groups.append(group)
        group.append(item)
        if not answers:
            begun.add(id(group))
        if key:
            by_subject[key] = group
        for one in filter(None, named):
            by_id.setdefault(one, group)
    made = [_conversation(group, id(group) not in begun, prefix) for group in groups]
    return sorted(made, key=lambda one: one.goes_on)


def _conversation(items: list[Item], goes_on: bool, prefix: str) -> Conversation:
    return Conversation(bare_title(items[0].subject, prefix), goes_on, tuple(items))


def bare_title(subject: str, prefix: str = "") -> str:
    """A decoded subject in one line without reply marks and the list's prefix in front; other
    [tags] are its author's words."""
    return _split(subject, prefix)[1]


def is_answer(item: Item, prefix: str = "") -> bool:
    """By the first mark in front of its subject; without one, by what it names."""
    mark = _split(item.subject, prefix)[0]
    return mark not in FORWARD_MARKS if mark else bool(_parents(item))


def originals(items: Iterable[Item]) -> dict[str, str]:
    """The texts of the posts by their Message-IDs."""
    return {one.message_id: one.rendering.text for one in items if one.rendering}


def original_of(item: Item, texts: Mapping[str, str]) -> str:
    """Of `originals` the one that the post answers, "" where it is not among them."""
    return next((texts.get(one, "") for one in reversed(_parents(item))), "")


def _parents(item: Item) -> tuple[str, ...]:
    return item.rendering.parents if item.rendering else ()


def _split(subject: str, prefix: str) -> tuple[str, str]:
    """The first mark in lower case, "" for none, and what is behind all."""
    text = " ".join(shown(subject[:_LONGEST]).split())
    prefix = " ".join(shown(prefix).split())
    first = ""
    while True:
        if prefix and text[: len(prefix)].casefold() == prefix.casefold():
            text = text[len(prefix) :].lstrip()
        elif (found := _TAG.match(text)) and REPLY_MARK.match(text, found.end()):
            text = text[found.end() :]
        elif found := REPLY_MARK.match(text):
            text = text[found.end() :].lstrip()
            first = first or found["mark"].lower()
        else:
            return first, text
