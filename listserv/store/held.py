"""Posts that wait for a person, and those that no longer do. The state changes once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, update

from listserv.domain.authorship import Authorship
from listserv.domain.decision import Reason
from listserv.domain.errors import ListservError
from listserv.store.authorship_json import read_authorship
from listserv.store.session import Tx
from listserv.store.tables import HeldRow, ListRow, PostRow


class HeldState(StrEnum):
    """`discarded` is a person's decision or, with nobody's name, a rule's."""

    HELD = "held"
    APPROVED = "approved"
    REJECTED = "rejected"
    DISCARDED = "discarded"


# Who decided when a posting rule did.
BY_RULE = "a posting rule"


@dataclass(frozen=True, slots=True)
class Held:
    """A held post as `listserv held show` tells it. `due` is when moderators see a post that waits
    for its own author first, None when they do at once."""

    id: int
    list_id: int
    list_address: str
    post_id: int
    author: str
    subject: str
    size: int
    reasons: tuple[Reason, ...]
    since: datetime
    state: HeldState
    decided_by: str
    decided: datetime | None
    note: str
    authorship: Authorship
    due: datetime | None


def add(tx: Tx, *, list_id: int, post_id: int, state: HeldState, by: str, now: datetime) -> int:
    """Store that a post waits, or that a rule discarded it and it is kept for a while."""
    return tx.execute(
        insert(HeldRow)
        .values(
            list_id=list_id,
            post_id=post_id,
            state=state,
            since=now,
            decided=None if state is HeldState.HELD else now,
            decided_by=by,
            note="",
            due=None,
        )
        .returning(HeldRow.id)
    ).scalar_one()


def wait_until(tx: Tx, held_id: int, due: datetime | None) -> None:
    """Moderators see the post from `due` on; None: at once."""
    tx.execute(update(HeldRow).where(HeldRow.id == held_id).values(due=due))


def decide(tx: Tx, held_id: int, state: HeldState, by: str, note: str, now: datetime) -> Held:
    """Decide once: one statement moves `held` to `state`. Raises ListservError naming who decided
    before, and when."""
    changed = tx.execute(
        update(HeldRow)
        .where(HeldRow.id == held_id, HeldRow.state == HeldState.HELD)
        .values(state=state, decided=now, decided_by=by, note=note)
    ).rowcount
    after = get(tx, held_id)
    if not changed:
        raise ListservError(
            f"held post {held_id} was {after.state} by {after.decided_by}"
            f" at {after.decided:%Y-%m-%d %H:%M} UTC; nothing changed"
        )
    return after


def get(tx: Tx, held_id: int) -> Held:
    """One held post, whatever became of it."""
    found = find(tx, held_id)
    if found is None:
        raise ListservError(f"there is no held post {held_id}; see `listserv held ls`")
    return found


def find(tx: Tx, held_id: int) -> Held | None:
    """The same, None when there is none or it is forgotten."""
    row = tx.execute(_SELECT.where(HeldRow.id == held_id)).one_or_none()
    return None if row is None else _held(row)


def of_member(tx: Tx, list_id: int, member_id: int) -> list[Held]:
    """The posts of one member, from whatever address, that a list holds, in the order they came."""
    query = _SELECT.where(
        HeldRow.state == HeldState.HELD,
        HeldRow.list_id == list_id,
        PostRow.member_id == member_id,
    )
    return [_held(row) for row in tx.execute(query.order_by(HeldRow.id))]


def ls(tx: Tx, list_id: int | None = None, state: str = HeldState.HELD) -> list[Held]:
    """Held posts in the order they came; of one list or of all."""
    query = _SELECT.where(HeldRow.state == state).order_by(HeldRow.id)
    if list_id is not None:
        query = query.where(HeldRow.list_id == list_id)
    return [_held(row) for row in tx.execute(query)]


_SELECT = (
    select(
        HeldRow.id, HeldRow.list_id, ListRow.name, ListRow.domain, HeldRow.post_id,
        PostRow.author, PostRow.subject, PostRow.size, PostRow.reasons, HeldRow.since,
        HeldRow.state, HeldRow.decided_by, HeldRow.decided, HeldRow.note, PostRow.authorship,
        HeldRow.due,
    )
    .join_from(HeldRow, PostRow, PostRow.id == HeldRow.post_id)
    .join(ListRow, ListRow.id == HeldRow.list_id)
)  # fmt: skip


def _held(row: Row[*tuple[Any, ...]]) -> Held:
    return Held(
        id=row.id,
        list_id=row.list_id,
        list_address=f"{row.name}@{row.domain}",
        post_id=row.post_id,
        author=row.author,
        subject=row.subject,
        size=row.size,
        reasons=tuple(Reason(*pair) for pair in row.reasons),
        since=row.since,
        state=HeldState(row.state),
        decided_by=row.decided_by,
        decided=row.decided,
        note=row.note,
        authorship=read_authorship(row.authorship),
        due=row.due,
    )
