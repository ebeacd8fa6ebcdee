"""What is set aside, as the store keeps it: once, counted, named, and not forgotten by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from listserv.domain.address import parse_address
from listserv.domain.errors import ListservError
from listserv.domain.mailing import Fate, Lease, MailingState, Outcome
from listserv.domain.members import Delivery, MemberRole
from listserv.store import leases, lists, members, quarantine, queue, queue_view, retention, status
from listserv.store.members import NewMember
from listserv.store.session import Store, Tx

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ZOE = "zoe@example.net"


def a_lease(tx: Tx, member: int = 0, list_id: int | None = None) -> Lease:
    queue.add_notice(
        tx, list_id=list_id, raw=b"x", subject="Hello", member=member, address=ZOE, now=NOW
    )
    held = leases.lease(tx, "here:1:1", NOW)
    assert held is not None
    return held


def with_ann(tx: Tx) -> tuple[int, int]:
    """A list, and ann's member number."""
    mlist = lists.create(tx, name="town", domain="lists.example.org", settings={}, now=NOW)
    address = parse_address("ann@example.org")
    assert address is not None
    ann = NewMember(address=address, name="", role=MemberRole.MEMBER, delivery=Delivery.MAIL)
    return mlist.id, members.add(tx, mlist.id, ann, began="test", now=NOW).id


def test_a_member_is_named_by_the_address_they_have_now(store: Store) -> None:
    def job(tx: Tx) -> None:
        list_id, ann = with_ann(tx)
        quarantine.add_recipient(tx, a_lease(tx, ann, list_id), 0, "it crashes", NOW)

    store.write(job)
    (row,) = store.read(quarantine.ls)
    assert (row.recipient, row.address, row.is_mailing) == ("ann@example.org", None, False)
    assert (row.list_address, row.kind, row.subject) == (
        "town@lists.example.org", "notice", "Hello",
    )  # fmt: skip
    assert (row.why, row.at) == ("it crashes", NOW)
    assert store.read(lambda tx: quarantine.get(tx, row.id)) == row


def test_somebody_else_is_named_by_the_address_that_was_stored(store: Store) -> None:
    store.write(lambda tx: quarantine.add_recipient(tx, a_lease(tx), 0, "why", NOW))
    (row,) = store.read(quarantine.ls)
    assert (row.recipient, row.member, row.list_address) == (ZOE, 0, None)
    assert not row.is_mailing


def test_a_mailing_is_set_aside_once(store: Store) -> None:
    def job(tx: Tx) -> None:
        held = a_lease(tx)
        quarantine.add_mailing(tx, held.mailing.id, "the first", NOW)
        quarantine.add_mailing(tx, held.mailing.id, "the second", NOW)
        quarantine.add_recipient(tx, held, 0, "one of it", NOW)

    store.write(job)
    rows = store.read(quarantine.ls)
    assert [(row.why, row.is_mailing) for row in rows] == [
        ("the first", True), ("one of it", False),
    ]  # fmt: skip
    assert rows[0].recipient is None
    assert store.read(quarantine.count) == 2


def test_nothing_of_that_id_is_named(store: Store) -> None:
    with pytest.raises(ListservError, match="nothing with the id 17 is set aside"):
        store.read(lambda tx: quarantine.get(tx, 17))


def three(tx: Tx) -> tuple[int, Lease]:
    """A mailing, and a batch of it with three people whose numbers nobody has."""
    list_id, _ = with_ann(tx)
    held = a_lease(tx, 7, list_id)
    queue.add_batches(tx, held.mailing.id, 0, 1, [[7, 8, 9]], NOW)
    leases.finish(tx, held, [], NOW)
    again = leases.lease(tx, "here:1:1", NOW)
    assert again is not None
    return held.mailing.id, again


def test_who_is_set_aside_is_counted_apart_and_no_longer_waits(store: Store) -> None:
    mailing, held = store.write(three)
    with_progress = replace(held, done=(True, False, False))

    def job(tx: Tx) -> None:
        leases.record(tx, held, b"\x80", {0: Outcome(Fate.DELIVERED)}, NOW)
        quarantine.add_recipient(tx, with_progress, 1, "why", NOW)
        leases.pass_over(tx, with_progress, 1)

    store.write(job)
    row = store.read(lambda tx: queue_view.get(tx, mailing))
    assert (row.recipients, row.delivered, row.set_aside) == (3, 1, 1)
    assert store.read(status.queue).recipients == 1


def test_forgiving_lets_the_mailing_go_on_and_its_recipients_wait(store: Store) -> None:
    mailing, held = store.write(three)

    def job(tx: Tx) -> Lease | None:
        quarantine.add_mailing(tx, mailing, "why", NOW)
        quarantine.add_recipient(tx, held, 0, "why", NOW)
        leases.pass_over(tx, held, 0)
        leases.take_back(tx, NOW, ["here:1:1"])
        quarantine.forgive(tx, mailing)
        return leases.lease(tx, "here:1:1", NOW)

    again = store.write(job)
    assert again is not None
    assert (again.crashes, again.poisoned) == (0, False)
    (row,) = store.read(quarantine.ls)
    assert not row.is_mailing
    store.write(lambda tx: quarantine.forget(tx, mailing))
    assert store.read(quarantine.count) == 0


def test_a_mailing_that_is_done_is_kept_while_one_of_its_recipients_is_set_aside(
    store: Store,
) -> None:
    def job(tx: Tx) -> Lease:
        held = a_lease(tx)
        quarantine.add_recipient(tx, held, 0, "why", NOW)
        leases.finish(tx, leases.pass_over(tx, held, 0), [], NOW)
        return held

    mailing = store.write(job).mailing.id
    month = timedelta(days=30)
    for days in (15, 400):
        later = NOW + timedelta(days=days)
        store.write(lambda tx: retention.tidy(tx, month, later))  # noqa: B023
    row = store.read(lambda tx: queue_view.get(tx, mailing))
    assert (row.state, row.set_aside) == (MailingState.DONE, 1)

    store.write(lambda tx: quarantine.forget(tx, mailing))
    store.write(lambda tx: retention.tidy(tx, month, NOW + timedelta(days=401)))
    assert store.read(lambda tx: queue_view.mailings(tx, ended=True)) == []
