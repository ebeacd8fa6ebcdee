"""Who may not post or join: one address with all its tags, or a whole domain; on one list or on
the whole site; for good or until a time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, exists, insert, or_, select

from listserv.domain.address import Address
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import BanRow


@dataclass(frozen=True, slots=True)
class Ban:
    """`pattern` is an address key or @domain; `list_id` None is the whole site."""

    list_id: int | None
    pattern: str
    until: datetime | None
    reason: str
    created: datetime


def patterns_of(address: Address) -> tuple[str, str, str]:
    """The patterns that would ban an address: itself, itself without a +tag, its domain."""
    return (address.key, address.untagged_key, f"@{address.domain}")


def add(
    tx: Tx, *, list_id: int | None, pattern: str, until: datetime | None, reason: str, now: datetime
) -> None:
    """Ban; a ban of the same pattern in the same place is replaced."""
    remove(tx, list_id, pattern)
    tx.execute(
        insert(BanRow).values(
            list_id=list_id, pattern=pattern, until=until, reason=reason, created=now
        )
    )


def remove(tx: Tx, list_id: int | None, pattern: str) -> bool:
    """Lift a ban; whether there was one."""
    return bool(
        tx.execute(delete(BanRow).where(_place(list_id), BanRow.pattern == pattern)).rowcount
    )


def ls(tx: Tx, list_id: int | None) -> list[Ban]:
    """The bans of one list, or of the whole site (None), those that have ended included."""
    query = select(
        BanRow.list_id, BanRow.pattern, BanRow.until, BanRow.reason, BanRow.created
    ).where(_place(list_id))
    rows = tx.execute(query.order_by(BanRow.pattern))
    return [Ban(row.list_id, row.pattern, row.until, row.reason, row.created) for row in rows]


def find(tx: Tx, list_id: int, pattern: str) -> Ban | None:
    """The ban of just this pattern on a list, ended or not."""
    return next((one for one in ls(tx, list_id) if one.pattern == pattern), None)


def is_banned(tx: Tx, list_id: int, address: Address, now: datetime) -> bool:
    """Whether a ban of the list or of the site holds for the address now."""
    own, untagged, domain = patterns_of(address)
    found = _IS_BANNED.first(tx, on=list_id, now=now, own=own, untagged=untagged, its_domain=domain)
    return bool(found[0])


def patterns(tx: Tx, list_id: int, now: datetime) -> frozenset[str]:
    """Every pattern in force on a list, for asking about many addresses: see `patterns_of`."""
    return frozenset([pattern for (pattern,) in _IN_FORCE.run(tx, on=list_id, now=now)])


def any_of(found: frozenset[str], address: Address) -> bool:
    """Whether one of these patterns bans the address."""
    return not found.isdisjoint(patterns_of(address))


# Asked for each batch.
_IN_FORCE = Quick(
    select(BanRow.pattern).where(
        or_(BanRow.list_id.is_(None), BanRow.list_id == bindparam("on")),
        or_(BanRow.until.is_(None), BanRow.until > bindparam("now")),
    )
)
# Asked for each message.
_IS_BANNED = Quick(
    select(
        exists().where(
            or_(*(BanRow.pattern == bindparam(one) for one in ("own", "untagged", "its_domain"))),
            or_(BanRow.list_id.is_(None), BanRow.list_id == bindparam("on")),
            or_(BanRow.until.is_(None), BanRow.until > bindparam("now")),
        )
    )
)


def _place(list_id: int | None) -> ColumnElement[bool]:
    return BanRow.list_id.is_(None) if list_id is None else BanRow.list_id == list_id
