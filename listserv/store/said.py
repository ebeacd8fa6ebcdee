"""What is said to somebody at most once a day, or a few times. One statement asks and notes, so
that two servers at once say it once."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, text

from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import Instant

A_DAY = timedelta(days=1)

_SAY = Quick(
    text(
        "INSERT INTO said (what, whom, at) VALUES (:what, :whom, :now)"
        " ON CONFLICT (what, whom) DO UPDATE SET at = excluded.at WHERE said.at <= :before"
    ).bindparams(bindparam("now", type_=Instant()), bindparam("before", type_=Instant()))
)


def once_a_day(tx: Tx, what: str, whom: str, now: datetime) -> bool:
    """True when it was not said to them within 24 hours; then it counts as said now. `what` has at
    most 20 characters."""
    said = _SAY.run(tx, what=what, whom=whom, now=now, before=now - A_DAY)
    return bool(said.rowcount)


def at_most(tx: Tx, what: str, whom: str, times: int, now: datetime) -> bool:
    """True when it was said to them less often than that within 24 hours; then it counts as said
    once more. `what` has at most 16 characters."""
    return any(once_a_day(tx, f"{what} {slot}", whom, now) for slot in range(times))
