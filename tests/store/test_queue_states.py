"""The table of docs/queue.md, walked: each thing that may happen to a batch, from each state."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from listserv.domain.mailing import Again, BatchState, Fate, Lease, MailingState, Outcome
from listserv.store import leases, queue, site
from listserv.store.leases import Standing
from listserv.store.session import Store, Tx
from listserv.store.tables import BatchRow

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
DOCUMENT = Path(__file__).parents[2] / "docs" / "queue.md"

Act = Callable[[Tx, Lease], object]


def _finish(tx: Tx, held: Lease) -> object:
    return leases.finish(tx, held, [Again((0,), LATER, held.attempts, "451 later")], NOW)


# What stands in the first column -> what it is in the store.
ACTS: Mapping[str, Act] = {
    "lease": lambda tx, held: leases.lease(tx, "another:2:2", NOW),
    "heartbeat": lambda tx, held: leases.heartbeat(tx, held, NOW),
    "record": lambda tx, held: leases.record(tx, held, b"\x80", {0: Outcome(Fate.DELIVERED)}, NOW),
    "finish": _finish,
    "give up": lambda tx, held: leases.finish(tx, held, [Again((0,), None, 9, "451 later")], NOW),
    "give back": lambda tx, held: leases.give_back(tx, held, NOW),
    "take back": lambda tx, held: leases.take_back(tx, NOW + timedelta(minutes=1)),
}


def rows() -> list[tuple[str, str, str]]:
    """(what happens, from, to) as published."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(c[0], c[1], c[2]) for c in cells if len(c) == 4 and c[1] in set(BatchState)]


PUBLISHED = {(what, source): target for what, source, target in rows()}


def bring_to(store: Store, state: BatchState) -> Lease:
    """A batch in this state, and the (perhaps former) holder's lease."""

    def make(tx: Tx) -> Lease:
        queue.add_notice(
            tx, list_id=None, raw=b"", subject="", member=0, address="a@example.org", now=NOW
        )
        held = leases.lease(tx, "here:1:1", NOW)
        assert held is not None
        if state is BatchState.READY:
            leases.give_back(tx, held, NOW)
        elif state is BatchState.DONE:
            leases.finish(tx, held, [], NOW)
        return held

    return store.write(make)


def look(store: Store, batch_id: int) -> tuple[object, ...]:
    row = store.read(
        lambda tx: tx.execute(
            select(
                BatchRow.state, BatchRow.fence, BatchRow.attempts, BatchRow.crashes,
                BatchRow.due, BatchRow.progress, BatchRow.delivered, BatchRow.failed,
            ).where(BatchRow.id == batch_id)
        ).one()
    )  # fmt: skip
    return tuple(row)


def test_the_document_names_each_thing_that_can_happen() -> None:
    assert {what for what, _ in PUBLISHED} == set(ACTS)


@pytest.mark.parametrize("source", BatchState)
@pytest.mark.parametrize("what", ACTS)
def test_what_happens_is_what_is_published(store: Store, what: str, source: BatchState) -> None:
    held = bring_to(store, source)
    before = look(store, held.batch_id)
    store.write(lambda tx: ACTS[what](tx, held))
    after = look(store, held.batch_id)

    if (what, source) in PUBLISHED:
        assert after[0] == PUBLISHED[what, source]
    else:
        assert after == before


@pytest.mark.parametrize(
    "what", [what for what, source in PUBLISHED if source == "leased" and what != "take back"]
)
def test_a_former_holder_changes_nothing(store: Store, what: str) -> None:
    held = bring_to(store, BatchState.LEASED)
    store.write(lambda tx: leases.take_back(tx, NOW + timedelta(minutes=1)))
    store.write(lambda tx: leases.lease(tx, "another:2:2", NOW))
    before = look(store, held.batch_id)
    store.write(lambda tx: ACTS[what](tx, held))

    assert look(store, held.batch_id) == before


STOPS: Mapping[str, Callable[[Tx, int], object]] = {
    "dropped": lambda tx, mailing: queue.set_state(tx, mailing, MailingState.DROPPED, NOW),
    "set aside": lambda tx, mailing: queue.set_state(tx, mailing, MailingState.SET_ASIDE, NOW),
    "paused": lambda tx, mailing: queue.pause(tx, mailing, "554 no", NOW),
    "relay paused": lambda tx, mailing: site.pause(tx, "by hand"),
}


@pytest.mark.parametrize("stop", STOPS)
def test_the_holder_of_a_lease_hears_that_nothing_more_may_go(store: Store, stop: str) -> None:
    held = bring_to(store, BatchState.LEASED)
    fresh = {0: Outcome(Fate.DELIVERED)}
    assert store.read(lambda tx: leases.standing(tx, held)) is Standing.OURS
    store.write(lambda tx: STOPS[stop](tx, held.mailing.id))

    assert store.read(lambda tx: leases.standing(tx, held)) is Standing.STOPPED
    assert store.write(lambda tx: leases.record(tx, held, b"\x80", fresh, NOW)) is Standing.STOPPED
    assert look(store, held.batch_id)[5:7] == (b"\x80", 1)  # what went is known all the same
    store.write(lambda tx: leases.give_back(tx, held, NOW))
    assert store.read(lambda tx: leases.standing(tx, held)) is Standing.LOST


def test_deferred_recipients_stand_in_a_new_batch_that_remembers_the_attempts(
    store: Store,
) -> None:
    held = bring_to(store, BatchState.LEASED)
    store.write(lambda tx: _finish(tx, held))

    assert store.write(lambda tx: leases.lease(tx, "here:1:1", NOW)) is None
    again = store.write(lambda tx: leases.lease(tx, "here:1:1", LATER))
    assert again is not None
    assert (again.members, again.attempts, again.address) == ((0,), 2, "a@example.org")
    assert again.batch_id != held.batch_id
