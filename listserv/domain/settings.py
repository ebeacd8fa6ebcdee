"""What a setting is: a key, how its value is read, and what of it is built.

A setting works or is refused (promise 10): `unbuilt` names the values, or with the key "" the
whole setting, whose feature does not exist yet, and says what would go wrong. Nothing refused is
ever stored. The tables are LIST_SETTINGS (lists.py) and MEMBER_SETTINGS (members.py).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from listserv.domain.address import Address, parse_address
from listserv.domain.errors import ListservError

Value = str | int | bool

_BETWEEN = re.compile(r"[,\s]+")
# Never . or .. or a hidden file.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Setting:
    """One row: `KEY=VALUE` on the command line. `read` raises ValueError with a clause saying
    what it wants."""

    key: str
    read: Callable[[str], Value]
    default: Value
    help: str
    unbuilt: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def works(self) -> bool:
        return "" not in self.unbuilt


def one_of(*values: str) -> Callable[[str], Value]:
    """A reader for a fixed choice of words."""

    def read(text: str) -> Value:
        if text not in values:
            raise ValueError(f"is one of {', '.join(values)}")
        return text

    return read


def or_empty(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """A reader for what `read` reads, or for nothing."""

    def read_or_empty(text: str) -> Value:
        try:
            return read(text) if text else ""
        except ValueError as wrong:
            raise ValueError(f"{wrong}, or empty") from None

    return read_or_empty


def yes_no(text: str) -> Value:
    """yes or no, stored as a truth value."""
    if text not in {"yes", "no"}:
        raise ValueError("is yes or no")
    return text == "yes"


def whole(low: int, high: int) -> Callable[[str], Value]:
    """A reader for a whole number from `low` to `high`."""

    def read(text: str) -> Value:
        if not (text.isascii() and text.isdigit() and len(text) <= 20 and low <= int(text) <= high):
            raise ValueError(f"is a whole number from {low} to {high}")
        return int(text)

    return read


def or_none(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """A reader for a number that `read` reads, or for none: empty or 0, stored as 0."""

    def read_or_none(text: str) -> Value:
        try:
            return read(text) if text not in {"", "0"} else 0
        except ValueError as wrong:
            raise ValueError(f"{wrong}, or 0 for none") from None

    return read_or_none


def line(longest: int) -> Callable[[str], Value]:
    """A reader for one line of text without control characters."""

    def read(text: str) -> Value:
        if len(text) > longest or not text.isprintable():
            raise ValueError(f"is one line of at most {longest} characters, no control characters")
        return text

    return read


def lines(longest: int) -> Callable[[str], Value]:
    r"""A reader for a text of several lines (\n on the command line)."""

    def read(text: str) -> Value:
        text = text.replace("\\n", "\n")
        if len(text) > longest or not all(c.isprintable() or c in "\n\t" for c in text):
            raise ValueError(f"is a text of at most {longest} characters, no control characters")
        return text

    return read


def file_below(text: str) -> Value:
    """A reader for the path of a file below a folder of ours, or for nothing."""
    names = text.split("/") if text else []
    if len(text) > 200 or not all(_FILE_NAME.fullmatch(name) for name in names):
        raise ValueError("is the path of a file in its folder, such as rules.txt, or empty")
    return text


def day(text: str) -> Value:
    """A reader for a day, 2026-06-01 (ISO 8601), or for nothing."""
    if text:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise ValueError("is a day such as 2026-06-01, or empty") from None
    return ""


def addresses(most: int) -> Callable[[str], Value]:
    """A reader for addresses with commas or blanks between them; its value is read by
    `addresses_in`."""

    def read(text: str) -> Value:
        words = [word for word in _BETWEEN.split(text) if word]
        found: dict[str, Address] = {}
        for word in words[: most + 1]:
            address = parse_address(word)
            if address is None or len(words) > most:
                raise ValueError(f"is up to {most} addresses with commas between them")
            found.setdefault(address.key, address)
        return ",".join(map(str, found.values()))

    return read


def addresses_in(value: str) -> tuple[Address, ...]:
    """The addresses of a setting that `addresses` has read."""
    return tuple(address for address in map(parse_address, value.split(",")) if address)


def read_settings(table: Iterable[Setting], given: Mapping[str, str]) -> dict[str, Value]:
    """The values of KEY=VALUE pairs: all, or a ListservError that names the first bad one."""
    by_key = {row.key: row for row in table}
    return {key: _read_one(by_key, key, text) for key, text in given.items()}


def _read_one(by_key: Mapping[str, Setting], key: str, text: str) -> Value:
    row = by_key.get(key)
    if row is None:
        raise ListservError(f"{key} is not a setting; there are {', '.join(sorted(by_key))}")
    if not row.works:
        raise ListservError(f"{key} is not built: {row.unbuilt['']}")
    try:
        value = row.read(text)
    except ValueError as wrong:
        raise ListservError(f"{key}={text[:60]!r}: {key} {wrong}") from None
    why = row.unbuilt.get(shown(value))  # of the value, not the text: 05 is 5
    if why is not None:
        raise ListservError(f"{key}={text} is not built: {why}")
    return value


def shown(value: Value) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("\n", "\\n")


def as_written(values: Mapping[str, Value]) -> str:
    """Settings as they are written on the command line: "own_posts=no, name=Ann"."""
    return ", ".join(f"{key}={shown(value)}" for key, value in values.items())
