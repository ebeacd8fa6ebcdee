"""The queue as a person sees it: `listserv queue ls|show`, `status`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, func, select

from listserv.domain.errors import ListservError
from listserv.domain.mailing import BatchState, Kind, MailingState
from listserv.store.session import Tx
from listserv.store.tables import BatchRow, ListRow, MailingRow, MemberRow, RefusalRow

_ENDED = [MailingState.DONE, MailingState.DROPPED]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A mailing and what became of its recipients so far. `recipients` counts those that are
    written already; `deferred` those that were tried and wait; `words` is why, in the relay's
    words."""

    id: int
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
    next_attempt: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One recipient refused for good."""

    address: str
    words: str
    at: datetime


def mailings(tx: Tx, *, ended: bool = False) -> list[QueueRow]:
    """What is in the queue, in the order it came; with `ended` also what is done or dropped."""
    query = _select()
    if not ended:
        query = query.where(MailingRow.state.not_in(_ENDED))
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


def _select() -> Select[*tuple[Any, ...]]:
    ready = BatchRow.state == BatchState.READY
    # A batch that ended handed its deferred recipients on to a new one: each counts there.
    waits = case((BatchRow.state == BatchState.DONE, 0), else_=1)
    undecided = BatchRow.total - BatchRow.delivered - BatchRow.failed - BatchRow.skipped
    settled = BatchRow.delivered + BatchRow.failed + BatchRow.skipped
    return (
        select(
            MailingRow.id,
            ListRow.name,
            ListRow.domain,
            MailingRow.kind,
            MailingRow.subject,
            MailingRow.state,
            MailingRow.created,
            MailingRow.finished,
            MailingRow.expanded,
            func.coalesce(func.sum(settled + waits * undecided), 0).label("recipients"),
            func.coalesce(func.sum(BatchRow.delivered), 0).label("delivered"),
            func.coalesce(
                func.sum(case((BatchRow.attempts > 0, waits * undecided), else_=0)), 0
            ).label("deferred"),
            func.coalesce(func.sum(BatchRow.failed), 0).label("failed"),
            func.coalesce(func.sum(BatchRow.skipped), 0).label("skipped"),
            func.min(case((ready, BatchRow.due))).label("next_attempt"),
            func.max(BatchRow.words).label("words"),
        )
        .join(ListRow, ListRow.id == MailingRow.list_id, isouter=True)
        .join(BatchRow, BatchRow.mailing_id == MailingRow.id, isouter=True)
        .group_by(MailingRow.id, ListRow.name, ListRow.domain)
        .order_by(MailingRow.id)
    )


def _row(row: Row[*tuple[Any, ...]]) -> QueueRow:
    return QueueRow(
        id=row.id,
        list_address=f"{row.name}@{row.domain}" if row.name else None,
        kind=Kind(row.kind),
        subject=row.subject,
        state=MailingState(row.state),
        created=row.created,
        finished=row.finished,
        expanded=row.expanded,
        recipients=int(row.recipients),
        delivered=int(row.delivered),
        deferred=int(row.deferred),
        failed=int(row.failed),
        skipped=int(row.skipped),
        next_attempt=row.next_attempt,
        words=row.words or "",
    )
