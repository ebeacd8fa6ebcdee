"""Posts: what came in, what was decided, and the questions that the posting rules ask."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select, update

from listserv.domain.authorship import Authorship
from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.post import Post
from listserv.store.authorship_json import read_authorship, write_authorship
from listserv.store.session import Tx
from listserv.store.tables import MessageRow, PostRow

# A second arrival of the same message within this time is the first one's echo.
DUPLICATE_WINDOW = timedelta(days=7)
# The same Message-ID on several lists counts as one mail to a person within this time.
ACROSS_LISTS_WINDOW = timedelta(hours=1)

# What counts as "was accepted or held": a message that was refused is no one's original.
_KEPT = PostRow.verdict.in_([Verdict.ACCEPT, Verdict.HOLD])


@dataclass(frozen=True, slots=True)
class Echo:
    """What the list had before under the same Message-ID: the same body, or another one."""

    same: bool
    other_body: bool


@dataclass(frozen=True, slots=True)
class StoredPost:
    """What the store keeps of a post besides its bytes."""

    id: int
    list_id: int
    raw_id: int | None
    message_id: str
    author_key: str
    author: str
    subject: str
    received: datetime
    verdict: Verdict
    reasons: tuple[Reason, ...]
    number: int | None
    accepted: datetime | None
    authorship: Authorship
    member_id: int | None


def dedupe_key(post: Post) -> bytes:
    """SHA-256 over what names a message: its Message-ID, else From, Date and Subject. The envelope
    sender is no part of it: BATV and SRS change it."""
    if post.message_id:
        named = f"id\0{post.message_id}"
    else:
        author = post.author.address.key if post.author else ""
        named = f"no id\0{author}\0{post.date}\0{post.subject}"
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()


def keep_raw(tx: Tx, raw: bytes, now: datetime) -> int:
    """Store the bytes of a message; returns their id."""
    row = tx.execute(insert(MessageRow).values(raw=raw, created=now).returning(MessageRow.id))
    return row.scalar_one()


def raw(tx: Tx, post_id: int) -> bytes | None:
    """The bytes of a post as it came in, or None when they are gone by retention."""
    query = select(MessageRow.raw).join(PostRow, PostRow.raw_id == MessageRow.id)
    return tx.execute(query.where(PostRow.id == post_id)).scalar_one_or_none()


def echo(tx: Tx, list_id: int, post: Post, now: datetime) -> Echo:
    """Whether the list accepted or held this message before, with this body or another."""
    bodies = tx.execute(
        select(PostRow.body_hash).where(
            PostRow.list_id == list_id,
            PostRow.dedupe == dedupe_key(post),
            PostRow.received > now - DUPLICATE_WINDOW,
            _KEPT,
        )
    ).scalars()
    seen = set(bodies)
    same = post.body_hash in seen
    return Echo(same=same, other_body=bool(seen) and not same and bool(post.message_id))


def add(
    tx: Tx,
    *,
    list_id: int,
    raw_id: int | None,
    post: Post,
    decision: Decision,
    authorship: Authorship,
    now: datetime,
    member_id: int | None = None,
) -> int:
    """Store one list's post with its verdict; returns its id. `number` comes with `accept`.
    `member_id` is the member that its author is."""
    author = post.author
    return tx.execute(
        insert(PostRow)
        .values(
            list_id=list_id,
            raw_id=raw_id,
            message_id=post.message_id,
            dedupe=dedupe_key(post),
            body_hash=post.body_hash,
            author_key=author.address.key if author else "",
            author=str(author.address) if author else "",
            subject=post.subject,
            size=post.size,
            received=now,
            verdict=decision.verdict,
            reasons=_written(decision.reasons),
            number=None,
            accepted=None,
            authorship=write_authorship(authorship),
            member_id=member_id,
        )
        .returning(PostRow.id)
    ).scalar_one()


def _written(reasons: Sequence[Reason]) -> list[list[str]]:
    return [[reason.rule, reason.because] for reason in reasons]


def accept(tx: Tx, post_id: int, number: int, now: datetime) -> None:
    """Give a post its acceptance number."""
    tx.execute(
        update(PostRow)
        .where(PostRow.id == post_id)
        .values(verdict=Verdict.ACCEPT, number=number, accepted=now)
    )


def amend(tx: Tx, post_id: int, reasons: Sequence[Reason], authorship: Authorship) -> None:
    """Replace why a post is held, and what is known of its author, when that was cleared up."""
    tx.execute(
        update(PostRow)
        .where(PostRow.id == post_id)
        .values(reasons=_written(reasons), authorship=write_authorship(authorship))
    )


def get(tx: Tx, post_id: int) -> StoredPost:
    """One stored post."""
    row = tx.execute(
        select(
            PostRow.id, PostRow.list_id, PostRow.raw_id, PostRow.message_id, PostRow.author_key,
            PostRow.author, PostRow.subject, PostRow.received, PostRow.verdict, PostRow.reasons,
            PostRow.number, PostRow.accepted, PostRow.authorship, PostRow.member_id,
        ).where(PostRow.id == post_id)
    ).one()  # fmt: skip
    return StoredPost(
        id=row.id,
        list_id=row.list_id,
        raw_id=row.raw_id,
        message_id=row.message_id,
        author_key=row.author_key,
        author=row.author,
        subject=row.subject,
        received=row.received,
        verdict=Verdict(row.verdict),
        reasons=tuple(Reason(*pair) for pair in row.reasons),
        number=row.number,
        accepted=row.accepted,
        authorship=read_authorship(row.authorship),
        member_id=row.member_id,
    )


def count_since(tx: Tx, list_id: int, since: datetime) -> int:
    """How many posts the list accepted or holds since then."""
    return tx.execute(_count_since(list_id, since)).scalar_one()


def count_by(tx: Tx, list_id: int, author_key: str, member_id: int | None, since: datetime) -> int:
    """The same of one author: from this address, and from whatever address of this member."""
    theirs: ColumnElement[bool] = PostRow.author_key == author_key
    if member_id is not None:
        theirs = or_(theirs, PostRow.member_id == member_id)
    return tx.execute(_count_since(list_id, since).where(theirs)).scalar_one()


def _count_since(list_id: int, since: datetime) -> Select[int]:
    return (
        select(func.count())
        .select_from(PostRow)
        .where(PostRow.list_id == list_id, PostRow.received > since, _KEPT)
    )


def earlier_elsewhere(tx: Tx, post: StoredPost) -> Sequence[tuple[int, datetime]]:
    """(list, when) of the same message accepted by other lists before, within an hour: their
    readers have it already. In one transaction the list named first in To and Cc is first."""
    if not post.message_id or post.accepted is None:
        return ()
    before = or_(
        PostRow.accepted < post.accepted,
        and_(PostRow.accepted == post.accepted, PostRow.id < post.id),
    )
    rows = tx.execute(
        select(PostRow.list_id, PostRow.accepted).where(
            PostRow.dedupe == select(PostRow.dedupe).where(PostRow.id == post.id).scalar_subquery(),
            PostRow.list_id != post.list_id,
            PostRow.accepted >= post.accepted - ACROSS_LISTS_WINDOW,
            before,
        )
    )
    return [(row.list_id, row.accepted) for row in rows if row.accepted is not None]


def latest(tx: Tx, list_id: int) -> StoredPost | None:
    """The post that came to a list last."""
    found = tx.execute(
        select(PostRow.id).where(PostRow.list_id == list_id).order_by(PostRow.id.desc()).limit(1)
    ).scalar_one_or_none()
    return None if found is None else get(tx, found)
