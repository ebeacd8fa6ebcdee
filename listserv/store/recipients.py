"""The state of a batch's members at the moment it is leased: who has left, paused or been banned
is skipped then, and who changed address gets it there."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, and_, bindparam, cast, or_, select
from sqlalchemy.orm import aliased

from listserv.domain.address import Address
from listserv.domain.members import Delivery, MemberState
from listserv.store import bans
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import MemberRow


class Current(NamedTuple):
    """A member as of now: address and address key; `cursor` and `digest_from` as in
    policy/reading.py; `elsewhere`: an earlier list brings them the same post."""

    address: str
    key: str
    state: MemberState
    delivery: Delivery
    cursor: int
    digest_from: int | None
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
    banned = bans.patterns(tx, list_id, now) or None
    reached = reached_elsewhere(tx, members, earlier) if earlier else frozenset[int]()
    wanted = set(members)
    found = {}
    for number, address, key, state, delivery, cursor, since, settings in _rows(tx, members):
        if number in wanted:
            own_posts = duplicates = True
            if settings != _NOTHING_SET:
                own = json.loads(settings)
                own_posts, duplicates = own.get("own_posts", True), own.get("duplicates", True)
            found[number] = Current(
                address,
                key,
                _STATES[state],
                _DELIVERIES[delivery],
                cursor,
                since,
                own_posts,
                duplicates,
                banned is not None and bans.any_of(banned, _address(address)),
                number in reached,
            )
    return found


_Row = tuple[int, str, str, str, str, int, int | None, str]

_columns = select(
    MemberRow.id,
    MemberRow.address,
    MemberRow.address_key,
    MemberRow.state,
    MemberRow.delivery,
    MemberRow.cursor,
    MemberRow.digest_from,
    cast(MemberRow.settings, Text),
)
# By number alone: asked for the list too, SQLite looks that up and reads all of it each time.
_BETWEEN = Quick(
    _columns.where(MemberRow.id >= bindparam("low"), MemberRow.id <= bindparam("high"))
)
# A first page of a list has its numbers in a row, the deferred of a long list do not.
_SPARSE = 4


def _rows(tx: Tx, members: Sequence[int]) -> Iterable[_Row]:
    low, high = members[0], members[-1]
    rows: Iterable[Any]
    if high - low < _SPARSE * len(members):
        rows = _BETWEEN.run(tx, low=low, high=high).fetchall()
    else:
        rows = tx.execute(_columns.where(MemberRow.id.in_(members)))
    return rows


def _address(text: str) -> Address:
    local, _, domain = text.rpartition("@")
    return Address(local, domain)


def reached_elsewhere(
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
