"""What came back of our mail. Reports come into an inbox (`add`, state new) and are weighed later,
some hundreds in one transaction; what counts then, against whom, is in policy/bounces.py."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    Date,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from listserv.domain.mailing import Kind
from listserv.domain.members import MemberState
from listserv.domain.tokens import MAILING_BITS
from listserv.policy.bounce_kind import BounceKind
from listserv.policy.bounces import Refused
from listserv.store.queue import pack_members
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import (
    BatchRow,
    BounceRow,
    Instant,
    MailingRow,
    MemberRow,
    ProbeRow,
    RefusalRow,
)


class BounceState(StrEnum):
    NEW = "new"
    COUNTS = "counts"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True)
class Sent:
    """The mailing that a return path names."""

    id: int
    kind: Kind
    created: datetime


# A token has the lowest bits of a mailing's number. So many mailings that share them are looked at,
# the latest first; those that ended two weeks ago are gone.
_ROUNDS = 8


def mailing(tx: Tx, low: int, list_id: int, member: int) -> Sent | None:
    """The latest mailing of a list with these lowest bits that can have gone to this member (0: to
    several at once, or to nobody who is one)."""
    (last,) = _LAST_MAILING.run(tx).fetchone()
    if last is None:
        return None
    latest = last - (last - low) % (1 << MAILING_BITS)
    numbers = {f"n{again}": latest - (again << MAILING_BITS) for again in range(_ROUNDS)}
    for row in _MAILINGS.rows(tx, on=list_id, **numbers):
        sent = Sent(row.id, Kind(row.kind), row.created)
        if sent.kind is not Kind.NOTICE or not member or recipients(tx, sent.id, [member]):
            return sent
    return None


_LAST_MAILING = Quick(select(func.max(MailingRow.id)))
_MAILINGS = Quick(
    select(MailingRow.id, MailingRow.kind, MailingRow.created)
    .where(or_(*(MailingRow.id == bindparam(f"n{again}") for again in range(_ROUNDS))))
    .where(MailingRow.list_id == bindparam("on"))
    .order_by(MailingRow.id.desc())
)


def recipients(tx: Tx, mailing_id: int, members: Collection[int]) -> set[int]:
    """Those of these members for whom a mailing was written."""
    packed = {member: pack_members([member]) for member in members}
    if not packed:
        return set()
    pages = tx.execute(select(BatchRow.members).where(BatchRow.mailing_id == mailing_id))
    found: set[int] = set()
    for page in pages.scalars():
        found |= {member for member, one in packed.items() if _holds(page, one)}
    return found


def _holds(page: bytes, packed: bytes) -> bool:
    at = page.find(packed)
    while at >= 0 and at % len(packed):
        at = page.find(packed, at + 1)
    return at >= 0


def bounces_from(tx: Tx, member_id: int) -> datetime | None:
    """What was sent to a member before is not about their address as it is now."""
    row = _BOUNCES_FROM.first(tx, wanted=member_id)
    since: datetime | None = row.bounces_from if row is not None else None
    return since


_BOUNCES_FROM = Quick(select(MemberRow.bounces_from).where(MemberRow.id == bindparam("wanted")))


def add(
    tx: Tx,
    *,
    list_id: int,
    member: int,
    mailing_id: int,
    domain: str,
    kind: BounceKind,
    words: str,
    now: datetime,
    day: date,
) -> None:
    """A mail did not reach a member of this domain. Reported again, it changes nothing; the more
    certain kind counts."""
    _ADD.run(
        tx, list_id=list_id, member=member, mailing=mailing_id, domain=domain, kind=kind.value,
        words=words, at=now, day=day,
    )  # fmt: skip


# By how much they say: that nobody is there, that our mail is not wanted, that it is not now.
_RANK = " ".join(
    ["CASE {0}.kind"]
    + [f"WHEN '{kind}' THEN {at}" for at, kind in enumerate(("soft", "policy", "hard"))]
    + ["END"]
)
_ADD = Quick(
    text(
        "INSERT INTO bounce"  # noqa: S608
        " (list_id, member_id, mailing_id, domain, kind, words, at, day, state)"
        " VALUES (:list_id, :member, :mailing, :domain, :kind, :words, :at, :day, 'new')"
        " ON CONFLICT (member_id, mailing_id) DO UPDATE"
        " SET kind = excluded.kind, words = excluded.words, state = 'new'"
        f" WHERE {_RANK.format('excluded')} > {_RANK.format('bounce')}"
    ).bindparams(bindparam("at", type_=Instant()), bindparam("day", type_=Date()))
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The relay did not take a mail to a member, for good, or for so long that it was given up."""

    member: int
    domain: str
    mailing: int
    words: str
    at: datetime


def next_list(tx: Tx, after: int = 0) -> int | None:
    """The first list, by number above `after`, of which something is to be weighed."""
    reported = select(func.min(BounceRow.list_id)).where(_IS_NEW, BounceRow.list_id > after)
    refused = select(func.min(MailingRow.list_id)).where(
        _NOT_WEIGHED,
        MailingRow.id == RefusalRow.mailing_id,
        MailingRow.list_id > after,
    )
    both = tx.execute(select(reported.scalar_subquery(), refused.scalar_subquery())).one()
    return min((one for one in both if one is not None), default=None)


# As the indexes say it.
_IS_NEW = text("bounce.state = 'new'")
_NOT_WEIGHED = text("NOT refusal.weighed")


def take_refusals(tx: Tx, list_id: int, limit: int) -> list[Refusal]:
    """Up to `limit` refusals of mail of a list that are not weighed; they are from now on. What was
    sent to an address that its member has given up, or before they were given another chance, is
    not among them."""
    query = (
        select(
            RefusalRow.id, RefusalRow.member_id, RefusalRow.mailing_id, RefusalRow.words,
            RefusalRow.at, MemberRow.domain, MemberRow.bounces_from,
        )
        .join(MailingRow, MailingRow.id == RefusalRow.mailing_id)
        .join(MemberRow, MemberRow.id == RefusalRow.member_id)
        .where(_NOT_WEIGHED, MailingRow.list_id == list_id)
        .order_by(RefusalRow.id)
        .limit(limit)
    )  # fmt: skip
    rows = tx.execute(query).all()
    weighed = update(RefusalRow).where(RefusalRow.id.in_([row.id for row in rows]))
    tx.execute(weighed.values(weighed=True))
    return [
        Refusal(row.member_id, row.domain, row.mailing_id, row.words, row.at)
        for row in rows
        if row.bounces_from is None or row.at >= row.bounces_from
    ]


@dataclass(frozen=True, slots=True)
class New:
    """A bounce that is to be weighed; `about` are the mailing and the domain."""

    id: int
    member: int
    kind: BounceKind
    about: tuple[int, str]


def new(tx: Tx, list_id: int, limit: int) -> list[New]:
    """Up to `limit` bounces of a list that are to be weighed, in the order they came. What is
    reported of them meanwhile waits, and makes them new again."""
    query = (
        select(
            BounceRow.id, BounceRow.member_id, BounceRow.kind, BounceRow.mailing_id,
            BounceRow.domain,
        )
        .where(_IS_NEW, BounceRow.list_id == list_id)
        .order_by(BounceRow.id)
        .limit(limit)
        .with_for_update()
    )  # fmt: skip
    return [
        New(row.id, row.member_id, BounceKind(row.kind), (row.mailing_id, row.domain))
        for row in tx.execute(query)
    ]


def settle(tx: Tx, numbers: Sequence[int], state: BounceState) -> None:
    """Say of these bounces (at most a page) whether they count."""
    tx.execute(update(BounceRow).where(BounceRow.id.in_(numbers)).values(state=state))


def refused(tx: Tx, members: Collection[int]) -> dict[int, set[Refused]]:
    """What counts against these members (at most a page) of what came back, by member number."""
    query = (
        select(BounceRow.member_id, BounceRow.day, BounceRow.kind)
        .join(MemberRow, MemberRow.id == BounceRow.member_id)
        .where(BounceRow.member_id.in_(members), BounceRow.state == BounceState.COUNTS)
        .where(or_(MemberRow.bounces_from.is_(None), BounceRow.at > MemberRow.bounces_from))
        .distinct()
    )
    found: dict[int, set[Refused]] = {member: set() for member in members}
    for member, day, kind in tx.execute(query):
        found[member].add(Refused(day, BounceKind(kind)))
    return found


def probes(tx: Tx, members: Collection[int]) -> dict[int, list[tuple[datetime, BounceKind | None]]]:
    """When these members (at most a page) were probed, and how that was refused."""
    back = and_(
        BounceRow.member_id == ProbeRow.member_id,
        BounceRow.mailing_id == ProbeRow.mailing_id,
        BounceRow.state == BounceState.COUNTS,
    )
    query = (
        select(ProbeRow.member_id, ProbeRow.at, BounceRow.kind)
        .join(MemberRow, MemberRow.id == ProbeRow.member_id)
        .join(BounceRow, back, isouter=True)
        .where(ProbeRow.member_id.in_(members))
        .where(or_(MemberRow.bounces_from.is_(None), ProbeRow.at > MemberRow.bounces_from))
    )
    found: dict[int, list[tuple[datetime, BounceKind | None]]] = {m: [] for m in members}
    for member, at, kind in tx.execute(query):
        found[member].append((at, BounceKind(kind) if kind is not None else None))
    return found


def add_probe(tx: Tx, member: int, mailing_id: int, now: datetime) -> None:
    """A mailing is a probe of this member."""
    _ADD_PROBE.run(tx, mailing=mailing_id, member=member, now=now)


_ADD_PROBE = Quick(
    insert(ProbeRow).values(
        {
            "mailing_id": bindparam("mailing"),
            "member_id": bindparam("member"),
            "at": bindparam("now"),
        }
    )
)


def last_words(tx: Tx, member: int) -> str:
    """In what words mail to a member was refused last."""
    query = select(BounceRow.words).where(BounceRow.member_id == member)
    last = query.order_by(BounceRow.at.desc(), BounceRow.id.desc()).limit(1)
    return tx.execute(last).scalar_one_or_none() or ""


def concerned(tx: Tx, list_id: int, after: int, limit: int) -> list[int]:
    """Members of a list, by number above `after`, of whom something counts or who are suspended."""
    bounced = select(BounceRow.member_id.label("id")).where(
        BounceRow.list_id == list_id,
        BounceRow.member_id > after,
        BounceRow.state == BounceState.COUNTS,
    )
    suspended = select(MemberRow.id).where(
        MemberRow.list_id == list_id,
        MemberRow.state == MemberState.SUSPENDED,
        MemberRow.id > after,
    )
    both = bounced.union(suspended).subquery()
    return list(tx.execute(select(both.c.id).order_by(both.c.id).limit(limit)).scalars())


def last_reported(tx: Tx, members: Collection[int]) -> Mapping[int, datetime]:
    """When mail to these members (at most a page) came back last, by member number."""
    last = select(BounceRow.member_id, func.max(BounceRow.at)).group_by(BounceRow.member_id)
    rows = tx.execute(last.where(BounceRow.member_id.in_(members)))
    return {member: at for member, at in rows}


def is_waiting(tx: Tx) -> bool:
    """Whether anything is to be weighed."""
    found = _WAITING.run(tx).fetchone()
    return any(map(bool, found))


_WAITING = Quick(
    select(
        exists().select_from(BounceRow).where(_IS_NEW),
        exists().select_from(RefusalRow).where(_NOT_WEIGHED),
    )
)
