"""What the relay's answers mean, and how connections come and go."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from listserv.domain.mailing import Fate
from listserv.domain.transaction import Closed, Event, Refused, Settled, Transaction, Unfinished
from listserv.smtp.flight import Patience
from listserv.smtp.relay import MaildirCarrier, RelaySettings, SmtpCarrier
from tests.relay import Script, ScriptedRelay

DATA = (b"Subject: hello\r\n\r\n..dots\r\n", b"and more\r\n")
# A relay on loopback answers in milliseconds; this only ends a test that has failed.
PATIENCE = 90.0


def to(*recipients: str) -> list[Transaction]:
    """One transaction for each."""
    sender = "town-bounces+x@lists.example.org"
    return [Transaction(r, sender, (r,), DATA) for r in recipients]


@dataclass
class ListDesk:
    """Gives out a list of transactions, and notes what it hears."""

    waiting: list[Transaction]
    events: list[Event] = field(default_factory=list)
    down: list[str] = field(default_factory=list)
    asked: int = 0

    def take(self) -> Transaction | None:
        self.asked += 1
        return self.waiting.pop(0) if self.waiting and not self.down else None

    def report(self, events: Sequence[Event]) -> None:
        self.events += events

    def backlog(self) -> int:
        return 0 if self.down else len(self.waiting)

    def relay_down(self, words: str) -> None:
        self.down.append(words)

    @property
    def fates(self) -> dict[object, Fate]:
        return {e.key: e.fate for e in self.events if isinstance(e, Settled)}

    @property
    def unfinished(self) -> list[Unfinished]:
        return [e for e in self.events if isinstance(e, Unfinished)]


def carry(
    relay: ScriptedRelay,
    desk: ListDesk,
    until: Callable[[], bool],
    seven_bit: Callable[[], None] = lambda: None,
    **settings: str | int,
) -> None:
    """Let a carrier work against the relay until it is so, then close it."""

    async def main() -> None:
        async with relay:
            where = RelaySettings("127.0.0.1", relay.port, "lists.example.org", **settings)  # type: ignore[arg-type]
            carrier = SmtpCarrier(where, desk, seven_bit, Patience(idle=5))
            carrier.wake()
            async with asyncio.timeout(PATIENCE):
                while not until():
                    await asyncio.sleep(0.005)
            await carrier.close(2)

    asyncio.run(main())


def on(command: str, answer: str) -> Script:
    return lambda line: answer if line.upper().startswith(command) else None


def test_copies_arrive_byte_for_byte_under_their_return_path() -> None:
    relay, desk = ScriptedRelay(), ListDesk(to("ann@example.org"))
    carry(relay, desk, lambda: bool(desk.fates))

    assert desk.fates == {"ann@example.org": Fate.DELIVERED}
    (message,) = relay.taken
    assert message.sender == "town-bounces+x@lists.example.org"
    assert message.data == b"Subject: hello\r\n\r\n.dots\r\nand more\r\n"


def test_there_are_as_many_connections_as_there_is_work_and_no_more_than_allowed() -> None:
    people = [f"m{n}@example.org" for n in range(50)]
    for allowed, expected in ((1, 1), (7, 7)):
        relay, desk = ScriptedRelay(), ListDesk(to(*people))
        carry(relay, desk, lambda: len(desk.fates) == 50, connections=allowed)  # noqa: B023
        assert relay.copies == dict.fromkeys(people, 1)
        assert relay.connections == expected


def test_a_relay_that_takes_no_more_connections_gets_all_over_those_it_takes() -> None:
    people = [f"m{n}@example.org" for n in range(50)]
    connections = count(1)

    def script(line: str) -> str | None:
        return "421 4.7.0 too many" if line == "connect" and next(connections) > 2 else None

    relay, desk = ScriptedRelay(script), ListDesk(to(*people))
    carry(relay, desk, lambda: len(desk.fates) == 50, connections=7)
    assert desk.down == []
    assert relay.copies == dict.fromkeys(people, 1)
    assert relay.connections <= 7


@pytest.mark.parametrize(
    ("command", "answer"),
    [("CONNECT", "554 5.7.1 go away"), ("CONNECT", ""), ("EHLO", "550 no")],
)
def test_a_relay_that_does_not_let_us_in_is_down_and_keeps_nothing(
    command: str, answer: str
) -> None:
    desk = ListDesk(to("ann@example.org"))
    carry(ScriptedRelay(on(command, answer)), desk, lambda: bool(desk.down), connections=1)

    assert (len(desk.waiting), desk.events) == (1, [])


class Deaf(ScriptedRelay):
    """Something between us does not let BDAT through: what comes behind it is commands."""

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super()._talk(Without(reader), writer)  # type: ignore[arg-type]


@dataclass
class Without:
    reader: asyncio.StreamReader

    async def readuntil(self, end: bytes) -> bytes:
        return (await self.reader.readuntil(end)).replace(b"BDAT", b"XXXX")


def test_a_relay_that_hears_no_bdat_gets_one_line_of_it_and_the_next_connection_does_without() -> (
    None
):
    """The text is whatever an author wrote; here the relay would believe it."""
    text = b"Subject: x\r\n\r\nRSET\r\nMAIL FROM:<a@x>\r\nRCPT TO:<victim@x>\r\nDATA\r\nHi\r\n"
    people = [f"m{n}@example.org" for n in range(50)]
    desk = ListDesk([Transaction(r, "s@x", (r,), (text,), dotless=True) for r in people])
    relay = Deaf(
        lambda line: "500 what?" if line.startswith(("XXXX", "Subject")) else None,
        extensions=("PIPELINING", "CHUNKING"),
    )
    carry(relay, desk, lambda: len(desk.fates) + len(desk.unfinished) == 50, connections=1)

    assert not desk.down
    (again,) = desk.unfinished
    assert again == Unfinished(people[0], (people[0],), False)
    assert relay.copies == dict.fromkeys(people[1:], 1)
    assert {message.data for message in relay.taken} == {text}
    assert sum(line.startswith("XXXX") for line in relay.seen) == 1
    assert not any("victim" in line for line in relay.seen)


def test_a_sender_refused_is_told_and_its_recipients_come_back() -> None:
    desk = ListDesk(to("ann@example.org"))
    relay = ScriptedRelay(on("MAIL", "554 5.7.1 not you"))
    carry(relay, desk, lambda: bool(desk.unfinished))

    assert any(isinstance(e, Refused) and e.words == "554 5.7.1 not you" for e in desk.events)
    assert [e.dot_written for e in desk.unfinished] == [False]


def test_a_relay_that_closes_every_connection_without_an_answer_is_down() -> None:
    desk = ListDesk(to(*(f"m{n}@example.org" for n in range(30))))
    relay = ScriptedRelay(on("MAIL", ""))
    carry(relay, desk, lambda: bool(desk.down), connections=2)

    assert relay.connections <= 6
    assert sum(isinstance(e, Closed) for e in desk.events) >= 3


def test_connections_that_carried_nothing_may_be_closed_as_often_as_the_relay_likes() -> None:
    desk, relay = ListDesk([]), ScriptedRelay()

    async def main() -> None:
        async with relay:
            carrier = SmtpCarrier(RelaySettings("127.0.0.1", relay.port, "x"), desk, lambda: None)
            for time in range(1, 4):
                desk.waiting = to(*(f"m{n}@example.org" for n in range(3)))
                carrier.wake()
                desk.waiting = []  # others were faster
                async with asyncio.timeout(PATIENCE):
                    while desk.asked < 3 * time:
                        await asyncio.sleep(0.005)
                    relay.hang_up()
                    while sum(isinstance(e, Closed) for e in desk.events) < 3 * time:
                        await asyncio.sleep(0.005)
            await carrier.close(0)

    asyncio.run(main())
    assert desk.down == []


def test_nobody_listening_is_a_relay_that_is_down() -> None:
    async def main() -> list[str]:
        async with ScriptedRelay() as relay:
            port = relay.port
        desk = ListDesk(to("ann@example.org"))
        carrier = SmtpCarrier(RelaySettings("127.0.0.1", port, "x"), desk, lambda: None)
        carrier.wake()
        async with asyncio.timeout(PATIENCE):
            while not desk.down:
                await asyncio.sleep(0.005)
        await carrier.close(0)
        return desk.down

    assert asyncio.run(main())


def test_a_relay_whose_name_can_be_no_host_is_down() -> None:
    async def main() -> list[str]:
        desk = ListDesk(to("ann@example.org"))
        settings = RelaySettings("mail..example.org", 25, "x")
        carrier = SmtpCarrier(settings, desk, lambda: None)
        carrier.wake()
        async with asyncio.timeout(PATIENCE):
            while not desk.down:
                await asyncio.sleep(0.005)
        await carrier.close(0)
        return desk.down

    (words,) = asyncio.run(main())
    assert "idna" in words


def test_tls_that_is_required_and_not_offered_is_a_relay_that_is_down() -> None:
    desk = ListDesk(to("ann@example.org"))
    carry(ScriptedRelay(), desk, lambda: bool(desk.down), tls="required")

    assert len(desk.waiting) == 1


def test_a_relay_without_8bitmime_is_told_of() -> None:
    told: list[bool] = []
    desk = ListDesk(to("ann@example.org"))
    relay = ScriptedRelay(extensions=("PIPELINING",))
    carry(relay, desk, lambda: bool(desk.fates), seven_bit=lambda: told.append(True))

    assert told == [True]


def test_a_maildir_gets_each_copy_with_its_envelope(tmp_path: Path) -> None:
    desk = ListDesk(to("ann@example.org", "ben@example.org"))

    async def main() -> None:
        carrier = MaildirCarrier(tmp_path, desk)
        carrier.wake()
        await carrier.close(PATIENCE)

    asyncio.run(main())
    assert set(desk.fates.values()) == {Fate.DELIVERED}
    written = sorted(path.read_bytes() for path in (tmp_path / "new").iterdir())
    assert written[0] == (
        b"Return-Path: <town-bounces+x@lists.example.org>\nDelivered-To: ann@example.org\n"
        b"Subject: hello\n\n.dots\nand more\n"
    )
    assert len(written) == 2


def test_a_maildir_that_takes_nothing_is_a_relay_that_is_down_and_keeps_nothing(
    tmp_path: Path,
) -> None:
    desk = ListDesk(to("ann@example.org", "ben@example.org"))

    async def main() -> None:
        carrier = MaildirCarrier(tmp_path, desk)
        (tmp_path / "tmp").rmdir()
        carrier.wake()
        await carrier.close(PATIENCE)
        assert [(one.key, one.dot_written) for one in desk.unfinished] == [
            ("ann@example.org", False)
        ]
        (words,) = desk.down
        assert "No such file or directory" in words

        (tmp_path / "tmp").mkdir()
        desk.down = []
        carrier.wake()
        await carrier.close(PATIENCE)

    asyncio.run(main())
    assert desk.fates == {"ben@example.org": Fate.DELIVERED}
