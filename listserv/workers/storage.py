"""The store, as an event loop asks it."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from listserv.store.session import StorageError, Store, Tx

log = logging.getLogger("listserv.deliver")

T = TypeVar("T")


class Storage:
    """Both raise StorageError when the database cannot take it now; `is_down` since then, until
    something is written again. The log says so once.

    An SQLite file is asked in the loop's own thread: it answers in less time than another thread
    would wait for the interpreter's lock after each statement. A database server is not.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_down = False

    async def read(self, job: Callable[[Tx], T]) -> T:
        """See Store.read."""
        with self._told():
            if self._store.is_sqlite:
                with suppress(StorageError):
                    return self._store.read_at_once(job)
                return self._store.read(job)
            return await asyncio.to_thread(self._store.read, job)

    async def record(self, job: Callable[[Tx], T]) -> T:
        """See Store.record."""
        with self._told():
            done = await self._record_in_time(job)
        if self.is_down:
            self.is_down = False
            log.warning("the database takes progress again")
        return done

    async def _record_in_time(self, job: Callable[[Tx], T]) -> T:
        if self._store.is_sqlite:
            with suppress(StorageError):
                return self._store.record_at_once(job)
        return await asyncio.to_thread(self._store.record, job)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except StorageError as wrong:
            if not self.is_down:
                self.is_down = True
                log.warning("delivery waits for the database: %s", wrong)
            raise
