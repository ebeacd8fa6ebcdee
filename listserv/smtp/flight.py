"""Carries a pipeline over a connection that aiosmtplib has opened: callbacks, no task or future.

aiosmtplib connects, greets, starts TLS and logs in; then its protocol is replaced by ours on the
same transport. One timer a connection looks now and then how long the peer has been silent.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import aiosmtplib

from listserv.domain.courier import RelayDown
from listserv.domain.transaction import Event, Transaction
from listserv.smtp.offer import Offer
from listserv.smtp.pipeline import Pipeline, Wait

# Octets in one write at most, and those that the transport holds before it asks for a pause: a
# large message is not copied into as many buffers as there are connections.
_SLICE = 65_536
# Linux's, for one time. Postfix writes the reply to a message and those to the next envelope apart,
# and the second waits until the first is acknowledged (Nagle): 40 ms, where we have nothing to say.
_ACKNOWLEDGE: Final = getattr(socket, "TCP_QUICKACK", None)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. RFC 5321 4.5.3.2 asks for 5 minutes after a command and 10 after the final dot: a
    shorter wait makes duplicates (RFC 1047). Postfix closes after 300 s without a command; an
    idle connection is not kept nearly as long."""

    command: float = 300.0
    after_dot: float = 600.0
    idle: float = 20.0
    goodbye: float = 5.0


class Flight(asyncio.Protocol):
    """One connection. `take` gives the next transaction whenever one can be written, or None; then
    `wake` asks again. `report` gets events and is called before `take`; after Closed nothing is
    taken any more."""

    def __init__(
        self,
        offer: Offer,
        take: Callable[[], Transaction | None],
        report: Callable[[Sequence[Event]], None],
        patience: Patience,
    ) -> None:
        self.offer = offer
        self._pipeline = Pipeline(offer)
        self._take = take
        self._report = report
        self._limits = {
            Wait.NOTHING: patience.idle,
            Wait.COMMAND: patience.command,
            Wait.DOT: patience.after_dot,
            Wait.GOODBYE: patience.goodbye,
        }
        self._tick_every = min(self._limits.values()) / 2
        self._clock = asyncio.get_running_loop().time
        self._heard = self._clock()
        self._paused = False
        self._held_back: deque[memoryview] = deque()

    @property
    def idle(self) -> bool:
        """Nothing is on the wire, and a transaction may go."""
        return self._pipeline.wait is Wait.NOTHING and not self._pipeline.closed

    @property
    def closed(self) -> bool:
        """No transaction goes over this connection any more."""
        return self._pipeline.closed

    @property
    def refuses_chunks(self) -> bool:
        """The peer offers CHUNKING and does not take BDAT."""
        return self._pipeline.refuses_chunks

    def wake(self) -> bool:
        """There may be something to take. False when this flight found nothing there."""
        if not self._pipeline.hungry:
            return True
        was_idle = self.idle
        has_written = self._go_on()
        if was_idle and has_written:
            self._heard = self._clock()
        return has_written

    def quit(self) -> None:
        """Finish what is on the wire and say goodbye."""
        if self.idle:
            self._heard = self._clock()
        self._pipeline.quit()
        self._go_on()

    def abort(self, words: str) -> None:
        """Give the connection up at once."""
        self._pipeline.lost(words)
        self._go_on()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._transport.set_write_buffer_limits(high=_SLICE)
        self._socket = cast(socket.socket, transport.get_extra_info("socket"))
        self._timer = asyncio.get_running_loop().call_later(self._tick_every, self._tick)

    def data_received(self, data: bytes) -> None:
        if self._pipeline.receive(data):
            self._heard = self._clock()
        has_written = self._go_on()
        if has_written or self._pipeline.closed or self._pipeline.wait is Wait.NOTHING:
            return
        if _ACKNOWLEDGE is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _ACKNOWLEDGE, 1)

    def eof_received(self) -> None:
        # It will say nothing more; over TLS the loop would go on writing to it for a while.
        self.abort("the relay closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self.abort(f"connection lost: {exc}" if exc else "the relay closed the connection")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._heard = self._clock()  # it reads, so it lives
        self._write_held_back()

    # How it works

    def _go_on(self) -> bool:
        """Whether anything was written."""
        pipeline = self._pipeline
        while True:
            if pipeline.events:
                events, pipeline.events = pipeline.events, []
                self._report(events)
            transaction = self._take() if pipeline.hungry else None
            if transaction is None:
                break
            pipeline.send(transaction)
        if pipeline.closed:
            self._timer.cancel()
            self._held_back.clear()
            self._transport.abort()
            return False
        if not pipeline.output:
            return False
        output, pipeline.output = pipeline.output, []
        self._write(output)
        return True

    def _write(self, output: list[bytes]) -> None:
        if not self._held_back and sum(map(len, output)) <= _SLICE:
            self._transport.write(b"".join(output))
            return
        for chunk in output:
            view = memoryview(chunk)
            self._held_back.extend(view[at : at + _SLICE] for at in range(0, len(view), _SLICE))
            self._pipeline.unsent += len(chunk)
        self._write_held_back()

    def _write_held_back(self) -> None:
        while self._held_back and not self._paused:
            part = self._held_back.popleft()
            self._pipeline.unsent -= len(part)
            self._transport.write(part)

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_every, self._tick)
        wait = self._pipeline.wait
        silent = self._clock() - self._heard
        if silent < self._limits[wait]:
            return
        if wait is Wait.NOTHING:
            self.quit()
        else:
            self.abort(f"no reply for {silent:.0f} s")


def take_over(
    client: aiosmtplib.SMTP,
    take: Callable[[], Transaction | None],
    report: Callable[[Sequence[Event]], None],
    max_recipients: int,
    patience: Patience = Patience(),
    *,
    chunking: bool = True,
) -> Flight:
    """Fly on over an open connection; `wake` starts. After STARTTLS the caller must have said EHLO
    again (RFC 3207 4.2), or the peer knows no MAIL. Without `chunking` it is not used even where it
    is offered. RelayDown when the connection is gone."""
    transport = client.transport
    if transport is None or transport.is_closing():
        raise RelayDown("the relay closed the connection")
    offer = Offer.read(client.esmtp_extensions, max_recipients)
    offer = replace(offer, chunking=offer.chunking and chunking)
    flight = Flight(offer, take, report, patience)
    cast(asyncio.Transport, transport).set_protocol(flight)
    flight.connection_made(transport)
    return flight
