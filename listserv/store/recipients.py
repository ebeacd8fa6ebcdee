"""The state of a batch's members at the moment it is leased: who has left, paused or been banned
is skipped then, and who changed address gets it there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from listserv.domain.address import Address
from listserv.domain.members import Delivery, MemberState
from listserv.store import bans
from listserv.store.session import Tx
from listserv.store.tables import MemberRow


@dataclass(frozen=True, slots=True)
class Current:
    """A member as of now; `elsewhere`: an earlier list brings them the same post."""

    id: int
    address: Address
    state: MemberState
    delivery: Delivery
    own_posts: bool
    duplicates: bool
    banned: bool
    elsewhere: bool


def current(
    tx: Tx,
    list_id: int,
    members: Sequence[int],
    earlier: Sequence[tuple[int, datetime]],
    now: datetime,
) -> dict[int, Current]:
    """The members of these numbers that still exist. `earlier` are the (list, when accepted) of
    the same post elsewhere."""
    rows = tx.execute(
        select(
            MemberRow.id, MemberRow.address, MemberRow.state, MemberRow.delivery,
            MemberRow.settings,
        ).where(MemberRow.id.in_(members))
    ).all()  # fmt: skip
    banned = bans.patterns(tx, list_id, now)
    reached = _reached_elsewhere(tx, members, earlier) if earlier else frozenset[int]()
    found = {}
    for row in rows:
        local, _, domain = row.address.rpartition("@")
        address = Address(local, domain)
        found[row.id] = Current(
            id=row.id,
            address=address,
            state=MemberState(row.state),
            delivery=Delivery(row.delivery),
            own_posts=row.settings.get("own_posts", True),
            duplicates=row.settings.get("duplicates", True),
            banned=bool(banned) and bans.any_of(banned, address),
            elsewhere=row.id in reached,
        )
    return found


def _reached_elsewhere(
    tx: Tx, members: Sequence[int], earlier: Sequence[tuple[int, datetime]]
) -> frozenset[int]:
    """Those whose address reads one of the `earlier` lists, by mail or by digest, and did so when
    the post was accepted there."""
    other = aliased(MemberRow)
    reads = or_(*(and_(other.list_id == at, other.joined <= when) for at, when in earlier))
    query = (
        select(MemberRow.id)
        .join(other, other.address_key == MemberRow.address_key)
        .where(MemberRow.id.in_(members), reads)
        .where(other.state == MemberState.ACTIVE, other.delivery != Delivery.NOMAIL)
    )
    return frozenset(tx.execute(query).scalars())
