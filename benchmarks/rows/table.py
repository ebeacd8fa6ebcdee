"""What a row of the table is, and how it is printed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from statistics import median


@dataclass(frozen=True)
class Scale:
    """How much is measured: `members` of an ordinary list, `many` of a huge one, so many `runs` of
    what is quick, and `short_runs` of what takes a second or two: on a noisy machine one of those
    says little. `mailman` is the command of a Mailman 3, "" for none."""

    members: int
    many: int
    runs: int
    mailman: str

    @property
    def short_runs(self) -> int:
        return 4 * self.runs


class Missing(Exception):
    """What a row needs is not installed; the text says what, and how to get it."""


@dataclass(frozen=True)
class Line:
    """One line of the table, in words; `note` goes below it: where the bottleneck was."""

    row: str
    ours: str
    beside: str
    theirs: str
    ratio: str
    at_least: str
    reached: str
    memory: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A name for the command line, and what measures it; it may raise Missing."""

    name: str
    measure: Callable[[Scale], Iterator[Line]]


_HEAD = ("row", "ours", "beside it", "theirs", "ratio", "at least", "reached", "memory")


def head() -> str:
    """The head of the table, in Markdown."""
    return f"{_cells(_HEAD)}\n{_cells(['---'] * len(_HEAD))}"


def cells(line: Line) -> str:
    """One line of the table, without its note."""
    return _cells([str(getattr(line, field.name)) for field in fields(line)[: len(_HEAD)]])


def show(what: str, lines: Sequence[Line]) -> int:
    """Print what was measured, the table and its notes. Returns what the program ends with."""
    print(f"{what}\n\n{head()}")
    for line in lines:
        print(cells(line))
    print("".join(f"\n{line.row}: {line.note}" for line in lines if line.note))
    return 0 if all(line.reached == "yes" for line in lines) else 1


def rates(
    row: str,
    ours: Sequence[float],
    beside: str,
    theirs: Sequence[float],
    at_least: float,
    *,
    memory: float = 0,
    note: str = "",
) -> Line:
    """A line about things a second: medians of runs that were taken in pairs, and of the ratios of
    those pairs. `memory` is in MB."""
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return Line(
        row, f"{median(ours):,.0f}/s", beside, f"{median(theirs):,.0f}/s", f"{ratio:.2f}",
        f"{at_least:g}", _yes(ratio >= at_least), f"{memory:.0f} MB" if memory else "", note,
    )  # fmt: skip


def limit(
    row: str,
    ours: float,
    unit: str,
    at_most: float,
    *,
    beside: str = "",
    theirs: float | None = None,
    memory: float = 0,
    note: str = "",
) -> Line:
    """A line about what may be so much at most, in `unit`."""
    return Line(
        row, _with(unit, ours), beside, "" if theirs is None else _with(unit, theirs),
        "" if theirs is None else f"{ours / theirs:.2g}", f"{at_most:g} {unit} at most",
        _yes(ours <= at_most), f"{memory:.0f} MB" if memory else "", note,
    )  # fmt: skip


def _with(unit: str, number: float) -> str:
    return f"{number:,.0f} {unit}" if number >= 100 else f"{number:.2g} {unit}"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _cells(words: Sequence[str]) -> str:
    return f"| {' | '.join(words)} |"
