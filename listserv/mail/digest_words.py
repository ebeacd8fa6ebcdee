"""Where the words of an answer stand in the digest that it answers.

Three words in a row that one item of the digest has and no other speak for it; five stand for a
line. Linear in the text and the digest.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from listserv.mail.quoted import is_marked

# Of an item's text and of its subject, in characters: more is not needed to know it again.
_MOST_TEXT = 40_000
_MOST_SUBJECT = 500
# So many words in a row are looked for of a line that nothing marks as quoted.
ROW = 5

_WORD = re.compile(r"\w+")
_SHARED = -1

Three = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Quotable:
    """An item of a digest: `mark` is the token in its address, "" where it has none."""

    subject: str
    author: str
    text: str
    mark: str = ""


class Found:
    """Where the words of a text stand in the items. For each line: `share`, how much of it stands
    anywhere in the digest; `items`, those of which it has words that no other has, or the mark.
    `count` says how many threes an item alone has."""

    def __init__(self, lines: Sequence[str], items: Sequence[Quotable], frame: str) -> None:
        self.words = [words_of(line) for line in lines]
        where = _where(items)
        whole = [*map(own_words, items), *(words_of(one.subject) for one in items), words_of(frame)]
        self.rows = {
            row for words in whole for size in range(3, ROW + 1) for row in _rows(words, size)
        }
        for three in threes_of(words_of(frame)):
            where.setdefault(three, _SHARED)
        self.is_whole = bool(frame)
        self.count = Counter(where.values())
        marks = {item.mark: number for number, item in enumerate(items) if item.mark}
        self.share, hits = search(self.words, where)
        self.threes = [[(item, three) for item, three in one if item != _SHARED] for one in hits]
        self.marked = [{marks[word] for word in line if word in marks} for line in self.words]
        self.items = [
            {item for item, _ in self.threes[at]} | marked for at, marked in enumerate(self.marked)
        ]

    def stands(self, words: Sequence[str]) -> bool:
        """Whether words, three at least, stand in a row in the digest."""
        size = min(ROW, len(words))
        return size >= 3 and all(row in self.rows for row in _rows(words, size))


def _where(items: Sequence[Quotable]) -> dict[Three, int]:
    """In which item three words stand, or _SHARED: in several, or in a subject, which stands in the
    contents of the digest too."""
    where: dict[Three, int] = {}
    for number, item in enumerate(items):
        for three in threes_of(own_words(item)):
            if where.setdefault(three, number) != number:
                where[three] = _SHARED
    for item in items:
        for three in threes_of(words_of(item.subject[:_MOST_SUBJECT])):
            if three in where:
                where[three] = _SHARED
    return where


def own_words(item: Quotable) -> list[str]:
    """What the author of an item wrote; the digest folds what they quoted."""
    lines = item.text[:_MOST_TEXT].split("\n")
    return [word for line in lines if not is_marked(line) for word in words_of(line)]


def _rows(words: Sequence[str], size: int) -> Iterable[tuple[str, ...]]:
    return zip(*(words[at:] for at in range(size)), strict=False)


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def threes_of(words: Sequence[str]) -> Iterable[Three]:
    return zip(words, words[1:], words[2:], strict=False)


def search(
    words: Sequence[Sequence[str]], where: dict[Three, int]
) -> tuple[list[float], list[list[tuple[int, Three]]]]:
    """For each line how much of it is found, and what, looked for across the ends of lines."""
    flat = [word for line in words for word in line]
    line_of = [at for at, line in enumerate(words) for _ in line]
    covered = bytearray(len(flat))
    hits: list[list[tuple[int, Three]]] = [[] for _ in words]
    for at, three in enumerate(threes_of(flat)):
        item = where.get(three)
        if item is not None:
            covered[at : at + 3] = b"\1\1\1"
            for line in dict.fromkeys(line_of[at : at + 3]):
                hits[line].append((item, three))
    share, at = [], 0
    for one in words:
        share.append(sum(covered[at : at + len(one)]) / max(1, len(one)))
        at += len(one)
    return share, hits
