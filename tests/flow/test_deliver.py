"""Copies go out, come back deferred, are given up; who changed in between gets what is right."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from listserv.domain.address import Address
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Fate, MailingState, Outcome
from listserv.flow import administer, deliver, fan_out
from listserv.flow.deliver import Deliveries, Report, Work
from listserv.store import bans, leases, members, pages, queue_view, site
from listserv.store.leases import Standing
from listserv.store.session import Tx
from listserv.store.tables import MemberRow, PostRow
from tests.flow.world import World, an_address

LATER = Outcome(Fate.DEFERRED, "451 4.7.1 greylisted")
NEVER = Outcome(Fate.FAILED, "550 5.1.1 no such user")


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town")
    for name in ("ann", "ben", "eve"):
        world.join(mlist, f"{name}@example.org")
    return mlist


def the_mailing(world: World) -> queue_view.QueueRow:
    (row,) = world.store.read(lambda tx: queue_view.mailings(tx, ended=True))
    return row


def set_member(world: World, mlist: MailingList, key: str, **values: str) -> None:
    def change(tx: Tx) -> None:
        member = members.by_key(tx, mlist.id, key)
        assert member is not None
        members.change(tx, member, values)

    world.store.write(change)


def take(world: World, worker: str = "here:1:1") -> Work:
    now = world.clock.now()
    deliveries = Deliveries(world.site, worker)
    lease = world.store.record(lambda tx: deliveries.lease(tx, now))
    assert lease is not None
    work = world.open(deliveries, lease)
    assert work is not None
    return work


def write(world: World, work: Work, *, finished: bool) -> Standing:
    deferred = work.deferred if finished else None
    report = Report(work.lease, bytes(work.progress), dict(work.fresh), deferred)
    now = world.clock.now()
    written = world.store.record(lambda tx: deliver.write(tx, [report], now, 0.5))
    return written[work.lease.batch_id]


def test_a_deferred_recipient_is_tried_again_after_five_minutes_and_nobody_else(
    world: World, town: MailingList
) -> None:
    world.answers["ben@example.org"] = LATER
    world.post("ann@example.org", "town")
    assert len(world.deliver()) == 3
    waiting = the_mailing(world)
    assert (waiting.delivered, waiting.deferred, waiting.words) == (2, 1, LATER.words)
    world.clock.pass_by(minutes=3)
    assert world.deliver() == []

    world.answers.clear()
    world.clock.pass_by(minutes=4)
    assert world.deliver() == ["ben@example.org"]
    done = the_mailing(world)
    assert (done.delivered, done.deferred, done.recipients) == (3, 0, 3)
    assert done.state is MailingState.DONE


def test_a_refused_recipient_is_recorded_and_not_tried_again(
    world: World, town: MailingList
) -> None:
    world.answers["ben@example.org"] = NEVER
    world.post("ann@example.org", "town")
    world.deliver()
    world.clock.pass_by(days=1)

    assert world.deliver() == []
    row = the_mailing(world)
    assert (row.delivered, row.failed, row.state) == (2, 1, MailingState.DONE)
    (refusal,) = world.store.read(lambda tx: queue_view.refusals(tx, row.id))
    assert (refusal.address, refusal.words) == ("ben@example.org", NEVER.words)


def test_after_five_days_a_deferred_recipient_is_given_up_in_the_relays_words(
    world: World, town: MailingList
) -> None:
    world.answers["ben@example.org"] = LATER
    world.post("ann@example.org", "town")
    attempts = 0
    while the_mailing(world).state is MailingState.ACTIVE:
        attempts += len(world.deliver())
        world.clock.pass_by(hours=1)
        assert attempts < 200, "never given up"

    row = the_mailing(world)
    assert (row.delivered, row.failed) == (2, 1)
    (refusal,) = world.store.read(lambda tx: queue_view.refusals(tx, row.id))
    assert refusal.words == LATER.words
    given_up = refusal.at - row.created
    assert timedelta(days=4, hours=18) < given_up < timedelta(days=5, hours=6)


def test_who_reads_digests_since_then_gets_the_copy_that_was_on_its_way(
    world: World, town: MailingList
) -> None:
    world.answers["ben@example.org"] = LATER
    world.post("ann@example.org", "town")
    world.deliver()
    set_member(world, town, "ben@example.org", delivery="digest")
    world.answers.clear()
    world.clock.pass_by(hours=1)

    assert world.deliver() == ["ben@example.org"]


@pytest.mark.parametrize("change", ["left", "nomail", "banned"])
def test_who_stopped_between_two_attempts_gets_nothing_more(
    world: World, town: MailingList, change: str
) -> None:
    world.answers["ben@example.org"] = LATER
    world.post("ann@example.org", "town")
    world.deliver()
    if change == "nomail":
        set_member(world, town, "ben@example.org", delivery=change)
    elif change == "left":

        def leave(tx: Tx) -> None:
            member = members.by_key(tx, town.id, "ben@example.org")
            assert member is not None
            members.leave(tx, member.id, world.clock.now())

        world.store.write(leave)
    else:
        now = world.clock.now()
        world.store.write(
            lambda tx: bans.add(
                tx, list_id=town.id, pattern="@example.org", until=None, reason="", now=now
            )
        )
    world.answers.clear()
    world.clock.pass_by(hours=1)

    assert world.deliver() == []
    row = the_mailing(world)
    assert (row.delivered, row.skipped, row.state) == (2, 1, MailingState.DONE)


def test_a_worker_whose_lease_expired_reports_into_the_void(
    world: World, town: MailingList
) -> None:
    world.post("ann@example.org", "town")
    slow = take(world)
    world.clock.pass_by(seconds=31)
    now = world.clock.now()
    assert world.store.record(lambda tx: leases.take_back(tx, now)) == 1
    fast = take(world, "there:2:2")
    for at in slow.targets:
        slow.note(at, Outcome(Fate.FAILED, "550 from a dead worker"))

    assert write(world, slow, finished=True) is Standing.LOST
    for at in fast.targets:
        fast.note(at, Outcome(Fate.DELIVERED))
    assert write(world, fast, finished=True) is Standing.OURS
    row = the_mailing(world)
    assert (row.delivered, row.failed, row.state) == (3, 0, MailingState.DONE)


def test_progress_written_before_a_crash_is_not_repeated(world: World, town: MailingList) -> None:
    world.post("ann@example.org", "town")
    crashed = take(world)
    first, *rest = crashed.targets
    crashed.note(first, Outcome(Fate.DELIVERED))
    write(world, crashed, finished=False)
    now = world.clock.now()
    world.store.record(lambda tx: leases.take_back(tx, now, ["here:1:1"]))

    again = take(world, "there:2:2")
    assert list(again.targets) == rest


def test_a_batch_given_back_is_due_when_told_and_its_attempt_is_not_counted(
    world: World, town: MailingList
) -> None:
    world.post("ann@example.org", "town")
    work = take(world)
    due = world.clock.now() + timedelta(seconds=60)
    report = Report(work.lease, bytes(work.progress), {}, None, due, "421 busy")
    now = world.clock.now()
    world.store.record(lambda tx: deliver.write(tx, [report], now, 0.5))

    assert world.deliver() == []
    world.clock.pass_by(seconds=61)
    again = take(world)
    assert again.lease.attempts == 1
    assert again.lease.fence > work.lease.fence


def test_a_long_roster_is_written_in_pages_without_gap_or_repeat(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "PAGE", 4)
    monkeypatch.setattr(pages, "BATCH_SIZE", 3)
    mlist = world.found("big")
    everybody = sorted(f"m{n}@example.org" for n in range(10))
    for address in everybody:
        world.join(mlist, address)
    world.post("m1@example.org", "big")

    assert world.deliver() == everybody
    assert the_mailing(world).recipients == 10


def test_a_small_post_does_not_wait_for_a_big_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "PAGE", 4)
    monkeypatch.setattr(pages, "BATCH_SIZE", 2)
    big, small = world.found("big"), world.found("small")
    for n in range(20):
        world.join(big, f"m{n}@example.org")
    world.join(small, "ann@example.org")
    world.post("m1@example.org", "big")
    world.post("ann@example.org", "small")
    world.deliver()

    order = [transaction.recipients[0] for transaction in world.sent]
    assert order.index("ann@example.org") <= 4


def test_a_mailing_whose_post_is_lost_is_set_aside_and_the_next_flows(
    world: World, town: MailingList, caplog: pytest.LogCaptureFixture
) -> None:
    world.post("ann@example.org", "town")
    world.store.write(lambda tx: tx.execute(update(PostRow).values(raw_id=None)))
    world.post("ann@example.org", "town", subject="The next")

    assert len(world.deliver()) == 3
    first, second = world.store.read(lambda tx: queue_view.mailings(tx, ended=True))
    assert (first.state, second.state) == (MailingState.SET_ASIDE, MailingState.DONE)
    assert "set aside" in caplog.text


def test_a_changed_address_gets_the_mail_and_the_old_one_does_not(
    world: World, town: MailingList
) -> None:
    world.answers["ben@example.org"] = LATER
    world.post("ann@example.org", "town")
    world.deliver()
    new: Address = an_address("Ben.New@example.com")
    world.store.write(
        lambda tx: tx.execute(
            update(MemberRow)
            .where(MemberRow.address_key == "ben@example.org")
            .values(address=str(new), address_key=new.key)
        )
    )
    world.clock.pass_by(hours=1)

    assert world.deliver() == ["Ben.New@example.com"]


def test_a_paused_relay_gives_a_worker_nothing_to_do(world: World, town: MailingList) -> None:
    world.post("ann@example.org", "town")
    now = world.clock.now()
    assert world.store.read(lambda tx: deliver.has_work(tx, 0, now))
    world.store.write(lambda tx: site.pause(tx, "by hand"))
    assert not world.store.read(lambda tx: deliver.has_work(tx, 0, now))


def test_dropped_and_retried_mailings_do_what_the_operator_said(
    world: World, town: MailingList
) -> None:
    for name in ("ann", "ben", "eve"):
        world.answers[f"{name}@example.org"] = LATER
    world.post("ann@example.org", "town")
    world.deliver()
    mailing, now = the_mailing(world).id, world.clock.now()
    world.store.write(lambda tx: administer.retry_mailing(tx, mailing, by="ann", now=now))
    assert len(world.deliver()) == 3
    world.store.write(lambda tx: administer.drop_mailing(tx, mailing, by="ann", now=now))
    world.clock.pass_by(days=1)

    assert world.deliver() == []
    assert the_mailing(world).state is MailingState.DROPPED


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_mailing_that_is_paused_when_its_last_recipients_are_given_up_ends(
    world: World, town: MailingList, by_hand: bool
) -> None:
    words = "554 5.6.0 no such content here"
    world.post("ann@example.org", "town")
    work = take(world)
    for at in work.targets:
        work.note(at, Outcome(Fate.DEFERRED, words, counts=False))
    report = Report(work.lease, bytes(work.progress), dict(work.fresh), work.deferred)
    world.clock.pass_by(days=5)
    mailing, now = work.lease.mailing.id, world.clock.now()

    def refused(tx: Tx) -> None:
        deliver.refused_by_relay(tx, "", {mailing: words}, now)
        deliver.write(tx, [report], now, 0.5)

    world.store.record(refused)
    assert the_mailing(world).state is MailingState.PAUSED
    if by_hand:
        world.store.write(lambda tx: administer.retry_mailing(tx, mailing, by="ann", now=now))
    world.clock.pass_by(minutes=6)
    assert world.deliver() == []
    assert the_mailing(world).state is MailingState.DONE
