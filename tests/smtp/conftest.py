"""A loop in a thread, and listeners in it."""

from collections.abc import Iterator

import pytest

from tests.smtp.listening import House, LoopThread


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
def house(loop_thread: LoopThread) -> Iterator[House]:
    """Starts listeners; closes them after the test."""
    house = House(loop_thread)
    yield house
    house.close()
