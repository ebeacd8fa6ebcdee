"""The queue as a person sees it: who waits, why, until when, and what is over."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from listserv.domain.address import parse_address
from listserv.domain.mailing import Again, Fate, Lease, MailingState, Mode, Outcome
from listserv.domain.members import Delivery, MemberRole
from listserv.store import leases, lists, members, pages, queue, queue_view
from listserv.store.members import NewMember
from listserv.store.queue_view import QueueRow
from listserv.store.session import Store, Tx
from listserv.store.tables import MessageRow, PostRow

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
WORDS = "451 4.7.1 greylisted"


def mailing(tx: Tx, people: int = 4) -> Lease:
    """A post to so many members, all of them in one batch, leased."""
    mlist = lists.create(tx, name="town", domain="lists.example.org", settings={}, now=NOW)
    numbers = []
    for n in range(people):
        address = parse_address(f"m{n:02}@example.org")
        assert address is not None
        new = NewMember(address=address, name="", role=MemberRole.MEMBER, delivery=Delivery.MAIL)
        numbers.append(members.add(tx, mlist.id, new, began="test", now=NOW).id)
    raw = tx.execute(
        insert(MessageRow).values(raw=b"x", created=NOW).returning(MessageRow.id)
    ).scalar_one()
    post = tx.execute(
        insert(PostRow).returning(PostRow.id).values(
            list_id=mlist.id, raw_id=raw, message_id="", dedupe=b"", body_hash=b"", author_key="",
            author="", subject="", size=1, received=NOW, verdict="accept", reasons=[],
        )
    ).scalar_one()  # fmt: skip
    queue.add_post(tx, list_id=mlist.id, post_id=post, subject="Hello", mode=Mode.VERP, now=NOW)
    found = pages.unexpanded(tx, new=True)
    assert found is not None
    pages.write_page(tx, found, numbers, last=True, now=NOW)
    return lease(tx, NOW)


def lease(tx: Tx, now: datetime) -> Lease:
    held = leases.lease(tx, "here:1:1", now)
    assert held is not None
    return held


def look(store: Store) -> QueueRow:
    (row,) = store.read(lambda tx: queue_view.mailings(tx, ended=True))
    return row


def test_who_is_tried_for_the_first_time_is_not_deferred(store: Store) -> None:
    held = store.write(mailing)
    assert (look(store).recipients, look(store).deferred) == (4, 0)
    store.write(lambda tx: leases.give_back(tx, held, NOW))
    assert (look(store).recipients, look(store).deferred, look(store).words) == (4, 0, "")


def test_who_waits_for_another_attempt_is_deferred_with_the_words_and_the_time(
    store: Store,
) -> None:
    held = store.write(mailing)

    def job(tx: Tx) -> None:
        leases.record(tx, held, b"\xa0", {0: Outcome(Fate.DELIVERED), 2: Outcome(Fate.FAILED)}, NOW)
        leases.finish(tx, held, [Again((1, 3), LATER, 1, WORDS)], NOW)

    store.write(job)
    row = look(store)
    assert (row.recipients, row.delivered, row.failed, row.deferred) == (4, 1, 1, 2)
    assert (row.next_attempt, row.words) == (LATER, WORDS)
    (one,) = store.read(lambda tx: queue_view.waiting(tx, row.id))
    assert one.addresses == ("m01@example.org", "m03@example.org")
    assert (one.recipients, one.attempts, one.words, one.next_attempt) == (2, 1, WORDS, LATER)


def test_throttling_counts_no_attempt_and_is_a_deferral_all_the_same(store: Store) -> None:
    held = store.write(mailing)
    store.write(
        lambda tx: leases.finish(tx, held, [Again((0, 1, 2, 3), LATER, 0, "421 slow")], NOW)
    )
    assert (look(store).deferred, look(store).words) == (4, "421 slow")


def test_what_a_relay_that_takes_nothing_handed_back_waits_with_its_words(store: Store) -> None:
    held = store.write(mailing)
    store.write(lambda tx: leases.give_back(tx, held, LATER, "535 who are you?"))
    row = look(store)
    assert (row.deferred, row.next_attempt, row.words) == (4, LATER, "535 who are you?")


def test_of_many_who_wait_the_first_are_named(store: Store) -> None:
    held = store.write(lambda tx: mailing(tx, 30))
    everybody = tuple(range(30))
    store.write(lambda tx: leases.finish(tx, held, [Again(everybody, LATER, 1, WORDS)], NOW))
    (one,) = store.read(lambda tx: queue_view.waiting(tx, held.mailing.id))
    assert one.recipients == 30
    assert one.addresses == tuple(f"m{n:02}@example.org" for n in range(20))


def test_somebody_else_who_waits_is_named_by_their_address(store: Store) -> None:
    def job(tx: Tx) -> Lease:
        queue.add_notice(
            tx, list_id=None, raw=b"", subject="", member=0, address="zoe@example.net", now=NOW
        )
        held = lease(tx, NOW)
        leases.finish(tx, held, [Again((0,), LATER, 1, WORDS)], NOW)
        return held

    held = store.write(job)
    (one,) = store.read(lambda tx: queue_view.waiting(tx, held.mailing.id))
    assert one.addresses == ("zoe@example.net",)


def test_a_deferral_that_is_over_is_not_told_any_more(store: Store) -> None:
    def job(tx: Tx) -> None:
        held = mailing(tx)
        leases.finish(tx, held, [Again((0, 1, 2, 3), LATER, 1, WORDS)], NOW)
        again = lease(tx, LATER)
        everybody = {at: Outcome(Fate.DELIVERED) for at in range(4)}
        leases.record(tx, again, b"\xf0", everybody, LATER)
        leases.finish(tx, again, [], LATER)

    store.write(job)
    row = look(store)
    assert (row.state, row.delivered, row.recipients) == (MailingState.DONE, 4, 4)
    assert (row.deferred, row.next_attempt, row.words) == (0, None, "")
    assert store.read(lambda tx: queue_view.waiting(tx, row.id)) == []


def test_a_paused_mailing_says_when_it_is_tried_again_and_in_which_words_it_was_refused(
    store: Store,
) -> None:
    held = store.write(mailing)

    def pause(tx: Tx) -> None:
        leases.finish(tx, held, [Again((0, 1, 2, 3), LATER, 0, WORDS)], NOW)
        queue.pause(tx, held.mailing.id, "554 5.7.1 spam", NOW)

    store.write(pause)
    row = look(store)
    assert (row.state, row.words) == (MailingState.PAUSED, "554 5.7.1 spam")
    assert row.next_attempt == NOW + queue.FIRST_PAUSE
    store.write(lambda tx: queue.resume_paused(tx, NOW + queue.FIRST_PAUSE))
    row = look(store)
    assert (row.state, row.words, row.next_attempt) == (MailingState.ACTIVE, WORDS, LATER)


def test_a_dropped_mailing_has_no_next_attempt(store: Store) -> None:
    held = store.write(mailing)

    def drop(tx: Tx) -> None:
        leases.give_back(tx, held, LATER, WORDS)
        queue.set_state(tx, held.mailing.id, MailingState.DROPPED, NOW)

    store.write(drop)
    assert (look(store).state, look(store).next_attempt) == (MailingState.DROPPED, None)


def test_what_is_over_is_shown_only_when_asked_for(store: Store) -> None:
    held = store.write(mailing)
    store.write(lambda tx: leases.finish(tx, held, [], NOW))
    number = held.mailing.id
    assert store.read(queue_view.mailings) == []
    (row,) = store.read(lambda tx: queue_view.mailings(tx, also=[number]))
    assert row == store.read(lambda tx: queue_view.get(tx, number)) == look(store)
