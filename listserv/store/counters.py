"""How often things happened, in minutes: what `listserv status` adds up."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, text

from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import CounterRow, Instant

_MINUTE = timedelta(minutes=1)

# One text for both databases: SQLAlchemy's upserts come in one dialect each.
_COUNT = Quick(
    text(
        "INSERT INTO counter (list_id, name, minute, count) VALUES (:on, :what, :at, :n)"
        " ON CONFLICT (list_id, name, minute) DO UPDATE SET count = counter.count + excluded.count"
    ).bindparams(bindparam("at", type_=Instant()))
)


def count(tx: Tx, list_id: int, name: str, now: datetime, n: int = 1) -> None:
    """Add to a list's counter for this minute; list 0 for what belongs to no list."""
    minute = now.replace(second=0, microsecond=0)
    _COUNT.run(tx, on=list_id, what=str(name), at=minute, n=n)


def last_minute(tx: Tx, name: str, now: datetime) -> int:
    """How often it happened everywhere in the last 60 seconds, as nearly as minutes tell: what
    happened in the minute before is taken for spread over it evenly."""
    minute = now.replace(second=0, microsecond=0)
    this = total(tx, name, minute)
    before = total(tx, name, minute - _MINUTE) - this
    return this + round(before * (1 - (now - minute) / _MINUTE))


def total(tx: Tx, name: str, since: datetime, list_id: int = 0) -> int:
    """How often it happened in the minutes from `since` on: of one list, or (0) everywhere."""
    query = select(func.coalesce(func.sum(CounterRow.count), 0)).where(
        CounterRow.name == name, CounterRow.minute >= since
    )
    if list_id:
        query = query.where(CounterRow.list_id == list_id)
    return int(tx.execute(query).scalar_one())
