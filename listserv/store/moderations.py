"""To whom a held post, or a request to join, was shown, and by which tokens they answer."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, text

from listserv.policy.circle import Waiting
from listserv.store.held import HeldState
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import HeldRow, Instant, ModerationRow, PostRow


@dataclass(frozen=True, slots=True)
class Moderation:
    """`member_id` was shown `held_id` and may decide with `token` before it expires."""

    token: str
    held_id: int
    member_id: int
    created: datetime
    expires: datetime


# One text for both databases: SQLAlchemy's upserts come in one dialect each.
_ADD = Quick(
    text(
        "INSERT INTO moderation (token, held_id, member_id, created, expires)"
        " VALUES (:token, :held_id, :member_id, :created, :expires)"
        " ON CONFLICT (held_id, member_id) DO UPDATE SET token = excluded.token,"
        " created = excluded.created, expires = excluded.expires"
        " WHERE moderation.expires <= excluded.created"
    ).bindparams(bindparam("created", type_=Instant()), bindparam("expires", type_=Instant()))
)


def add(tx: Tx, new: Moderation) -> bool:
    """Store a token before it is mailed, in the place of an expired one. False when they have been
    shown it, and their answer still counts: nobody is asked the same twice."""
    return bool(_ADD.run(tx, **asdict(new)).rowcount)


def find(tx: Tx, token: str) -> Moderation | None:
    """What a token is good for, or was."""
    row = tx.execute(_SELECT.where(ModerationRow.token == token)).one_or_none()
    return None if row is None else Moderation(*row)


def shown_to(tx: Tx, held_id: int) -> frozenset[int]:
    """The members to whom it was shown."""
    query = select(ModerationRow.member_id).where(ModerationRow.held_id == held_id)
    return frozenset(tx.execute(query).scalars())


def waiting(tx: Tx, list_id: int) -> list[Waiting]:
    """What a list holds, and somebody has been asked about, in the order it came."""
    shown = _shown(tx, list_id)
    applicant = func.coalesce(HeldRow.request["key"].as_string(), "").label("applicant")
    query = (
        select(HeldRow.id, HeldRow.step, PostRow.member_id, applicant)
        .outerjoin_from(HeldRow, PostRow, PostRow.id == HeldRow.post_id)
        .where(HeldRow.list_id == list_id, HeldRow.state == HeldState.HELD, HeldRow.step > 0)
    )
    return [
        Waiting(row.id, row.step, row.member_id, row.applicant, shown.get(row.id, {}))
        for row in tx.execute(query.order_by(HeldRow.id))
    ]


def _shown(tx: Tx, list_id: int) -> dict[int, dict[int, datetime]]:
    query = (
        select(ModerationRow.held_id, ModerationRow.member_id, ModerationRow.expires)
        .join(HeldRow, HeldRow.id == ModerationRow.held_id)
        .where(HeldRow.list_id == list_id, HeldRow.state == HeldState.HELD)
    )
    found: dict[int, dict[int, datetime]] = {}
    for held_id, member_id, expires in tx.execute(query):
        found.setdefault(held_id, {})[member_id] = expires
    return found


_SELECT = select(
    ModerationRow.token, ModerationRow.held_id, ModerationRow.member_id, ModerationRow.created,
    ModerationRow.expires,
)  # fmt: skip
