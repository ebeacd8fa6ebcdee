"""Who did what, and when: `listserv list log`."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select

from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import EventRow


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a list's log. `who` is "command line" or an address, `what` a clause."""

    at: datetime
    who: str
    what: str


def log(tx: Tx, list_id: int | None, who: str, what: str, now: datetime) -> None:
    """Write one event of a list, or of the whole site (None)."""
    _LOG.run(tx, list_id=list_id, at=now, who=who, what=what)


_LOG = Quick(
    insert(EventRow).values({name: bindparam(name) for name in ("list_id", "at", "who", "what")})
)


def ls(tx: Tx, list_id: int | None) -> list[Event]:
    """The events of a list, or of the whole site (None), oldest first."""
    query = select(EventRow.at, EventRow.who, EventRow.what).order_by(EventRow.id)
    of_site = EventRow.list_id.is_(None)
    rows = tx.execute(query.where(of_site if list_id is None else EventRow.list_id == list_id))
    return [Event(row.at, row.who, row.what) for row in rows]


def last(tx: Tx, list_id: int, *whats: str) -> int:
    """The number of the latest event of a list that is one of these; 0 for none."""
    query = select(func.max(EventRow.id)).where(EventRow.list_id == list_id)
    return tx.execute(query.where(EventRow.what.in_(whats))).scalar_one() or 0
