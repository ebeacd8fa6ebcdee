"""What there is once: the secret behind every computed token, and whether the relay is paused."""

import secrets
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, select, text

from listserv.domain.errors import ListservError
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import SiteRow

SECRET_BYTES = 32

_SECRET = "secret"  # noqa: S105
_PAUSED = "relay paused"
_DOWN = "relay down"
# For statements that have to know by the way.
IS_PAUSED = exists().where(SiteRow.key == _PAUSED)

# One text for both databases: SQLAlchemy's upserts come in one dialect each.
_INSERT = "INSERT INTO site (key, value) VALUES (:key, :value) ON CONFLICT (key)"
_INSERT_UNLESS_THERE = text(f"{_INSERT} DO NOTHING")
_UPSERT = text(f"{_INSERT} DO UPDATE SET value = excluded.value")


def make_secret(tx: Tx) -> None:
    """Make the site's secret unless there is one: a new one would break every token out there."""
    value = secrets.token_bytes(SECRET_BYTES).hex()
    tx.execute(_INSERT_UNLESS_THERE, {"key": _SECRET, "value": value})


def secret(tx: Tx) -> bytes:
    """The 32 bytes under which tokens are made; the same for the life of the database."""
    value = _value(tx, _SECRET)
    if value is None:
        raise ListservError("the database has no secret; run `listserv db upgrade`")
    return bytes.fromhex(value)


def relay_paused(tx: Tx) -> str | None:
    """Why nothing is handed to the relay, or None when it is."""
    return _value(tx, _PAUSED)


def pause(tx: Tx, reason: str) -> None:
    """Hand nothing to the relay until `resume`; the last reason counts."""
    tx.execute(_UPSERT, {"key": _PAUSED, "value": reason})


def resume(tx: Tx) -> None:
    """Hand mail to the relay again."""
    tx.execute(delete(SiteRow).where(SiteRow.key == _PAUSED))


def relay_down(tx: Tx) -> str | None:
    """In which words, and since when, the relay takes nothing by itself; None when it does."""
    return _value(tx, _DOWN)


def note_relay(tx: Tx, words: str, now: datetime) -> None:
    """The relay takes nothing, in these words; with "" it does again. The first time counts."""
    if words:
        told = f"since {now:%Y-%m-%d %H:%M} UTC: {words}"
        tx.execute(_INSERT_UNLESS_THERE, {"key": _DOWN, "value": told})
    else:
        tx.execute(delete(SiteRow).where(SiteRow.key == _DOWN))


def remember(tx: Tx, key: str, value: str) -> bool:
    """Keep a value under a name; whether there was another one. The first one changes nothing."""
    was = _value(tx, key)
    if was != value:
        tx.execute(_UPSERT, {"key": key, "value": value})
    return was not in (None, value)


def _value(tx: Tx, key: str) -> str | None:
    row = _VALUE.run(tx, name=key).fetchone()
    return str(row[0]) if row is not None else None


_VALUE = Quick(select(SiteRow.value).where(SiteRow.key == bindparam("name")))
