"""The only file that asks what time it is."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where flow and workers get the time; tests pass one that stands still."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC: for everything that is stored."""

    def monotonic(self) -> float:
        """Seconds that never jump: for time-outs and rates."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def monotonic(self) -> float:
        return time.monotonic()
