"""Leases: a batch in a worker's hands. Every change of state is one statement, guarded by the
state it leaves and by the fencing number; docs/queue.md has the table.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update

from listserv.domain.mailing import (
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
from listserv.store.session import Tx
from listserv.store.tables import BatchRow, MailingRow, MessageRow, RefusalRow

# A lease lasts so long without a heartbeat.
LEASE = timedelta(seconds=30)
# The relay's words are for people; a reply line has at most 512 octets (RFC 5321 4.5.3.1.5).
_MAX_WORDS = 500


def lease(tx: Tx, worker: str, now: datetime, lane: Lane = Lane.BULK) -> Lease | None:
    """Take the next batch of this lane or a higher one: the highest lane with work, and in it the
    mailings in turn. The attempt is counted before it is made."""
    nextid = (
        select(BatchRow.id)
        .join(MailingRow, MailingRow.id == BatchRow.mailing_id)
        .where(BatchRow.state == BatchState.READY, BatchRow.due <= now, BatchRow.lane <= lane)
        .where(MailingRow.state == MailingState.ACTIVE)
        .order_by(BatchRow.lane, BatchRow.ordinal, BatchRow.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=BatchRow)
        .scalar_subquery()
    )
    row = tx.execute(
        update(BatchRow)
        .where(BatchRow.id == nextid, BatchRow.state == BatchState.READY)
        .values(
            state=BatchState.LEASED,
            worker=worker,
            lease_until=now + LEASE,
            fence=BatchRow.fence + 1,
            attempts=BatchRow.attempts + 1,
        )
        .returning(
            BatchRow.id, BatchRow.fence, BatchRow.mailing_id, BatchRow.members, BatchRow.progress,
            BatchRow.address, BatchRow.attempts,
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    members = unpack_members(row.members)
    return Lease(
        batch_id=row.id,
        fence=row.fence,
        mailing=_mailing(tx, row.mailing_id),
        members=members,
        done=unpack_progress(row.progress, len(members)),
        address=row.address,
        attempts=row.attempts,
    )


def _mailing(tx: Tx, mailing_id: int) -> Mailing:
    row = tx.execute(
        select(
            MailingRow.id, MailingRow.list_id, MailingRow.kind, MailingRow.lane, MailingRow.mode,
            MailingRow.state, MailingRow.post_id, MailingRow.created, MessageRow.raw,
        )
        .join(MessageRow, MessageRow.id == MailingRow.message_id, isouter=True)
        .where(MailingRow.id == mailing_id)
    ).one()  # fmt: skip
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


def heartbeat(tx: Tx, held: Lease, now: datetime) -> bool:
    """Keep a lease for another LEASE. False when it is no longer ours."""
    return _report(tx, held, {"lease_until": now + LEASE})


def record(
    tx: Tx, held: Lease, done: Sequence[bool], fresh: Mapping[int, Outcome], now: datetime
) -> bool:
    """Write progress: `done` for the whole batch, `fresh` the outcomes (by position) that are new.
    False when the lease is no longer ours: then nothing is written."""
    count = {fate: sum(o.fate is fate for o in fresh.values()) for fate in Fate}
    kept = _report(
        tx,
        held,
        {
            "progress": pack_progress(done),
            "delivered": BatchRow.delivered + count[Fate.DELIVERED],
            "failed": BatchRow.failed + count[Fate.FAILED],
            "skipped": BatchRow.skipped + count[Fate.SKIPPED],
            "crashes": 0,
        },
    )
    refused = [
        {
            "member_id": held.members[at],
            "mailing_id": held.mailing.id,
            "words": outcome.words[:_MAX_WORDS],
            "at": now,
        }
        for at, outcome in fresh.items()
        if outcome.fate is Fate.FAILED
    ]
    if kept and refused:
        tx.execute(insert(RefusalRow), refused)
    return kept


def finish(
    tx: Tx, held: Lease, deferred: Sequence[int], due: datetime | None, words: str, now: datetime
) -> bool:
    """leased → done, and a new ready batch of the `deferred` positions, due later; with `due`
    None they are given up: refused for good, in the relay's last `words`."""
    members = [held.members[at] for at in deferred]
    given_up = len(members) if due is None else 0
    kept = _report(
        tx,
        held,
        {
            "state": BatchState.DONE,
            "lease_until": None,
            "failed": BatchRow.failed + given_up,
            "words": words[:_MAX_WORDS],
        },
    )
    if not kept:
        return False
    if given_up:
        tx.execute(
            insert(RefusalRow),
            [
                {"member_id": m, "mailing_id": held.mailing.id, "words": words[:_MAX_WORDS],
                 "at": now}
                for m in members
            ],
        )  # fmt: skip
    elif members and due is not None:
        ordinal = tx.execute(
            select(BatchRow.ordinal).where(BatchRow.id == held.batch_id)
        ).scalar_one()
        add_batches(
            tx, held.mailing.id, held.mailing.lane, ordinal, [members], due, held.address,
            held.attempts, words[:_MAX_WORDS],
        )  # fmt: skip
    close_if_done(tx, held.mailing.id, now)
    return True


def give_back(tx: Tx, held: Lease, due: datetime, words: str = "") -> bool:
    """leased → ready, politely: stopped, or the relay takes nothing. The attempt is not counted."""
    values: dict[str, object] = {
        "state": BatchState.READY,
        "lease_until": None,
        "due": due,
        "attempts": BatchRow.attempts - 1,
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
