"""The ways by which a member's mail is familiar: confirmed by the member or by a moderator."""

from datetime import datetime

from sqlalchemy import Text, bindparam, delete, select, text

from listserv.domain.authorship import VerifiedPath
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import FamiliarPathRow, Instant

# One text for both databases: SQLAlchemy's upserts come in one dialect each.
_CONFIRM = text(
    "INSERT INTO familiar_path (member_id, dkim, spf, confirmed, confirmed_by)"
    " VALUES (:member_id, :dkim, :spf, :now, :by)"
    " ON CONFLICT (member_id, dkim, spf)"
    " DO UPDATE SET confirmed = excluded.confirmed, confirmed_by = excluded.confirmed_by"
).bindparams(bindparam("now", type_=Instant()), bindparam("by", type_=Text()))


def confirm(tx: Tx, member_id: int, path: VerifiedPath, by: str, now: datetime) -> None:
    """Make a path familiar from now on. Where nothing was verified there is no path: then nothing
    happens."""
    if path:
        dkim = " ".join(sorted(set(path.dkim)))
        values = {"member_id": member_id, "dkim": dkim, "spf": path.spf, "now": now, "by": by}
        tx.execute(_CONFIRM, values)


def forget(tx: Tx, member_id: int) -> None:
    """No path of a member is familiar any more."""
    tx.execute(delete(FamiliarPathRow).where(FamiliarPathRow.member_id == member_id))


def familiar(tx: Tx, member_id: int, since: datetime) -> list[VerifiedPath]:
    """The paths of a member that were confirmed after `since`."""
    rows = _FAMILIAR.rows(tx, member=member_id, since=since)
    return [VerifiedPath(tuple(dkim.split()), spf) for dkim, spf in rows]


_FAMILIAR = Quick(
    select(FamiliarPathRow.dkim, FamiliarPathRow.spf).where(
        FamiliarPathRow.member_id == bindparam("member"),
        FamiliarPathRow.confirmed > bindparam("since"),
    )
)
