"""What delivery and whoever carries mail on ask of each other, so that neither knows the other."""

from collections.abc import Sequence
from typing import Protocol

from listserv.domain.transaction import Event, Transaction


class RelayDown(Exception):
    """The relay takes nothing now: it refused the connection, the greeting, the log-in or the
    sender. It says nothing about the recipient; the text is the relay's words."""


class Desk(Protocol):
    """Delivery's side: gives transactions out and hears what became of them."""

    def take(self) -> Transaction | None:
        """The next transaction, or None when there is none for now."""

    def report(self, events: Sequence[Event]) -> None:
        """What became of transactions that were taken."""

    def backlog(self) -> int:
        """How many transactions `take` could give now, at least roughly."""

    def relay_down(self, words: str) -> None:
        """The relay takes nothing: see RelayDown."""


class Carrier(Protocol):
    """The relay's side."""

    def wake(self) -> None:
        """There may be something to take."""

    async def close(self, seconds: float) -> None:
        """Finish the transactions on the wire within so many seconds and report them."""
