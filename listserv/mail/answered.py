"""An answer to a whole digest: which item was quoted, and what of the digest does not go out.

Words are compared (digest_words.py), not lines, because programs break lines anew, mark them or
not, and turn HTML into text. Linear in the text and the items; never raises, for any text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from listserv.mail.announced import announced
from listserv.mail.digest_words import (
    ROW,
    Found,
    Quotable,
    Three,
    own_words,
    search,
    threes_of,
    words_of,
)
from listserv.mail.quoted import is_marked, quotation
from listserv.mail.rendering import FORWARDED

# Of a longer answer the rest is looked at for marks of quotation only.
_MOST_LINES = 10_000
# So many threes of words of an item make it quoted; of a short one half of them do.
_ENOUGH = 3
# Where several are quoted one is meant all the same that is quoted so far while the others are
# not, and so many times as much.
_MOSTLY, _HARDLY, _TIMES = 0.6, 0.2, 4
# A marked line of which so much stands in the digest is the digest's.
_HALF = 0.5
# Of lines that nothing says are quoted, so many have to stand in the digest, each so long.
_LONG_LINE, _LONG_LINES = 8, 3
# So many words that are nowhere in a digest were not in it, though they are marked as quoted.
_NEW_WORDS = 4
# A quotation of something else is kept up to so many lines.
_FOREIGN = 30
# Between two lines of an item so many may stand that nothing is known of.
_GAP = 3

# A heading ("From: Ann", "Ann, 09:01 · 1/4"), a link, an address: a program's line rather than a
# person's.
_OF_PROGRAM = re.compile(r"[^\s:]{1,20}(?: [^\s:]{1,20})?:\s|.*(?:@|://)|.*\s\d{1,4}/\d{1,4}$")


@dataclass(frozen=True, slots=True)
class Answered:
    """`item` counts from 0; None where none is clearly meant. `cut` are ranges of lines, from one
    to before the other, that are the digest's and not that item's. `says` anything: there are words
    that are nobody else's."""

    item: int | None
    cut: tuple[tuple[int, int], ...]
    says: bool


def answered(
    text: str, items: Sequence[Quotable], title: str, meant: int | None = None, frame: str = ""
) -> Answered:
    """What an answer to a digest with these items says. `title` stands at the digest's top and
    end. `meant` is the item where that is known. `frame` is the digest's text as it went out, with
    the items in it, where that is kept: all else in it is the digest's too."""
    everything = text.split("\n")
    end = next((n for n, line in enumerate(everything) if line.startswith(FORWARDED)), None)
    lines = everything[:end][:_MOST_LINES]
    found = Found(lines, items, frame)
    quoted, below = _quoted(lines, found, items, title)
    item = meant if meant is not None else _item(found, quoted, len(items))
    shown = [one and (at < below or is_marked(lines[at])) for at, one in enumerate(quoted)]
    kept = [False] * len(lines) if item is None else _of_item(found, shown, items[item], item)
    cut = _cut(lines, found, quoted, title, kept)
    cut += map(is_marked, everything[len(lines) : end])
    # What is attached goes along, or stays away, as an attachment.
    cut += [True] * (len(everything) - len(cut))
    says = any(not one and found.words[at] for at, one in enumerate(quoted))
    return Answered(item, tuple(_ranges(cut)), says)


def _quoted(
    lines: Sequence[str], found: Found, items: Sequence[Quotable], title: str
) -> tuple[list[bool], int]:
    """Which lines are not the author's, and from where on nothing marks them (their number where
    all that is quoted is marked). What a program has quoted, but for words that were never in the
    digest: there the author answers what is above. And what nothing marks, but is the digest's."""
    marked = quotation(lines)
    quoted = list(marked.quoted)
    long = [
        at
        for at in range(marked.below)
        if len(found.words[at]) >= _LONG_LINE and found.stands(found.words[at])
    ]
    for at in long if len(long) >= _LONG_LINES else ():
        quoted[at] = True
    for at in range(1, marked.below):
        if quoted[at - 1] and not quoted[at] and found.words[at]:
            # Broken off the line above.
            before = found.words[at - 1][1 - ROW :]
            quoted[at] = bool(found.marked[at]) or found.stands(before + found.words[at])
    if found.is_whole and any(found.items):
        for at in range(marked.below):
            words = found.words[at]
            is_new = len(words) >= _NEW_WORDS and not found.share[at] and is_marked(lines[at])
            bare = lines[at].lstrip("> ")
            if is_new and not (announced([bare], 0) or _is_programs(bare, title)):
                quoted[at] = False
    known = [at for at in range(marked.below, len(lines)) if found.items[at]]
    if known:
        often = Counter(map(tuple, found.words[marked.below :]))
        names = {tuple(words_of(name)) for one in items for name in (one.subject, one.author)}
        for at in range(known[0], len(lines)):
            words = found.words[at]
            # Of a digest that is kept whole some of every such line is known.
            may_be_programs = not found.is_whole or found.share[at] > 0 or "@" in lines[at]
            quoted[at] = (
                len(words) < 3
                or found.stands(words)
                or often[tuple(words)] > 1
                or tuple(words) in names
                or is_marked(lines[at])
                or (may_be_programs and _is_programs(lines[at], title))
            )
    return quoted, marked.below


def _is_programs(line: str, title: str) -> bool:
    return _OF_PROGRAM.match(line) is not None or _is_title(line, title)


def _is_title(line: str, title: str) -> bool:
    return bool(title) and title.casefold() in line.casefold()


def _item(found: Found, quoted: Sequence[bool], count: int) -> int | None:
    """The one item that is meant."""
    if count == 1:
        return 0
    different: dict[int, set[Three]] = {}
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


def _answered_in_place(found: Found, quoted: Sequence[bool]) -> int | None:
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
    found: Found,
    quoted: Sequence[bool],
    title: str,
    kept: Sequence[bool],
) -> list[bool]:
    """Which lines do not go out: all quotations of the digest, but for what is kept."""
    cut = [False] * len(lines)
    for start, end in _runs(quoted, found):
        known = any(
            found.items[at]
            or found.share[at] >= _HALF
            or _is_programs(lines[at].lstrip("> "), title)
            for at in range(start, end)
        )
        long = sum(map(bool, found.words[start:end])) > _FOREIGN
        for at in range(start, end):
            cut[at] = (known or long) and not kept[at]
    return cut


def _runs(quoted: Sequence[bool], found: Found) -> Iterator[tuple[int, int]]:
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
    found: Found, quoted: Sequence[bool], item: Quotable, number: int | None
) -> list[bool]:
    """The quoted lines that are an item's words, and the little between them that is no other's."""
    share, _ = search(found.words, dict.fromkeys(threes_of(own_words(item)), 0))
    subject = words_of(item.subject)
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
