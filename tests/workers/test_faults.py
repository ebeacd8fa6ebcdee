"""What the relay does wrong for an hour, now and then or for good: nobody is missed, nobody is
scored for what was not theirs, and a person is told once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest

from listserv.domain.mailing import Fate, MailingState
from listserv.domain.members import Delivery, MemberRole
from listserv.domain.transaction import Settled, Stage
from listserv.flow import tidy
from listserv.flow.deliver import Deliveries
from listserv.smtp.flight import Patience
from listserv.smtp.relay import RelaySettings, SmtpCarrier
from listserv.store import counters, leases, members, quarantine, queue_view
from listserv.store import site as kept
from listserv.store.members import NewMember
from listserv.workers.deliver import DeliveryWorker
from listserv.workers.desk import RELAY_FIRST, UNWRITTEN, Desk
from listserv.workers.in_hand import InHand, Ticket
from listserv.workers.pace import Pace
from tests.flow.world import World, an_address
from tests.relay import TAKEN_AND_GONE, Script, ScriptedRelay
from tests.workers.test_deliver import REPEATS, at_copy, every, found_town, states, until

# A worker on loopback needs milliseconds; this only ends a test that has failed.
PATIENCE = 90.0


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock can be moved: nobody has to wait until a silence is too long."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


def silence_lasts(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    loop.ahead += seconds


def worker_for(
    world: World,
    relay: ScriptedRelay,
    *,
    login: str | None = None,
    silence: float = 60.0,
    per_second: float = 0,
    per_day: int = 0,
    connections: int = 5,
) -> DeliveryWorker:
    """`silence`: how long the relay may say nothing, in seconds."""
    where = RelaySettings(
        "127.0.0.1",
        relay.port,
        "lists.example.org",
        connections=connections,
        username=login,
        password=login,
    )
    patience = Patience(silence, silence, silence, silence)
    return DeliveryWorker(
        world.store,
        world.clock,
        Deliveries(world.site, "here:1:1"),
        lambda desk, seven_bit: [SmtpCarrier(where, desk, seven_bit, patience)],
        relay_first=0.05,
        per_second=per_second,
        per_day=per_day,
    )


def run(
    world: World,
    relay: ScriptedRelay,
    story: Callable[[DeliveryWorker], Awaitable[None]],
    make: Callable[[World, ScriptedRelay], DeliveryWorker] = worker_for,
    patience: float = PATIENCE,
) -> None:
    """Run a worker against the relay while the story happens; then stop it politely."""

    async def main() -> None:
        async with relay:
            worker = make(world, relay)
            running = asyncio.create_task(worker.run())
            try:
                async with asyncio.timeout(patience):
                    await story(worker)
            finally:
                worker.stop()
                async with asyncio.timeout(PATIENCE):
                    await running

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())


async def pass_until(
    world: World, worker: DeliveryWorker, is_true: Callable[[], bool], **step: float
) -> None:
    """Let time pass in such steps, each with a moment for the worker, until it is true."""
    while not is_true():
        world.clock.pass_by(**step)
        worker.wake()
        await asyncio.sleep(0.03)


def is_done(world: World) -> Callable[[], bool]:
    return lambda: states(world) == {MailingState.DONE}


def refused(world: World) -> list[str]:
    """The addresses that stand in `refusal`."""
    rows = world.store.read(lambda tx: queue_view.mailings(tx, ended=True))
    return sorted(
        refusal.address
        for row in rows
        for refusal in world.store.read(lambda tx: queue_view.refusals(tx, row.id))  # noqa: B023
    )


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


def always(command: str, answer: str) -> Script:
    return lambda line: answer if line.upper().startswith(command) else None


@pytest.mark.parametrize(
    ("command", "words", "size"),
    [
        ("RCPT", "554 5.7.1 we do not like you", 200),
        ("RCPT", "554 5.7.1 we do not like you", 41),  # twice twenty and a lone one
        ("MAIL", "554 5.7.1 sender refused", 200),
        ("AUTH", "535 5.7.8 wrong password", 200),
        ("CONNECT", "554 5.3.2 closed", 200),
        ("CONNECT", "421 4.7.0 too many", 200),
        ("EHLO", "421 4.7.0 too many", 200),
        ("MAIL", "421 4.7.0 too many", 200),
        ("RCPT", "421 4.7.0 too many", 200),
        ("DATA", "421 4.7.0 too many", 200),
    ],
)
def test_a_relay_that_refuses_us_for_an_hour_costs_time_only(
    world: World, caplog: pytest.LogCaptureFixture, command: str, words: str, size: int
) -> None:
    everybody = found_town(world, size)
    relay = ScriptedRelay(always(command, words))
    relay.extensions += ("AUTH PLAIN",)

    def told() -> str:
        return world.store.read(kept.relay_down) or ""

    def stands() -> tuple[str, int, int, int]:
        (row,) = world.store.read(queue_view.mailings)
        return row.words, row.delivered, row.failed, row.deferred

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: words in told())
        healed = world.clock.now() + timedelta(hours=1)
        await pass_until(world, worker, lambda: world.clock.now() >= healed, minutes=2)
        await until(lambda: stands() == (words, 0, 0, size))
        assert words in told()
        relay.script = lambda line: None
        await pass_until(world, worker, is_done(world), minutes=1)
        await until(lambda: not told())

    run(world, relay, story, lambda w, r: worker_for(w, r, login="us"))
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert refused(world) == []
    assert alarms(caplog) == [f"the relay takes nothing: {words}"]
    assert relay.connections < 1000


def test_a_relay_that_refuses_every_final_dot_for_an_hour_costs_time_only(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    words = "554 5.6.0 no such content here"
    everybody = found_town(world, 200)
    relay = ScriptedRelay(always(".", words))

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: states(world) == {MailingState.PAUSED})
        await until(lambda: not world.store.read(leases.holders))
        (row,) = world.store.read(queue_view.mailings)
        assert (row.words, row.delivered, row.failed) == (words, 0, 0)
        healed = world.clock.now() + timedelta(hours=1)
        await pass_until(world, worker, lambda: world.clock.now() >= healed, minutes=2)
        relay.script = lambda line: None
        await pass_until(world, worker, is_done(world), minutes=5)

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert refused(world) == []
    assert alarms(caplog) == [f"mailing=1 paused, the relay refuses its content: {words}"]


def test_ten_thousand_members_outlast_hours_of_every_refusal(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    everybody = {f"m{n}@example.org" for n in range(10_000)}
    people = [NewMember(an_address(one), "", MemberRole.MEMBER, Delivery.MAIL) for one in everybody]
    town, now = world.found("town"), world.clock.now()
    world.store.write(lambda tx: members.add_many(tx, town.id, people, began="test", now=now))
    refusals = {
        "AUTH": "535 5.7.8 wrong password",
        "MAIL": "554 5.7.1 sender refused",
        "RCPT": "554 5.7.1 we do not like you",
        ".": "554 5.6.0 no such content here",
    }
    relay = ScriptedRelay()
    relay.extensions += ("AUTH PLAIN",)

    def words() -> str:
        (row,) = world.store.read(queue_view.mailings)
        assert (row.delivered, row.failed) == (0, 0)
        return row.words

    async def story(worker: DeliveryWorker) -> None:
        relay.script = always("AUTH", refusals["AUTH"])
        world.post("m1@example.org", "town")
        for command, answer in refusals.items():
            relay.script = always(command, answer)
            ends = world.clock.now() + timedelta(hours=1)
            await pass_until(world, worker, lambda: world.clock.now() >= ends, minutes=2)  # noqa: B023
            await pass_until(world, worker, lambda: words() == answer, minutes=1)  # noqa: B023
        relay.script = lambda line: None
        await pass_until(world, worker, is_done(world), minutes=5)

    run(world, relay, story, lambda w, r: worker_for(w, r, login="us"))
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert refused(world) == []
    assert alarms(caplog) == [
        f"the relay takes nothing: {refusals['AUTH']}",  # the same outage until a copy is taken
        f"mailing=1 paused, the relay refuses its content: {refusals['.']}",
    ]


def test_each_outage_is_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    found_town(world, 30)
    relay = ScriptedRelay(always("MAIL", "554 5.7.1 first"))

    async def story(worker: DeliveryWorker) -> None:
        for words in ("554 5.7.1 first", "554 5.7.1 second"):
            relay.script = always("MAIL", words)
            world.post("m1@example.org", "town")
            await pass_until(
                world,
                worker,
                lambda: words in (world.store.read(kept.relay_down) or ""),  # noqa: B023
                seconds=1,
            )
            relay.script = lambda line: None
            await pass_until(world, worker, is_done(world), minutes=1)

    run(world, relay, story)
    assert alarms(caplog) == [
        "the relay takes nothing: 554 5.7.1 first",
        "the relay takes nothing: 554 5.7.1 second",
    ]


def test_what_a_relay_that_takes_nothing_says_to_the_last_one_is_not_about_them(
    world: World,
) -> None:
    found_town(world, 41)  # twice as many as make it about us, and a lone one
    world.post("m1@example.org", "town")
    deliveries, now = Deliveries(world.site, "here:1:1"), world.clock.now()
    lease = world.store.record(lambda tx: deliveries.lease(tx, now))
    assert lease is not None
    work = world.store.read(lambda tx: deliveries.open(tx, lease, now))

    def make(hand: InHand, groups: Sequence[tuple[int, ...]]) -> None:
        tickets = [Ticket(hand, group, 1) for group in groups]
        asked = list(zip(tickets, groups, strict=True))
        desk.made(hand, deliveries.transactions(work, asked))

    desk = Desk(world.clock, Pace(world.clock), make)
    desk.add(work, deliveries.groups(work))
    sent = []
    while (transaction := desk.take()) is not None:
        sent.append(transaction)
    assert len(sent) == 41
    no = b"554 5.7.1 we do not like you"
    desk.report([Settled(t.key, t.recipients, Fate.FAILED, Stage.RCPT, no) for t in sent])
    desk.settle_leftovers()
    ((_, report, _),) = desk.reports()
    assert not report.fresh
    assert report.give_back == now + timedelta(seconds=RELAY_FIRST)


@pytest.mark.parametrize("nth", [3, 7])
@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("RCPT", "421 4.3.2 closing"),
        ("DATA", "421 4.3.2 closing"),
        (".", "421 4.3.2 closing"),
        (".", ""),
        ("RCPT", ""),
        ("RCPT", "xyzzy"),
        (".", "999 what"),
        ("MAIL", "250-\x00\x01"),
    ],
)
def test_a_relay_that_hangs_up_or_babbles_makes_nobody_miss_a_post(
    world: World, nth: int, command: str, answer: str
) -> None:
    everybody = found_town(world, 60)
    relay = ScriptedRelay(every(nth, command, answer))

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        await pass_until(world, worker, is_done(world), minutes=10)

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert refused(world) == []


@pytest.mark.parametrize("nth", [3, 7])
def test_a_relay_that_hangs_up_with_the_copy_in_its_hands_costs_one_repeat_each_time(
    world: World, nth: int
) -> None:
    everybody = found_town(world, 60)
    relay = ScriptedRelay()
    hang_up, times = every(nth, ".", TAKEN_AND_GONE), count()

    def script(line: str) -> str | None:
        answer = hang_up(line)
        if answer is not None:
            next(times)
        return answer

    relay.script = script

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        await pass_until(world, worker, is_done(world), minutes=10)

    run(world, relay, story)
    assert set(relay.copies) == everybody
    assert sum(relay.copies.values()) - len(everybody) <= next(times)
    assert refused(world) == []


@dataclass
class SilentRelay(ScriptedRelay):
    """Greets, and then says nothing on its first `silent` connections. `asked`: on how many of them
    it was asked for something."""

    silent: int = 1000
    asked: int = 0

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.connections > self.silent:
            await super()._talk(reader, writer)
            return
        writer.write(b"220 relay.example\r\n")
        while (await reader.readuntil(b"\r\n")).startswith(b"EHLO"):
            writer.write(b"250-relay.example\r\n250 8BITMIME\r\n")
        self.asked += 1
        await reader.read()


def test_a_relay_that_falls_silent_is_given_up_and_asked_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    everybody = found_town(world, 60)
    relay = SilentRelay()

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: relay.asked == 5)  # all connections
        silence_lasts(25)
        await until(lambda: "no reply" in (world.store.read(kept.relay_down) or ""))
        relay.silent = 0
        relay.hang_up()  # where it is silent still
        await pass_until(world, worker, is_done(world), minutes=1)

    run(world, relay, story, lambda w, r: worker_for(w, r, silence=20.0))
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert refused(world) == []
    assert len(alarms(caplog)) == 1


def test_connections_that_fall_silent_while_others_work_are_only_replaced(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    everybody = found_town(world, 60)
    relay = SilentRelay(silent=3)

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        # One copy waits on each silent connection, the others have gone.
        await until(lambda: relay.connections == 5 and len(relay.taken) + relay.asked == 60)
        silence_lasts(25)
        await until(is_done(world))

    run(world, relay, story, lambda w, r: worker_for(w, r, silence=20.0))
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert alarms(caplog) == []


def test_refused_recipients_are_recorded_and_deferred_ones_come_later(world: World) -> None:
    everybody = found_town(world, 200)
    unknown = {f"m{n}@example.org" for n in range(0, 200, 10)}
    greylisted = {f"m{n}@example.org" for n in range(5, 200, 10)}
    met: set[str] = set()

    def script(line: str) -> str | None:
        address = line.partition("<")[2].rstrip(">")
        if not line.startswith("RCPT") or address not in unknown | greylisted:
            return None
        if address in unknown:
            return f"550 5.1.1 {address} unknown"
        if address in met:
            return None
        met.add(address)
        return "451 4.7.1 greylisted"

    relay = ScriptedRelay(script)

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: len(relay.taken) == 160 and not world.store.read(leases.holders))
        (row,) = world.store.read(queue_view.mailings)
        assert (row.delivered, row.failed, row.deferred) == (160, 20, 20)
        assert row.words == "451 4.7.1 greylisted"
        await pass_until(world, worker, is_done(world), minutes=1)

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody - unknown, 1)
    assert set(refused(world)) == unknown
    assert len(refused(world)) == 20


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("RCPT", "450 4.7.28 rate limit"),
        ("RCPT", "451 4.7.1 too many messages"),
        (".", "421 4.7.0 too many"),
    ],
)
def test_throttling_counts_no_attempt_and_slows_us_down(
    world: World, command: str, words: str
) -> None:
    everybody = found_town(world, 60)
    # One after the other: with PIPELINING 421 to a final dot cuts the next envelope off as well.
    relay = ScriptedRelay(always(command, words), extensions=("8BITMIME",))

    async def story(worker: DeliveryWorker) -> None:
        pace = worker._desk._pace
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: pace.allowed < UNWRITTEN)
        for _ in range(10):
            world.clock.pass_by(minutes=6)
            worker.wake()
            await asyncio.sleep(0.05)
        await until(lambda: not world.store.read(leases.holders))
        batches = world.store.read(lambda tx: queue_view.waiting(tx, 1))
        assert {(batch.words, batch.attempts) for batch in batches} == {(words, 0)}
        relay.script = lambda line: None
        world.clock.pass_by(minutes=30)
        await pass_until(world, worker, is_done(world), minutes=10)
        assert pace.allowed >= UNWRITTEN

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert refused(world) == []


@pytest.mark.parametrize("command", ["RCPT", "DATA", "."])
def test_a_421_within_a_transaction_slows_us_down_and_costs_nobody_an_attempt(
    world: World, command: str
) -> None:
    everybody = found_town(world, 30)
    relay = ScriptedRelay()

    def script(line: str) -> str | None:
        rcpt = next(one for one in reversed([*relay.seen, line]) if one.startswith("RCPT"))
        hit = line.startswith(command) and "<m5@" in rcpt
        return "421 4.7.0 closing" if hit else None

    async def story(worker: DeliveryWorker) -> None:
        pace = worker._desk._pace
        relay.script = lambda line: script(line) if line[0] in "RD." else None
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: len(relay.taken) == 29 and not world.store.read(leases.holders))
        assert pace.allowed < UNWRITTEN
        (late,) = world.store.read(lambda tx: queue_view.waiting(tx, 1))
        assert (late.addresses, late.attempts) == (("m5@example.org",), 0)
        assert late.words == "421 4.7.0 closing"
        relay.script = lambda line: None
        await pass_until(world, worker, is_done(world), minutes=10)

    run(world, relay, story, lambda w, r: worker_for(w, r, connections=1))
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert refused(world) == []


def test_no_more_goes_out_than_the_relay_may_get_in_a_second(world: World) -> None:
    everybody = found_town(world, 60)
    relay = ScriptedRelay()

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        for second in range(6):
            worker.wake()
            await until(lambda: len(relay.taken) >= 10 * (second + 1))  # noqa: B023
            await asyncio.sleep(0.02)
            assert len(relay.taken) == 10 * (second + 1)
            world.clock.pass_by(seconds=1)
        await pass_until(world, worker, is_done(world), seconds=1)

    run(world, relay, story, lambda w, r: worker_for(w, r, per_second=10))
    assert relay.copies == dict.fromkeys(everybody, 1)


def test_no_mailing_begins_once_the_day_s_recipients_are_reached(world: World) -> None:
    everybody = found_town(world, 30)
    relay = ScriptedRelay()

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        await pass_until(world, worker, is_done(world), seconds=1)
        world.post("m2@example.org", "town")
        for _ in range(23):
            world.clock.pass_by(hours=1)
            worker.wake()
            await asyncio.sleep(0.02)
        assert len(relay.taken) == 30
        await pass_until(world, worker, is_done(world), hours=1)

    run(world, relay, story, lambda w, r: worker_for(w, r, per_day=30))
    assert relay.copies == dict.fromkeys(everybody, 2)
    day = timedelta(days=1)
    counted = world.store.read(lambda tx: counters.total(tx, "delivered", world.clock.now() - day))
    assert counted == 30


def test_a_clock_that_jumps_an_hour_makes_nobody_miss_a_post(world: World) -> None:
    everybody = found_town(world, 120)
    jumps = count(1)
    relay = ScriptedRelay()

    def script(line: str) -> str | None:
        if line == ".":
            number = next(jumps)
            if number % 10 == 0:
                world.clock.pass_by(hours=1 if number % 20 else -1)
        return "451 4.7.1 later" if line.startswith("RCPT") and len(relay.seen) % 7 == 0 else None

    relay.script = script

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: len(relay.taken) >= 80)
        world.clock.pass_by(hours=-1)
        await pass_until(world, worker, is_done(world), minutes=10)

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert refused(world) == []
    assert relay.connections < 50


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_while_leases_are_looked_after_repeats_no_more_than_a_crash(
    world: World, hours: int
) -> None:
    everybody = found_town(world, 300)
    relay = ScriptedRelay()

    def jump() -> None:
        world.clock.pass_by(hours=hours)
        now = world.clock.now()
        world.store.record(lambda tx: tidy.take_back(tx, now, lambda worker: False))

    async def story(worker: DeliveryWorker) -> None:
        relay.script = at_copy(100, jump)
        world.post("m1@example.org", "town")
        await pass_until(world, worker, is_done(world), seconds=1)

    run(world, relay, story)
    assert set(relay.copies) == everybody
    assert sum(relay.copies.values()) - len(everybody) <= (REPEATS if hours > 0 else 0)
    assert not world.store.read(quarantine.ls)
