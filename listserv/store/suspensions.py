"""Members whose mail is stopped, because it comes back or because it was complained about."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from listserv.domain.members import Delivery, Member, MemberState
from listserv.store.members import LOOK_NOW
from listserv.store.session import Tx
from listserv.store.tables import ListRow, MemberRow, SuspensionRow

# So many numbers stand in one IN: SQLite allows 32,766 variables in a statement.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why and since when a member is suspended; `words` are of whoever did not take their mail."""

    member: int
    why: str
    words: str
    at: datetime


def suspend(tx: Tx, member: Member, why: str, words: str, now: datetime) -> None:
    """active → suspended: they get nothing from now on. `why` has at most 20 characters."""
    tx.execute(
        update(MemberRow)
        .where(MemberRow.id == member.id)
        .values(state=MemberState.SUSPENDED, owed_from=None, owed_to=None, digest_due=None)
    )
    _forget(tx, member.id)  # who joined again or came back by UNDO may have left a row
    tx.execute(
        insert(SuspensionRow).values(
            member_id=member.id, list_id=member.list_id, why=why, words=words, at=now, told=False
        )
    )


def resume(tx: Tx, member: Member, now: datetime) -> None:
    """suspended → active, as they were, for the posts that are accepted from now on; what came back
    until now counts no more."""
    number = select(ListRow.last_number).where(ListRow.id == member.list_id)
    last = tx.execute(number).scalar_one()
    _start(tx, member, {"cursor": last, "digest_from": last})
    begin_anew(tx, member.id, now)


def take_back(tx: Tx, member: Member) -> None:
    """suspended → active, as if it had not been: a digest has what came meanwhile, and what came
    back otherwise goes on counting."""
    _start(tx, member, {})


def _start(tx: Tx, member: Member, reading: Mapping[str, Any]) -> None:
    new: dict[str, Any] = {"state": MemberState.ACTIVE}
    if member.delivery is Delivery.DIGEST:
        new |= {**reading, "digest_due": LOOK_NOW}
    tx.execute(update(MemberRow).where(MemberRow.id == member.id).values(**new))
    _forget(tx, member.id)


def begin_anew(tx: Tx, member_id: int, now: datetime) -> None:
    """What came back of a member's mail until now counts no more."""
    tx.execute(update(MemberRow).where(MemberRow.id == member_id).values(bounces_from=now))


def _forget(tx: Tx, member_id: int) -> None:
    tx.execute(delete(SuspensionRow).where(SuspensionRow.member_id == member_id))


def of(tx: Tx, members: Collection[int]) -> dict[int, Suspension]:
    """Of those of these members, however many, of whom it is known why they are suspended."""
    numbers, found = sorted(members), {}
    for start in range(0, len(numbers), _AT_ONCE):
        some = SuspensionRow.member_id.in_(numbers[start : start + _AT_ONCE])
        found.update({row.member_id: _suspension(row) for row in tx.execute(_SELECT.where(some))})
    return found


def tell(tx: Tx, list_id: int, why: str) -> list[Suspension]:
    """Those of a list, for this reason, of which its owners do not know; they do from now on."""
    untold = SuspensionRow.list_id == list_id, SuspensionRow.why == why, ~SuspensionRow.told
    found = _STILL.where(*untold).order_by(SuspensionRow.at, SuspensionRow.member_id)
    told = [_suspension(row) for row in tx.execute(found)]
    tx.execute(update(SuspensionRow).where(*untold).values(told=True))
    return told


def next_untold(tx: Tx, why: str, after: int = 0) -> int | None:
    """The first list, by number above `after`, whose owners do not know of all of them."""
    untold = SuspensionRow.list_id > after, SuspensionRow.why == why, ~SuspensionRow.told
    query = _STILL.where(*untold).order_by(SuspensionRow.list_id).limit(1)
    return tx.execute(query.with_only_columns(SuspensionRow.list_id)).scalar_one_or_none()


_SELECT = select(
    SuspensionRow.member_id, SuspensionRow.why, SuspensionRow.words, SuspensionRow.at
)  # fmt: skip
# Who joined again, or left, may have a row all the same.
_STILL = _SELECT.join(MemberRow, MemberRow.id == SuspensionRow.member_id).where(
    MemberRow.state == MemberState.SUSPENDED
)


def _suspension(row: Any) -> Suspension:
    return Suspension(row.member_id, row.why, row.words, row.at)
