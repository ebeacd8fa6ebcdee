"""Between the listeners and the flow: runs each question in a transaction, off the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from listserv.clock import Clock
from listserv.domain.address import is_return_path
from listserv.domain.authorship import UNCHECKED, Authorship
from listserv.domain.post import Client, Incoming, Post, Transport
from listserv.domain.replies import Reply
from listserv.flow import receive, recipient
from listserv.flow.site import Site
from listserv.mail.parse import parse
from listserv.store.session import StorageError, Store, Tx

# Reading so many octets takes less time than another thread, and 20 ms at the worst.
_SMALL = 16 * 1024


class FlowIntake:
    """Answers RCPT and the final dot. What it raises is our own fault: the listeners say 451.
    `authenticate` never raises, and asks the DNS while no transaction is open."""

    def __init__(
        self,
        store: Store,
        site: Site,
        clock: Clock,
        authenticate: Callable[[Incoming, Post], Awaitable[Authorship]],
    ) -> None:
        self._store = store
        self._site = site
        self._clock = clock
        self._authenticate = authenticate

    def recipient(
        self, address: str, transport: Transport, client: Client, sender: str
    ) -> Reply | Coroutine[Any, Any, Reply]:
        """The answer to RCPT."""
        now = self._clock.now()

        def ask(tx: Tx) -> Reply:
            return recipient.answer(tx, self._site, address, transport, now)

        # An SQLite file answers in less time than another thread would wait for the interpreter's
        # lock after each statement. A database server does not.
        if self._store.is_sqlite:
            with suppress(StorageError):
                return self._store.read_at_once(ask)
        return asyncio.to_thread(self._store.read, ask)

    async def message(self, incoming: Incoming) -> tuple[Reply, ...]:
        """The answer to the final dot, for each recipient; the message is on disk by then."""
        post = await self._read(incoming.raw)
        # What comes back asks for nothing, and is believed for its token: the DNS is left alone.
        authorship = UNCHECKED
        if not all(map(is_return_path, incoming.recipients)):
            authorship = await self._authenticate(incoming, post)
        now = self._clock.now()
        return await self._store.submit_soon(
            lambda tx: receive.message(tx, self._site, incoming, post, now, authorship)
        )

    async def _read(self, raw: bytes) -> Post:
        if len(raw) <= _SMALL:
            return parse(raw, self._site.spam_header)
        return await asyncio.to_thread(parse, raw, self._site.spam_header)
