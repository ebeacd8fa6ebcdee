"""Mailing lists, their settings, and the addresses they had before."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Row
from sqlalchemy.orm import InstrumentedAttribute

from listserv.domain.errors import ListservError
from listserv.domain.lists import DEFAULTS, ListSettings, MailingList
from listserv.domain.settings import Value
from listserv.store.quick import Quick, Recurring
from listserv.store.session import Tx
from listserv.store.tables import (
    CounterRow,
    FormerAddressRow,
    ListRow,
    MailingRow,
    MessageRow,
    PostRow,
)

_TYPED = frozenset(field.name for field in fields(ListSettings))
# So many ids stand in one IN: SQLite allows 32,766 variables in a statement.
_IDS = 500


def create(
    tx: Tx, *, name: str, domain: str, settings: Mapping[str, Value], now: datetime
) -> MailingList:
    """Store a new list. Its List-Id is made of its first address and never changes."""
    list_id = tx.execute(
        sa.insert(ListRow)
        .values(
            name=name,
            domain=domain,
            list_id=f"{name}.{domain}",
            created=now,
            on_hold=False,
            last_number=0,
            settings=_without_defaults(settings),
        )
        .returning(ListRow.id)
    ).scalar_one()
    return get(tx, list_id)


def get(tx: Tx, list_id: int) -> MailingList:
    """One list by its number."""
    return _only(_BY_ID.one(tx, wanted=list_id), list_id)


def at(tx: Tx, name: str, domain: str) -> MailingList | None:
    """The list that has this address, or had it before it was renamed."""
    return _AT.one(tx, wanted_name=name, wanted_domain=domain)


def find(tx: Tx, text: str) -> MailingList:
    """The list that an operator means: by address, or by its name where that is unique."""
    name, at_sign, domain = text.lower().partition("@")
    if at_sign:
        found = at(tx, name, domain)
        if found is None:
            raise ListservError(f"{text}: there is no such list; see `listserv list ls`")
        return found
    rows = tx.execute(_SELECT.where(ListRow.name == name).order_by(ListRow.domain)).all()
    if not rows:
        rows = tx.execute(_SELECT_FORMER.where(FormerAddressRow.name == name)).all()
    if not rows:
        raise ListservError(f"{text}: there is no such list; see `listserv list ls`")
    if len(rows) > 1:
        several = ", ".join(f"{row.name}@{row.domain}" for row in rows)
        raise ListservError(f"{text}: several lists have this name; say which: {several}")
    return _mailing_list(rows[0])


def every(tx: Tx) -> list[MailingList]:
    """All lists, in the order of their addresses."""
    rows = tx.execute(_SELECT.order_by(ListRow.domain, ListRow.name))
    return [_mailing_list(row) for row in rows]


def names(tx: Tx) -> frozenset[tuple[str, str]]:
    """(name, domain) of every address that a list has or had."""
    former = sa.select(FormerAddressRow.name, FormerAddressRow.domain)
    rows = tx.execute(sa.select(ListRow.name, ListRow.domain).union(former))
    return frozenset((row.name, row.domain) for row in rows)


def change(tx: Tx, list_id: int, settings: Mapping[str, Value]) -> MailingList:
    """Set some settings and leave the others."""
    stored = lock(tx, list_id).stored
    _update(tx, list_id, settings=_without_defaults({**stored, **settings}))
    return get(tx, list_id)


def rename(tx: Tx, list_id: int, name: str, domain: str) -> MailingList:
    """Give a list another address. The one it had keeps working; its List-Id stays."""
    before = get(tx, list_id)
    tx.execute(sa.delete(FormerAddressRow).where(*_was(name, domain)))
    _update(tx, list_id, name=name, domain=domain)
    tx.execute(
        sa.insert(FormerAddressRow).values(name=before.name, domain=before.domain, list_id=list_id)
    )
    return get(tx, list_id)


def former(tx: Tx, list_id: int) -> list[str]:
    """The addresses that a list had before."""
    return [f"{name}@{domain}" for name, domain in _FORMER.run(tx, wanted=list_id)]


def delete(tx: Tx, list_id: int) -> None:
    """Delete a list with its members, posts, mailings and log, and the raw messages that no other
    list needs."""
    raw = _numbers(tx, PostRow.raw_id, PostRow.list_id == list_id)
    raw |= _numbers(tx, MailingRow.message_id, MailingRow.list_id == list_id)
    tx.execute(sa.delete(CounterRow).where(CounterRow.list_id == list_id))
    tx.execute(sa.delete(ListRow).where(ListRow.id == list_id))
    _delete_unneeded(tx, sorted(raw))


def hold(tx: Tx, list_id: int, on: bool) -> MailingList:
    """Hold every post of a list, or no longer."""
    _update(tx, list_id, on_hold=on)
    return get(tx, list_id)


def lock(tx: Tx, list_id: int) -> MailingList:
    """The list as it is, kept as it is until the commit: nobody else adds members meanwhile."""
    return _only(_LOCKED.one(tx, wanted=list_id), list_id)


def next_number(tx: Tx, list_id: int) -> int:
    """The list's next acceptance number. The row stays locked until the commit, so that numbers
    become visible in order."""
    return int(_NEXT_NUMBER.run(tx, wanted=list_id).fetchone()[0])


_COLUMNS = (
    ListRow.id,
    ListRow.name,
    ListRow.domain,
    ListRow.list_id,
    ListRow.created,
    ListRow.on_hold,
    ListRow.settings,
)
_SELECT = sa.select(*_COLUMNS)
_SELECT_FORMER = _SELECT.join(FormerAddressRow, FormerAddressRow.list_id == ListRow.id)


def _at() -> sa.Select[*tuple[Any, ...]]:
    # One statement: a rename between two would make the list disappear for a moment.
    name = sa.bindparam("wanted_name", type_=sa.String())
    domain = sa.bindparam("wanted_domain", type_=sa.String())
    now = sa.select(ListRow.id).where(ListRow.name == name, ListRow.domain == domain)
    before = sa.select(FormerAddressRow.list_id).where(
        FormerAddressRow.name == name, FormerAddressRow.domain == domain
    )
    found = sa.func.coalesce(now.scalar_subquery(), before.scalar_subquery())
    return _SELECT.where(ListRow.id == found)


def _only(found: MailingList | None, list_id: int) -> MailingList:
    if found is None:
        raise ListservError(f"list {list_id} does not exist any more")
    return found


def _mailing_list(row: Row[*tuple[Any, ...]]) -> MailingList:
    return _made(*row)


def _made(
    number: int,
    name: str,
    domain: str,
    list_id: str,
    created: datetime,
    on_hold: bool,
    stored: dict[str, Value],
) -> MailingList:
    """From the values of _COLUMNS."""
    typed: dict[str, Any] = {key: value for key, value in stored.items() if key in _TYPED}
    settings = ListSettings(**typed)
    return MailingList(number, name, domain, list_id, created, on_hold, settings, stored)


# Asked several times for each message.
_AT = Recurring(_at(), _made)
_BY_ID = Recurring(_SELECT.where(ListRow.id == sa.bindparam("wanted")), _made)
_LOCKED = Recurring(_SELECT.where(ListRow.id == sa.bindparam("wanted")).with_for_update(), _made)
_FORMER = Quick(
    sa.select(FormerAddressRow.name, FormerAddressRow.domain)
    .where(FormerAddressRow.list_id == sa.bindparam("wanted"))
    .order_by(FormerAddressRow.domain, FormerAddressRow.name)
)
_NEXT_NUMBER = Quick(
    sa.update(ListRow)
    .where(ListRow.id == sa.bindparam("wanted"))
    .values(last_number=ListRow.last_number + 1)
    .returning(ListRow.last_number)
)


def _without_defaults(settings: Mapping[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in settings.items() if value != DEFAULTS[key]}


def _was(name: str, domain: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return FormerAddressRow.name == name, FormerAddressRow.domain == domain


def _update(tx: Tx, list_id: int, **values: object) -> None:
    tx.execute(sa.update(ListRow).where(ListRow.id == list_id).values(**values))


def _numbers(
    tx: Tx, column: "InstrumentedAttribute[int | None]", which: ColumnElement[bool]
) -> set[int]:
    found = tx.execute(sa.select(column).where(which)).scalars()
    return {number for number in found if number is not None}


def _delete_unneeded(tx: Tx, message_ids: list[int]) -> None:
    for at_most in _slices(message_ids):
        tx.execute(
            sa.delete(MessageRow).where(
                MessageRow.id.in_(at_most),
                ~sa.exists().where(PostRow.raw_id == MessageRow.id),
                ~sa.exists().where(MailingRow.message_id == MessageRow.id),
            )
        )


def _slices(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + _IDS] for start in range(0, len(ids), _IDS))
