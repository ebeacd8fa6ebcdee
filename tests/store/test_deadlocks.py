"""Two transactions that wait for each other: PostgreSQL ends one of them, and it runs again. (On
SQLite there is one writer at a time.)"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from listserv.clock import SystemClock
from listserv.store import counters
from listserv.store.session import StorageError, Store, Tx

PATIENCE = 90.0
NOW = SystemClock().now()

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database", ["postgresql"], indirect=True),
]

Way = Callable[[Store, Callable[[Tx], None]], Any]


def submitted(store: Store, job: Callable[[Tx], None]) -> None:
    store.submit(job).result(PATIENCE)


def in_a_group(store: Store, job: Callable[[Tx], None]) -> None:
    """Behind another job, whose transaction it shares."""
    before = store.submit(lambda tx: counters.count(tx, id(store), "before", NOW))
    submitted(store, job)
    before.result(PATIENCE)


class Crossing:
    """Makes jobs that count the same two things in opposite orders, and wait for each other in
    between the first `times` that they run."""

    def __init__(self, times: int = 1) -> None:
        self.runs = 0
        self._times = times
        self._both = threading.Barrier(2)

    def job(self, names: Sequence[str]) -> Callable[[Tx], None]:
        waits = iter(range(self._times))

        def count(tx: Tx) -> None:
            self.runs += 1
            counters.count(tx, 0, names[0], NOW)
            if next(waits, None) is not None:
                self._both.wait(PATIENCE)
            counters.count(tx, 0, names[1], NOW)

        return count


def counted(store: Store, name: str) -> int:
    return store.read(lambda tx: counters.total(tx, name, NOW.replace(second=0, microsecond=0)))


@pytest.mark.parametrize("way", [Store.write, Store.record, submitted, in_a_group])
def test_who_was_ended_runs_again_and_both_are_done(store: Store, database: str, way: Way) -> None:
    counters_there(store)
    other, crossing = Store(database), Crossing()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(way, store, crossing.job(["a", "b"]))
        two = pool.submit(way, other, crossing.job(["b", "a"]))
        one.result(PATIENCE)
        two.result(PATIENCE)
    other.close()
    # Whoever runs again may be quicker than the other, and meet it once more.
    assert crossing.runs >= 3
    assert (counted(store, "a"), counted(store, "b")) == (3, 3)
    assert counted(store, "before") == (2 if way is in_a_group else 0)


def test_whoever_is_ended_again_and_again_hears_it(store: Store) -> None:
    runs = 0

    def always(tx: Tx) -> None:
        nonlocal runs
        runs += 1
        tx.exec_driver_sql("DO $$ BEGIN RAISE deadlock_detected; END $$")

    with pytest.raises(StorageError, match="deadlock"):
        store.write(always)
    assert runs == 4


def counters_there(store: Store) -> None:
    """Rows that wait for each other exist."""
    for name in ("a", "b"):
        store.write(partial(counters.count, list_id=0, name=name, now=NOW))
