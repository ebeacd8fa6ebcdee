"""A loop in a thread, and listeners in it."""

import asyncio
from collections.abc import Iterator

import pytest
import uvloop

from tests.smtp.listening import House, LoopThread


@pytest.fixture(
    scope="session",
    params=[asyncio.new_event_loop, uvloop.new_event_loop],
    ids=["asyncio", "uvloop"],
)
def loop_thread(request: pytest.FixtureRequest) -> Iterator[LoopThread]:
    """`serve` runs on uvloop where it installs, and on asyncio's own loop elsewhere."""
    thread = LoopThread(request.param())
    yield thread
    thread.close()


@pytest.fixture
def house(loop_thread: LoopThread) -> Iterator[House]:
    """Starts listeners; closes them after the test."""
    house = House(loop_thread)
    yield house
    house.close()
