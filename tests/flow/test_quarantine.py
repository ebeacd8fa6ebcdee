"""Poison: what delivery crashes over again and again is set aside, and the rest flows."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Fate, Lease, MailingState, Outcome
from listserv.flow import administer, deliver, quarantine, tidy
from listserv.flow.deliver import Deliveries, Report
from listserv.store import events, leases, queue_view
from listserv.store import quarantine as stored
from listserv.store.quarantine import Quarantined
from listserv.store.queue import pack_progress
from listserv.store.queue_view import QueueRow
from tests.flow.world import World

PEOPLE = ("ann", "ben", "cleo", "dan", "eve")
WORKER = "here:1:1"
BY = "command line"


@pytest.fixture
def town(world: World) -> MailingList:
    """A list with a post on its way to five people."""
    mlist = world.found("town")
    for name in PEOPLE:
        world.join(mlist, f"{name}@example.org")
    world.post("ann@example.org", "town")
    return mlist


def lease(world: World) -> Lease | None:
    now = world.clock.now()
    return world.store.record(lambda tx: Deliveries(world.site, WORKER).lease(tx, now))


def crash(world: World) -> None:
    """The worker dies with all that it holds."""
    now = world.clock.now()
    world.store.record(lambda tx: tidy.take_back(tx, now, lambda worker: worker == WORKER))


def report(world: World, held: Lease, upto: int, *, back: bool = False) -> None:
    """The first so many recipients of the batch have it; or the batch goes back, too."""
    now = world.clock.now()
    fresh = {at: Outcome(Fate.DELIVERED) for at in range(upto) if not held.done[at]}
    done = tuple(finished or at < upto for at, finished in enumerate(held.done))
    written = Report(held, pack_progress(done), fresh, None, now if back else None)
    world.store.record(lambda tx: deliver.write(tx, [written], now, 0.5))


def crash_over(world: World, poison: set[str], most: int = 100) -> None:
    """Deliver one by one, as a worker does that is careful; sending to `poison` kills it."""
    for _ in range(most):
        worker = Deliveries(world.site, WORKER)
        now = world.clock.now()
        held = world.store.record(lambda tx: worker.lease(tx, now))  # noqa: B023
        if held is None:
            return
        work = world.open(worker, held)
        assert work is not None
        for at, address in work.targets.items():
            if address in poison:
                crash(world)
                break
            work.note(at, Outcome(Fate.DELIVERED))
            step = Report(held, bytes(work.progress), work.fresh, None)
            world.store.record(lambda tx: deliver.write(tx, [step], now, 0.5))  # noqa: B023
            work.fresh = {}
        else:
            end = Report(held, bytes(work.progress), {}, {})
            world.store.record(lambda tx: deliver.write(tx, [end], now, 0.5))  # noqa: B023
    raise AssertionError("delivery never comes to an end")


def set_aside(world: World) -> list[Quarantined]:
    return world.store.read(stored.ls)


def the_mailing(world: World) -> QueueRow:
    (row,) = world.store.read(lambda tx: queue_view.mailings(tx, ended=True))
    return row


def log(world: World, mlist: MailingList) -> list[tuple[str, str]]:
    return [(e.who, e.what) for e in world.store.read(lambda tx: events.ls(tx, mlist.id))]


def retry(world: World, row: Quarantined) -> Quarantined:
    now = world.clock.now()
    return world.store.write(lambda tx: quarantine.retry(tx, row.id, by=BY, now=now))


def drop(world: World, row: Quarantined) -> Quarantined:
    now = world.clock.now()
    return world.store.write(lambda tx: quarantine.drop(tx, row.id, by=BY, now=now))


def test_the_head_recipient_is_set_aside_after_three_crashes_and_not_before(
    world: World, town: MailingList, caplog: pytest.LogCaptureFixture
) -> None:
    for crashes in range(3):
        held = lease(world)
        assert held is not None and held.crashes == crashes and not any(held.done)
        assert set_aside(world) == []
        crash(world)
    held = lease(world)
    assert held is not None
    assert (held.done, held.crashes, held.poisoned) == ((True, *4 * [False]), 0, True)
    (row,) = set_aside(world)
    assert (row.recipient, row.is_mailing) == ("ann@example.org", False)
    assert "crashed 3 times in a row" in row.why
    assert "set aside" in caplog.text and "ann@" not in caplog.text


@pytest.mark.parametrize("victim", PEOPLE)
def test_a_recipient_that_kills_the_worker_is_set_aside_and_the_others_get_theirs(
    world: World, town: MailingList, victim: str
) -> None:
    crash_over(world, {f"{victim}@example.org"})
    row = the_mailing(world)
    assert (row.delivered, row.set_aside, row.recipients) == (4, 1, 5)
    assert row.state is MailingState.DONE
    assert [one.recipient for one in set_aside(world)] == [f"{victim}@example.org"]


def test_two_that_kill_it_with_others_between_are_both_set_aside(
    world: World, town: MailingList
) -> None:
    poison = {"ann@example.org", "dan@example.org"}
    crash_over(world, poison)
    assert {one.recipient for one in set_aside(world)} == poison
    assert (the_mailing(world).delivered, the_mailing(world).state) == (3, MailingState.DONE)


def test_when_the_next_recipient_kills_it_too_the_mailing_is_set_aside_and_the_next_flows(
    world: World, town: MailingList
) -> None:
    everybody = {f"{name}@example.org" for name in PEOPLE}
    crash_over(world, everybody)
    first, whole = set_aside(world)
    assert (first.recipient, whole.recipient) == ("ann@example.org", None)
    assert whole.is_mailing
    row = the_mailing(world)
    assert (row.state, row.delivered, row.recipients) == (MailingState.SET_ASIDE, 0, 5)
    assert row.next_attempt is None and "crashed" in row.words

    world.post("ann@example.org", "town", subject="The next")
    assert len(world.deliver()) == 5


def test_ten_crashes_with_progress_set_nobody_aside(world: World) -> None:
    mlist = world.found("town")
    for n in range(12):
        world.join(mlist, f"m{n}@example.org")
    world.post("m0@example.org", "town")
    for n in range(10):
        held = lease(world)
        assert held is not None and held.crashes <= 1
        report(world, held, n + 1)
        crash(world)
    assert set_aside(world) == []
    assert len(world.deliver()) == 2
    assert (the_mailing(world).delivered, the_mailing(world).state) == (12, MailingState.DONE)


def test_progress_between_crashes_begins_the_count_anew(world: World, town: MailingList) -> None:
    for upto in (None, None, 1, None, 2):
        held = lease(world)
        assert held is not None
        if upto:
            report(world, held, upto)
        crash(world)
    assert set_aside(world) == []


def test_a_batch_handed_back_politely_is_no_crash(world: World, town: MailingList) -> None:
    for _ in range(10):
        held = lease(world)
        assert held is not None and held.crashes == 0
        report(world, held, 0, back=True)
    assert set_aside(world) == []
    assert len(world.deliver()) == 5


def test_a_batch_whose_every_recipient_is_finished_crashes_nobody_aside(
    world: World, town: MailingList
) -> None:
    held = lease(world)
    assert held is not None
    now = world.clock.now()
    everyone = {at: Outcome(Fate.DELIVERED) for at in range(5)}
    world.store.record(lambda tx: leases.record(tx, held, b"\xf8", everyone, now))
    for _ in range(4):
        crash(world)
        assert lease(world) is not None
    assert set_aside(world) == []


def test_a_mailing_that_was_dropped_meanwhile_is_not_set_aside(
    world: World, town: MailingList
) -> None:
    held = lease(world)
    assert held is not None
    now = world.clock.now()
    world.store.write(
        lambda tx: administer.drop_mailing(tx, held.mailing.id, by=BY, now=now),
    )
    world.store.record(lambda tx: quarantine.set_aside(tx, held, "why", now))
    assert set_aside(world) == []
    assert the_mailing(world).state is MailingState.DROPPED


def test_a_retried_recipient_gets_the_mailing_though_it_was_done_long_ago(
    world: World, town: MailingList
) -> None:
    crash_over(world, {"ben@example.org"})
    (row,) = set_aside(world)
    world.clock.pass_by(days=100)
    now = world.clock.now()
    world.store.write(lambda tx: tidy.forget(tx, timedelta(days=30), now))

    assert retry(world, row) == row
    assert the_mailing(world).state is MailingState.ACTIVE
    assert world.deliver() == ["ben@example.org"]
    done = the_mailing(world)
    assert (done.delivered, done.recipients, done.set_aside) == (5, 5, 0)
    assert done.state is MailingState.DONE
    assert set_aside(world) == []
    what = f"retried mailing {row.mailing_id} for ben@example.org, which was set aside"
    assert log(world, town)[-1] == (BY, what)


def test_a_retried_recipient_that_kills_again_is_set_aside_again(
    world: World, town: MailingList
) -> None:
    crash_over(world, {"ben@example.org"})
    retry(world, set_aside(world)[0])
    crash_over(world, {"ben@example.org"})
    (row,) = set_aside(world)
    assert row.recipient == "ben@example.org"
    assert (the_mailing(world).recipients, the_mailing(world).state) == (5, MailingState.DONE)


def test_a_retried_recipient_of_a_mailing_set_aside_waits_for_the_mailing(
    world: World, town: MailingList
) -> None:
    crash_over(world, {f"{name}@example.org" for name in PEOPLE})
    first, whole = set_aside(world)
    retry(world, first)
    assert the_mailing(world).state is MailingState.SET_ASIDE
    assert world.deliver() == []
    retry(world, whole)
    assert len(world.deliver()) == 5
    assert the_mailing(world).state is MailingState.DONE


def test_a_notice_to_somebody_else_is_set_aside_and_retried_too(world: World) -> None:
    world.notice("zoe@example.net")
    crash_over(world, {"zoe@example.net"})
    (row,) = set_aside(world)
    assert (row.recipient, row.list_address) == ("zoe@example.net", None)
    retry(world, row)
    assert world.deliver() == ["zoe@example.net"]


@pytest.mark.parametrize("way", ["quarantine retry", "queue retry"])
def test_a_retried_mailing_goes_on_where_it_was_with_its_crashes_forgiven(
    world: World, town: MailingList, way: str
) -> None:
    crash_over(world, {f"{name}@example.org" for name in PEOPLE})
    first, whole = set_aside(world)
    world.clock.pass_by(days=1)
    now = world.clock.now()
    if way == "quarantine retry":
        retry(world, whole)
        what = f"retried mailing {whole.mailing_id}, which was set aside"
    else:
        world.store.write(lambda tx: administer.retry_mailing(tx, whole.mailing_id, by=BY, now=now))
        what = f"retried mailing {whole.mailing_id}"
    assert log(world, town)[-1] == (BY, what)
    held = lease(world)
    assert held is not None and (held.crashes, held.poisoned) == (0, False)
    report(world, held, 0, back=True)

    assert world.deliver() == [f"{name}@example.org" for name in PEOPLE[1:]]
    assert set_aside(world) == [first]


def test_a_dropped_recipient_is_given_up(world: World, town: MailingList) -> None:
    crash_over(world, {"ben@example.org"})
    (row,) = set_aside(world)
    assert drop(world, row) == row
    assert set_aside(world) == []
    assert world.deliver() == []
    what = f"gave up mailing {row.mailing_id} for ben@example.org, which was set aside"
    assert log(world, town)[-1] == (BY, what)


@pytest.mark.parametrize("way", ["quarantine drop", "queue drop"])
def test_with_a_dropped_mailing_its_recipients_are_given_up_too(
    world: World, town: MailingList, way: str
) -> None:
    crash_over(world, {f"{name}@example.org" for name in PEOPLE})
    _, whole = set_aside(world)
    now = world.clock.now()
    if way == "quarantine drop":
        drop(world, whole)
        what = f"gave up mailing {whole.mailing_id}, which was set aside"
    else:
        world.store.write(lambda tx: administer.drop_mailing(tx, whole.mailing_id, by=BY, now=now))
        what = f"gave up mailing {whole.mailing_id}"
    assert set_aside(world) == []
    assert the_mailing(world).state is MailingState.DROPPED
    assert world.deliver() == []
    assert log(world, town)[-1] == (BY, what)


@pytest.mark.parametrize("decide", [retry, drop])
def test_nothing_is_decided_twice(
    world: World, town: MailingList, decide: Callable[[World, Quarantined], Quarantined]
) -> None:
    crash_over(world, {"ben@example.org"})
    (row,) = set_aside(world)
    decide(world, row)
    for again in (retry, drop):
        with pytest.raises(ListservError, match=f"nothing with the id {row.id}"):
            again(world, row)
