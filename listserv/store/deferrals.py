"""Since when a message is put off because the DNS did not answer."""

from datetime import datetime

from sqlalchemy import bindparam, select, text

from listserv.store.session import Tx
from listserv.store.tables import DeferralRow, Instant

_FIRST = text(
    "INSERT INTO deferral (key, since) VALUES (:key, :now) ON CONFLICT (key) DO NOTHING"
).bindparams(bindparam("now", type_=Instant()))


def since(tx: Tx, key: bytes, now: datetime) -> datetime:
    """When the message with this key came first: now, if it did not come before."""
    tx.execute(_FIRST, {"key": key, "now": now})
    return tx.execute(select(DeferralRow.since).where(DeferralRow.key == key)).scalar_one()
