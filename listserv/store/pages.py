"""Pages: the recipients of a mailing become batches, some thousand at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from listserv.domain.mailing import MailingState, Mode
from listserv.domain.members import Delivery, MemberState
from listserv.store.queue import add_batches, close_if_done
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import NOT_EXPANDED, MailingRow, MemberRow, PostRow, microseconds

# Recipients in a batch: a million members are 2,000 rows.
BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class Unexpanded:
    """A mailing whose recipients are not all written yet; `number` is its post's."""

    id: int
    list_id: int
    lane: int
    created: datetime
    expanded_to: int
    ordinals: int
    size: int
    number: int | None


_unexpanded = (
    select(
        MailingRow.id, MailingRow.list_id, MailingRow.lane, MailingRow.created,
        MailingRow.expanded_to, MailingRow.ordinals, PostRow.size, PostRow.number,
    )
    .join(PostRow, PostRow.id == MailingRow.post_id, isouter=True)
    .where(NOT_EXPANDED, MailingRow.state == MailingState.ACTIVE)
    .order_by(MailingRow.lane, MailingRow.ordinals, MailingRow.id)
    .limit(literal_column("1"))
)  # fmt: skip
_UNEXPANDED = Quick(_unexpanded)
_UNEXPANDED_NEW = Quick(_unexpanded.where(MailingRow.expanded_to == 0))


def unexpanded(tx: Tx, *, new: bool) -> Unexpanded | None:
    """The mailing whose recipients are to be written next; with `new` only one that has none."""
    row = (_UNEXPANDED_NEW if new else _UNEXPANDED).first(tx)
    if row is None or row.list_id is None:
        return None
    return Unexpanded(
        row.id, row.list_id, row.lane, row.created, row.expanded_to, row.ordinals, row.size or 0,
        row.number,
    )  # fmt: skip


def roster_page(tx: Tx, mailing: Unexpanded, limit: int) -> tuple[Sequence[int], bool]:
    """The next member numbers, ascending, of those to whom a mailing's post may go and who were
    members when it was made; and whether they are the last. Somewhat more than `limit`, where
    members have begun to read digests since."""
    after, by = mailing.expanded_to, microseconds(mailing.created)
    rows = _ROSTER.run(tx, of=mailing.list_id, after=after, by=by, most=limit).fetchall()
    page, last = [number for (number,) in rows], len(rows) < limit
    late = _LATE.run(tx, of=mailing.list_id, after=after, by=by, accepted=mailing.number or 0)
    switched = [number for (number,) in late.fetchall() if last or number <= page[-1]]
    return sorted(page + switched) if switched else page, last


def _reading(list_id: int | BindParameter[int], what: Select[int]) -> Select[int]:
    return what.where(
        MemberRow.list_id == list_id,
        MemberRow.state == MemberState.ACTIVE,
        MemberRow.delivery == Delivery.MAIL,
    )


_ROSTER = Quick(
    _reading(bindparam("of"), select(MemberRow.id))
    .where(MemberRow.id > bindparam("after"))
    .where(MemberRow.joined <= bindparam("by", type_=BigInteger()))
    .order_by(MemberRow.id)
    .limit(bindparam("most"))
)
_LATE = Quick(
    select(MemberRow.id)
    .where(MemberRow.list_id == bindparam("of"), MemberRow.digest_from >= bindparam("accepted"))
    .where(MemberRow.digest_from.is_not(None), MemberRow.delivery == Delivery.DIGEST)
    .where(MemberRow.state == MemberState.ACTIVE, MemberRow.id > bindparam("after"))
    .where(MemberRow.joined <= bindparam("by", type_=BigInteger()))
)


def readers(tx: Tx, list_id: int) -> int:
    """How many get each post by mail."""
    # All of it stands in one index: of a long list no row is read.
    return tx.execute(_reading(list_id, select(func.count()))).scalar_one()


def set_mode(tx: Tx, mailing_id: int, mode: Mode) -> None:
    """How a mailing's copies go out."""
    tx.execute(update(MailingRow).where(MailingRow.id == mailing_id).values(mode=mode))


def batches(members: Sequence[int]) -> list[Sequence[int]]:
    """The members of each batch."""
    return [members[at : at + BATCH_SIZE] for at in range(0, len(members), BATCH_SIZE)]


def write_page(
    tx: Tx, mailing: Unexpanded, members: Sequence[int], *, last: bool, now: datetime
) -> bool:
    """Write the batches of one page of the roster (member numbers, ascending). False when another
    worker wrote that page already: then nothing is written."""
    groups = batches(members)
    mine = _EXPAND.run(
        tx,
        mailing=mailing.id,
        was=mailing.expanded_to,
        last=last,
        now=members[-1] if members else mailing.expanded_to,
        next=mailing.ordinals + len(groups),
    ).rowcount
    if mine:
        add_batches(tx, mailing.id, mailing.lane, mailing.ordinals, groups, now)
        if last:
            close_if_done(tx, mailing.id, now)
    return bool(mine)


_EXPAND = Quick(
    update(MailingRow)
    .where(MailingRow.id == bindparam("mailing"), MailingRow.expanded_to == bindparam("was"))
    .where(~MailingRow.expanded)
    .values(expanded=bindparam("last"), expanded_to=bindparam("now"), ordinals=bindparam("next"))
)
