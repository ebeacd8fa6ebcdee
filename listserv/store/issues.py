"""The issues of digests: each is made once for all members who get the same, and known for a while
so that answers to it are understood."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, update

from listserv.domain.mailing import Mode
from listserv.store import queue
from listserv.store.pages import batches
from listserv.store.posts import keep_raw
from listserv.store.session import Tx
from listserv.store.tables import IssuePartRow, IssueRow, MessageRow


@dataclass(frozen=True, slots=True)
class IssuePart:
    """One mail of an issue. `posts` are (number shown, post id), in their order; `message` is its
    id among the messages' bytes, None when it is gone."""

    issue_id: int
    part: int
    subject: str
    posts: tuple[tuple[int, int], ...]
    message: int | None


def key_of(posts: Sequence[int], *what: str) -> bytes:
    """What an issue is known by: the ids of its posts, and whatever else makes it differ."""
    return hashlib.sha256(json.dumps([*posts, *what]).encode()).digest()


def find(tx: Tx, list_id: int, key: bytes) -> list[IssuePart]:
    """The parts of an issue, in their order; none when there is no such issue, or its mails are
    gone."""
    query = _PARTS.where(IssueRow.list_id == list_id, IssueRow.key == key)
    parts = _read_parts(tx, query.order_by(IssuePartRow.part))
    return [] if any(part.message is None for part in parts) else parts


def begin(tx: Tx, list_id: int, key: bytes, now: datetime) -> int:
    """The id of a new issue; an older one of that key, whose mails are gone, goes first."""
    tx.execute(delete(IssueRow).where(IssueRow.list_id == list_id, IssueRow.key == key))
    row = insert(IssueRow).values(list_id=list_id, key=key, created=now).returning(IssueRow.id)
    return int(tx.execute(row).scalar_one())


def add_part(tx: Tx, part: IssuePart, message_id: str, raw: bytes, now: datetime) -> IssuePart:
    """Keep one mail of an issue."""
    message = keep_raw(tx, raw, now)
    tx.execute(
        insert(IssuePartRow).values(
            issue_id=part.issue_id, part=part.part, message_id=message_id, subject=part.subject,
            posts=[list(pair) for pair in part.posts], raw_id=message,
        )
    )  # fmt: skip
    return replace(part, message=message)


def send(
    tx: Tx,
    list_id: int,
    part: IssuePart,
    members: Sequence[int],
    mode: Mode,
    burst_bytes: int,
    now: datetime,
) -> None:
    """Queue a part for members, `batched` where all copies together exceed `burst_bytes`."""
    assert part.message is not None, "its mail is there"
    size = select(func.length(MessageRow.raw)).where(MessageRow.id == part.message)
    if len(members) * tx.execute(size).scalar_one() > burst_bytes:
        mode = Mode.BATCHED
    queue.add_digest(
        tx, list_id=list_id, message_id=part.message, subject=part.subject,
        groups=batches(members), mode=mode, now=now,
    )  # fmt: skip


def of_mail(tx: Tx, list_id: int, message_ids: Sequence[str]) -> IssuePart | None:
    """The part of an issue of this list whose mail has one of these Message-IDs ("<...>")."""
    query = _PARTS.where(IssueRow.list_id == list_id, IssuePartRow.message_id.in_(message_ids))
    return next(iter(_read_parts(tx, query.limit(1))), None)


def titled(tx: Tx, list_id: int, subject: str) -> IssuePart | None:
    """The part of this list's newest issue that has this subject."""
    query = _PARTS.where(IssueRow.list_id == list_id, IssuePartRow.subject == subject)
    return next(iter(_read_parts(tx, query.order_by(IssueRow.id.desc()).limit(1))), None)


_PARTS = select(
    IssuePartRow.issue_id, IssuePartRow.part, IssuePartRow.subject, IssuePartRow.posts,
    IssuePartRow.raw_id,
).join(IssueRow, IssueRow.id == IssuePartRow.issue_id)  # fmt: skip


def _read_parts(tx: Tx, query: Select[*tuple[Any, ...]]) -> list[IssuePart]:
    return [
        IssuePart(
            row.issue_id, row.part, row.subject, tuple((n, post) for n, post in row.posts),
            row.raw_id,
        )
        for row in tx.execute(query)
    ]  # fmt: skip


def forget_mails(tx: Tx, before: datetime) -> None:
    """Issues made before then are sent to nobody any more; what was in them stays known."""
    old = select(IssueRow.id).where(IssueRow.created < before).scalar_subquery()
    gone = IssuePartRow.issue_id.in_(old)
    tx.execute(update(IssuePartRow).where(gone, IssuePartRow.raw_id.is_not(None))
               .values(raw_id=None))  # fmt: skip


def forget(tx: Tx, before: datetime) -> None:
    """Issues made before then are not known any more."""
    tx.execute(delete(IssueRow).where(IssueRow.created < before))
