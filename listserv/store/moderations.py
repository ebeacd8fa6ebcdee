"""To whom a held post, or a request to join, was shown, and by which tokens they answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select

from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import ModerationRow


@dataclass(frozen=True, slots=True)
class Moderation:
    """`member_id` was shown `held_id` and may decide with `token` before it expires."""

    token: str
    held_id: int
    member_id: int
    created: datetime
    expires: datetime


def add(tx: Tx, new: Moderation) -> None:
    """Store a token before it is mailed; nobody is shown the same twice."""
    _ADD.run(
        tx, token=new.token, held_id=new.held_id, member_id=new.member_id, created=new.created,
        expires=new.expires,
    )  # fmt: skip


def find(tx: Tx, token: str) -> Moderation | None:
    """What a token is good for, or was."""
    row = tx.execute(_SELECT.where(ModerationRow.token == token)).one_or_none()
    return None if row is None else Moderation(*row)


def shown_to(tx: Tx, held_id: int) -> frozenset[int]:
    """The members to whom it was shown."""
    query = select(ModerationRow.member_id).where(ModerationRow.held_id == held_id)
    return frozenset(tx.execute(query).scalars())


_ADD = Quick(
    insert(ModerationRow).values(
        {name: bindparam(name) for name in ("token", "held_id", "member_id", "created", "expires")}
    )
)
_SELECT = select(
    ModerationRow.token, ModerationRow.held_id, ModerationRow.member_id, ModerationRow.created,
    ModerationRow.expires,
)  # fmt: skip
