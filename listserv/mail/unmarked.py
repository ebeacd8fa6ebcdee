"""What stands below a program's heading without marks: which lines are the quoted message's, and
which its reader wrote between them.

The message that is answered has to be at hand. A quotation of it goes on where the last line of it
ended, however lines are broken; a line that does not is news, and no word of it is looked for
elsewhere unless it is long. Linear, but for the few long lines that are looked for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Characters of a line that stand in the message by no accident, and of so many at least is known
# that it is this message which is quoted.
_LONG = 20
# Lines that are looked for: so many places an answer has not.
_MOST_LOOKED_FOR = 200
_BETWEEN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Run:
    """Lines that follow one another, all quoted or all new."""

    quoted: bool
    lines: tuple[str, ...]


def sorted_out(lines: Sequence[str], original: str) -> tuple[Run, ...]:
    """The lines as runs, in their order; none where they are not of the `original`."""
    whole = _BETWEEN_WORDS.sub("", original)
    runs: list[tuple[bool, list[str]]] = []
    at = known = looked_for = 0
    for line in lines:
        letters = _BETWEEN_WORDS.sub("", line)
        if not (letters or runs):
            continue
        start = at if whole.startswith(letters, at) else -1
        if start < 0 and len(letters) >= _LONG and looked_for < _MOST_LOOKED_FOR:
            start = whole.find(letters, at)
            looked_for += start < 0
        if start >= 0:
            at = start + len(letters)
            known += len(letters)
        quoted = start >= 0 if letters else runs[-1][0]
        if not runs or runs[-1][0] is not quoted:
            runs.append((quoted, []))
        runs[-1][1].append(line)
    if known < min(_LONG, len(whole)) or not known:
        return ()
    return tuple(Run(quoted, tuple(said)) for quoted, said in runs)
