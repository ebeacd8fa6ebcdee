"""HOLD stops what is on its way at the next batch, FREE lets it go on."""

import pytest
from sqlalchemy import select

from listserv.domain.lists import MailingList
from listserv.domain.mailing import Fate, MailingState, Outcome
from listserv.flow import deliver
from listserv.flow.deliver import Deliveries, Report
from listserv.store import queue
from listserv.store.tables import MailingRow
from tests.flow.letters import ANN, BOB, MO, log_of, send
from tests.flow.world import World


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town")
    world.join(mlist, MO, role="moderator", delivery="nomail")
    for address in (ANN, BOB):
        world.join(mlist, address)
    return mlist


def say(world: World, what: str) -> None:
    """A word from the moderator's phone, and the answer to it out of the way."""
    world.clock.pass_by(minutes=1)
    send(world, MO, what)


def post_mailing(world: World) -> int:
    of_post = select(MailingRow.id).where(MailingRow.post_id.is_not(None))
    return world.store.read(lambda tx: tx.execute(of_post).scalar_one())


def post_state(world: World) -> tuple[str, str]:
    (row,) = world.store.read(
        lambda tx: tx.execute(
            select(MailingRow.state, MailingRow.words).where(MailingRow.post_id.is_not(None))
        ).all()
    )
    return row.state, row.words


def test_on_hold_a_post_waits_and_goes_out_after_free(world: World, town: MailingList) -> None:
    world.post(ANN, "town")
    say(world, "HOLD")
    assert world.deliver() == [MO]
    world.post(BOB, "town", subject="Held for people")
    assert world.deliver() == []
    world.clock.pass_by(days=3)
    assert world.deliver() == []
    say(world, "FREE")
    assert world.deliver() == [ANN, BOB, MO]
    assert post_state(world)[0] == MailingState.DONE
    assert [what for _, what in log_of(world, town)] == ["put the list on hold", "freed the list"]
    assert {who for who, _ in log_of(world, town)} == {MO}


def test_with_a_leased_batch_the_hold_holds_from_the_next_one_on(
    world: World, town: MailingList
) -> None:
    """What is in flight is finished and counted; what it leaves waits."""
    world.post(ANN, "town")
    worker = Deliveries(world.site, "here:1:1")
    now = world.clock.now()
    assert world.store.record(lambda tx: worker.write_page(tx, now))
    lease = world.store.record(lambda tx: worker.lease(tx, now))
    assert lease is not None
    say(world, "HOLD")
    work = world.open(worker, lease)
    assert work is not None
    work.note(0, Outcome(Fate.DELIVERED))
    work.note(1, Outcome(Fate.DEFERRED, "451 later"))
    report = Report(work.lease, bytes(work.progress), work.fresh, work.deferred)
    world.store.record(lambda tx: deliver.write(tx, [report], now, 0.5))
    world.clock.pass_by(days=1)
    assert world.deliver() == [MO]
    assert post_state(world)[0] == MailingState.PAUSED
    say(world, "FREE")
    assert world.deliver() == [BOB, MO]
    assert post_state(world)[0] == MailingState.DONE


def test_a_mailing_whose_last_batch_was_finished_meanwhile_is_done_when_freed(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town")
    worker = Deliveries(world.site, "here:1:1")
    now = world.clock.now()
    world.store.record(lambda tx: worker.write_page(tx, now))
    lease = world.store.record(lambda tx: worker.lease(tx, now))
    assert lease is not None
    say(world, "HOLD")
    work = world.open(worker, lease)
    assert work is not None
    for place in (0, 1):
        work.note(place, Outcome(Fate.DELIVERED))
    report = Report(work.lease, bytes(work.progress), work.fresh, work.deferred)
    world.store.record(lambda tx: deliver.write(tx, [report], now, 0.5))
    assert post_state(world)[0] == MailingState.PAUSED
    say(world, "FREE")
    assert post_state(world)[0] == MailingState.DONE
    assert world.deliver() == [MO, MO]


@pytest.mark.parametrize("first", ["refused", "held"])
def test_what_the_relay_refuses_stays_held_and_goes_on_when_freed(
    world: World, town: MailingList, first: str
) -> None:
    world.post(ANN, "town")
    number = post_mailing(world)

    def refuse() -> None:
        now = world.clock.now()
        world.store.record(lambda tx: queue.pause(tx, number, "554 content", now))

    if first == "refused":
        refuse()
    say(world, "HOLD")
    if first == "held":
        refuse()
    assert post_state(world) == (MailingState.PAUSED, "the list is on hold")
    world.clock.pass_by(days=1)
    assert world.deliver() == [MO]
    say(world, "FREE")
    assert world.deliver() == [ANN, BOB, MO]


def test_a_mailing_that_was_given_up_or_is_done_is_not_freed(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town")
    number = post_mailing(world)
    say(world, "HOLD")
    now = world.clock.now()
    world.store.write(lambda tx: queue.set_state(tx, number, MailingState.DROPPED, now))
    say(world, "FREE")
    assert world.deliver() == [MO, MO]
    assert post_state(world)[0] == MailingState.DROPPED


def test_a_hold_is_the_lists_own_and_leaves_notices_alone(world: World, town: MailingList) -> None:
    city = world.found("city")
    world.join(city, BOB)
    world.post(ANN, "town")
    world.post(BOB, "city")
    send(world, ANN, "HELP")
    say(world, "HOLD")
    assert world.deliver() == [ANN, BOB, MO]
