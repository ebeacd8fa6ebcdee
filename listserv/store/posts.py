"""Posts: what came in, what was decided, and the questions that the posting rules ask."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    Row,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)

from listserv.domain.answer import Answer
from listserv.domain.authorship import Authorship
from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.post import Post
from listserv.store.answer_json import read_answer, write_answer
from listserv.store.authorship_json import read_authorship, write_authorship
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import Base, Instant, MessageRow, PostRow

# A second arrival of the same message within this time is the first one's echo.
DUPLICATE_WINDOW = timedelta(days=7)
# The same Message-ID on several lists counts as one mail to a person within this time.
ACROSS_LISTS_WINDOW = timedelta(hours=1)

# What counts as "was accepted or held": a message that was refused is no one's original.
_KEPT = or_(PostRow.verdict == Verdict.ACCEPT.value, PostRow.verdict == Verdict.HOLD.value)

_SELECT = select(
    PostRow.id, PostRow.list_id, PostRow.raw_id, PostRow.message_id, PostRow.author_key,
    PostRow.author, PostRow.subject, PostRow.received, PostRow.verdict, PostRow.reasons,
    PostRow.number, PostRow.accepted, PostRow.authorship, PostRow.member_id,
    PostRow.answers,
)  # fmt: skip
_POST = Base.metadata.tables[PostRow.__tablename__]
_KEEP_RAW = Quick(
    insert(MessageRow)
    .values(raw=bindparam("raw"), created=bindparam("created"))
    .returning(MessageRow.id)
)
_ADD = Quick(
    insert(PostRow)
    .values({one.key: bindparam(one.key) for one in _POST.columns if not one.primary_key})
    .returning(PostRow.id)
)
_ACCEPT = Quick(
    update(PostRow)
    .where(PostRow.id == bindparam("wanted"))
    .values(verdict=Verdict.ACCEPT.value, number=bindparam("given"), accepted=bindparam("now"))
)
_ECHO = Quick(
    select(PostRow.body_hash).where(
        PostRow.list_id == bindparam("on"),
        PostRow.dedupe == bindparam("key"),
        PostRow.received > bindparam("since"),
        _KEPT,
    )
)
_SINCE: BindParameter[datetime] = bindparam("since", type_=Instant())
# No member has the number 0.
_theirs = or_(PostRow.author_key == bindparam("author"), PostRow.member_id == bindparam("member"))
_counted = select(func.count(), func.count().filter(_theirs)).where(
    PostRow.list_id == bindparam("on"), PostRow.received > _SINCE, _KEPT
)
# What was accepted came before that. Asked apart, each by its index: of a long archive nothing is
# read.
_COUNT = Quick(
    union_all(_counted.where(PostRow.accepted > _SINCE), _counted.where(PostRow.accepted.is_(None)))
)


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
    answers: Answer | None = None


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
    return int(_KEEP_RAW.first(tx, raw=raw, created=now)[0])


def mail(tx: Tx, message: int) -> bytes | None:
    """The bytes of a message by their own id."""
    query = select(MessageRow.raw).where(MessageRow.id == message)
    return tx.execute(query).scalar_one_or_none()


def raw(tx: Tx, post_id: int) -> bytes | None:
    """The bytes of a post as it came in, but for tokens of ours; None when they are gone by
    retention."""
    query = select(MessageRow.raw).join(PostRow, PostRow.raw_id == MessageRow.id)
    return tx.execute(query.where(PostRow.id == post_id)).scalar_one_or_none()


def echo(tx: Tx, list_id: int, post: Post, now: datetime) -> Echo:
    """Whether the list accepted or held this message before, with this body or another."""
    since = now - DUPLICATE_WINDOW
    seen = {body for (body,) in _ECHO.rows(tx, on=list_id, key=dedupe_key(post), since=since)}
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
    number: int | None = None,
    answers: Answer | None = None,
    subject: str | None = None,
) -> StoredPost:
    """Store one list's post with its verdict. `number` is its acceptance number, of what was not
    accepted at once it comes with `accept`. `member_id` is the member that its author is;
    `answers` and a `subject` of ours say what its program did not."""
    author = post.author
    author_key = author.address.key if author else ""
    address = str(author.address) if author else ""
    subject = post.subject if subject is None else subject
    accepted = None if number is None else now
    (post_id,) = _ADD.first(
        tx,
        list_id=list_id,
        raw_id=raw_id,
        message_id=post.message_id,
        dedupe=dedupe_key(post),
        body_hash=post.body_hash,
        author_key=author_key,
        author=address,
        subject=subject,
        size=post.size,
        received=now,
        verdict=decision.verdict.value,
        reasons=_written(decision.reasons),
        authorship=write_authorship(authorship),
        member_id=member_id,
        answers=write_answer(answers),
        number=number,
        accepted=accepted,
    )
    return StoredPost(
        id=post_id,
        list_id=list_id,
        raw_id=raw_id,
        message_id=post.message_id,
        author_key=author_key,
        author=address,
        subject=subject,
        received=now,
        verdict=decision.verdict,
        reasons=decision.reasons,
        number=number,
        accepted=accepted,
        authorship=authorship,
        member_id=member_id,
        answers=answers,
    )


def _written(reasons: Sequence[Reason]) -> list[list[str]]:
    return [[reason.rule, reason.because] for reason in reasons]


def accept(tx: Tx, post_id: int, number: int, now: datetime) -> None:
    """Give a post its acceptance number."""
    _ACCEPT.run(tx, wanted=post_id, given=number, now=now)


def amend(tx: Tx, post_id: int, reasons: Sequence[Reason], authorship: Authorship) -> None:
    """Replace why a post is held, and what is known of its author, when that was cleared up."""
    tx.execute(
        update(PostRow)
        .where(PostRow.id == post_id)
        .values(reasons=_written(reasons), authorship=write_authorship(authorship))
    )


def answer(tx: Tx, post_id: int, answers: Answer, subject: str) -> None:
    """Say what a post answers, now that its author has told; `subject` is how it is called now."""
    tx.execute(
        update(PostRow)
        .where(PostRow.id == post_id)
        .values(answers=write_answer(answers), subject=subject)
    )


def get(tx: Tx, post_id: int) -> StoredPost:
    """One stored post."""
    return _stored(tx.execute(_SELECT.where(PostRow.id == post_id)).one())


def accepted(tx: Tx, list_id: int, post_ids: Collection[int]) -> dict[int, StoredPost]:
    """Those of these posts that this list has accepted, by id."""
    query = _SELECT.where(
        PostRow.id.in_(post_ids), PostRow.list_id == list_id, PostRow.number.is_not(None)
    )
    return {row.id: _stored(row) for row in tx.execute(query)}


def _stored(row: Row[*tuple[Any, ...]]) -> StoredPost:
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
        answers=read_answer(row.answers),
    )


def count_since(
    tx: Tx, list_id: int, author_key: str, member_id: int | None, since: datetime
) -> tuple[int, int]:
    """How many posts the list accepted or holds since then: all of them, and those of one author,
    from this address or from whatever address of this member."""
    found = _COUNT.run(tx, on=list_id, author=author_key, member=member_id or 0, since=since)
    of_all, of_author = zip(*found.fetchall(), strict=True)
    return sum(of_all), sum(of_author)


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


def recent(tx: Tx, list_id: int, most: int) -> list[int]:
    """The numbers of the last posts that a list accepted or holds, newest first."""
    query = select(PostRow.id).where(PostRow.list_id == list_id, _KEPT)
    return list(tx.execute(query.order_by(PostRow.id.desc()).limit(most)).scalars())
