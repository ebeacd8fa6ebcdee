"""Since when a message is put off because the DNS did not answer."""

from datetime import datetime

from sqlalchemy import LargeBinary, bindparam, select, text

from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import DeferralRow, Instant

_FIRST = Quick(
    text(
        "INSERT INTO deferral (key, since) VALUES (:key, :now) ON CONFLICT (key) DO NOTHING"
    ).bindparams(bindparam("key", type_=LargeBinary()), bindparam("now", type_=Instant()))
)
_SINCE = Quick(select(DeferralRow.since).where(DeferralRow.key == bindparam("wanted")))


def since(tx: Tx, key: bytes, now: datetime) -> datetime:
    """When the message with this key came first: now, if it did not come before."""
    _FIRST.run(tx, key=key, now=now)
    first: datetime = _SINCE.first(tx, wanted=key)[0]
    return first
