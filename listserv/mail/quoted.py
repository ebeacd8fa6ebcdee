"""Which lines of a text its author's program has quoted: the marked ones, what announces them, and
what stands below a rule or a block of fields."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from listserv.mail.announced import LONGEST_MARK, announced
from listserv.mail.said import is_header_block

_MARKED = re.compile(r"\s*[>|]")
# What Outlook and others put over what they quote and do not mark.
_RULE = re.compile(r"_{10,}$|-{4,}+.{0,59}[^-]-{4,}+$")


@dataclass(frozen=True, slots=True)
class Quotation:
    """`quoted` for each line; from line `below` on nothing is marked, and a program says that all
    is quoted: the number of lines where none does."""

    quoted: tuple[bool, ...]
    below: int


def quotation(lines: Sequence[str]) -> Quotation:
    """The lines of an answer, as they stand in its text."""
    single = [" ".join(line[:LONGEST_MARK].split()) for line in lines]
    quoted = [is_marked(line) for line in lines]
    at = 0
    while at < len(lines):
        count = 0 if quoted[at] or not single[at] else announced(single, at)
        opens = not quoted[at] and (_RULE.match(single[at]) or is_header_block(single, at))
        end = at + count
        if count and any(quoted[end : end + 3]):
            quoted[at:end] = [True] * count
        elif count or opens:
            return Quotation((*quoted[:at], *[True] * (len(lines) - at)), at)
        at += max(1, count)
    return Quotation(tuple(quoted), len(lines))


def is_marked(line: str) -> bool:
    """Whether a line begins with a mark of quotation."""
    return _MARKED.match(line) is not None
