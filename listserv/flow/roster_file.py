"""A file of members to import: CSV whose first line names its columns, or one address a line.

UTF-8, with or without a byte order mark; any line ends; columns in any order. Nothing here
raises for what stands in a file: bad lines are collected, so that all of them can be named.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.members import MEMBER_SETTINGS, Delivery, MemberRole
from listserv.domain.settings import Value, read_settings
from listserv.flow.address_input import new_address

# Settings of the digest, beside the columns that everybody knows.
_OF_DIGEST = ("format", "digest_hour", "digest_days", "timezone")
COLUMNS = ("address", "name", "delivery", "role", "also", *_OF_DIGEST)


@dataclass(frozen=True, slots=True)
class Row:
    """One person; None where the file says nothing, and only those `settings` that it says."""

    line: int
    address: Address
    name: str | None = None
    delivery: Delivery | None = None
    role: MemberRole | None = None
    also: str | None = None
    settings: Mapping[str, Value] = field(default_factory=dict)

    @property
    def values(self) -> tuple[object, ...]:
        """What the file says of them."""
        return (self.name, self.delivery, self.role, self.also, self.settings)


@dataclass
class Roster:
    """What a file says. `bad` are lines that cannot be used: (line, why). `repeated` counts lines
    that say again what an earlier one said."""

    rows: dict[str, Row] = field(default_factory=dict)
    bad: list[tuple[int, str]] = field(default_factory=list)
    repeated: int = 0

    def add(self, row: Row) -> None:
        """Take a row, unless its address stood in an earlier line."""
        first = self.rows.setdefault(row.address.key, row)
        if first is row:
            return
        if first.values == row.values:
            self.repeated += 1
        else:
            self.bad.append((row.line, f"{row.address} stands differently in line {first.line}"))


def read_roster(data: bytes, progress: Callable[[int], None] = lambda lines: None) -> Roster:
    """Read a file; `progress` is told how many lines are read, now and then."""
    roster = Roster()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        roster.bad.append((data.count(b"\n", 0, wrong.start) + 1, "is not text in UTF-8"))
        return roster
    for number, cells in _lines(text, roster):
        try:
            roster.add(_row(number, cells))
        except ListservError as wrong:
            roster.bad.append((number, str(wrong)))
        if number % 1000 == 0:
            progress(number)
    return roster


def _lines(text: str, roster: Roster) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(line, cells by column), blank lines left out."""
    plain = io.StringIO(text, newline=None)
    first = next((line for line in plain if line.strip()), "")
    if "address" not in (cell.strip(' "\t\n').lower() for cell in first.split(",")):
        plain.seek(0)
        for number, line in enumerate(plain, 1):
            if line.strip():
                yield number, {"address": line.strip()}
        return
    table = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    columns: list[str] = []
    try:
        for cells in table:
            values = [cell.strip() for cell in cells]
            if not any(values):
                continue
            if not columns:
                columns = _columns(values)
            elif len(values) > len(columns):
                wrong = f"has {len(values)} fields where the first line names {len(columns)}"
                roster.bad.append((table.line_num, wrong))
            else:
                yield table.line_num, dict(zip(columns, values, strict=False))
    except (csv.Error, ListservError) as wrong_file:
        roster.bad.append((table.line_num, str(wrong_file)))


def _columns(values: list[str]) -> list[str]:
    columns = [value.lower() for value in values]
    for column in columns:
        if column not in COLUMNS:
            raise ListservError(f"{column!r} is not a column; there are {', '.join(COLUMNS)}")
        if columns.count(column) > 1:
            raise ListservError(f"the column {column} is there twice")
    return columns


def _row(number: int, cells: Mapping[str, str]) -> Row:
    address = new_address(cells.get("address", ""))
    given = {key: text for key, text in cells.items() if key != "address" and text}
    for key in ("delivery", "role"):
        if key in given:
            given[key] = given[key].lower()
    values = read_settings(MEMBER_SETTINGS, given)
    return Row(
        line=number,
        address=address,
        name=str(values["name"]) if "name" in values else None,
        delivery=Delivery(str(values["delivery"])) if "delivery" in values else None,
        role=MemberRole(str(values["role"])) if "role" in values else None,
        also=str(values["also"]) if "also" in values else None,
        settings={key: values[key] for key in _OF_DIGEST if key in values},
    )
