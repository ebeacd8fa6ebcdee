"""Open a database and run jobs in transactions.

A job is a function of one Tx. `write` runs it in a transaction of its own; `submit` (from an event
loop `submit_soon`) hands it to the one writer thread, which commits together what is waiting and
what comes meanwhile, so that the fsync is shared; when one of them fails, all run again, each in a
SAVEPOINT of its own, so that the failure stays alone. `record` is for progress that may be repeated
after a power cut. A job may run more than once: nothing is kept of a run that was taken back.
SQLite: WAL, BEGIN IMMEDIATE for writers (a deferred read-then-write fails at once with
SQLITE_BUSY_SNAPSHOT, whatever the busy timeout), synchronous=FULL but for `record`.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.pool import ConnectionPoolEntry

from listserv.domain.errors import ListservError
from listserv.store.jobs import Job, settle

Tx = Connection
T = TypeVar("T")

# How long a writer waits for another one, in seconds.
BUSY_TIMEOUT = 10.0
_AT_ONCE = 0.02
_SHORTEST_PAUSE = 0.0003
# With so many jobs a commit takes no more; they would make the first of them wait.
MAX_GROUP = 64
# PostgreSQL's word (SQLSTATE) for two transactions that wait for each other: it ends one of them.
_DEADLOCK = "40P01"
# So often such a job runs: the next run finds what the other transaction has done.
_MOST_RUNS = 4
# PostgreSQL only reads, as a standby does.
_READ_ONLY = "25006"


class StorageError(Exception):
    """The database cannot take this right now (locked, full, gone): the same job may succeed
    later."""


class _Deadlock(StorageError):
    """Ended by the server for the sake of another transaction; the same job may succeed now."""


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
        driver = self._durable.dialect.loaded_dbapi
        self._driver_error, self._any_error = driver.OperationalError, driver.Error
        self._jobs: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Job]] = {}
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
        result = _past_deadlocks(partial(self._run, self._durable, job))
        self.on_commit()
        return result

    def record(self, job: Callable[[Tx], T]) -> T:
        """`write` without waiting for the disk: a power cut may take it back, a killed process
        cannot. Only for what is then done again."""

        def hastily(tx: Tx) -> T:
            if not self.is_sqlite:
                tx.execute(text("SET LOCAL synchronous_commit = off"))
            return job(tx)

        return _past_deadlocks(partial(self._run, self._quick, hastily))

    def record_at_once(self, job: Callable[[Tx], T]) -> T:
        """`record` for an SQLite file, from one event loop, over a connection that is kept:
        StorageError after 20 ms where another writer is at work; then `record` waits for it."""
        with self._translated(), self._recording.transaction() as tx:
            return job(tx)

    def submit(self, job: Callable[[Tx], T]) -> "Future[T]":
        """Queue a job for the writer thread; its future is done after the commit."""
        future: Future[T] = Future()
        # Whoever stops waiting for it cannot take it back: the writer would end with an error.
        future.set_running_or_notify_cancel()
        self._put([Job(job, future)])
        return future

    def submit_soon(self, job: Callable[[Tx], T]) -> "asyncio.Future[T]":
        """`submit` from an event loop. What comes within one turn of the loop goes to the writer
        together, and its results come back together: two threads that work at the same time only
        take the interpreter's lock from each other."""
        loop = asyncio.get_running_loop()
        if loop not in self._gathered:
            self._gathered[loop] = []
            loop.call_soon(self._put_gathered, loop)
        future: asyncio.Future[T] = loop.create_future()
        self._gathered[loop].append(Job(job, future, loop))
        return future

    def _put_gathered(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs = iter(self._gathered.pop(loop, []))
        while some := list(islice(jobs, MAX_GROUP)):
            self._put(some)

    def _put(self, jobs: list[Job]) -> None:
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="writer", daemon=True)
                self._writer.start()
        self._jobs.put(jobs)

    def close(self) -> None:
        """Finish what was submitted, then let go of every connection."""
        for loop in tuple(self._gathered):
            self._put_gathered(loop)
        with self._lock:
            if self._writer is not None:
                self._jobs.put(None)
                self._writer.join()
                self._writer = None
        for kept in (self._reading, self._recording, self._writing):
            kept.close()
        for engine in (self._durable, self._quick, self._at_once):
            engine.dispose()

    def _run(self, engine: Engine, job: Callable[[Tx], T]) -> T:
        with self._translated(), _writing(engine) as tx:
            return job(tx)

    def _write_all(self) -> None:
        while (first := self._jobs.get()) is not None:
            self._commit(first)

    def _commit(self, group: list[Job]) -> None:
        try:
            self._run_group(group)
        except Exception as failed:  # nothing of the group is kept: each client hears it
            lost = [*group, *chain.from_iterable(self._waiting())]
            for job in lost:
                job.fail(failed)
            settle(lost)
            return
        self.on_commit()
        settle(group)

    def _run_group(self, group: list[Job]) -> None:
        try:
            _past_deadlocks(partial(self._run_all, group, Job.run))
        except StorageError:
            raise
        except Exception:
            apart = partial(Job.run_apart, driver_error=self._driver_error)
            _past_deadlocks(partial(self._run_all, group, apart))

    def _run_all(self, group: list[Job], run: Callable[[Job, Tx], None]) -> None:
        """Run a group, which grows by what comes meanwhile."""
        writing = self._writing.transaction() if self.is_sqlite else _writing(self._durable)
        with self._translated(), writing as tx:
            for job in group:
                run(job, tx)
            waiting = self._waiting()
            while len(group) < MAX_GROUP and (more := next(waiting, None)):
                group += more
                for job in more:
                    run(job, tx)

    def _waiting(self) -> Iterator[list[Job]]:
        """What waits for the writer, and what comes while it works on that."""
        with suppress(queue.Empty):
            while (jobs := self._jobs.get_nowait()) is not None:
                yield jobs
            self._jobs.put(None)  # the last word is for _write_all

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except NoConnectionLeft as wrong:
            raise _storage_error(wrong) from wrong
        except (DBAPIError, self._any_error) as wrong:
            said = wrong.orig if isinstance(wrong, DBAPIError) else wrong
            if isinstance(said, self._driver_error) or _sqlstate(said) == _READ_ONLY:
                raise _storage_error(said) from wrong
            raise


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


def _storage_error(wrong: BaseException | None) -> StorageError:
    is_deadlock = _sqlstate(wrong) == _DEADLOCK
    return _Deadlock(str(wrong)) if is_deadlock else StorageError(str(wrong))


def _sqlstate(wrong: BaseException | None) -> str | None:
    return getattr(wrong, "sqlstate", None)


def _past_deadlocks(run: Callable[[], T]) -> T:
    for _ in range(_MOST_RUNS - 1):
        with suppress(_Deadlock):
            return run()
    return run()


def _nothing() -> None:
    """No one waits for commits."""


@contextmanager
def _writing(engine: Engine) -> Iterator[Tx]:
    with engine.connect() as tx:
        tx.info["begins"] = "BEGIN IMMEDIATE"
        with tx.begin():
            yield tx


def _engine(url: str, busy_timeout: float, synchronous: str) -> Engine:
    """An error of its statements names no values: the log would have people's addresses, and tokens
    that act for them."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            server = create_engine(
                parsed, pool_pre_ping=True, isolation_level="READ COMMITTED", hide_parameters=True
            )
            _limit_waits(server, busy_timeout)
            return server
        engine = create_engine(parsed, connect_args={"timeout": busy_timeout}, hide_parameters=True)
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
