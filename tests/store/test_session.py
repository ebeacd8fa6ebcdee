"""Jobs in transactions: what is committed together, what fails alone, and what a reader sees."""

import asyncio
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import DBAPIError

from listserv.store import counters, lists, schema
from listserv.store.quick import Quick, Recurring
from listserv.store.session import MAX_GROUP, StorageError, Store, Tx
from listserv.store.tables import ListRow

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
# Only ends a test that has failed.
PATIENCE = 90.0


@pytest.fixture
def database_file(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'listserv.db'}")
    schema.prepare(opened)
    yield opened
    opened.close()


def count(name: str) -> Callable[[Tx], None]:
    return lambda tx: counters.count(tx, 0, name, NOW)


def counted(store: Store, name: str) -> int:
    return store.read(lambda tx: counters.total(tx, name, NOW.replace(second=0, microsecond=0)))


def in_one_group(store: Store, *jobs: Callable[[Tx], Any]) -> list["Future[Any]"]:
    """Futures of jobs that are committed together, with one that waits for the others."""
    begun, go = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        begun.set()
        assert go.wait(PATIENCE)

    first = store.submit(hold)
    assert begun.wait(PATIENCE)
    futures = [store.submit(job) for job in jobs]
    go.set()
    wait([first, *futures], PATIENCE)
    return futures


def then(*jobs: Callable[[Tx], Any]) -> Callable[[Tx], None]:
    def both(tx: Tx) -> None:
        for job in jobs:
            job(tx)

    return both


def fail(wrong: Exception) -> Callable[[Tx], None]:
    def job(tx: Tx) -> None:
        raise wrong

    return job


def break_a_rule(tx: Tx) -> None:
    """What the driver itself refuses: on PostgreSQL nothing more is possible then, until a
    savepoint."""
    Quick(text("INSERT INTO site (key, value) VALUES ('secret', 'another')")).run(tx)


@pytest.mark.parametrize(
    "wrong", [fail(RuntimeError("a bug")), break_a_rule], ids=["a bug", "a broken rule"]
)
def test_a_job_that_fails_stays_alone_and_nothing_of_it_is_kept(
    store: Store, wrong: Callable[[Tx], None]
) -> None:
    before, failing, after = in_one_group(
        store, count("before"), then(count("within"), wrong), count("after")
    )
    before.result(PATIENCE)
    after.result(PATIENCE)
    assert failing.exception(PATIENCE) is not None
    assert [counted(store, name) for name in ("before", "within", "after")] == [1, 0, 1]


def test_an_error_of_the_database_names_no_values(store: Store) -> None:
    asked = text("SELECT * FROM nowhere WHERE who = :who")
    with pytest.raises(Exception, match="nowhere") as wrong:
        store.write(lambda tx: tx.execute(asked, {"who": "ann" + "@example.org"}).close())
    told = "".join(traceback.format_exception(wrong.value))
    assert "ann@example.org" not in told and "SELECT * FROM nowhere" in told


def test_a_job_sees_what_the_jobs_before_it_did(store: Store) -> None:
    minute = NOW.replace(second=0, microsecond=0)
    _, second = in_one_group(store, count("one"), lambda tx: counters.total(tx, "one", minute))
    assert second.result(PATIENCE) == 1


def test_a_job_that_comes_while_the_writer_works_is_committed_with_the_others(
    store: Store,
) -> None:
    first: list[Future[None]] = []
    second: list[Future[bool]] = []
    known = threading.Event()

    def while_it_works(tx: Tx) -> None:
        assert known.wait(PATIENCE)
        second.append(store.submit(lambda tx: first[0].done()))

    first.append(store.submit(while_it_works))
    known.set()
    first[0].result(PATIENCE)
    assert not second[0].result(PATIENCE)


def test_what_was_submitted_is_finished_before_the_store_closes(database: str) -> None:
    store = Store(database)
    schema.prepare(store)
    futures = [store.submit(count("each")) for _ in range(2 * MAX_GROUP + 1)]
    store.close()
    assert [future.result(0) for future in futures] == [None] * len(futures)
    again = Store(database)
    assert counted(again, "each") == len(futures)
    again.close()


def test_all_who_wait_for_a_locked_database_hear_it_together(tmp_path: Path) -> None:
    impatient = Store(f"sqlite:///{tmp_path / 'listserv.db'}", busy_timeout=0.1)
    schema.prepare(impatient)
    other = sqlite3.connect(tmp_path / "listserv.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    futures = [impatient.submit(count("each")) for _ in range(MAX_GROUP)]
    assert not wait(futures, 3).not_done
    for future in futures:
        with pytest.raises(StorageError, match="locked"):
            future.result(0)
    other.execute("ROLLBACK")
    other.close()
    impatient.submit(count("each")).result(PATIENCE)
    assert counted(impatient, "each") == 1
    impatient.close()


def test_where_the_database_fails_nothing_of_the_group_is_kept(store: Store) -> None:
    gone = store._driver_error("the disk is full")
    futures = in_one_group(
        store, count("before"), then(count("within"), fail(gone)), count("after")
    )
    for future in futures:
        with pytest.raises(StorageError, match="disk is full"):
            future.result(PATIENCE)
    store.submit(count("later")).result(PATIENCE)
    assert [counted(store, name) for name in ("before", "within", "after", "later")] == [0, 0, 0, 1]


def only_reads(job: Callable[[Tx], None]) -> Callable[[Tx], None]:
    return then(lambda tx: tx.exec_driver_sql("SET TRANSACTION READ ONLY"), job)


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_server_that_only_reads_may_write_later(store: Store) -> None:
    """As a standby does, until it takes over."""
    add = text("INSERT INTO site (key, value) VALUES ('more', 'more')")
    for job in (count("quick"), lambda tx: tx.execute(add)):
        with pytest.raises(StorageError, match="read-only transaction"):
            store.record(only_reads(job))
    with pytest.raises(DBAPIError):
        store.record(lambda tx: tx.execute(text("SELECT 1 / 0")))


def test_a_transaction_that_sqlite_took_back_fails_the_group(database_file: Store) -> None:
    """Some faults end a transaction by themselves; then there is no savepoint to go back to."""

    def take_back(tx: Tx) -> None:
        tx.exec_driver_sql("ROLLBACK")
        raise MemoryError

    futures = in_one_group(database_file, count("before"), take_back, count("after"))
    for future in futures:
        with pytest.raises(StorageError):
            future.result(PATIENCE)
    assert counted(database_file, "before") == counted(database_file, "after") == 0


def test_a_writer_waits_for_another_process(database_file: Store) -> None:
    assert database_file.path is not None
    other = sqlite3.connect(database_file.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = database_file.submit(count("waited"))
    threading.Timer(0.1, other.execute, ["COMMIT"]).start()
    waiting.result(PATIENCE)
    other.close()
    assert counted(database_file, "waited") == 1


def test_a_read_at_once_sees_what_was_committed_before_it_began(database_file: Store) -> None:
    def names(tx: Tx) -> list[str]:
        return [mlist.name for mlist in lists.every(tx)]

    assert database_file.read_at_once(names) == []
    database_file.write(
        lambda tx: lists.create(tx, name="town", domain="example.org", settings={}, now=NOW)
    )
    assert database_file.read_at_once(names) == ["town"]


@pytest.mark.parametrize("read", ["read", "read_at_once"])
def test_a_read_is_one_snapshot(database_file: Store, read: str) -> None:
    def twice(tx: Tx) -> list[bool]:
        before = lists.at(tx, "town", "example.org")
        database_file.write(
            lambda tx: lists.create(tx, name="town", domain="example.org", settings={}, now=NOW)
        )
        return [before is None, lists.at(tx, "town", "example.org") is None]

    assert getattr(database_file, read)(twice) == [True, True]
    assert database_file.read_at_once(lambda tx: lists.at(tx, "town", "example.org")) is not None


def test_after_a_fault_a_read_at_once_works_again(database_file: Store) -> None:
    with pytest.raises(RuntimeError):
        database_file.read_at_once(fail(RuntimeError("a bug")))
    assert database_file.read_at_once(lists.every) == []


def test_a_quick_statement_takes_and_gives_what_the_types_of_its_columns_mean(
    store: Store,
) -> None:
    add = Quick(
        insert(ListRow)
        .values(
            {
                name: bindparam(name)
                for name in ("name", "domain", "list_id", "created", "on_hold", "settings")
            }
            | {"last_number": 7}
        )
        .returning(ListRow.id)
    )
    find = Quick(
        select(ListRow.created, ListRow.on_hold, ListRow.settings, ListRow.last_number).where(
            ListRow.name == bindparam("wanted")
        )
    )
    settings = {"footer": "Grüße", "max_size": 5}

    def job(tx: Tx) -> Any:
        add.first(
            tx, name="town", domain="example.org", list_id="town.example.org", created=NOW,
            on_hold=True, settings=settings,
        )  # fmt: skip
        assert find.first(tx, wanted="nobody") is None
        (row,) = find.rows(tx, wanted="town")
        assert row == find.first(tx, wanted="town")
        return row

    row = store.write(job)
    assert (row.created, row.on_hold, row.settings, row.last_number) == (NOW, True, settings, 7)


def test_a_row_that_comes_again_is_made_once_and_a_changed_one_anew(store: Store) -> None:
    made: list[tuple[str, dict[str, str]]] = []

    def make(name: str, settings: dict[str, str]) -> object:
        made.append((name, settings))
        return made[-1]

    find = Recurring(
        select(ListRow.name, ListRow.settings).where(ListRow.name == bindparam("wanted")), make
    )

    def job(tx: Tx) -> list[object]:
        found = []
        for title in "A", "A", "B":
            lists.change(tx, town.id, {"title": title})
            found.append(find.one(tx, wanted="town"))
        assert find.one(tx, wanted="nobody") is None
        return found

    town = store.write(
        lambda tx: lists.create(tx, name="town", domain="example.org", settings={}, now=NOW)
    )
    first, again, changed = store.write(job)
    assert first == again == ("town", {"title": "A"})
    assert changed == ("town", {"title": "B"})
    assert len(made) == (2 if store.is_sqlite else 3)


def test_who_no_longer_waits_for_a_job_does_not_end_the_writer(store: Store) -> None:
    assert not store.submit(lambda tx: 1).cancel()
    assert store.submit(lambda tx: 2).result() == 2


def test_jobs_of_one_turn_of_an_event_loop_are_committed_and_answered_together(
    store: Store,
) -> None:
    commits: list[int] = []
    store.on_commit = lambda: commits.append(1)
    fails = then(count("not kept"), fail(LookupError()))

    async def three() -> list[Any]:
        given_up = store.submit_soon(count("given up"))
        jobs = [store.submit_soon(job) for job in (count("kept"), fails, count("kept"))]
        given_up.cancel()
        return await asyncio.gather(*jobs, return_exceptions=True)

    first, failed, last = asyncio.run(three())
    assert (first, last) == (None, None)
    assert isinstance(failed, LookupError)
    assert len(commits) == 1
    names = ("kept", "not kept", "given up")
    assert [counted(store, name) for name in names] == [2, 0, 1]


def test_what_an_event_loop_submitted_last_is_finished_too(database: str) -> None:
    store = Store(database)
    schema.prepare(store)

    async def nobody_waits() -> int:
        store.submit_soon(count("each"))
        store.close()
        return counted(again, "each")  # in the same turn of the loop

    again = Store(database)
    assert asyncio.run(nobody_waits()) == 1
    again.close()


def test_where_the_database_fails_an_event_loop_hears_it(database_file: Store) -> None:
    async def lost() -> list[Any]:
        jobs = [store.submit_soon(job) for job in (count("each"), broken, count("each"))]
        return await asyncio.gather(*jobs, return_exceptions=True)

    store, broken = database_file, fail(sqlite3.OperationalError("the disk is full"))
    assert {type(one) for one in asyncio.run(lost())} == {StorageError}
    assert counted(store, "each") == 0
