"""DKIM signatures that have asked for something: each counts once at each of our addresses."""

from datetime import datetime

from sqlalchemy import LargeBinary, bindparam, func, select, text

from listserv.store.session import Tx
from listserv.store.tables import Instant, UsedSignatureRow

_USE = text(
    "INSERT INTO used_signature (digest, recipient, used, until)"
    " VALUES (:digest, :recipient, :now, :until) ON CONFLICT (digest, recipient) DO NOTHING"
).bindparams(
    bindparam("digest", type_=LargeBinary()),
    bindparam("now", type_=Instant()),
    bindparam("until", type_=Instant()),
)


def use(tx: Tx, digest: bytes, recipient: str, until: datetime | None, now: datetime) -> bool:
    """Note that a signature came to an address (by its key); True the first time only. After
    `until` it may be forgotten, with None never."""
    values = {"digest": digest, "recipient": recipient, "now": now, "until": until}
    return bool(tx.execute(_USE, values).rowcount)


def first(tx: Tx, digest: bytes) -> datetime | None:
    """When a signature came first, to whatever address."""
    query = select(func.min(UsedSignatureRow.used)).where(UsedSignatureRow.digest == digest)
    return tx.execute(query).scalar_one()
