"""Statements that run for each post or each recipient, past SQLAlchemy's own execution."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

_FILE = "sqlite"


class Quick:
    """A statement that runs many times a second: compiled once for each kind of database, then
    handed to the driver as it is, some ten times as fast. Values go in as the columns' types want
    them; `run` gives rows as the driver has them (numbers, texts and bytes), `first` and `rows` as
    the types mean them, with the columns' names. Of an Enum its `value` goes in."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, tx: Connection, **values: Any) -> Any:
        """The driver's cursor (PEP 249), executed."""
        return self._for(tx).run(tx, values)

    def first(self, tx: Connection, **values: Any) -> Any:
        """The first row, a named tuple, or None."""
        compiled = self._for(tx)
        row = compiled.run(tx, values).fetchone()
        return None if row is None else compiled.read(row)

    def rows(self, tx: Connection, **values: Any) -> list[Any]:
        """All rows, as named tuples."""
        compiled = self._for(tx)
        return [compiled.read(row) for row in compiled.run(tx, values).fetchall()]

    def _for(self, tx: Connection) -> "_Compiled":
        kind = tx.dialect.name
        if kind not in self._compiled:
            self._compiled[kind] = _Compiled.of(self._statement, tx.dialect)
        return self._compiled[kind]


class Recurring(Quick, Generic[T]):
    """A statement whose rows are the same again and again, as those of lists: what `make` makes of
    a row's columns, a value that never changes, is kept for the rows of late."""

    def __init__(self, statement: Executable, make: Callable[..., T]) -> None:
        super().__init__(statement)
        self._make = make
        self._kept = lru_cache(maxsize=1024)(self._of_file)

    def one(self, tx: Connection, **values: Any) -> T | None:
        """What is made of the first row, or None."""
        compiled = self._for(tx)
        row = compiled.run(tx, values).fetchone()
        if row is None:
            return None
        # A server's driver gives JSON as what cannot be looked up.
        return self._kept(row) if tx.dialect.name == _FILE else self._make(*compiled.read(row))

    def _of_file(self, row: tuple[Any, ...]) -> T:
        return self._make(*self._compiled[_FILE].read(row))


class _Compiled(NamedTuple):
    """`placed` puts the values in their order, where the driver knows no names. `written` and
    `meant` turn a value into the driver's, and a row's (by its place) back."""

    sql: str
    constants: Mapping[str, Any]
    placed: Callable[[Mapping[str, Any]], Sequence[Any]] | None
    written: Sequence[tuple[str, Callable[[Any], Any]]]
    meant: Sequence[tuple[int, Callable[[Any], Any]]]
    row: Callable[[Iterable[Any]], Any]

    @classmethod
    def of(cls, statement: Executable, dialect: Dialect) -> "_Compiled":
        assert isinstance(statement, ClauseElement)
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        written = {
            name: convert
            for name, bind in compiled.binds.items()
            if (convert := _impl(bind, dialect).bind_processor(dialect)) is not None
        }
        constants = {
            name: _plain(bind.value, written.pop(name, None))
            for name, bind in compiled.binds.items()
            if not bind.required and bind.value is not None
        }
        columns: list[ColumnElement[Any]] = (
            list(statement.exported_columns) if isinstance(statement, ReturnsRows) else []
        )
        meant = [
            (at, convert)
            for at, column in enumerate(columns)
            if (convert := _impl(column, dialect).result_processor(dialect, None)) is not None
        ]
        names = [column.key or "" for column in columns]
        placed = None if compiled.positiontup is None else _in_order(compiled.positiontup)
        row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        return cls(str(compiled), constants, placed, tuple(written.items()), meant, row._make)

    def run(self, tx: Connection, values: dict[str, Any]) -> Any:
        for name, convert in self.written:
            values[name] = convert(values[name])
        given = {**self.constants, **values} if self.constants else values
        cursor = tx.connection.cursor()
        cursor.execute(self.sql, given if self.placed is None else self.placed(given))
        return cursor

    def read(self, row: Sequence[Any]) -> Any:
        read = list(row)
        for at, convert in self.meant:
            read[at] = convert(read[at])
        return self.row(read)


def _in_order(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    # Of one name `itemgetter` gives the value itself.
    return itemgetter(*names) if len(names) > 1 else lambda given: [given[one] for one in names]


def _impl(column: ColumnElement[Any], dialect: Dialect) -> TypeEngine[Any]:
    return column.type.dialect_impl(dialect)


def _plain(value: Any, convert: Callable[[Any], Any] | None) -> Any:
    plain = value.value if isinstance(value, Enum) else value
    return plain if convert is None else convert(plain)
