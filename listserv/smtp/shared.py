"""What all connections of one listener share: settings, gate, certificate, and the questions that
the intake is answering."""

import asyncio
import logging
import math
import secrets
from collections.abc import Coroutine
from typing import Any, Protocol

from listserv.domain.post import Client, Incoming, Transport
from listserv.domain.replies import OUR_FAULT, Reply
from listserv.smtp.limits import Gate
from listserv.smtp.settings import Intake, ServerSettings
from listserv.smtp.tls import Certificate

log = logging.getLogger("listserv.smtp")


def fault(error: BaseException) -> Reply:
    """Our own fault is temporary (promise 8). The client hears an opaque id, under which the log
    has everything."""
    reference = secrets.token_hex(4)
    log.error("fault %s: %s", reference, type(error).__name__, exc_info=error)
    return Reply(OUR_FAULT.code, OUR_FAULT.status, f"{OUR_FAULT.text} ({reference})")


Answers = tuple[Reply, ...]

# Seconds.
_NOTED_EVERY = 60.0


class Open(Protocol):
    """An open connection, as its listener sees it when closing."""

    ended: asyncio.Event

    def dismiss(self, reply: Reply, *, at_once: bool) -> None:
        """End it when it is the client's turn; unless `at_once`, after its transaction."""

    def abort(self) -> None:
        """End it without a word."""


class Shared:
    """One listener's belongings. Questions to the intake run as tasks of their own, which no
    hang-up of a client cancels; they answer faults, and never raise."""

    def __init__(self, settings: ServerSettings, intake: Intake, transport: Transport) -> None:
        self.settings = settings
        self.transport = transport
        self._intake = intake
        largest = settings.max_message_bytes
        # Room for a few of the largest, however large the operator allows them to be.
        self.gate = Gate(settings.limits, max(settings.limits.memory_octets, 4 * largest))
        self.certificate = (
            None if settings.tls_cert is None else Certificate(settings.tls_cert, settings.tls_key)
        )
        self.connections: set[Open] = set()
        self.questions: set[asyncio.Task[Answers]] = set()
        self._sent_away = 0
        self._noted = -math.inf

    def note_sent_away(self, address: str, now: float) -> None:
        """Log that there are too many connections: once a minute, for there are very many."""
        self._sent_away += 1
        if now - self._noted >= _NOTED_EVERY:
            log.warning(
                "too many connections: %d sent away, the last from %s", self._sent_away, address
            )
            self._noted, self._sent_away = now, 0

    def ask_recipient(
        self, address: str, client: Client, sender: str
    ) -> Answers | asyncio.Task[Answers]:
        """May this address be sent to? One answer, which may have to be waited for."""
        answer = self._intake.recipient(address, self.transport, client, sender)
        if isinstance(answer, Reply):
            return (answer,)
        waiting = answer

        async def ask() -> Answers:
            try:
                return (await waiting,)
            except Exception as error:
                return (fault(error),)

        return self._start(ask())

    def hand_over(self, incoming: Incoming) -> asyncio.Task[Answers]:
        """Store a message. One answer per recipient."""

        async def ask() -> Answers:
            wanted = len(incoming.recipients)
            try:
                answers = await self._intake.message(incoming)
                if len(answers) != wanted:
                    raise RuntimeError(f"{len(answers)} answers for {wanted} recipients")
            except Exception as error:
                return (fault(error),) * wanted
            return answers

        return self._start(ask())

    def _start(self, asking: Coroutine[Any, Any, Answers]) -> asyncio.Task[Answers]:
        task = asyncio.get_running_loop().create_task(asking)
        # The loop itself keeps only a weak reference.
        self.questions.add(task)
        task.add_done_callback(self.questions.discard)
        return task
