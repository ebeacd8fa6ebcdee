"""One timer for all waits of a connection, on a clock that the test turns."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from listserv.smtp.patience import Patience


class Handle:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self._at = at
        self.call = call
        self.cancelled = False

    def when(self) -> float:
        return self._at

    def cancel(self) -> None:
        self.cancelled = True


class Timers:
    """A loop's clock and timers."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made: list[Handle] = []
        self.patience = Patience(cast(asyncio.AbstractEventLoop, self))

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> Handle:
        self.made.append(Handle(when, call))
        return self.made[-1]

    @property
    def running(self) -> list[Handle]:
        return [one for one in self.made if not one.cancelled]

    def turn(self, to: float) -> None:
        self.now = to
        for one in self.running:
            if one.when() <= to:
                one.cancelled = True
                one.call()

    async def ends(self, seconds: float, *turns: float) -> bool:
        """Whether a wait of so many seconds is over after the clock was turned to these times."""
        waiting = asyncio.create_task(self._never(self.now + seconds))
        await asyncio.sleep(0)
        for turn in turns:
            self.turn(turn)
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        over = waiting.done()
        waiting.cancel()
        (ended,) = await asyncio.gather(waiting, return_exceptions=True)
        assert isinstance(ended, TimeoutError if over else asyncio.CancelledError)
        return over

    async def _never(self, until: float) -> None:
        await self.patience.wait(asyncio.Event().wait(), until)


async def at_once(value: int) -> int:
    return value


def test_waits_that_end_in_time_share_one_timer() -> None:
    async def many() -> Any:
        timers = Timers()
        for number in range(100):
            timers.now += 1
            assert await timers.patience.wait(at_once(number), timers.now + 300) == number
        return timers

    timers = asyncio.run(many())
    assert len(timers.made) == 1
    timers.turn(301)
    assert not timers.running
    timers.patience.close()


@pytest.mark.parametrize(
    ("seconds", "turns", "over"),
    [(10, (9.9,), False), (10, (10,), True), (10, (4, 8, 12), True), (400, (300, 399), False),
     (400, (300, 400), True), (300, (300,), True)],
)  # fmt: skip
def test_a_wait_ends_at_its_time_whatever_the_timer_was_set_for_before(
    seconds: float, turns: tuple[float, ...], over: bool
) -> None:
    async def after_another() -> bool:
        timers = Timers()
        await timers.patience.wait(at_once(1), 300)
        return await timers.ends(seconds, *turns)

    assert asyncio.run(after_another()) is over


def test_after_a_wait_that_was_too_long_another_one_has_all_its_time() -> None:
    async def two() -> list[bool]:
        timers = Timers()
        return [await timers.ends(5, 5), await timers.ends(5, 9), await timers.ends(5, 14)]

    assert asyncio.run(two()) == [True, False, True]


def test_a_wait_can_be_ended_before_its_time_and_only_then() -> None:
    async def ended() -> object:
        timers = Timers()
        timers.patience.end()
        assert not timers.made
        assert not await timers.ends(5, 1)
        waiting = asyncio.create_task(timers.patience.wait(asyncio.Event().wait(), 9))
        await asyncio.sleep(0)
        timers.patience.end()
        timers.turn(timers.now)
        (ended,) = await asyncio.gather(waiting, return_exceptions=True)
        return ended

    assert isinstance(asyncio.run(ended()), TimeoutError)


def test_who_cancels_the_task_meanwhile_is_not_taken_for_the_clock() -> None:
    async def cancelled() -> object:
        timers = Timers()
        waiting = asyncio.create_task(timers.patience.wait(asyncio.Event().wait(), 5))
        await asyncio.sleep(0)
        timers.turn(5)
        waiting.cancel()
        (ended,) = await asyncio.gather(waiting, return_exceptions=True)
        return ended

    assert isinstance(asyncio.run(cancelled()), asyncio.CancelledError)


def test_after_the_last_wait_no_timer_is_left() -> None:
    async def last() -> Timers:
        timers = Timers()
        await timers.patience.wait(at_once(1), 300)
        timers.patience.close()
        return timers

    assert not asyncio.run(last()).running
