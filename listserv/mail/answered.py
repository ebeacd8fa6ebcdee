"""An answer to a whole digest: which item was quoted, and what of the digest does not go out.

Words are compared, not lines, because programs break lines anew, mark them or not, and turn HTML
into text: three words in a row that stand in one item of the digest and in no other speak for it.
Linear in the text and the items; never raises, for any text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from listserv.mail.quoted import is_marked, quotation
from listserv.mail.rendering import FORWARDED

# Of a longer answer the rest is looked at for marks of quotation only.
_MOST_LINES = 10_000
# Of an item's text and of its subject, in characters: more is not needed to know it again.
_MOST_TEXT = 40_000
_MOST_SUBJECT = 500
# So many threes of words of an item make it quoted; of a short one half of them do.
_ENOUGH = 3
# Where several are quoted one is meant all the same that is quoted so far while the others are
# not, and so many times as much.
_MOSTLY, _HARDLY, _TIMES = 0.6, 0.2, 4
# A line of which so much stands in the digest is the digest's; unmarked, and of so many words, all.
_HALF, _WHOLE_LINE = 0.5, 5
# A quotation of something else is kept up to so many lines.
_FOREIGN = 30
# Between two lines of an item so many may stand that nothing is known of.
_GAP = 3

_WORD = re.compile(r"\w+")
# A heading, a link, an address: a program's line rather than a person's.
_OF_PROGRAM = re.compile(r"[^\s:]{1,20}(?: [^\s:]{1,20})?:\s|.*(?:@|://)")
_SHARED = -1

_Three = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Quotable:
    """An item of a digest: `mark` is the token in its address, "" where it has none."""

    subject: str
    author: str
    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """`item` counts from 0; None where none is clearly meant. `cut` are ranges of lines, from one
    to before the other, that are the digest's and not that item's."""

    item: int | None
    cut: tuple[tuple[int, int], ...]


def answered(
    text: str, items: Sequence[Quotable], title: str, meant: int | None = None, frame: str = ""
) -> Answered:
    """What an answer to a digest with these items says. `title` stands at the digest's top and
    end. `meant` is the item where that is known. `frame` is the digest's text as it went out, with
    the items in it, where that is kept: all else in it is the digest's too."""
    everything = text.split("\n")
    end = next((n for n, line in enumerate(everything) if line.startswith(FORWARDED)), None)
    lines = everything[:end][:_MOST_LINES]
    found = _Found(lines, items, frame)
    quoted = _quoted(lines, found, items, title)
    item = meant if meant is not None else _item(found, quoted, len(items))
    cut = _cut(lines, found, quoted, title, items[item] if item is not None else None, item)
    cut += map(is_marked, everything[len(lines) : end])
    # What is attached goes along, or stays away, as an attachment.
    cut += [True] * (len(everything) - len(cut))
    return Answered(item, tuple(_ranges(cut)))


class _Found:
    """Where the words of a text stand in the items. For each line: `share`, how much of it stands
    anywhere in the digest; `items`, those of which it has words that no other has. `count` says how
    many threes an item alone has."""

    def __init__(self, lines: Sequence[str], items: Sequence[Quotable], frame: str) -> None:
        self.words = [_words(line) for line in lines]
        where = _where(items)
        for three in _threes(_words(frame)):
            where.setdefault(three, _SHARED)
        self.count = Counter(where.values())
        marks = {item.mark: number for number, item in enumerate(items) if item.mark}
        self.share, hits = _search(self.words, where)
        self.threes = [[(item, three) for item, three in one if item != _SHARED] for one in hits]
        self.items = [
            {item for item, _ in self.threes[at]} | {marks[word] for word in line if word in marks}
            for at, line in enumerate(self.words)
        ]


def _where(items: Sequence[Quotable]) -> dict[_Three, int]:
    """In which item three words stand, or _SHARED: in several, or in a subject, which stands in the
    contents of the digest too."""
    where: dict[_Three, int] = {}
    for number, item in enumerate(items):
        for three in _threes_of(item):
            if where.setdefault(three, number) != number:
                where[three] = _SHARED
    for item in items:
        for three in _threes(_words(item.subject[:_MOST_SUBJECT])):
            if three in where:
                where[three] = _SHARED
    return where


def _threes_of(item: Quotable) -> Iterable[_Three]:
    """Of what the author of an item wrote; the digest folds what they quoted."""
    lines = item.text[:_MOST_TEXT].split("\n")
    return _threes([word for line in lines if not is_marked(line) for word in _words(line)])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _threes(words: Sequence[str]) -> Iterable[_Three]:
    return zip(words, words[1:], words[2:], strict=False)


def _search(
    words: Sequence[Sequence[str]], where: dict[_Three, int]
) -> tuple[list[float], list[list[tuple[int, _Three]]]]:
    """For each line how much of it is found, and what, looked for across the ends of lines."""
    flat = [word for line in words for word in line]
    line_of = [at for at, line in enumerate(words) for _ in line]
    covered = bytearray(len(flat))
    hits: list[list[tuple[int, _Three]]] = [[] for _ in words]
    for at, three in enumerate(_threes(flat)):
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


def _quoted(
    lines: Sequence[str], found: _Found, items: Sequence[Quotable], title: str
) -> list[bool]:
    """Which lines are not the author's: what their program has quoted, and what it did not mark but
    stands so in the digest. Among what stands below a program's mark, a line of which nothing is
    known is the author's answer to what is above it."""
    marked = quotation(lines)
    quoted = list(marked.quoted)
    for at in range(marked.below):
        of_digest = found.share[at] >= _HALF or bool(found.items[at])
        broken_off = at > 0 and quoted[at - 1] and of_digest
        whole = found.share[at] == 1 and len(found.words[at]) >= _WHOLE_LINE
        quoted[at] = quoted[at] or broken_off or whole
    known = [at for at in range(marked.below, len(lines)) if found.items[at]]
    if known:
        frame = Counter(map(tuple, found.words[marked.below :]))
        names = {tuple(_words(name)) for one in items for name in (one.subject, one.author)}
        for at in range(known[0], len(lines)):
            words = tuple(found.words[at])
            quoted[at] = (
                len(words) < 2
                or found.share[at] >= _HALF
                or bool(found.items[at])
                or frame[words] > 1
                or words in names
                or _is_title(lines[at], title)
                or is_marked(lines[at])
                or _OF_PROGRAM.match(lines[at]) is not None
            )
    return quoted


def _is_title(line: str, title: str) -> bool:
    return bool(title) and title.casefold() in line.casefold()


def _item(found: _Found, quoted: Sequence[bool], count: int) -> int | None:
    """The one item that is meant."""
    if count == 1:
        return 0
    different: dict[int, set[_Three]] = {}
    marked: set[int] = set()
    for at, threes in enumerate(found.threes):
        if quoted[at]:
            marked |= found.items[at] - {item for item, _ in threes}
            for item, three in threes:
                different.setdefault(item, set()).add(three)
    hits = {item: len(threes) for item, threes in different.items()}
    there = marked | {
        item for item, n in hits.items() if n >= min(_ENOUGH, (found.count[item] + 1) // 2)
    }
    if len(there) < 2:
        return next(iter(there), None)
    share = {item: hits.get(item, 0) / max(1, found.count[item]) for item in there}
    best, *others = sorted(there, key=lambda item: -share[item])
    if share[best] >= _MOSTLY and all(
        share[one] <= _HARDLY and hits[best] >= _TIMES * hits.get(one, 0) for one in others
    ):
        return best
    return _answered_in_place(found, quoted)


def _answered_in_place(found: _Found, quoted: Sequence[bool]) -> int | None:
    """The one item under whose words, within the digest, the author has written."""
    evidence = [at for at, items in enumerate(found.items) if quoted[at] and len(items) == 1]
    above: set[int] = set()
    last: set[int] = set()
    for at in range(evidence[0], evidence[-1] + 1) if evidence else ():
        if quoted[at] and len(found.items[at]) == 1:
            last = found.items[at]
        elif not quoted[at] and found.words[at]:
            above |= last
    return above.pop() if len(above) == 1 else None


def _cut(
    lines: Sequence[str],
    found: _Found,
    quoted: Sequence[bool],
    title: str,
    item: Quotable | None,
    number: int | None,
) -> list[bool]:
    """Which lines do not go out: all quotations of the digest, but for the words of the item."""
    kept = [False] * len(lines) if item is None else _of_item(found, quoted, item, number)
    cut = [False] * len(lines)
    for start, end in _runs(quoted, found):
        known = any(
            found.items[at]
            or found.share[at] >= _HALF
            or _is_title(lines[at], title)
            or _OF_PROGRAM.match(lines[at].lstrip("> "))
            for at in range(start, end)
        )
        long = sum(map(bool, found.words[start:end])) > _FOREIGN
        for at in range(start, end):
            cut[at] = (known or long) and not kept[at]
    return cut


def _runs(quoted: Sequence[bool], found: _Found) -> Iterator[tuple[int, int]]:
    """Quotations, from their first line to their last; blank lines part nothing."""
    start = end = -1
    for at, is_quoted in enumerate(quoted):
        if is_quoted:
            start, end = (at if start < 0 else start), at + 1
        elif found.words[at] and start >= 0:
            yield start, end
            start = -1
    if start >= 0:
        yield start, end


def _of_item(
    found: _Found, quoted: Sequence[bool], item: Quotable, number: int | None
) -> list[bool]:
    """The quoted lines that are an item's words, and the little between them that is no other's."""
    share, _ = _search(found.words, dict.fromkeys(_threes_of(item), 0))
    subject = _words(item.subject)
    kept = [
        one and share[at] >= _HALF and found.words[at][-len(subject) :] != subject
        for at, one in enumerate(quoted)
    ]
    last = -1
    for at, one in enumerate(kept):
        if not one:
            continue
        between = range(last + 1, at)
        unknown = [i for i in between if found.words[i]]
        if (
            last >= 0
            and len(unknown) <= _GAP
            and all(
                quoted[i] and found.items[i] <= {number} and item.mark not in found.words[i]
                for i in unknown
            )
        ):
            for i in between:
                kept[i] = True
        last = at
    return kept


def _ranges(cut: Sequence[bool]) -> Iterator[tuple[int, int]]:
    at = 0
    for is_cut, lines in groupby(cut):
        count = sum(1 for _ in lines)
        if is_cut:
            yield at, at + count
        at += count
