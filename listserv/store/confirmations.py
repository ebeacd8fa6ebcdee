"""Questions that were mailed to somebody, and whether they were answered with yes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, select, update

from listserv.policy.confirming import Unanswered
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import ConfirmationRow

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One question. `kind` is a row of KINDS in flow/confirm.py and knows what `data` means;
    `address` is where it was mailed, of the member `member_id` if it is one's; `confirmed` is when
    the first yes came; `replies` counts the answers that we wrote to it. `mailbox` and `asker` are
    "" where nobody counts; else whose mailbox was asked, on whose account."""

    token: str
    kind: str
    list_id: int | None
    member_id: int | None
    address: str
    data: Mapping[str, Any]
    created: datetime
    expires: datetime
    confirmed: datetime | None
    replies: int
    mailbox: str = ""
    asker: str = ""


def add(tx: Tx, new: Confirmation) -> None:
    """Store a question before it is mailed."""
    _ADD.run(
        tx,
        token=new.token,
        kind=new.kind,
        list_id=new.list_id,
        member_id=new.member_id,
        address=new.address,
        data=dict(new.data),
        created=new.created,
        expires=new.expires,
        confirmed=new.confirmed,
        replies=new.replies,
        mailbox=new.mailbox or None,
        asker=new.asker or None,
    )


def find(tx: Tx, token: str) -> Confirmation | None:
    """The question with this token, answered, expired or open."""
    row = tx.execute(_SELECT.where(ConfirmationRow.token == token)).one_or_none()
    return None if row is None else Confirmation(*row)


def unanswered(tx: Tx, mailbox: str, asker: str, now: datetime) -> Unanswered:
    """The questions that wait, of those that have a `mailbox`."""

    def since(age: timedelta, *where: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(ConfirmationRow)
        still = ConfirmationRow.confirmed.is_(None), ConfirmationRow.mailbox.is_not(None)
        return tx.execute(
            query.where(*still, ConfirmationRow.created > now - age, *where)
        ).scalar_one()

    theirs = ConfirmationRow.mailbox == mailbox
    return Unanswered(
        since(_DAY, theirs),
        since(30 * _DAY, theirs),
        since(_DAY, ConfirmationRow.asker == asker),
        since(_HOUR),
    )


def made_at(tx: Tx, mailbox: str, asker: str, now: datetime) -> list[Confirmation]:
    """The questions to a mailbox that somebody has caused at this moment: in one mail."""
    row = ConfirmationRow
    rows = tx.execute(_SELECT.where(row.mailbox == mailbox, row.created == now, row.asker == asker))
    return [Confirmation(*row) for row in rows]


def replace_data(tx: Tx, question: Confirmation, data: Mapping[str, Any]) -> None:
    """Say anew what a question is about."""
    _changed(tx, ConfirmationRow.token == question.token, data=dict(data))


def withdraw(tx: Tx, token: str, now: datetime) -> bool:
    """Let a question that is open expire now."""
    row = ConfirmationRow
    return _changed(tx, row.token == token, row.confirmed.is_(None), expires=now)


def confirm(tx: Tx, token: str, now: datetime) -> bool:
    """Note the yes; True the first time only."""
    return _changed(
        tx, ConfirmationRow.token == token, ConfirmationRow.confirmed.is_(None), confirmed=now
    )


def open_of(tx: Tx, kind: str, member_id: int) -> Confirmation | None:
    """The latest question of a kind to a member that is not answered, expired or not."""
    found = _OPEN.first(tx, wanted=member_id, of_kind=kind)
    return None if found is None else Confirmation(*found)


def settle(tx: Tx, kind: str, member_id: int, now: datetime) -> None:
    """Count the questions of a kind to a member as answered."""
    row = ConfirmationRow
    _changed(
        tx, row.member_id == member_id, row.kind == kind, row.confirmed.is_(None), confirmed=now
    )


def lapsed(tx: Tx, kind: str, now: datetime, after: str = "") -> str | None:
    """The token of a question of a kind that nobody has answered in time, in the order of tokens,
    which says nothing."""
    row = ConfirmationRow
    query = select(row.token).where(row.expires <= now, row.confirmed.is_(None), row.kind == kind)
    return tx.execute(query.where(row.token > after).order_by(row.token).limit(1)).scalar()


def may_reply(tx: Tx, token: str, at_most: int) -> bool:
    """Count one more answer of ours; False when there were enough."""
    return _changed(
        tx, ConfirmationRow.token == token, ConfirmationRow.replies < at_most,
        replies=ConfirmationRow.replies + 1,
    )  # fmt: skip


def _changed(tx: Tx, *where: Any, **values: Any) -> bool:
    return bool(tx.execute(update(ConfirmationRow).where(*where).values(**values)).rowcount)


_SELECT = select(
    ConfirmationRow.token, ConfirmationRow.kind, ConfirmationRow.list_id,
    ConfirmationRow.member_id, ConfirmationRow.address, ConfirmationRow.data,
    ConfirmationRow.created, ConfirmationRow.expires, ConfirmationRow.confirmed,
    ConfirmationRow.replies, func.coalesce(ConfirmationRow.mailbox, ""),
    func.coalesce(ConfirmationRow.asker, ""),
)  # fmt: skip
# Asked for everybody who leaves.
_OPEN = Quick(
    _SELECT.where(
        ConfirmationRow.member_id == bindparam("wanted"),
        ConfirmationRow.kind == bindparam("of_kind"),
        ConfirmationRow.confirmed.is_(None),
    )
    .order_by(ConfirmationRow.created.desc())
    .limit(1)
)
_ADD = Quick(
    insert(ConfirmationRow).values(
        {column.key: bindparam(column.key) for column in ConfirmationRow.__table__.columns}
    )
)
