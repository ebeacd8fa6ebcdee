"""Open a database and run jobs in transactions.

A job is a function of one Tx. `write` runs it in a transaction of its own; `submit` hands it to
the one writer thread, which commits together what is waiting, each job in its own SAVEPOINT, so
that the fsync is shared and one failure stays alone; `record` is for progress that may be repeated
after a power cut. SQLite: WAL, BEGIN IMMEDIATE for writers (a deferred read-then-write fails at
once with SQLITE_BUSY_SNAPSHOT, whatever the busy timeout), synchronous=FULL but for `record`.
"""

import queue
import sqlite3
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Executable,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import TypeEngine

from listserv.domain.errors import ListservError

Tx = Connection
T = TypeVar("T")

# How long a writer waits for another one, in seconds.
BUSY_TIMEOUT = 10.0
_AT_ONCE = 0.02
_SHORTEST_PAUSE = 0.0003
# So many jobs share one commit; more would make the first of them wait.
MAX_GROUP = 64


class Quick:
    """A statement that runs many times a second: compiled once for each kind of database, then
    handed to the driver as it is, some ten times as fast. Values go in as the columns' types want
    them; `run` gives rows as the driver has them (numbers, texts and bytes), `first` and `rows` as
    the types mean them, with the columns' names. Of an Enum its `value` goes in."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, tx: Tx, **values: Any) -> Any:
        """The driver's cursor (PEP 249), executed."""
        kind = tx.dialect.name
        if kind not in self._compiled:
            self._compiled[kind] = _Compiled.of(self._statement, tx.dialect)
        return self._compiled[kind].run(tx, values)

    def first(self, tx: Tx, **values: Any) -> Any:
        """The first row, a named tuple, or None."""
        row = self.run(tx, **values).fetchone()
        return None if row is None else self._compiled[tx.dialect.name].read(row)

    def rows(self, tx: Tx, **values: Any) -> list[Any]:
        """All rows, as named tuples."""
        found = self.run(tx, **values).fetchall()
        return [self._compiled[tx.dialect.name].read(row) for row in found]


class _Compiled(NamedTuple):
    """`places`: the values' names in their order, where the driver knows no names. `written` and
    `meant` turn a value into the driver's, and a row's (by its place) back."""

    sql: str
    constants: Mapping[str, Any]
    places: Sequence[str] | None
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
        places = compiled.positiontup
        row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        return cls(str(compiled), constants, places, tuple(written.items()), meant, row._make)

    def run(self, tx: Tx, values: dict[str, Any]) -> Any:
        for name, convert in self.written:
            values[name] = convert(values[name])
        given = {**self.constants, **values} if self.constants else values
        cursor = tx.connection.cursor()
        cursor.execute(
            self.sql, given if self.places is None else [given[name] for name in self.places]
        )
        return cursor

    def read(self, row: Sequence[Any]) -> Any:
        read = list(row)
        for at, convert in self.meant:
            read[at] = convert(read[at])
        return self.row(read)


def _impl(column: ColumnElement[Any], dialect: Dialect) -> TypeEngine[Any]:
    return column.type.dialect_impl(dialect)


def _plain(value: Any, convert: Callable[[Any], Any] | None) -> Any:
    plain = value.value if isinstance(value, Enum) else value
    return plain if convert is None else convert(plain)


class StorageError(Exception):
    """The database cannot take this right now (locked, full, gone): the same job may succeed
    later."""


class Store:
    """One database. Safe to use from several threads."""

    def __init__(self, url: str, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self.url = url
        self._durable = _engine(url, busy_timeout, synchronous="FULL")
        self._quick = _engine(url, busy_timeout, synchronous="NORMAL")
        self._at_once = _engine(url, _AT_ONCE, synchronous="NORMAL")
        self._reading = _Kept(self._at_once, "BEGIN")
        self._recording = _Kept(self._at_once, "BEGIN IMMEDIATE")
        self._writing = _Kept(
            _engine(url, 0.0, synchronous="FULL"), "BEGIN IMMEDIATE", busy_timeout
        )
        self._driver_error = self._durable.dialect.loaded_dbapi.OperationalError
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()
        self.on_commit: Callable[[], None] = _nothing

    @property
    def is_sqlite(self) -> bool:
        return self._durable.dialect.name == "sqlite"

    @property
    def path(self) -> str | None:
        """The file of an SQLite database."""
        return self._durable.url.database if self.is_sqlite else None

    def read(self, job: Callable[[Tx], T]) -> T:
        """Run a job that changes nothing, on one snapshot."""
        with self._translated(), self._durable.connect() as tx:
            tx.info["begins"] = "BEGIN"
            tx.begin()
            return job(tx)

    def read_at_once(self, job: Callable[[Tx], T]) -> T:
        """`read` of an SQLite file, from one event loop, over a connection that is kept: for what
        takes less time than a thread would. StorageError after 20 ms where readers have to wait;
        then `read` waits for it."""
        with self._translated(), self._reading.transaction() as tx:
            return job(tx)

    def write(self, job: Callable[[Tx], T]) -> T:
        """Run a job in its own durable transaction. Raises StorageError when the database cannot
        take it, and whatever the job raises; in both cases nothing is kept."""
        with self._translated(), _writing(self._durable) as tx:
            result = job(tx)
        self.on_commit()
        return result

    def record(self, job: Callable[[Tx], T]) -> T:
        """`write` without waiting for the disk: a power cut may take it back, a killed process
        cannot. Only for what is then done again."""
        with self._translated(), _writing(self._quick) as tx:
            if not self.is_sqlite:
                tx.execute(text("SET LOCAL synchronous_commit = off"))
            return job(tx)

    def record_at_once(self, job: Callable[[Tx], T]) -> T:
        """`record` for an SQLite file, from one event loop, over a connection that is kept:
        StorageError after 20 ms where another writer is at work; then `record` waits for it."""
        with self._translated(), self._recording.transaction() as tx:
            return job(tx)

    def submit(self, job: Callable[[Tx], T]) -> "Future[T]":
        """Queue a job for the writer thread; its future is done after the commit."""
        future: Future[T] = Future()
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="writer", daemon=True)
                self._writer.start()
        self._jobs.put(_Job(job, future))
        return future

    def close(self) -> None:
        """Finish what was submitted, then let go of every connection."""
        with self._lock:
            if self._writer is not None:
                self._jobs.put(None)
                self._writer.join()
                self._writer = None
        for kept in (self._reading, self._recording, self._writing):
            kept.close()
        for engine in (self._durable, self._quick, self._at_once):
            engine.dispose()

    def _write_all(self) -> None:
        while (first := self._jobs.get()) is not None:
            self._commit(first)

    def _commit(self, first: "_Job") -> None:
        group = [first]
        try:
            writing = self._writing.transaction() if self.is_sqlite else _writing(self._durable)
            with self._translated(), writing as tx:
                first.run(tx, self._driver_error)
                for job in self._waiting():
                    group.append(job)
                    job.run(tx, self._driver_error)
                    if len(group) == MAX_GROUP:
                        break
        except Exception as failed:  # nothing of the group is kept: each client hears it
            for job in (*group, *self._waiting()):
                job.future.set_exception(failed)
            return
        self.on_commit()
        for job in group:
            job.settle()

    def _waiting(self) -> Iterator["_Job"]:
        """What waits for the writer, and what comes while it works on that."""
        with suppress(queue.Empty):
            while (job := self._jobs.get_nowait()) is not None:
                yield job
            self._jobs.put(None)  # the last word is for _write_all

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as wrong:
            raise StorageError(str(wrong.orig)) from wrong
        except self._driver_error as wrong:
            raise StorageError(str(wrong)) from wrong


class _Job:
    """A job, its future, and between run and commit its result."""

    def __init__(self, call: Callable[[Tx], Any], future: "Future[Any]") -> None:
        self.call = call
        self.future = future
        self._result: Any = None
        self._failed: Exception | None = None

    def run(self, tx: Tx, driver_error: type[Exception]) -> None:
        cursor = tx.connection.cursor()
        cursor.execute("SAVEPOINT job")
        try:
            self._result = self.call(tx)
        except (OperationalError, driver_error):
            raise  # the disk is full or the connection gone: no commit will succeed
        except Exception as failed:
            self._failed = failed
            cursor.execute("ROLLBACK TO SAVEPOINT job")
        cursor.execute("RELEASE SAVEPOINT job")

    def settle(self) -> None:
        if self._failed is not None:
            self.future.set_exception(self._failed)
        else:
            self.future.set_result(self._result)


class _Kept:
    """A connection to an SQLite file that stays open between its transactions, for one thread.
    SQLAlchemy's own transaction would cost more than what is asked in it."""

    def __init__(self, engine: Engine, begin: str, patience: float = 0.0) -> None:
        self._engine = engine
        self._begin = begin
        self._patience = patience
        self._tx: Tx | None = None

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Commits; after a fault the connection is not used again."""
        if self._tx is None:
            self._tx = self._engine.connect()
            self._tx.info["begins"] = None
        driver = self._tx.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        try:
            self._begin_soon(driver)
            yield self._tx
            driver.execute("COMMIT")
        except BaseException:
            self.close()
            raise

    def _begin_soon(self, driver: sqlite3.Connection) -> None:
        """SQLite's own way to wait for another writer sleeps up to 100 ms at a time; these are
        done in less than one."""
        waited = 0.0
        while True:
            try:
                driver.execute(self._begin)
                return
            except sqlite3.OperationalError as busy:
                if busy.sqlite_errorcode != sqlite3.SQLITE_BUSY or waited >= self._patience:
                    raise
            pause = _SHORTEST_PAUSE + waited / 10
            time.sleep(pause)
            waited += pause

    def close(self) -> None:
        kept, self._tx = self._tx, None
        if kept is not None:
            kept.close()
        self._engine.dispose()


def _nothing() -> None:
    """No one waits for commits."""


@contextmanager
def _writing(engine: Engine) -> Iterator[Tx]:
    with engine.connect() as tx:
        tx.info["begins"] = "BEGIN IMMEDIATE"
        with tx.begin():
            yield tx


def _engine(url: str, busy_timeout: float, synchronous: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            server = create_engine(parsed, pool_pre_ping=True, isolation_level="READ COMMITTED")
            _limit_waits(server, busy_timeout)
            return server
        engine = create_engine(parsed, connect_args={"timeout": busy_timeout})
    except ImportError as missing:
        raise ListservError(
            f"storage.database: {missing}; install it with pip install 'listserv[postgresql]'"
        ) from None

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        # Only before the first table; afterwards it would do nothing but wait for the writer.
        if not connection.execute("PRAGMA auto_vacuum").fetchone()[0]:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            "secure_delete = ON",
            "temp_store = MEMORY",  # what a savepoint may take back, not a file for each
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # tx.info belongs to the pooled connection: who opens it says what it is for.
        how = connection.info.get("begins", "BEGIN IMMEDIATE")
        if how is not None:
            connection.exec_driver_sql(how)

    return engine


def _limit_waits(server: Engine, seconds: float) -> None:
    """A writer does not wait for ever for another one, as with an SQLite file."""

    @event.listens_for(server, "connect")
    def limit(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {round(1000 * seconds)}")
        cursor.close()
        connection.commit()
