"""What an operator stops while delivery has it in hand: only what is on the wire still goes."""

from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import select

from listserv.domain.mailing import BatchState, MailingState
from listserv.flow import administer, quarantine
from listserv.store import leases, queue_view
from listserv.store import quarantine as aside
from listserv.store.tables import BatchRow
from listserv.workers import deliver
from listserv.workers.deliver import DeliveryWorker
from tests.flow.world import World
from tests.relay import ScriptedRelay
from tests.workers.test_deliver import at_copy, found_town, run, states, until
from tests.workers.test_faults import SilentRelay, is_done, pass_until, worker_for
from tests.workers.test_faults import run as run_with

# docs/queue.md: in one worker's hands and not written down, on the wire or off it.
ON_THE_WIRE = 64
SIZE = 1200
STOP_AT = 100

Stop = Callable[[World], None]


def drop(world: World) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: administer.drop_mailing(tx, 1, by="ann", now=now))


def set_aside_and_drop(world: World) -> None:
    """Another worker's lease of this mailing was poison, and a person gave it up."""
    now = world.clock.now()
    world.store.write(lambda tx: aside.add_mailing(tx, 1, "it crashed", now))
    (one,) = world.store.read(aside.ls)
    world.store.write(lambda tx: quarantine.drop(tx, one.id, by="ann", now=now))


def pause(world: World) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: administer.pause_relay(tx, by="ann", now=now))


STOPS: Mapping[str, tuple[Stop, MailingState]] = {
    "queue drop": (drop, MailingState.DROPPED),
    "quarantine drop": (set_aside_and_drop, MailingState.DROPPED),
    "queue pause": (pause, MailingState.ACTIVE),
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_batch_in_hand_stops_when_the_operator_says_so(world: World, stop: str) -> None:
    found_town(world, SIZE)
    does, state = STOPS[stop]
    relay = ScriptedRelay()

    async def story(worker: DeliveryWorker) -> None:
        relay.script = at_copy(STOP_AT, lambda: does(world))
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: len(relay.taken) >= STOP_AT)
        await until(lambda: not world.store.read(leases.holders))

    run(world, relay, story)
    assert STOP_AT <= len(relay.taken) <= STOP_AT + ON_THE_WIRE
    assert states(world) == {state}
    (row,) = world.store.read(lambda tx: queue_view.mailings(tx, ended=True))
    assert row.delivered == len(relay.taken)


def test_after_a_pause_everybody_gets_one_copy(world: World) -> None:
    everybody = found_town(world, SIZE)
    relay = ScriptedRelay()

    async def story(worker: DeliveryWorker) -> None:
        relay.script = at_copy(STOP_AT, lambda: pause(world))
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: len(relay.taken) >= STOP_AT)
        await until(lambda: not world.store.read(leases.holders))
        now = world.clock.now()
        world.store.write(lambda tx: administer.resume_relay(tx, by="ann", now=now))
        await pass_until(world, worker, is_done(world), seconds=1)

    run(world, relay, story)
    assert relay.copies == dict.fromkeys(everybody, 1)


def test_a_batch_that_waits_for_its_second_is_stopped_too(world: World) -> None:
    found_town(world, SIZE)
    relay = ScriptedRelay()

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: len(relay.taken) >= 10)  # no more in this second, which does not pass
        drop(world)
        await until(lambda: not world.store.read(leases.holders))

    run_with(world, relay, story, lambda w, r: worker_for(w, r, per_second=10))
    assert len(relay.taken) == 10
    assert states(world) == {MailingState.DROPPED}


def test_a_polite_stop_beside_a_silent_relay_hands_everything_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_STOP_SECONDS", 0.0)
    found_town(world, 10)

    async def story(worker: DeliveryWorker) -> None:
        world.post("m1@example.org", "town")
        worker.wake()
        await until(lambda: any(hand.on_the_wire for hand in worker._desk.in_hand.values()))

    run_with(world, SilentRelay(), story)
    assert not world.store.read(leases.holders)
    query = select(BatchRow.state, BatchRow.attempts, BatchRow.crashes)
    rows = world.store.read(lambda tx: tx.execute(query).all())
    assert [tuple(row) for row in rows] == [(BatchState.READY, 0, 0)]
