"""The relay: hands transactions to the next MTA over a pool of connections, or into a Maildir."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from listserv.domain.courier import Desk, RelayDown
from listserv.domain.mailing import Fate
from listserv.domain.transaction import Closed, Event, Settled, Stage, Transaction, Unfinished
from listserv.smtp.flight import Flight, Patience, take_over

_CONNECT = 30.0
# So many connections in a row that were given a transaction and ended without one answer to it,
# while no other had one: the relay takes nothing.
_BARREN = 3
# A relay that refuses a connection beside others which it has answered so lately takes no more of
# them; after as long another one is tried. Seconds.
_ENOUGH = 60.0
_PATIENCE = Patience()


@dataclass(frozen=True)
class RelaySettings:
    """Where the relay is and how to speak to it. `tls`: opportunistic, required or off; at most
    `connections` at once and `max_rcpt` recipients a transaction."""

    host: str
    port: int
    hostname: str
    tls: str = "opportunistic"
    username: str | None = None
    password: str | None = None
    connections: int = 20
    max_rcpt: int = 50


class SmtpCarrier:
    """Takes from the desk over as many connections as there is work for. `seven_bit` is called
    when the relay does not offer 8BITMIME."""

    def __init__(
        self,
        settings: RelaySettings,
        desk: Desk,
        seven_bit: Callable[[], None],
        patience: Patience = _PATIENCE,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._seven_bit = seven_bit
        self._patience = patience
        self._flights: set[Flight] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._barren = 0
        self._answers = 0
        self._time = asyncio.get_running_loop().time
        # When the relay answered last, and when it may take more connections again.
        self._heard = self._more_at = 0.0
        self._chunking = True
        self._closing = False

    def wake(self) -> None:
        """Ask the desk on every idle connection, and open more where there is work for them."""
        if self._closing:
            return
        for flight in tuple(self._flights):
            if not flight.wake():
                break
        there = len(self._flights) + len(self._opening)
        if there and self._time() < self._more_at:
            return
        room = self._settings.connections - there
        for _ in range(min(room, self._desk.backlog() - len(self._opening))):
            task = asyncio.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def close(self, seconds: float) -> None:
        """Finish what is on the wire within so many seconds, then give every connection up."""
        self._closing = True
        for task in tuple(self._opening):
            task.cancel()
        for flight in tuple(self._flights):
            flight.quit()
        deadline = self._time() + seconds
        while self._flights and self._time() < deadline:
            await asyncio.sleep(0.01)
        for flight in tuple(self._flights):
            flight.abort("we stop")

    async def _open(self) -> None:
        try:
            client = await connect(self._settings)
            if self._closing:  # and the cancellation was swallowed (CPython 3.11, #86296)
                client.close()
                return
            line = _Line(self._desk, self._answers, self._answered, self._ended)
            limit = self._settings.max_rcpt
            flight = take_over(
                client,
                self._desk.take,
                line.report,
                limit,
                self._patience,
                chunking=self._chunking,
            )
        except RelayDown as down:
            self._not_let_in(str(down))
            return
        self._heard = self._time()
        if not flight.offer.eight_bit:
            self._seven_bit()
        line.flight = flight
        self._flights.add(flight)
        flight.wake()

    def _not_let_in(self, words: str) -> None:
        """Where others work, or are about to be open, that is one connection too many."""
        self._opening.discard(cast(asyncio.Task[None], asyncio.current_task()))
        now = self._time()
        if self._opening or (self._flights and now - self._heard < _ENOUGH):
            self._more_at = now + _ENOUGH
        else:
            self._desk.relay_down(words)

    def _answered(self) -> None:
        self._answers += 1
        self._heard = self._time()
        self._barren = 0

    def _ended(self, line: "_Line", words: str) -> None:
        refuses_chunks = False
        if line.flight is not None:
            self._flights.discard(line.flight)
            refuses_chunks = line.flight.refuses_chunks
        if refuses_chunks:
            self._chunking = False  # the next connection does without
        if refuses_chunks or not words:
            self._barren = 0
        elif line.was_given and line.answers == self._answers:
            self._barren += 1
        if self._barren >= _BARREN:
            self._barren = 0
            self._desk.relay_down(words)
        if not self._closing:
            asyncio.get_running_loop().call_soon(self.wake)


async def connect(settings: RelaySettings) -> aiosmtplib.SMTP:
    """Greet the relay, encrypt and log in as the settings say. Raises RelayDown."""
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        local_hostname=settings.hostname,
        timeout=_CONNECT,
        # Opportunistic: encrypt where the relay offers it; one on this host has no certificate
        # that could be checked.
        start_tls={"off": False, "required": True}.get(settings.tls),
        validate_certs=settings.tls == "required",
    )
    try:
        await client.connect()
        if settings.username is not None and settings.password is not None:
            await client.login(settings.username, settings.password)
        await client.ehlo()
    except (SMTPException, OSError, ValueError) as refused:  # ValueError: no name of a host
        client.close()
        raise RelayDown(_words(refused)) from refused
    return client


class _Line:
    """One connection's way to the desk. `answers`: how often any connection had an answer before
    this one was opened; `was_given`: a transaction came back from it unanswered."""

    def __init__(
        self,
        desk: Desk,
        answers: int,
        answered: Callable[[], None],
        ended: Callable[["_Line", str], None],
    ) -> None:
        self._desk = desk
        self._answered = answered
        self._ended = ended
        self.flight: Flight | None = None
        self.answers = answers
        self.was_given = False

    def report(self, events: Sequence[Event]) -> None:
        self._desk.report(events)
        for event in events:
            if isinstance(event, Settled):
                self._answered()
            elif isinstance(event, Unfinished):
                self.was_given = True
            elif isinstance(event, Closed):
                self._ended(self, event.words)


def _words(refused: BaseException) -> str:
    if isinstance(refused, SMTPResponseException):
        return f"{refused.code} {_one_line(refused.message)}"
    return _one_line(str(refused)) or type(refused).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split())


class MaildirCarrier:
    """Writes each copy into one Maildir; Return-Path and Delivered-To tell its envelope."""

    def __init__(self, path: Path, desk: Desk) -> None:
        self._path = path
        self._desk = desk
        self._writing: asyncio.Task[None] | None = None
        for folder in ("tmp", "new", "cur"):
            (path / folder).mkdir(parents=True, exist_ok=True)

    def wake(self) -> None:
        """Write what there is, one after the other."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())

    async def close(self, seconds: float) -> None:
        """Let the copy in hand be finished."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=seconds or None)

    async def _write_all(self) -> None:
        while (transaction := self._desk.take()) is not None:
            written: list[str] = []
            words = ""
            try:
                await asyncio.to_thread(self._write, transaction, written)
            except OSError as wrong:  # the disk is full, or the folder is gone
                words = _one_line(str(wrong))
            self._desk.report(_as_told(transaction, written))
            if words:
                self._desk.relay_down(words)

    def _write(self, transaction: Transaction, written: list[str]) -> None:
        whole = (b"\r\n" + b"".join(transaction.data)).replace(b"\r\n..", b"\r\n.")[2:]
        for recipient in transaction.recipients:
            envelope = f"Return-Path: <{transaction.sender}>\r\nDelivered-To: {recipient}\r\n"
            name = f"{secrets.token_hex(16)}.listserv"
            copy = self._path / "tmp" / name
            copy.write_bytes((envelope.encode() + whole).replace(b"\r\n", b"\n"))
            copy.rename(self._path / "new" / name)
            written.append(recipient)


def _as_told(transaction: Transaction, written: Sequence[str]) -> list[Event]:
    """These recipients have their copy, the others are to get it later."""
    key, done = transaction.key, tuple(written)
    left = transaction.recipients[len(done) :]
    told: list[Event] = []
    if done:
        told.append(Settled(key, done, Fate.DELIVERED, Stage.DOT, b"250 written"))
    if left:
        told.append(Unfinished(key, left, False))
    return told
