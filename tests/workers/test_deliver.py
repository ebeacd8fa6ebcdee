"""The delivery worker against a real connection: nobody missed, nobody twice, whatever the relay
does."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from listserv.domain.mailing import MailingState
from listserv.flow.deliver import Deliveries
from listserv.smtp.relay import RelaySettings, SmtpCarrier
from listserv.store import leases, queue_view
from listserv.workers import deliver
from listserv.workers.deliver import DeliveryWorker
from tests.flow.world import World
from tests.relay import Script, ScriptedRelay

# A worker on loopback needs milliseconds; this only ends a test that has failed.
PATIENCE = 90.0
# What docs/queue.md promises: a kill repeats at most so many copies.
REPEATS = 64


def found_town(world: World, size: int) -> set[str]:
    """A list with so many members; their addresses."""
    town = world.found("town")
    people = [f"m{n}@example.org" for n in range(size)]
    for address in people:
        world.join(town, address)
    return set(people)


def states(world: World) -> set[MailingState]:
    return {row.state for row in world.store.read(lambda tx: queue_view.mailings(tx, ended=True))}


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_true():
            await asyncio.sleep(0.01)


def a_worker(world: World, relay: ScriptedRelay, connections: int) -> DeliveryWorker:
    where = RelaySettings("127.0.0.1", relay.port, "lists.example.org", connections=connections)
    return DeliveryWorker(
        world.store,
        world.clock,
        Deliveries(world.site, "here:1:1"),
        lambda desk, seven_bit: [SmtpCarrier(where, desk, seven_bit)],
        relay_first=0.05,
    )


def run(
    world: World,
    relay: ScriptedRelay,
    story: Callable[[DeliveryWorker], Awaitable[None]],
    connections: int = 5,
) -> None:
    """Run a worker against the relay while the story happens; then stop it politely."""

    async def main() -> None:
        async with relay:
            worker = a_worker(world, relay, connections)
            running = asyncio.create_task(worker.run())
            await story(worker)
            worker.stop()
            async with asyncio.timeout(PATIENCE):
                await running

    asyncio.run(main())


def every(nth: int, command: str, answer: str) -> Script:
    """Answer every n-th such command like that."""
    counter = count(1)

    def script(line: str) -> str | None:
        hit = line.upper().startswith(command) and next(counter) % nth == 0
        return answer if hit else None

    return script


def test_everybody_gets_one_copy_over_a_few_connections(world: World) -> None:
    everybody = found_town(world, 60)
    relay = ScriptedRelay()

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: states(world) == {MailingState.DONE})

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert relay.connections <= 5


def test_mailings_without_recipients_do_not_wait_for_each_other_or_hold_up_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_LOOK", 10 * PATIENCE)  # what is not found at once is missed
    found_town(world, 1)
    for name in ("first", "second", "third"):
        world.found(name, posting="anyone")
        world.post("ann@example.org", name)
    world.post("m0@example.org", "town")
    relay = ScriptedRelay()

    async def story(worker: DeliveryWorker) -> None:
        await until(lambda: states(world) == {MailingState.DONE})

    run(world, relay, story)
    assert relay.copies == {"m0@example.org": 1}


@pytest.mark.parametrize(
    ("nth", "command", "answer"),
    [
        (7, "RCPT", "451 4.7.1 greylisted"),
        (7, "MAIL", "451 4.3.0 not now"),
        (7, "MAIL", "421 4.3.2 closing"),
        (7, "MAIL", ""),
        (7, "DATA", ""),
        (7, ".", "451 4.3.0 not now"),
        (3, "CONNECT", "554 5.3.2 not you"),
    ],
)
def test_a_relay_that_fails_now_and_then_makes_nobody_miss_a_post_or_get_it_twice(
    world: World, nth: int, command: str, answer: str
) -> None:
    everybody = found_town(world, 40)
    relay = ScriptedRelay(every(nth, command, answer))

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        async with asyncio.timeout(PATIENCE):
            while states(world) != {MailingState.DONE}:
                await asyncio.sleep(0.05)
                world.clock.pass_by(minutes=10)  # what is deferred becomes due
                worker.wake()

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody, 1)


def test_a_relay_that_is_away_for_a_while_loses_nothing_and_counts_no_attempt(
    world: World,
) -> None:
    everybody = found_town(world, 10)
    relay = ScriptedRelay(lambda line: "554 5.3.2 closed" if line == "connect" else None)

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        await until(lambda: relay.connections > 0)
        await until(lambda: not world.store.read(leases.holders))
        row = world.store.read(queue_view.mailings)[0]
        assert (row.failed, row.words) == (0, "554 5.3.2 closed")
        relay.script = lambda line: None
        world.clock.pass_by(seconds=1)
        await until(lambda: states(world) == {MailingState.DONE})

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody, 1)


def at_copy(number: int, then: Callable[[], None]) -> Script:
    """Everything is fine, and something happens when this copy comes."""
    copies = count(1)

    def script(line: str) -> None:
        if line == "." and next(copies) == number:
            then()

    return script


def test_a_polite_stop_hands_back_what_is_not_sent_and_repeats_nothing(world: World) -> None:
    everybody = found_town(world, 300)
    relay = ScriptedRelay()

    async def stop_early(worker: DeliveryWorker) -> None:
        relay.script = at_copy(20, worker.stop)
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: len(relay.taken) >= 20)

    run(world, relay, stop_early)
    assert 20 <= len(relay.taken) < 300
    assert not world.store.read(leases.holders)

    async def finish(worker: DeliveryWorker) -> None:
        await until(lambda: states(world) == {MailingState.DONE})

    run(world, relay, finish)
    assert relay.copies == dict.fromkeys(everybody, 1)


def test_a_worker_that_dies_repeats_no_more_than_what_was_not_written(world: World) -> None:
    everybody = found_town(world, 300)
    relay = ScriptedRelay()

    async def die() -> None:
        async with relay:
            worker = a_worker(world, relay, 5)
            running = asyncio.create_task(worker.run())
            world.post("m1@example.org", "town")
            worker.wake()
            await until(lambda: len(relay.taken) >= 100)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(die())
    sent_before = len(relay.taken)
    now = world.clock.now()
    world.store.record(lambda tx: leases.take_back(tx, now, ["here:1:1"]))

    async def finish(worker: DeliveryWorker) -> None:
        await until(lambda: states(world) == {MailingState.DONE})

    run(world, relay, finish)
    assert 100 <= sent_before < 300
    assert set(relay.copies) == everybody
    assert sum(relay.copies.values()) - len(everybody) <= REPEATS


def test_a_notice_overtakes_a_fan_out(world: World) -> None:
    found_town(world, 600)
    relay = ScriptedRelay()

    async def story(worker: DeliveryWorker) -> None:
        def write_to_zoe() -> None:
            world.notice("zoe@example.net")
            worker.wake()

        relay.script = at_copy(10, write_to_zoe)
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: states(world) == {MailingState.DONE})

    run(world, relay, story, connections=1)
    order = [message.recipients[0] for message in relay.taken]
    assert order.index("zoe@example.net") < 500


def test_a_worker_that_has_stopped_is_woken_in_vain(world: World) -> None:
    relay = ScriptedRelay()
    stopped: list[DeliveryWorker] = []

    async def story(worker: DeliveryWorker) -> None:
        stopped.append(worker)

    run(world, relay, story)
    stopped[0].wake()
    assert relay.connections == 0
