"""A pipeline over a real connection: asyncio's loop and uvloop, in the clear and after STARTTLS."""

import asyncio
import ssl
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import IPPROTO_TCP, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET, TCP_QUICKACK
from typing import Any

import aiosmtplib
import pytest
import uvloop

from listserv.domain.courier import RelayDown
from listserv.domain.mailing import Fate
from listserv.domain.transaction import (
    Closed,
    Event,
    Refused,
    Settled,
    Transaction,
    Unfinished,
)
from listserv.smtp.flight import Flight, Patience, take_over
from listserv.smtp.offer import Offer
from tests.relay import Script, ScriptedRelay
from tests.smtp.peer import letter

CERTIFICATE = Path(__file__).parents[1] / "tls" / "cert.pem"
KEY = CERTIFICATE.with_name("key.pem")
# Only ends a test that has failed.
DEADLINE = 90.0
LINE = b"x" * 998 + b"\r\n"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@dataclass
class Desk:
    """Gives out transactions and keeps what is reported."""

    waiting: Iterator[Transaction]
    events: list[Event] = field(default_factory=list)
    stops_when_refused: bool = False
    happened: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> Transaction | None:
        return next(self.waiting, None)

    def report(self, events: Sequence[Event]) -> None:
        self.events += events
        self.happened.set()
        if self.stops_when_refused and any(isinstance(event, Refused) for event in events):
            self.waiting = iter(())

    async def until(self, is_true: Callable[["Desk"], object]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not is_true(self):
                self.happened.clear()
                await self.happened.wait()

    async def until_closed(self) -> None:
        await self.until(lambda desk: desk.words is not None)

    @property
    def words(self) -> str | None:
        """Why the connection is closed."""
        return next((event.words for event in self.events if isinstance(event, Closed)), None)

    @property
    def delivered(self) -> list[str]:
        return [
            recipient
            for event in self.events
            if isinstance(event, Settled) and event.fate is Fate.DELIVERED
            for recipient in event.recipients
        ]

    @property
    def unfinished(self) -> list[Unfinished]:
        return [event for event in self.events if isinstance(event, Unfinished)]


async def connect(relay: ScriptedRelay) -> aiosmtplib.SMTP:
    """As the pool does: STARTTLS where it is offered, and EHLO again after it."""
    client = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=relay.port, timeout=DEADLINE, validate_certs=False
    )
    await client.connect()
    await client.ehlo()
    return client


@asynccontextmanager
async def flying(
    client: aiosmtplib.SMTP, desk: Desk, patience: Patience | None = None
) -> AsyncIterator[Flight]:
    """What is on the wire at the end is dropped."""
    flight = take_over(client, desk.take, desk.report, 100, patience or Patience())
    flight.wake()
    try:
        yield flight
    finally:
        flight.abort("the test is over")
        for _ in range(3):  # the loop closes the socket soon
            await asyncio.sleep(0)


@asynccontextmanager
async def fly(
    relay: ScriptedRelay, letters: Iterable[Transaction], patience: Patience | None = None
) -> AsyncIterator[tuple[Flight, Desk]]:
    """Over one connection to a relay, which runs so long."""
    desk = Desk(iter(letters))
    async with relay, flying(await connect(relay), desk, patience) as flight:
        yield flight, desk


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a coroutine on that loop."""

    def run(story: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(story)

    return run


@pytest.fixture(params=["clear", "tls"])
def tls(request: pytest.FixtureRequest) -> ssl.SSLContext | None:
    if request.param == "clear":
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context


Run = Callable[[Coroutine[Any, Any, None]], None]


def letters(number: int) -> list[Transaction]:
    return [letter(f"{at}", f"r{at}@x") for at in range(number)]


def on(command: str, answer: str) -> Script:
    return lambda line: answer if line.startswith(command) else None


@pytest.mark.parametrize("offers", [("PIPELINING", "8BITMIME"), ("PIPELINING", "CHUNKING"), ()])
def test_each_gets_one_copy_byte_for_byte(
    run: Run, tls: ssl.SSLContext | None, offers: tuple[str, ...]
) -> None:
    async def story() -> None:
        relay = ScriptedRelay(extensions=offers, tls=tls)
        async with fly(relay, letters(200)) as (flight, desk):
            await desk.until(lambda desk: len(desk.delivered) == 200)
            assert flight.idle
            flight.quit()
            await desk.until_closed()
        assert relay.copies == Counter(f"r{at}@x" for at in range(200))
        assert relay.connections == 1
        assert {m.data for m in relay.taken} == {f"text of {at}\r\n".encode() for at in range(200)}
        verbs = Counter(line.split(":")[0].split()[0] for line in relay.seen)
        assert (verbs["DATA"], verbs["BDAT"]) == ((0, 201) if "CHUNKING" in offers else (200, 0))
        assert desk.words == ""
        assert flight.closed
        assert not flight.idle
        assert relay.seen[-1] == "QUIT"
        assert relay.seen.count("STARTTLS") == (tls is not None)

    run(story())


def test_refusals_and_deliveries_are_told_apart(run: Run, tls: ssl.SSLContext | None) -> None:
    def script(line: str) -> str | None:
        return "550 5.1.1 no" if line.startswith("RCPT") and line.endswith("5@x>") else None

    async def story() -> None:
        relay = ScriptedRelay(script, tls=tls)
        async with fly(relay, letters(100)) as (_, desk):
            await desk.until(lambda desk: len(desk.events) == 100)
        failed = [e for e in desk.events if isinstance(e, Settled) and e.fate is Fate.FAILED]
        assert len(failed) == 10
        assert {event.words for event in failed} == {"550 5.1.1 no"}
        assert relay.copies == Counter(desk.delivered)

    run(story())


def test_a_large_message_does_not_pile_up_in_memory(run: Run, tls: ssl.SSLContext | None) -> None:
    """The transport never holds more than what makes it ask for a pause and one write."""
    photo = Transaction("photo", "a@l.example", ("r@x",), (b"Subject: photo\r\n", LINE * 8_000))
    held: list[int] = []

    async def story() -> None:
        async with ScriptedRelay(tls=tls) as relay:
            client = await connect(relay)
            transport = client.transport
            assert transport is not None
            desk = Desk(iter([photo, letter("next", "s@x")]))
            async with flying(client, desk), asyncio.timeout(DEADLINE):
                while len(desk.delivered) < 2:
                    held.append(transport.get_write_buffer_size())  # type: ignore[attr-defined]
                    await asyncio.sleep(0)
        assert [len(message.data) for message in relay.taken] == [16 + 8_000_000, 14]

    run(story())
    assert 0 < max(held) <= 2 * 65_536


def test_it_flies_on_when_there_is_something_to_take_again(run: Run) -> None:
    async def story() -> None:
        relay = ScriptedRelay()
        async with fly(relay, letters(1)) as (flight, desk):
            await desk.until(lambda desk: len(desk.delivered) == 1)
            desk.waiting = iter(letters(3))
            flight.wake()
            await desk.until(lambda desk: len(desk.delivered) == 4)
        assert relay.connections == 1

    run(story())


@pytest.mark.parametrize("words", ["502 5.5.2 what?", "551 5.7.1 not like this"])
def test_who_offers_chunking_and_refuses_it_gets_each_message_once_by_data(
    run: Run, words: str
) -> None:
    async def story() -> None:
        relay = ScriptedRelay(on("BDAT", words), extensions=("PIPELINING", "CHUNKING"))
        async with fly(relay, letters(50)) as (flight, desk):
            await desk.until(lambda desk: len(desk.events) == 50)
            assert flight.refuses_chunks
            assert not flight.closed
        assert relay.copies == Counter(f"r{at}@x" for at in range(50)) == Counter(desk.delivered)
        assert sum(line.startswith("BDAT") for line in relay.seen) == 1

    run(story())


def test_what_cannot_be_sent_does_not_stop_the_others(run: Run) -> None:
    async def story() -> None:
        relay = ScriptedRelay(extensions=("PIPELINING",))
        async with fly(relay, [letter("A", "jörg@x"), letter("B", "jörg@x"), *letters(1)]) as (
            _,
            desk,
        ):
            await desk.until(lambda desk: len(desk.events) == 3)
        assert desk.delivered == ["r0@x"]

    run(story())


class Wire(asyncio.Transport):
    """Takes what is written, and is its own socket."""

    def __init__(self) -> None:
        super().__init__({"socket": self})
        self.written = 0
        self.acknowledged = 0

    def write(self, data: Any) -> None:
        self.written += 1

    def setsockopt(self, level: int, option: int, value: int) -> None:
        assert (level, option, value) == (IPPROTO_TCP, TCP_QUICKACK, 1)
        self.acknowledged += 1

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def abort(self) -> None:
        pass


def test_a_reply_is_acknowledged_at_once_when_more_are_awaited_and_nothing_is_written(
    run: Run,
) -> None:
    """A peer with Nagle's algorithm keeps its next reply until then: 40 ms a message."""

    async def story() -> None:
        wire, waiting = Wire(), letters(1)
        flight = Flight(
            Offer(pipelining=True),
            lambda: waiting.pop() if waiting else None,
            lambda _: None,
            Patience(),
        )
        flight.connection_made(wire)
        flight.wake()
        counts = []
        for reply in ("250 ok", "250 ok", "354 go on", "250 taken", "421 bye"):
            flight.data_received(f"{reply}\r\n".encode())
            counts.append((wire.written, wire.acknowledged))
        assert counts == [(1, 1), (1, 2), (2, 2), (2, 2), (2, 2)]

    run(story())


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "BDAT 1"])
@pytest.mark.parametrize("answer", ["", "what?", "421 4.3.2 later"])
def test_a_peer_that_ends_it_in_a_flight_may_have_what_it_has_not_answered(
    run: Run, tls: ssl.SSLContext | None, verb: str, answer: str
) -> None:
    """After a 421 it does not look at what came behind; without one nobody knows how far it was."""

    async def story() -> None:
        count = 0

        def script(line: str) -> str | None:
            nonlocal count
            if count == 5:
                return ""
            count += line.startswith(verb)
            return answer if count == 5 else None

        relay = ScriptedRelay(script, extensions=("PIPELINING", "CHUNKING"), tls=tls)
        async with fly(relay, letters(20)) as (flight, desk):
            await desk.until_closed()
        settled = [r for e in desk.events if isinstance(e, Settled) for r in e.recipients]
        unsure = [r for e in desk.unfinished for r in e.recipients]
        taken = len(settled) + len(unsure)
        assert sorted(settled + unsure) == sorted(f"r{at}@x" for at in range(taken))
        assert set(desk.delivered) <= set(relay.copies) <= {f"r{at}@x" for at in range(4)}
        assert set(relay.copies) <= {*desk.delivered, *unsure}
        if answer.startswith("421"):
            assert not any(one.dot_written for one in desk.unfinished)
        else:
            assert all(one.dot_written for one in desk.unfinished)
        assert flight.closed

    run(story())


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("answer", ["", "what?", "421 4.3.2 later"])
def test_a_peer_that_ends_it_leaves_nobody_unaccounted_for(
    run: Run, tls: ssl.SSLContext | None, verb: str, answer: str
) -> None:
    async def story() -> None:
        count = 0

        def script(line: str) -> str | None:
            nonlocal count
            count += line.startswith(verb)
            return answer if count == 5 else None

        relay = ScriptedRelay(script, tls=tls)
        async with fly(relay, letters(20)) as (flight, desk):
            await desk.until_closed()
        settled = [r for e in desk.events if isinstance(e, Settled) for r in e.recipients]
        unsure = [r for e in desk.unfinished for r in e.recipients]
        taken = len(settled) + len(unsure)
        assert sorted(settled + unsure) == sorted(f"r{at}@x" for at in range(taken))
        assert set(desk.delivered) == set(relay.copies) == {f"r{at}@x" for at in range(4)}
        certain = verb != "." or answer.startswith("421")
        assert desk.unfinished[0].dot_written == (not certain)
        assert desk.words != ""
        assert isinstance(desk.events[-1], Closed)
        assert flight.closed

    run(story())


def test_a_relay_that_refuses_the_sender_is_asked_no_more_when_nothing_is_given(run: Run) -> None:
    async def story() -> None:
        async with ScriptedRelay(on("MAIL", "550 5.7.1 not you")) as relay:
            desk = Desk(iter(letters(5)), stops_when_refused=True)
            async with flying(await connect(relay), desk):
                await desk.until(lambda desk: desk.unfinished)
        assert desk.events[:-1] == [
            Refused(b"550 5.7.1 not you", True),
            Unfinished("0", ("r0@x",), False),
        ]
        assert sum(line.startswith("MAIL") for line in relay.seen) == 1

    run(story())


class SilentRelay(ScriptedRelay):
    """It does nothing any more once it hears this verb, or "." for the final dot."""

    def __init__(self, verb: str) -> None:
        super().__init__()
        self.verb = verb
        self.silent = asyncio.Event()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stalling = Stalling(reader, self.verb.encode(), self.silent)
        await super()._talk(stalling, writer)  # type: ignore[arg-type]


@dataclass
class Stalling:
    reader: asyncio.StreamReader
    verb: bytes
    silent: asyncio.Event

    async def readuntil(self, end: bytes) -> bytes:
        line = await self.reader.readuntil(end)
        if line.startswith(self.verb):
            self.silent.set()
            await asyncio.Event().wait()
        return line


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still until it is moved: further than a connection's timer needs
    for one round."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def pass_(self, seconds: float) -> None:
        """What is due now, and then, has happened when this returns."""
        for step in (0, seconds):
            self.now += step
            for _ in range(10):
                await asyncio.sleep(0)


def with_clock(story: Callable[[Loop], Coroutine[Any, Any, None]]) -> None:
    loop = Loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(story(loop))


@pytest.mark.parametrize(
    ("verb", "seconds"), [("MAIL", 300), ("RCPT", 300), ("DATA", 300), (".", 600)]
)
def test_silence_ends_a_connection(verb: str, seconds: float) -> None:
    async def story(loop: Loop) -> None:
        relay = SilentRelay(verb)
        async with fly(relay, letters(5)) as (flight, desk):
            await relay.silent.wait()
            await loop.pass_(seconds - 5)
            assert not flight.closed
            await loop.pass_(10)
            assert desk.words == f"no reply for {seconds + 5} s"
            assert desk.unfinished[0].dot_written == (verb == ".")

    with_clock(story)


def test_silence_begins_when_something_is_asked() -> None:
    async def story(loop: Loop) -> None:
        relay = SilentRelay("MAIL")
        async with fly(relay, ()) as (flight, desk):
            await loop.pass_(15)
            desk.waiting = iter(letters(1))
            flight.wake()
            await loop.pass_(295)
            assert not flight.closed
            await loop.pass_(10)
            assert flight.closed

    with_clock(story)


def test_each_reply_ends_the_silence() -> None:
    async def story(loop: Loop) -> None:
        def script(line: str) -> str | None:
            loop.now += 200 if line[:4] in ("MAIL", "RCPT", "DATA", ".") else 0
            return None

        relay = ScriptedRelay(script, extensions=())
        async with fly(relay, letters(3)) as (flight, desk):
            while len(desk.delivered) < 3 and not flight.closed:
                await asyncio.sleep(0)
            assert not flight.closed

    with_clock(story)


def test_an_idle_connection_is_kept_a_little_while() -> None:
    async def story(loop: Loop) -> None:
        relay = SilentRelay("QUIT")
        async with fly(relay, ()) as (flight, desk):
            await loop.pass_(15)
            flight.wake()  # there was nothing to take: that keeps nothing open
            assert flight.idle
            await loop.pass_(10)
            assert not flight.idle
            await loop.pass_(3)
            assert not flight.closed
            await loop.pass_(3)
            assert desk.words == ""

    with_clock(story)


def test_a_goodbye_is_waited_for() -> None:
    async def story(loop: Loop) -> None:
        async with fly(SilentRelay("QUIT"), ()) as (flight, _):
            await loop.pass_(15)
            flight.quit()
            await loop.pass_(3)
            assert not flight.closed
            await loop.pass_(3)
            assert flight.closed

    with_clock(story)


SHORT = 0.05


def test_silence_ends_a_connection_on_a_real_clock(run: Run) -> None:
    async def story() -> None:
        async with fly(SilentRelay("MAIL"), letters(5), Patience(command=SHORT)) as (_, desk):
            await desk.until_closed()
        assert desk.words is not None
        assert desk.words.startswith("no reply for")

    run(story())


async def rest() -> None:
    await asyncio.sleep(0.01)


class SlowRelay(ScriptedRelay):
    """Rests after each 100 kB, and the system takes no more for it meanwhile; hangs up after so
    many lines."""

    most_lines = 1_000_000

    def __init__(
        self, rests: Callable[[], Awaitable[None]] = rest, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls=tls)
        self.rests = rests

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slow = Slow(reader, self.most_lines, self.rests)
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, 65_536)
        await super()._talk(slow, writer)  # type: ignore[arg-type]


@dataclass
class Slow:
    reader: asyncio.StreamReader
    most_lines: int
    rests: Callable[[], Awaitable[None]]
    lines: int = 0

    async def readuntil(self, end: bytes) -> bytes:
        self.lines += 1
        if self.lines % 100 == 0:
            await self.rests()
        if self.lines == self.most_lines:
            raise ConnectionAbortedError
        return await self.reader.readuntil(end)


async def connect_narrowly(relay: ScriptedRelay) -> aiosmtplib.SMTP:
    """So little is buffered that what is written depends on what is read."""
    client = await connect(relay)
    client.get_transport_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, 16_384)
    return client


PHOTO = Transaction("photo", "a@l.example", ("r@x",), (LINE * 4_000,))


def test_a_body_that_moves_on_is_not_silence() -> None:
    """A peer that reads slowly is waited for, longer than it may take to answer."""

    async def story(loop: Loop) -> None:
        async def half_a_minute() -> None:
            loop.now += 30
            await asyncio.sleep(0)

        async with SlowRelay(half_a_minute) as relay:
            desk = Desk(iter([PHOTO]))
            async with flying(await connect_narrowly(relay), desk):
                while not desk.events:
                    await asyncio.sleep(0)
        assert loop.now > Patience().after_dot
        assert desk.delivered == ["r@x"]

    with_clock(story)


def test_nothing_overtakes_a_body(run: Run, tls: ssl.SSLContext | None) -> None:
    async def story() -> None:
        async with SlowRelay(tls=tls) as relay:
            desk = Desk(iter([PHOTO]))
            async with flying(await connect_narrowly(relay), desk) as flight:
                while len(relay.seen) < 5 or relay.seen[-1] != "DATA":
                    await asyncio.sleep(0)
                desk.waiting = iter(letters(1))
                flight.wake()
                await desk.until(lambda desk: len(desk.events) == 2)
        assert [len(message.data) for message in relay.taken] == [4_000_000, 11]
        assert desk.delivered == ["r@x", "r0@x"]

    run(story())


def test_a_body_cut_off_has_no_final_dot(run: Run, tls: ssl.SSLContext | None) -> None:
    async def story() -> None:
        relay = SlowRelay(tls=tls)
        relay.most_lines = 1_000
        async with relay:
            desk = Desk(iter([PHOTO, letter("next", "s@x")]))
            async with flying(await connect_narrowly(relay), desk):
                await desk.until_closed()
        assert desk.unfinished == [
            Unfinished("photo", ("r@x",), False),
            Unfinished("next", ("s@x",), False),
        ]

    run(story())


def test_after_the_end_nothing_is_written(
    run: Run, tls: ssl.SSLContext | None, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with SlowRelay(tls=tls) as relay:
            desk = Desk(iter([PHOTO]))
            async with flying(await connect_narrowly(relay), desk) as flight:
                while len(relay.seen) < 5 or relay.seen[-1] != "DATA":
                    await asyncio.sleep(0)
                flight.abort("enough")
                flight.resume_writing()
                flight.data_received(b"250 ok\r\n")
        assert desk.events == [Unfinished("photo", ("r@x",), False), Closed("enough")]

    run(story())
    assert not caplog.records


def test_an_idle_connection_says_goodbye(run: Run, tls: ssl.SSLContext | None) -> None:
    async def story() -> None:
        relay = ScriptedRelay(tls=tls)
        async with fly(relay, letters(1), Patience(idle=SHORT)) as (_, desk):
            await desk.until_closed()
        assert (desk.words, relay.seen[-1]) == ("", "QUIT")

    run(story())


def test_a_peer_that_does_not_answer_the_goodbye_is_left(run: Run) -> None:
    async def story() -> None:
        relay = SilentRelay("QUIT")
        async with fly(relay, (), Patience(goodbye=SHORT)) as (flight, desk):
            flight.quit()
            await desk.until_closed()
        assert desk.words == ""

    run(story())


def test_a_connection_can_be_given_up_at_once(run: Run, tls: ssl.SSLContext | None) -> None:
    async def story() -> None:
        relay = ScriptedRelay(tls=tls)
        async with fly(relay, letters(3)) as (flight, desk):
            flight.abort("enough")
            await desk.until_closed()
            flight.wake()
            flight.quit()
        assert desk.events == [Unfinished("0", ("r0@x",), False), Closed("enough")]

    run(story())


def test_a_connection_that_is_gone_cannot_be_taken_over(run: Run) -> None:
    async def story() -> None:
        async with ScriptedRelay() as relay:
            client = await connect(relay)
            client.close()
            with pytest.raises(RelayDown):
                take_over(client, lambda: None, lambda _: None, 100)

    run(story())
