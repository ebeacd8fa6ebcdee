"""A job for the writer thread, and the way of its result back to who waits for it."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError


class Job:
    """A job, its future, and between run and commit its result. `loop` is whose the future is,
    None of one for threads."""

    def __init__(
        self,
        call: Callable[[Connection], Any],
        future: "Future[Any] | asyncio.Future[Any]",
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.call = call
        self.loop = loop
        self._future = future
        self._result: Any = None
        self._failed: Exception | None = None

    def run(self, tx: Connection) -> None:
        """Together with others: a fault is theirs too."""
        self._failed = None
        self._result = self.call(tx)

    def run_apart(self, tx: Connection, driver_error: type[Exception]) -> None:
        """In a SAVEPOINT: a fault stays alone, unless it is the database's."""
        self._failed = None
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

    def fail(self, failed: Exception) -> None:
        """Nothing of it is kept."""
        self._failed = failed

    def settle(self) -> None:
        """Tell who waits; nobody may any more."""
        if self._future.done():
            return
        if self._failed is not None:
            self._future.set_exception(self._failed)
        else:
            self._future.set_result(self._result)


def settle(jobs: Iterable[Job]) -> None:
    """Tell all who wait for these jobs: an event loop once for all of its own."""
    of_loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.loop is None:
            job.settle()
        else:
            of_loops.setdefault(job.loop, []).append(job)
    for loop, its in of_loops.items():
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(_settle_all, its)


def _settle_all(jobs: Iterable[Job]) -> None:
    for job in jobs:
        job.settle()
