"""The queue as a person sees it: `listserv queue ls|show`, `status`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, case, func, or_, select

from listserv.domain.errors import ListservError
from listserv.domain.mailing import BatchState, Kind, MailingState
from listserv.store.queue import unpack_members, unpack_progress
from listserv.store.session import Tx
from listserv.store.tables import (
    BatchRow,
    ListRow,
    MailingRow,
    MemberRow,
    QuarantineRow,
    RefusalRow,
)

_ENDED = [MailingState.DONE, MailingState.DROPPED]
_READY = BatchRow.state == BatchState.READY
_SETTLED = BatchRow.delivered + BatchRow.failed + BatchRow.skipped
_UNDECIDED = BatchRow.total - _SETTLED
# What was handed back, or is to be tried again, says why.
_DEFERRED = and_(_READY, BatchRow.words != "")

# So many of a batch's recipients are named.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A mailing and what became of its recipients so far. `recipients` counts those that are
    written already (all when `expanded`); `deferred` those that wait for another attempt, at
    `next_attempt` at the earliest; `words` is why, in the relay's words."""

    id: int
    list_id: int | None
    list_address: str | None
    kind: Kind
    subject: str
    state: MailingState
    created: datetime
    finished: datetime | None
    expanded: bool
    recipients: int
    delivered: int
    deferred: int
    failed: int
    skipped: int
    set_aside: int
    next_attempt: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One recipient refused for good."""

    address: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """Recipients that wait for another attempt together, the first of them by `addresses`. `words`
    is why, for one of them at least; `attempts` those that count."""

    recipients: int
    addresses: tuple[str, ...]
    attempts: int
    words: str
    next_attempt: datetime


def mailings(tx: Tx, *, ended: bool = False, also: Collection[int] = ()) -> list[QueueRow]:
    """What is in the queue, in the order it came, and the mailings `also` named; with `ended` also
    what is done or dropped."""
    query = _select()
    if not ended:
        query = query.where(or_(MailingRow.state.not_in(_ENDED), MailingRow.id.in_(also)))
    return [_row(row) for row in tx.execute(query)]


def get(tx: Tx, mailing_id: int) -> QueueRow:
    """One mailing, whatever its state."""
    row = tx.execute(_select().where(MailingRow.id == mailing_id)).one_or_none()
    if row is None:
        raise ListservError(f"there is no mailing {mailing_id}; see `listserv queue ls`")
    return _row(row)


def refusals(tx: Tx, mailing_id: int) -> list[Refusal]:
    """Who was refused for good in this mailing."""
    rows = tx.execute(
        select(MemberRow.address, RefusalRow.words, RefusalRow.at)
        .join(MemberRow, MemberRow.id == RefusalRow.member_id, isouter=True)
        .where(RefusalRow.mailing_id == mailing_id)
        .order_by(RefusalRow.id)
    )
    return [Refusal(row.address or "(no member)", row.words, row.at) for row in rows]


def waiting(tx: Tx, mailing_id: int) -> list[Waiting]:
    """Who of this mailing waits for another attempt, those who are due first in front."""
    rows = tx.execute(
        select(
            BatchRow.members, BatchRow.progress, BatchRow.address, BatchRow.attempts,
            BatchRow.words, BatchRow.due, _UNDECIDED.label("left"),
        )
        .where(BatchRow.mailing_id == mailing_id, _DEFERRED)
        .order_by(BatchRow.due, BatchRow.id)
    )  # fmt: skip
    return [
        Waiting(row.left, _addresses(tx, row), row.attempts, row.words, row.due)
        for row in rows.all()
    ]


def _addresses(tx: Tx, row: Row[*tuple[Any, ...]]) -> tuple[str, ...]:
    if row.address is not None:
        return (row.address,)
    members = unpack_members(row.members)
    done = unpack_progress(row.progress, len(members))
    left = [member for member, finished in zip(members, done, strict=True) if not finished]
    query = select(MemberRow.address).where(MemberRow.id.in_(left[:_NAMED]))
    return tuple(tx.execute(query.order_by(MemberRow.id)).scalars())


def _select() -> Select[*tuple[Any, ...]]:
    # A batch that ended handed its deferred recipients on to a new one: each counts there.
    waits = case((BatchRow.state == BatchState.DONE, 0), else_=1)
    is_active = MailingRow.state == MailingState.ACTIVE
    is_paused = MailingRow.state == MailingState.PAUSED
    recipient = or_(QuarantineRow.member_id != 0, QuarantineRow.address.is_not(None))
    set_aside = select(func.count()).where(QuarantineRow.mailing_id == MailingRow.id, recipient)
    return (
        select(
            MailingRow.id,
            MailingRow.list_id,
            ListRow.name,
            ListRow.domain,
            MailingRow.kind,
            MailingRow.subject,
            MailingRow.state,
            MailingRow.created,
            MailingRow.finished,
            MailingRow.expanded,
            func.coalesce(func.sum(_SETTLED + waits * _UNDECIDED), 0).label("recipients"),
            func.coalesce(func.sum(BatchRow.delivered), 0).label("delivered"),
            func.coalesce(func.sum(case((_DEFERRED, _UNDECIDED))), 0).label("deferred"),
            func.coalesce(func.sum(BatchRow.failed), 0).label("failed"),
            func.coalesce(func.sum(BatchRow.skipped), 0).label("skipped"),
            set_aside.scalar_subquery().label("set_aside"),
            case(
                (is_active, func.min(case((_READY, BatchRow.due)))), (is_paused, MailingRow.resume)
            ).label("next_attempt"),
            case(
                (is_paused, MailingRow.words), else_=func.max(case((_READY, BatchRow.words)))
            ).label("words"),
        )
        .join(ListRow, ListRow.id == MailingRow.list_id, isouter=True)
        .join(BatchRow, BatchRow.mailing_id == MailingRow.id, isouter=True)
        .group_by(MailingRow.id, ListRow.name, ListRow.domain)
        .order_by(MailingRow.id)
    )


def _row(row: Row[*tuple[Any, ...]]) -> QueueRow:
    return QueueRow(
        id=row.id,
        list_id=row.list_id,
        list_address=f"{row.name}@{row.domain}" if row.name else None,
        kind=Kind(row.kind),
        subject=row.subject,
        state=MailingState(row.state),
        created=row.created,
        finished=row.finished,
        expanded=row.expanded,
        recipients=int(row.recipients) + row.set_aside,
        delivered=int(row.delivered),
        deferred=int(row.deferred),
        failed=int(row.failed),
        skipped=int(row.skipped),
        set_aside=row.set_aside,
        next_attempt=row.next_attempt,
        words=row.words or "",
    )
