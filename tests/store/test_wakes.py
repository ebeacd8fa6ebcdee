"""Whoever listens is woken by what queues work, once it is committed."""

import threading

import pytest

from listserv.clock import SystemClock
from listserv.store import queue, wakes
from listserv.store.session import Store, Tx

PATIENCE = 90.0
NOW = SystemClock().now()

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database", ["postgresql"], indirect=True),
]


def notice(tx: Tx) -> None:
    queue.add_notice(
        tx, list_id=None, raw=b"", subject="", member=0, address="a@example.org", now=NOW
    )


def fails(tx: Tx) -> None:
    notice(tx)
    raise LookupError


class Ear:
    """Counts how often it was woken."""

    def __init__(self) -> None:
        self._times = threading.Semaphore(0)

    def wake(self) -> None:
        self._times.release()

    def hears(self, seconds: float = PATIENCE) -> bool:
        return self._times.acquire(timeout=seconds)


def test_what_is_committed_wakes_and_what_is_not_does_not(store: Store) -> None:
    ear = Ear()
    with wakes.listening(store, ear.wake):
        assert ear.hears()  # it listens now, and what came before is there
        with pytest.raises(LookupError):
            store.write(fails)
        store.write(notice)
        assert ear.hears()
        store.submit(notice).result()
        assert ear.hears()
        assert not ear.hears(0.1)


def test_a_listener_whose_connection_is_cut_listens_again(store: Store) -> None:
    ear = Ear()
    with wakes.listening(store, ear.wake):
        assert ear.hears()
        store.write(
            lambda tx: tx.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        assert ear.hears()
        store.write(notice)
        assert ear.hears()


def test_a_listener_stops_when_told(store: Store) -> None:
    ear, before = Ear(), set(threading.enumerate())
    with wakes.listening(store, ear.wake):
        (listener,) = set(threading.enumerate()) - before
        assert ear.hears()  # a server that is slow to answer would not be waited for
    listener.join(PATIENCE)
    assert not listener.is_alive()
