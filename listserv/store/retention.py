"""What leaves the store by itself, and when: bytes that nothing needs any more, and rows that only
told about them."""

from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    union_all,
    update,
)

from listserv.domain.mailing import MailingState
from listserv.domain.members import Delivery, MemberState
from listserv.policy.bounces import HARD_WINDOW
from listserv.policy.trust import FAMILIAR_FOR
from listserv.store import issues
from listserv.store.held import HeldState
from listserv.store.members import LOOK_NOW
from listserv.store.posts import DUPLICATE_WINDOW
from listserv.store.said import A_DAY
from listserv.store.session import Tx
from listserv.store.tables import (
    BounceRow,
    ConfirmationRow,
    CounterRow,
    DeferralRow,
    ExcusedRow,
    FamiliarPathRow,
    HeldRow,
    IssuePartRow,
    MailingRow,
    MemberRow,
    MessageRow,
    PostRow,
    ProbeRow,
    QuarantineRow,
    RenderingRow,
    SaidRow,
    UsedSignatureRow,
)

# Finished batches are kept so long for `queue show` and the bounce rules.
FINISHED = timedelta(days=14)
# What a rule discarded can be looked at so long: `held ls --discarded`.
DISCARDED = timedelta(days=7)
# An answer to a question that has expired is still told so, and for 30 days from its beginning it
# counts among those that nobody answered.
EXPIRED = timedelta(days=16)
# An issue is made once for all who get the same within this time; so long the issue and what it
# shows of a post are kept, so that an answer which quotes it is understood.
SAME_ISSUE = timedelta(days=7)
# An answer to an issue is known as one so long.
ANSWERED = timedelta(days=90)
# A request to join that was decided can be looked at so long.
DECIDED = timedelta(days=14)
# The counter that is told of for a month (flow/complaint.py).
COMPLAINTS, COMPLAINED = "complaints", timedelta(days=31)
# As long as a sending server tries (RFC 5321 4.5.4.1).
DEFERRED = timedelta(days=5)

_ENDED = [MailingState.DONE, MailingState.DROPPED]


def tidy(tx: Tx, retention: timedelta, now: datetime) -> int:
    """Forget what nobody needs; `retention` is the longest that an accepted post's bytes stay.
    Returns how many messages' bytes left. Held posts, requests to join, and what is set
    aside stay until somebody decides."""
    tx.execute(delete(MailingRow).where(MailingRow.state.in_(_ENDED), ~_is_set_aside())
               .where(MailingRow.finished < now - FINISHED))  # fmt: skip
    needed = or_(_is_held(), _is_queued(), and_(_waits_for_digest(), _younger(retention, now)),
                 _is_kept_discard(now))  # fmt: skip
    tx.execute(update(PostRow).where(PostRow.raw_id.is_not(None), ~needed).values(raw_id=None))
    since = func.coalesce(PostRow.accepted, PostRow.received)
    old = or_(PostRow.received < now - retention, since < now - SAME_ISSUE)
    bare = select(PostRow.id).where(PostRow.raw_id.is_(None), old).scalar_subquery()
    tx.execute(delete(RenderingRow).where(RenderingRow.post_id.in_(bare)))
    issues.forget_mails(tx, now - min(retention, SAME_ISSUE))
    issues.forget(tx, now - ANSWERED)
    tx.execute(
        delete(PostRow).where(
            PostRow.raw_id.is_(None),
            PostRow.received < now - max(retention, DUPLICATE_WINDOW),
            ~_is_held(),
            ~exists().where(MailingRow.post_id == PostRow.id),
        )
    )
    decided = HeldRow.post_id.is_(None), HeldRow.decided <= now - DECIDED
    tx.execute(delete(HeldRow).where(*decided))
    month = CounterRow.name == COMPLAINTS, CounterRow.minute >= now - COMPLAINED
    tx.execute(delete(CounterRow).where(CounterRow.minute < now - FINISHED, ~and_(*month)))
    _forget_trust(tx, now)
    for table in (BounceRow, ExcusedRow, ProbeRow):
        tx.execute(delete(table).where(table.at <= now - HARD_WINDOW))
    return drop_orphans(tx)


def _forget_trust(tx: Tx, now: datetime) -> None:
    tx.execute(delete(FamiliarPathRow).where(FamiliarPathRow.confirmed <= now - FAMILIAR_FOR))
    tx.execute(delete(ConfirmationRow).where(ConfirmationRow.expires <= now - EXPIRED))
    tx.execute(delete(SaidRow).where(SaidRow.at <= now - A_DAY))
    tx.execute(delete(UsedSignatureRow).where(UsedSignatureRow.until <= now))
    tx.execute(delete(DeferralRow).where(DeferralRow.since <= now - DEFERRED))


def drop_orphans(tx: Tx) -> int:
    """Delete message bytes that no post, no mailing and no issue of a digest names."""
    return tx.execute(
        delete(MessageRow).where(
            ~exists().where(PostRow.raw_id == MessageRow.id),
            ~exists().where(IssuePartRow.raw_id == MessageRow.id),
            ~exists().where(MailingRow.message_id == MessageRow.id),
        )
    ).rowcount


def give_pages_back(tx: Tx) -> None:
    """Return free pages of an SQLite file to the file system."""
    if tx.dialect.name == "sqlite":
        tx.execute(text("PRAGMA incremental_vacuum")).close()


def _is_held() -> ColumnElement[bool]:
    return exists().where(HeldRow.post_id == PostRow.id, HeldRow.state == HeldState.HELD)


def _is_kept_discard(now: datetime) -> ColumnElement[bool]:
    return exists().where(
        HeldRow.post_id == PostRow.id,
        HeldRow.state == HeldState.DISCARDED,
        HeldRow.since > now - DISCARDED,
    )


def _is_queued() -> ColumnElement[bool]:
    still = or_(MailingRow.state.not_in(_ENDED), _is_set_aside())
    return exists().where(MailingRow.post_id == PostRow.id, still)


def _is_set_aside() -> ColumnElement[bool]:
    """A recipient of the mailing is: it may be done, and still be sent to them."""
    return exists().where(QuarantineRow.mailing_id == MailingRow.id)


def _waits_for_digest() -> ColumnElement[bool]:
    """For a digest, or for somebody who may want one when their break ends. One reading of all who
    wait, not one for each post."""
    reads = MemberRow.digest_due.is_not(None), MemberRow.delivery == Delivery.DIGEST
    owed = MemberRow.digest_due <= LOOK_NOW, MemberRow.owed_from.is_not(None)
    away = MemberRow.until.is_not(None), MemberRow.state == MemberState.ACTIVE
    stands = union_all(
        select(MemberRow.list_id, MemberRow.cursor.label("at")).where(*reads),
        select(MemberRow.list_id, MemberRow.owed_from).where(*owed),
        select(MemberRow.list_id, MemberRow.away_since).where(*away),
    ).subquery()
    least = select(stands.c.list_id, func.min(stands.c.at).label("at")).group_by(stands.c.list_id)
    low = least.cte("low").prefix_with("MATERIALIZED")
    return exists().where(low.c.list_id == PostRow.list_id, low.c.at < PostRow.number)


def _younger(retention: timedelta, now: datetime) -> ColumnElement[bool]:
    return PostRow.received > now - retention
