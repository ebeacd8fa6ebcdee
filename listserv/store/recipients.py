"""The state of a batch's members at the moment it is leased: who has left, paused or been banned
is skipped then, and who changed address gets it there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Text, and_, cast, or_, select
from sqlalchemy.orm import aliased

from listserv.domain.address import Address
from listserv.domain.members import Delivery, MemberState
from listserv.store import bans
from listserv.store.session import Tx
from listserv.store.tables import MemberRow


@dataclass(slots=True)
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


_STATES = {state.value: state for state in MemberState}
_DELIVERIES = {delivery.value: delivery for delivery in Delivery}
_NOTHING_SET = "{}"


def current(
    tx: Tx,
    list_id: int,
    members: Sequence[int],
    earlier: Sequence[tuple[int, datetime]],
    now: datetime,
) -> dict[int, Current]:
    """The members of these numbers (ascending) that still exist. `earlier` are the (list, when
    accepted) of the same post elsewhere."""
    if not members:
        return {}
    banned = bans.patterns(tx, list_id, now)
    reached = _reached_elsewhere(tx, members, earlier) if earlier else frozenset[int]()
    wanted = set(members)
    found = {}
    # Read a million times for a long list: as plain tuples, settings as text.
    for number, text, state, delivery, settings in _rows(tx, list_id, members):
        if number in wanted:
            local, _, domain = text.rpartition("@")
            address = Address(local, domain)
            own = {} if settings == _NOTHING_SET else json.loads(settings)
            found[number] = Current(
                number,
                address,
                _STATES[state],
                _DELIVERIES[delivery],
                own.get("own_posts", True),
                own.get("duplicates", True),
                bool(banned) and bans.any_of(banned, address),
                number in reached,
            )
    return found


_COLUMNS = (
    MemberRow.id,
    MemberRow.address,
    MemberRow.state,
    MemberRow.delivery,
    cast(MemberRow.settings, Text),
)
# A first page of a list has its numbers in a row, the deferred of a long list do not.
_SPARSE = 4


def _rows(tx: Tx, list_id: int, members: Sequence[int]) -> Sequence[Row[int, str, str, str, str]]:
    first, last = members[0], members[-1]
    query = select(*_COLUMNS)
    if last - first < _SPARSE * len(members):
        here = (MemberRow.id >= first, MemberRow.id <= last, MemberRow.list_id == list_id)
        return tx.execute(query.where(*here)).all()
    return tx.execute(query.where(MemberRow.id.in_(members))).all()


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
