"""How long one connection waits for its client, or for an answer of ours: `asyncio.timeout` for
many short waits that follow each other. Nearly all of them end long before their time, so none has
a timer of its own: there is one, which is left to go off, and then looks whether the wait that it
finds is over."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class Patience:
    """For the waits of one task, one at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._until: float | None = None
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, reading: Awaitable[T], until: float) -> T:
        """What `reading` gives; TimeoutError when it has not by then, on the loop's clock."""
        task = self._task = asyncio.current_task()
        assert task is not None
        cancelling = task.cancelling()
        self._is_over = False
        self._set(until)
        try:
            return await reading
        except asyncio.CancelledError:
            # Somebody else may have cancelled the task as well: that is theirs.
            if self._is_over and task.uncancel() <= cancelling:
                raise TimeoutError from None
            raise
        finally:
            self._until = None

    def end(self) -> None:
        """The time of the wait is over now, if there is one."""
        if self._until is not None and not self._is_over:
            self._set(self._loop.time())

    def close(self) -> None:
        """No wait will follow."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, until: float) -> None:
        self._until = until
        if self._timer is not None:
            if self._timer.when() <= until:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._until is None or self._is_over:
            return
        if self._loop.time() < self._until:
            self._set(self._until)
            return
        self._is_over = True
        assert self._task is not None
        self._task.cancel()
