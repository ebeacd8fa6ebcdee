"""Leases: a batch in a worker's hands. Every change of state is one statement, guarded by the
state it leaves and by the fencing number; docs/queue.md has the table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    bindparam,
    exists,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from listserv.domain.mailing import (
    Again,
    BatchState,
    Fate,
    Kind,
    Lane,
    Lease,
    Mailing,
    MailingState,
    Mode,
    Outcome,
)
from listserv.store.queue import (
    add_batches,
    close_if_done,
    pack_progress,
    unpack_members,
    unpack_progress,
)
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.site import IS_PAUSED
from listserv.store.tables import BatchRow, MailingRow, MessageRow, RefusalRow, microseconds

# A lease lasts so long without a heartbeat.
LEASE = timedelta(seconds=30)
# The relay's words are for people; a reply line has at most 512 octets (RFC 5321 4.5.3.1.5).
_MAX_WORDS = 500

_batch = BatchRow.metadata.tables["batch"]


class Standing(Enum):
    """Whether a holder may go on: not when the batch is in other hands, and no further when its
    mailing was dropped, paused or set aside, or the relay paused, while it was leased."""

    OURS = "ours"
    STOPPED = "stopped"
    LOST = "lost"


def lease(tx: Tx, worker: str, now: datetime, lane: Lane = Lane.BULK) -> Lease | None:
    """Take the next batch of this lane or a higher one: the highest lane with work, and in it the
    mailings in turn. The attempt is counted before it is made."""
    row = _LEASE.run(
        tx,
        now=microseconds(now),
        lowest=int(lane),
        by=worker,
        until=microseconds(now + LEASE),
    ).fetchone()
    if row is None:
        return None
    batch_id, fence, mailing_id, packed, progress, address, attempts, crashes, poisoned = row
    members = unpack_members(packed)
    return Lease(
        batch_id=batch_id,
        fence=fence,
        mailing=_mailing(tx, mailing_id),
        members=members,
        done=unpack_progress(progress, len(members)),
        address=address,
        attempts=attempts,
        crashes=crashes,
        poisoned=bool(poisoned),
    )


def _lease() -> ReturningUpdate[Any]:
    nextid = (
        select(_batch.c.id)
        .join(MailingRow, MailingRow.id == _batch.c.mailing_id)
        .where(_batch.c.state == BatchState.READY)
        .where(_batch.c.due <= bindparam("now", type_=BigInteger()))
        .where(_batch.c.lane <= bindparam("lowest"))
        .where(MailingRow.state == MailingState.ACTIVE)
        .order_by(_batch.c.lane, _batch.c.ordinal, _batch.c.id)
        .limit(literal_column("1"))
        .with_for_update(skip_locked=True, of=_batch)
        .scalar_subquery()
    )
    return (
        update(_batch)
        .where(_batch.c.id == nextid, _batch.c.state == BatchState.READY)
        .values(
            state=BatchState.LEASED,
            worker=bindparam("by"),
            lease_until=bindparam("until", type_=BigInteger()),
            fence=_batch.c.fence + 1,
            attempts=_batch.c.attempts + 1,
        )
        .returning(
            _batch.c.id, _batch.c.fence, _batch.c.mailing_id, _batch.c.members, _batch.c.progress,
            _batch.c.address, _batch.c.attempts, _batch.c.crashes, _batch.c.poisoned,
        )
    )  # fmt: skip


_LEASE = Quick(_lease())


def _mailing(tx: Tx, mailing_id: int) -> Mailing:
    row = tx.execute(_MAILING, {"wanted": mailing_id}).one()
    return Mailing(
        id=row.id,
        list_id=row.list_id,
        kind=Kind(row.kind),
        lane=Lane(row.lane),
        mode=Mode(row.mode),
        state=MailingState(row.state),
        post_id=row.post_id,
        message=row.raw,
        created=row.created,
    )


_MAILING = (
    select(
        MailingRow.id, MailingRow.list_id, MailingRow.kind, MailingRow.lane, MailingRow.mode,
        MailingRow.state, MailingRow.post_id, MailingRow.created, MessageRow.raw,
    )
    .join(MessageRow, MessageRow.id == MailingRow.message_id, isouter=True)
    .where(MailingRow.id == bindparam("wanted"))
)  # fmt: skip


def heartbeat(tx: Tx, held: Lease, now: datetime) -> bool:
    """Keep a lease for another LEASE. False when it is no longer ours."""
    return _report(tx, held, {"lease_until": now + LEASE})


def record(
    tx: Tx, held: Lease, progress: bytes, fresh: Mapping[int, Outcome], now: datetime
) -> Standing:
    """Write progress: the bits of the whole batch, `fresh` the outcomes (by position) that are new.
    When the lease is LOST nothing is written."""
    fates = [outcome.fate for outcome in fresh.values()]
    written = (_RECORD if fresh else _RECORD_NOTHING_NEW).run(
        tx,
        held_id=held.batch_id,
        held_fence=held.fence,
        bits=progress,
        more_delivered=fates.count(Fate.DELIVERED),
        more_failed=fates.count(Fate.FAILED),
        more_skipped=fates.count(Fate.SKIPPED),
    )
    found = _read_standing(written.fetchone())
    if found is not Standing.LOST and Fate.FAILED in fates:
        failed = {at: o.words for at, o in fresh.items() if o.fate is Fate.FAILED}
        _add_refusals(tx, held, failed, now)
    return found


def standing(tx: Tx, held: Lease) -> Standing:
    """Whether its holder may go on, while there is nothing to record."""
    return _read_standing(
        _STANDING.run(tx, held_id=held.batch_id, held_fence=held.fence).fetchone()
    )


def _read_standing(row: tuple[object] | None) -> Standing:
    if row is None:
        return Standing.LOST
    return Standing.STOPPED if row[0] else Standing.OURS


_is_held = (
    _batch.c.id == bindparam("held_id"),
    _batch.c.fence == bindparam("held_fence"),
    _batch.c.state == BatchState.LEASED,
)
_is_stopped = or_(
    IS_PAUSED,
    exists()
    .where(MailingRow.id == _batch.c.mailing_id, MailingRow.state != MailingState.ACTIVE)
    .correlate(_batch),
)
_STANDING = Quick(select(_is_stopped).select_from(_batch).where(*_is_held))
_held = update(_batch).where(*_is_held)
_record = _held.values(
    progress=bindparam("bits"),
    delivered=_batch.c.delivered + bindparam("more_delivered"),
    failed=_batch.c.failed + bindparam("more_failed"),
    skipped=_batch.c.skipped + bindparam("more_skipped"),
)
_RECORD_NOTHING_NEW = Quick(_record.returning(_is_stopped))
# Should this lease end in a crash all the same, that one does not count: it got further.
_RECORD = Quick(_record.values(crashes=-1, poisoned=False).returning(_is_stopped))


def finish(tx: Tx, held: Lease, again: Sequence[Again], now: datetime) -> bool:
    """leased → done, and new ready batches of those who are to be tried `again`; who is given up
    is recorded as refused. False when the lease is no longer ours."""
    for_good = [one for one in again if one.due is None]
    given_up = {at: one.words for one in for_good if one.counts for at in one.positions}
    not_theirs = {at: one.words for one in for_good if not one.counts for at in one.positions}
    words = next((one.words for one in again), "")
    finished = _FINISH.run(
        tx,
        held_id=held.batch_id,
        held_fence=held.fence,
        more_failed=len(given_up) + len(not_theirs),
        last_words=words[:_MAX_WORDS],
    )
    if not finished.rowcount:
        return False
    _add_refusals(tx, held, given_up, now)
    _add_refusals(tx, held, not_theirs, now, weighed=True)
    for one in again:
        if one.due is not None:
            place = tx.execute(select(BatchRow.ordinal).where(BatchRow.id == held.batch_id))
            members = [held.members[at] for at in one.positions]
            add_batches(
                tx, held.mailing.id, held.mailing.lane, place.scalar_one(), [members], one.due,
                held.address, one.attempts, one.words[:_MAX_WORDS],
            )  # fmt: skip
    close_if_done(tx, held.mailing.id, now)
    return True


_FINISH = Quick(
    _held.values(
        state=BatchState.DONE,
        lease_until=null(),
        failed=_batch.c.failed + bindparam("more_failed"),
        words=bindparam("last_words"),
    )
)


def _add_refusals(
    tx: Tx, held: Lease, refused: Mapping[int, str], now: datetime, *, weighed: bool = False
) -> None:
    """`weighed`: the bounce rules need not look at them. They know nobody who is no member."""
    rows = [
        {"member_id": held.members[at], "mailing_id": held.mailing.id, "at": now,
         "words": words[:_MAX_WORDS], "weighed": weighed or not held.members[at]}
        for at, words in refused.items()
    ]  # fmt: skip
    if rows:
        tx.execute(insert(RefusalRow), rows)


def pass_over(tx: Tx, held: Lease, at: int) -> Lease:
    """Leave the recipient at this position out: it was set aside. Its crashes are forgotten, the
    next recipient's count anew. Returns the lease as it is now."""
    done = tuple(finished or place == at for place, finished in enumerate(held.done))
    _report(tx, held, {"progress": pack_progress(done), "crashes": 0, "poisoned": True})
    return replace(held, done=done, crashes=0, poisoned=True)


def give_back(tx: Tx, held: Lease, due: datetime, words: str = "") -> bool:
    """leased → ready, politely: stopped, or the relay takes nothing. The attempt is not counted."""
    values: dict[str, object] = {
        "state": BatchState.READY,
        "lease_until": None,
        "due": due,
        "attempts": BatchRow.attempts - 1,
        "crashes": 0,
    }
    if words:
        values["words"] = words[:_MAX_WORDS]
    return _report(tx, held, values)


def _report(tx: Tx, held: Lease, values: Mapping[str, object]) -> bool:
    """What only the holder of the lease may write."""
    return bool(
        tx.execute(
            update(BatchRow)
            .where(
                BatchRow.id == held.batch_id,
                BatchRow.fence == held.fence,
                BatchRow.state == BatchState.LEASED,
            )
            .values(**values)
        ).rowcount
    )


def take_back(tx: Tx, now: datetime, dead: Iterable[str] = ()) -> int:
    """leased → ready for leases that expired or whose worker is known to be dead; counts a crash.
    Returns how many."""
    gone = or_(BatchRow.lease_until < now, BatchRow.worker.in_(list(dead)))
    return tx.execute(
        update(BatchRow)
        .where(BatchRow.state == BatchState.LEASED, gone)
        .values(
            state=BatchState.READY,
            lease_until=None,
            crashes=BatchRow.crashes + 1,
            fence=BatchRow.fence + 1,
        )
    ).rowcount


def holders(tx: Tx) -> set[str]:
    """The workers that hold a lease now."""
    query = select(BatchRow.worker).where(BatchRow.state == BatchState.LEASED).distinct()
    return set(tx.execute(query).scalars())
