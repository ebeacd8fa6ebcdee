"""What was set aside because delivery crashed over it again and again, until a person looks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, func, insert, select, update

from listserv.domain.errors import ListservError
from listserv.domain.mailing import BatchState, Kind, Lease
from listserv.store.session import Tx
from listserv.store.tables import BatchRow, ListRow, MailingRow, MemberRow, QuarantineRow


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One row of `listserv quarantine ls`. `recipient` is the address, None when a whole mailing
    was set aside: then `member` is 0 and `address` None too. Of a member only the number is kept,
    of somebody else only the `address`."""

    id: int
    mailing_id: int
    member: int
    address: str | None
    list_id: int | None
    list_address: str | None
    kind: Kind
    subject: str
    recipient: str | None
    why: str
    at: datetime

    @property
    def is_mailing(self) -> bool:
        """Whether the whole mailing is set aside, and not one recipient of it."""
        return not self.member and self.address is None


def add_recipient(tx: Tx, held: Lease, at: int, why: str, now: datetime) -> None:
    """Set the recipient at this position of a batch aside. The batch does not count them any
    more."""
    _add(tx, held.mailing.id, held.members[at], held.address, why, now)
    tx.execute(
        update(BatchRow).where(BatchRow.id == held.batch_id).values(total=BatchRow.total - 1)
    )


def add_mailing(tx: Tx, mailing_id: int, why: str, now: datetime) -> None:
    """Set a mailing aside, once: its batches may crash in several workers."""
    there = exists().where(QuarantineRow.mailing_id == mailing_id, _IS_MAILING)
    if not tx.execute(select(there)).scalar_one():
        _add(tx, mailing_id, 0, None, why, now)


_IS_MAILING = (QuarantineRow.member_id == 0) & QuarantineRow.address.is_(None)


def _add(
    tx: Tx, mailing_id: int, member: int, address: str | None, why: str, now: datetime
) -> None:
    tx.execute(
        insert(QuarantineRow).values(
            mailing_id=mailing_id, member_id=member, address=address, why=why, at=now
        )
    )


def count(tx: Tx) -> int:
    """How many rows `ls` has."""
    return tx.execute(select(func.count()).select_from(QuarantineRow)).scalar_one()


def ls(tx: Tx, quarantine_id: int | None = None) -> list[Quarantined]:
    """All that is set aside, in the order it was; or the one of that id."""
    query = (
        select(
            QuarantineRow.id, QuarantineRow.mailing_id, QuarantineRow.member_id,
            QuarantineRow.address, QuarantineRow.why, QuarantineRow.at, MailingRow.list_id,
            MailingRow.kind, MailingRow.subject, ListRow.name, ListRow.domain,
            MemberRow.address.label("member_address"),
        )
        .join(MailingRow, MailingRow.id == QuarantineRow.mailing_id)
        .join(ListRow, ListRow.id == MailingRow.list_id, isouter=True)
        .join(MemberRow, MemberRow.id == QuarantineRow.member_id, isouter=True)
        .order_by(QuarantineRow.id)
    )  # fmt: skip
    if quarantine_id is not None:
        query = query.where(QuarantineRow.id == quarantine_id)
    return [
        Quarantined(
            id=row.id,
            mailing_id=row.mailing_id,
            member=row.member_id,
            address=row.address,
            list_id=row.list_id,
            list_address=f"{row.name}@{row.domain}" if row.name else None,
            kind=Kind(row.kind),
            subject=row.subject,
            recipient=row.address or row.member_address,
            why=row.why,
            at=row.at,
        )
        for row in tx.execute(query)
    ]


def get(tx: Tx, quarantine_id: int) -> Quarantined:
    """One that is set aside."""
    found = ls(tx, quarantine_id)
    if not found:
        raise ListservError(
            f"nothing with the id {quarantine_id} is set aside; see `listserv quarantine ls`"
        )
    return found[0]


def remove(tx: Tx, quarantine_id: int) -> None:
    """It was looked at: it is not set aside any more."""
    tx.execute(delete(QuarantineRow).where(QuarantineRow.id == quarantine_id))


def forget(tx: Tx, mailing_id: int) -> None:
    """Nothing of a mailing is set aside any more: it was given up."""
    tx.execute(delete(QuarantineRow).where(QuarantineRow.mailing_id == mailing_id))


def forgive(tx: Tx, mailing_id: int) -> None:
    """A mailing gets another chance: it is not set aside any more, the crashes of its batches do
    not count. Its recipients that are set aside stay so."""
    tx.execute(delete(QuarantineRow).where(QuarantineRow.mailing_id == mailing_id, _IS_MAILING))
    tx.execute(
        update(BatchRow)
        .where(BatchRow.mailing_id == mailing_id, BatchRow.state == BatchState.READY)
        .values(crashes=0, poisoned=False)
    )
