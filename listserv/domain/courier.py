"""What delivery asks of whoever carries mail on, so that its tests need no network."""

from typing import Protocol

from listserv.domain.mailing import Copy, Outcome


class RelayDown(Exception):
    """The relay takes nothing now: it refused the connection, the greeting, the log-in or the
    sender. It says nothing about the recipient; the text is the relay's words."""


class Courier(Protocol):
    """Carries one copy at a time; many `send` calls run at once."""

    async def send(self, copy: Copy) -> Outcome:
        """Hand one copy over. Raises RelayDown."""

    async def rest(self) -> None:
        """Nothing to do for now: let go of idle connections."""
