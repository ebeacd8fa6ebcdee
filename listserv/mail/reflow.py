"""Paragraphs out of lines that a mail program has broken at some 75 characters: on a telephone they
would be broken twice. Only white space changes.

A program breaks a line where the next word does not fit. So a paragraph is put together only when
that is so at every one of its line ends; verses, addresses and lists are not, and stay.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

# The longest line of a text that a program has broken, in characters.
_NARROWEST, _WIDEST = 60, 80
# Somebody's own arrangement: an item of a list, an indented line, columns.
_ARRANGED = re.compile(r"\s|[-*+•·>|#]|\(?(?:\d{1,3}|[a-z])[.)]\s|[^\Wa-z]\S*:\s|.*\S\s{3}")
_NEARLY = 6
_SENTENCE_ENDS = re.compile(r".*[.!?:;,…)\"'”“»]$")


def broken_at(lines: Iterable[str]) -> int:
    """The width at which a program has broken a text, 0 for a text that none has. A link has a line
    as long as it is."""
    width = max((len(line) for line in lines if " " in line), default=0)
    return width if _NARROWEST <= width <= _WIDEST else 0


def unbroken(lines: Sequence[str], width: int) -> list[str]:
    """Lines of a text that was broken at `width`, each paragraph in one; blank lines stay."""
    if not width:
        return list(lines)
    return [line for paragraph in _paragraphs(lines) for line in _joined(paragraph, width)]


def _paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    """With a blank line behind each but the last."""
    paragraph: list[str] = []
    for line in lines:
        if line:
            paragraph.append(line)
        else:
            yield paragraph
            yield [line]
            paragraph = []
    yield paragraph


def _joined(paragraph: list[str], width: int) -> list[str]:
    ends = list(pairwise(paragraph))
    broken = bool(ends) and all(_is_full(line, following, width) for line, following in ends)
    # One end says little: a line that begins anew, without an end of the one before, may be meant.
    if broken and len(ends) == 1 and paragraph[1][0].isupper():
        broken = bool(_SENTENCE_ENDS.match(paragraph[0])) or len(paragraph[0]) >= width - _NEARLY
    # Where each line begins anew and none ends a sentence, they are entries.
    if len(ends) > 1 and all(after[0].isupper() for _, after in ends):
        broken = broken and any(_SENTENCE_ENDS.match(line) for line, _ in ends)
    return [" ".join(paragraph)] if broken else paragraph


def _is_full(line: str, following: str, width: int) -> bool:
    """Whether the next word did not fit, and no line is arranged by its author."""
    word = following.partition(" ")[0]
    arranged = _ARRANGED.match(line) or _ARRANGED.match(following)
    return " " in line and len(line) + 1 + len(word) > width and not arranged
