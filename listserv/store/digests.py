"""Digests: who may be due, and which posts wait. The issues that were made are in issues.py.

A member's `digest_due` is when somebody has to look: at their next slot, at once (LOOK_NOW) when
how they read has changed, never (NULL) for those who read no digests and are owed none. Cursors
move in the transaction that queues what they stand for.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    select,
    update,
)
from sqlalchemy.orm import aliased

from listserv.domain.members import Delivery, MemberSettings, MemberState
from listserv.policy.reading import Reading
from listserv.store import posts as stored
from listserv.store import recipients
from listserv.store.members import LOOK_NOW, typed_settings
from listserv.store.pages import BATCH_SIZE
from listserv.store.session import Tx
from listserv.store.tables import (
    Base,
    ListRow,
    MemberRow,
    PostRow,
)

_MEMBER = Base.metadata.tables[MemberRow.__tablename__]


@dataclass(frozen=True, slots=True)
class Reader:
    """A member who may get a digest; `key` is the address's, `due` what was to happen when."""

    id: int
    key: str
    state: MemberState
    reading: Reading
    settings: MemberSettings
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An accepted post, as far as it matters who gets it."""

    id: int
    number: int
    author_key: str
    member_id: int | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What is written of a reader who was looked after: as they were `seen`, as they are now and
    when to look again."""

    seen: Reader
    cursor: int
    owed: tuple[int, int] | None
    due: datetime | None


def list_due(tx: Tx, now: datetime, without: Collection[int] = ()) -> int | None:
    """The list that has the reader who has been due longest, `without` some lists; a list on hold
    has none."""
    query = select(MemberRow.list_id).join(ListRow, ListRow.id == MemberRow.list_id)
    waits = MemberRow.digest_due <= now, MemberRow.digest_due.is_not(None), ~ListRow.on_hold
    others = MemberRow.list_id.not_in(without)
    return tx.execute(
        query.where(*waits, others).order_by(MemberRow.digest_due).limit(1)
    ).scalar_one_or_none()


def due(tx: Tx, list_id: int, now: datetime, limit: int) -> list[Reader]:
    """Up to `limit` members of a list who are due."""
    waits = MemberRow.digest_due <= now, MemberRow.digest_due.is_not(None)
    query = _READERS.where(MemberRow.list_id == list_id, *waits)
    return _readers(tx, query.order_by(MemberRow.digest_due, MemberRow.id).limit(limit))


def readers(tx: Tx, list_id: int, after: int, limit: int) -> list[Reader]:
    """Up to `limit` active digest readers of a list above the member number `after`, ascending."""
    query = _READERS.where(
        MemberRow.list_id == list_id,
        MemberRow.state == MemberState.ACTIVE,
        MemberRow.delivery == Delivery.DIGEST,
        MemberRow.id > after,
    )
    return _readers(tx, query.order_by(MemberRow.id).limit(limit))


def reader(tx: Tx, member_id: int) -> Reader:
    """One member as a reader."""
    return _readers(tx, _READERS.where(MemberRow.id == member_id))[0]


Stand = tuple[MemberState, Delivery, int, int | None, int | None, datetime | None]


def stand(one: Reader) -> Stand:
    """What of a reader may not change while their digest is made."""
    now = one.reading
    return one.state, now.delivery, now.cursor, now.owed_from, now.owed_to, one.due


def stands(tx: Tx, members: Sequence[int]) -> dict[int, Stand]:
    """The same of these members as they are now, by number."""
    found: dict[int, Stand] = {}
    for at in range(0, len(members), BATCH_SIZE):
        some = _STANDS.where(MemberRow.id.in_(members[at : at + BATCH_SIZE]))
        for number, state, delivery, cursor, owed_from, owed_to, due_at in tx.execute(some):
            now = _STATES[state], _DELIVERIES[delivery], cursor, owed_from, owed_to, due_at
            found[number] = now
    return found


# An Enum is found slowly by its value (CPython 3.11).
_STATES = {state.value: state for state in MemberState}
_DELIVERIES = {delivery.value: delivery for delivery in Delivery}
_STANDS = select(
    MemberRow.id, MemberRow.state, MemberRow.delivery, MemberRow.cursor, MemberRow.owed_from,
    MemberRow.owed_to, MemberRow.digest_due,
)  # fmt: skip
_READERS = select(
    MemberRow.id, MemberRow.address_key, MemberRow.state, MemberRow.delivery, MemberRow.cursor,
    MemberRow.digest_from, MemberRow.owed_from, MemberRow.owed_to,
    cast(MemberRow.settings, Text), MemberRow.digest_due,
)  # fmt: skip


def _readers(tx: Tx, query: Select[*tuple[Any, ...]]) -> list[Reader]:
    return [
        Reader(
            number, key, _STATES[state],
            Reading(_DELIVERIES[delivery], cursor, digest_from, owed_from, owed_to),
            _settings(stored), due_at,
        )
        for number, key, state, delivery, cursor, digest_from, owed_from, owed_to, stored, due_at
        in tx.execute(query)
    ]  # fmt: skip


@lru_cache(1000)
def _settings(stored: str) -> MemberSettings:
    """Most members have set the same, if anything."""
    return typed_settings(json.loads(stored))


def last_number(tx: Tx, list_id: int, by: datetime | None = None) -> int:
    """The highest acceptance number that a list has given, or had given by then."""
    if by is None:
        query = select(ListRow.last_number).where(ListRow.id == list_id)
        return int(tx.execute(query).scalar_one())
    numbers = select(func.max(PostRow.number))
    found = numbers.where(PostRow.list_id == list_id, PostRow.accepted <= by)
    return tx.execute(found).scalar_one() or 0


def between(tx: Tx, list_id: int, after: int, upto: int) -> list[Waiting]:
    """The accepted posts above the number `after` up to `upto`, ascending."""
    query = select(PostRow.id, PostRow.number, PostRow.author_key, PostRow.member_id).where(
        PostRow.list_id == list_id, PostRow.number > after, PostRow.number <= upto
    )
    rows = tx.execute(query.order_by(PostRow.number))
    return [Waiting(row.id, row.number or 0, row.author_key, row.member_id) for row in rows]


def left(tx: Tx, list_id: int, after: int, upto: int) -> int:
    """How many of these posts can still be shown."""
    query = select(func.count()).select_from(PostRow)
    some = PostRow.list_id == list_id, PostRow.number > after, PostRow.number <= upto
    return tx.execute(query.where(*some, PostRow.raw_id.is_not(None))).scalar_one()


def reached_elsewhere(
    tx: Tx, posts: Sequence[int], members: Sequence[int]
) -> dict[int, frozenset[int]]:
    """Of those of these posts of one list that another list brought before: which of these members
    have them from there."""
    return {
        post: recipients.reached_elsewhere(tx, members, earlier)
        for post in _on_other_lists(tx, posts)
        if (earlier := stored.earlier_elsewhere(tx, stored.get(tx, post)))
    }


def _on_other_lists(tx: Tx, posts: Sequence[int]) -> list[int]:
    other = aliased(PostRow)
    query = select(PostRow.id).join(
        other, and_(other.dedupe == PostRow.dedupe, other.list_id != PostRow.list_id)
    )
    found: list[int] = []
    for at in range(0, len(posts), BATCH_SIZE):
        some = PostRow.id.in_(posts[at : at + BATCH_SIZE])
        found += tx.execute(query.where(some).distinct()).scalars()
    return found


def settle(tx: Tx, done: Iterable[Settled]) -> None:
    """Write where readers stand now."""
    rows = [
        {
            "wanted": one.seen.id,
            "to_cursor": one.cursor,
            "to_owed_from": one.owed[0] if one.owed is not None else None,
            "to_owed_to": one.owed[1] if one.owed is not None else None,
            "to_due": one.due,
        }
        for one in done
    ]
    if rows:
        tx.execute(_SETTLE, rows)


_SETTLE = (
    update(_MEMBER)
    .where(_MEMBER.c.id == bindparam("wanted"))
    .values(cursor=bindparam("to_cursor"), owed_from=bindparam("to_owed_from"),
            owed_to=bindparam("to_owed_to"), digest_due=bindparam("to_due"))
)  # fmt: skip


def owe(tx: Tx, member_id: int, reading: Reading) -> None:
    """Write what is owed to a member; it is made at the next turn."""
    tx.execute(
        update(MemberRow)
        .where(MemberRow.id == member_id)
        .values(owed_from=reading.owed_from, owed_to=reading.owed_to, digest_due=LOOK_NOW)
    )


def forgive(tx: Tx, member_id: int) -> None:
    """Owe a member nothing more."""
    tx.execute(
        update(MemberRow)
        .where(MemberRow.id == member_id)
        .values(owed_from=None, owed_to=None, digest_due=None)
    )


def look_again(tx: Tx, list_id: int | None = None) -> None:
    """When the digests of a list's readers, or of all lists', are due is to be worked out anew."""
    query = update(MemberRow).where(MemberRow.digest_due.is_not(None))
    if list_id is not None:
        query = query.where(MemberRow.list_id == list_id)
    tx.execute(query.values(digest_due=LOOK_NOW))


def hurry(tx: Tx, list_id: int, most: int, now: datetime) -> None:
    """Digest readers for whom `most` posts wait are due now."""
    tx.execute(
        update(MemberRow)
        .where(MemberRow.list_id == list_id, MemberRow.delivery == Delivery.DIGEST)
        .where(MemberRow.state == MemberState.ACTIVE, MemberRow.digest_due > now)
        .where(MemberRow.cursor <= last_number(tx, list_id) - most)
        .values(digest_due=now)
    )
