"""What mailings met at whole domains, and what of it counts against nobody (policy/bounces.py)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, select, update

from listserv.domain.members import MemberState
from listserv.policy.bounce_kind import BounceKind
from listserv.policy.bounces import Excuse
from listserv.store.bounces import BounceState
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import BounceRow, ExcusedRow, ListRow, MemberRow

# In place of a domain: what is excused is about none of them.
EVERYWHERE = ""


@dataclass(frozen=True, slots=True)
class Met:
    """What a mailing met at a domain, or at several: who was refused, who of them for our mail's
    sake; and whether they are excused already."""

    refused: int
    by_policy: int
    excused: Excuse | None
    domains: int = 1


def met(tx: Tx, mailing_id: int, domain: str) -> Met:
    """What a mailing met at a domain."""
    counts = dict(_BY_KIND.run(tx, mailing=mailing_id, at=domain).fetchall())
    excused = _EXCUSED.first(tx, mailing=mailing_id, at=domain)
    return Met(
        sum(counts.values()),
        counts.get(BounceKind.POLICY, 0),
        Excuse(excused.why) if excused is not None else None,
    )


_THERE = BounceRow.mailing_id == bindparam("mailing"), BounceRow.domain == bindparam("at")
_BY_KIND = Quick(select(BounceRow.kind, func.count()).where(*_THERE).group_by(BounceRow.kind))
_EXCUSED = Quick(
    select(ExcusedRow.why)
    .where(ExcusedRow.mailing_id == bindparam("mailing"))
    .where(ExcusedRow.domain == bindparam("at"))
)


def met_everywhere(tx: Tx, mailing_id: int) -> Met:
    """The same of all domains: of those who were refused for our mail's sake."""
    count = select(func.count(), func.count(BounceRow.domain.distinct()))
    number, domains = tx.execute(count.where(*_at(mailing_id, EVERYWHERE))).one()
    excused = _EXCUSED.first(tx, mailing=mailing_id, at=EVERYWHERE)
    return Met(number, number, Excuse(excused.why) if excused is not None else None, domains)


def words(tx: Tx, mailing_id: int, domain: str, why: Excuse) -> str:
    """In what words a domain refused a mailing, as far as they are the reason."""
    said = select(BounceRow.words).where(*_at(mailing_id, domain)).order_by(BounceRow.id).limit(1)
    if why is Excuse.OURS:
        said = said.where(BounceRow.kind == BounceKind.POLICY)
    return tx.execute(said).scalar_one()


def _at(mailing_id: int, domain: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What a mailing met at a domain; EVERYWHERE what was for our mail's sake."""
    everywhere = domain == EVERYWHERE
    there = BounceRow.kind == BounceKind.POLICY if everywhere else BounceRow.domain == domain
    return BounceRow.mailing_id == mailing_id, there


def members_at(tx: Tx, list_id: int, domain: str, limit: int) -> int:
    """How many active members a list has at a domain, or EVERYWHERE, counted up to `limit`."""
    active = MemberRow.list_id == list_id, MemberRow.state == MemberState.ACTIVE
    there = select(MemberRow.id).where(*active).limit(limit)
    if domain != EVERYWHERE:
        there = there.where(MemberRow.domain == domain)
    return tx.execute(select(func.count()).select_from(there.subquery())).scalar_one()


def excuse(
    tx: Tx,
    list_id: int,
    mailing_id: int,
    domain: str,
    why: Excuse,
    refused: int,
    words: str,
    now: datetime,
) -> set[int]:
    """What a mailing met at a domain counts against nobody, from now on either; returns the members
    against whom it did."""
    row = {"why": why, "members": refused, "words": words, "told": False}
    key = ExcusedRow.mailing_id == mailing_id, ExcusedRow.domain == domain
    if not tx.execute(update(ExcusedRow).where(*key).values(**row)).rowcount:
        tx.execute(
            insert(ExcusedRow).values(
                mailing_id=mailing_id, domain=domain, list_id=list_id, at=now, **row
            )
        )
    scored = (
        update(BounceRow)
        .where(*_at(mailing_id, domain), BounceRow.state == BounceState.COUNTS)
        .values(state=BounceState.EXCUSED)
        .returning(BounceRow.member_id)
    )
    return set(tx.execute(scored).scalars())


def count(tx: Tx, mailing_id: int, domain: str, refused: int) -> None:
    """Say how many are refused by now, of those who are excused already."""
    key = ExcusedRow.mailing_id == mailing_id, ExcusedRow.domain == domain
    tx.execute(update(ExcusedRow).where(*key).values(members=refused))


@dataclass(frozen=True, slots=True)
class Alarm:
    """A domain of which `members`, so far, are not scored for a mailing of the list with this
    address."""

    list: str
    domain: str
    why: Excuse
    members: int
    words: str
    at: datetime


def alarms(tx: Tx, since: datetime) -> list[Alarm]:
    """Which domains refused mailings so that their members are excused, the latest first."""
    rows = tx.execute(_ALARMS.where(ExcusedRow.at >= since).order_by(ExcusedRow.at.desc()))
    return [_alarm(row) for row in rows]


def untold_alarms(tx: Tx) -> dict[str, list[Alarm]]:
    """Those of which the operator does not know, by the domain of the lists."""
    found: dict[str, list[Alarm]] = {}
    for row in tx.execute(_ALARMS.where(~ExcusedRow.told).order_by(ExcusedRow.at)):
        found.setdefault(row.of, []).append(_alarm(row))
    return found


def told_alarms(tx: Tx, domain: str) -> None:
    """The operator knows of all of a domain's lists."""
    there = ExcusedRow.list_id.in_(select(ListRow.id).where(ListRow.domain == domain))
    tx.execute(update(ExcusedRow).where(~ExcusedRow.told, there).values(told=True))


_ALARMS = select(
    ListRow.name, ListRow.domain.label("of"), ExcusedRow.domain, ExcusedRow.why,
    ExcusedRow.members, ExcusedRow.words, ExcusedRow.at,
).join(ListRow, ListRow.id == ExcusedRow.list_id)  # fmt: skip


def _alarm(row: Any) -> Alarm:
    address = f"{row.name}@{row.of}"
    return Alarm(address, row.domain, Excuse(row.why), row.members, row.words, row.at)
