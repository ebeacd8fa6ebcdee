"""The tables. Typed classes only so that mypy knows the columns: queries select columns, and no
row object leaves this package.

Times are microseconds since 1970 in UTC. Ids that stand in tokens are never used again
(AUTOINCREMENT on SQLite; sequences do that on PostgreSQL).
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """An aware datetime as the tables keep it."""
    return (moment - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime kept as whole microseconds since 1970, on every database the same."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Instant, int: BigInteger}


_NEVER_AGAIN = {"sqlite_autoincrement": True}


class SiteRow(Base):
    """What there is once: the secret of all tokens, whether the relay is paused."""

    __tablename__ = "site"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class ListRow(Base):
    """A list. `settings` holds what differs from the defaults; `last_number` is the acceptance
    number given last, raised under this row's lock."""

    __tablename__ = "list"
    __table_args__ = (UniqueConstraint("name", "domain"), _NEVER_AGAIN)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(30))
    domain: Mapped[str] = mapped_column(String(255))
    list_id: Mapped[str] = mapped_column(String(290))
    created: Mapped[datetime]
    on_hold: Mapped[bool]
    last_number: Mapped[int]
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)


class FormerAddressRow(Base):
    """An address that a list had before it was renamed: it keeps working."""

    __tablename__ = "former_address"

    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    domain: Mapped[str] = mapped_column(String(255), primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"), index=True)


class MemberRow(Base):
    """A membership; who left stays as a row, so that nothing revives them. `mailbox`
    (policy/linked.py) is NULL where it is the address key. While mail is off, `kept` is how it
    comes when it comes again, `until` the day when that is (NULL: when they say so) and
    `away_since` the acceptance number of the last post before.

    `cursor`, `digest_from`, `owed_from` and `owed_to` are acceptance numbers: what comes by digest
    (policy/reading.py); `digest_due` is when a digest may be due (store/digests.py).

    `domain` is the address's. What comes back of a mail that was sent before `bounces_from` is not
    about the address as it is now: it was another one, or had to be given another chance."""

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("list_id", "address_key"),
        Index("ix_member_fan_out", "list_id", "state", "delivery", "id"),
        Index("ix_member_address_key", "address_key"),
        Index(
            "ix_member_mailbox",
            "list_id",
            "mailbox",
            sqlite_where=text("mailbox IS NOT NULL"),
            postgresql_where=text("mailbox IS NOT NULL"),
        ),
        Index(
            "ix_member_until",
            "until",
            sqlite_where=text("until IS NOT NULL"),
            postgresql_where=text("until IS NOT NULL"),
        ),
        Index(
            "ix_member_digest_from",
            "list_id",
            "digest_from",
            sqlite_where=text("digest_from IS NOT NULL"),
            postgresql_where=text("digest_from IS NOT NULL"),
        ),
        Index(
            "ix_member_digest_due",
            "digest_due",
            sqlite_where=text("digest_due IS NOT NULL"),
            postgresql_where=text("digest_due IS NOT NULL"),
        ),
        Index("ix_member_domain", "list_id", "domain", "state"),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(Text)
    address_key: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(10))
    delivery: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    joined: Mapped[datetime]
    left: Mapped[datetime | None]
    began: Mapped[str] = mapped_column(Text)
    posts: Mapped[int]
    cursor: Mapped[int]
    mailbox: Mapped[str | None] = mapped_column(Text)
    kept: Mapped[str | None] = mapped_column(String(10))
    until: Mapped[date | None]
    away_since: Mapped[int | None]
    digest_from: Mapped[int | None]
    owed_from: Mapped[int | None]
    owed_to: Mapped[int | None]
    digest_due: Mapped[datetime | None]
    domain: Mapped[str] = mapped_column(Text, server_default="")
    bounces_from: Mapped[datetime | None]


class LinkedAddressRow(Base):
    """An address that a member posts from beside their own; nobody else on the list has it."""

    __tablename__ = "linked_address"
    __table_args__ = (Index("ix_linked_address_mailbox", "list_id", "mailbox"),)

    list_id: Mapped[int] = mapped_column(
        ForeignKey("list.id", ondelete="CASCADE"), primary_key=True
    )
    address_key: Mapped[str] = mapped_column(Text, primary_key=True)
    mailbox: Mapped[str] = mapped_column(Text)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)


class BanRow(Base):
    """Who may not post or join, on one list or (no list) on the whole site. `pattern` is an
    address key or @domain."""

    __tablename__ = "ban"
    __table_args__ = (Index("ix_ban_pattern", "pattern"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int | None] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"))
    pattern: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime]


class MessageRow(Base):
    """Raw bytes: of a post as it came in, but for tokens of ours that act for somebody
    (mail/scrub.py), shared by the lists it was sent to; or of a notice."""

    __tablename__ = "message"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[datetime]


class PostRow(Base):
    """A post to one list. `dedupe` is a hash over its Message-ID, or without one over From, Date
    and Subject; `number` is its acceptance number, `accepted` when it got it. `raw_id` becomes
    NULL when nothing needs the bytes any more; `authorship` is NULL where nobody looked.
    `member_id` is the member whom it was found to be of when it came in, `answers` what it answers
    where we know that better than its author's program."""

    __tablename__ = "post"
    __table_args__ = (
        Index("ix_post_dedupe", "list_id", "dedupe"),
        Index("ix_post_across", "dedupe"),
        Index("ix_post_number", "list_id", "number", unique=True),
        Index("ix_post_accepted", "list_id", "accepted"),
        Index("ix_post_raw_id", "raw_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"))
    raw_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    message_id: Mapped[str] = mapped_column(Text)
    dedupe: Mapped[bytes] = mapped_column(LargeBinary)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    author_key: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    received: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(10))
    reasons: Mapped[list[Any]] = mapped_column(JSON)
    number: Mapped[int | None]
    accepted: Mapped[datetime | None]
    authorship: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    member_id: Mapped[int | None]
    answers: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class RenderingRow(Base):
    """What a digest shows of a post (mail/rendering.py): its text, and the rest as JSON."""

    __tablename__ = "rendering"

    post_id: Mapped[int] = mapped_column(
        Id, ForeignKey("post.id", ondelete="CASCADE"), primary_key=True
    )
    text: Mapped[str] = mapped_column(Text)
    rest: Mapped[dict[str, Any]] = mapped_column(JSON)


class IssueRow(Base):
    """An issue of a list's digest, made once for all members who get the same; `key` is a hash of
    what they get (store/digests.py)."""

    __tablename__ = "issue"
    __table_args__ = (UniqueConstraint("list_id", "key"), _NEVER_AGAIN)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"))
    key: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[datetime] = mapped_column(index=True)


class IssuePartRow(Base):
    """One mail of an issue. `posts` are those in it, each with the number that it has there and its
    id: so an answer to the mail with this `message_id` is understood. `raw_id` becomes NULL when
    nobody is to get the issue any more."""

    __tablename__ = "issue_part"

    issue_id: Mapped[int] = mapped_column(
        ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True
    )
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    message_id: Mapped[str] = mapped_column(Text, index=True)
    subject: Mapped[str] = mapped_column(Text)
    posts: Mapped[list[list[int]]] = mapped_column(JSON)
    raw_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)


class HeldRow(Base):
    """A post that waits for a person, or did; or somebody who asks to join: then there is no post,
    and `request` says who. The state changes once, from held. `due` is when moderators see a post
    that waits for its own author first; NULL: at once. `step` counts what was done to have it
    decided (flow/escalate.py) and `next` is when more is; NULL: nothing more."""

    __tablename__ = "held"
    __table_args__ = (
        Index("ix_held_state", "state", "list_id"),
        Index(
            "ix_held_next",
            "next",
            sqlite_where=text("next IS NOT NULL"),
            postgresql_where=text("next IS NOT NULL"),
        ),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"))
    post_id: Mapped[int | None] = mapped_column(
        ForeignKey("post.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str] = mapped_column(String(10))
    since: Mapped[datetime]
    decided: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    due: Mapped[datetime | None]
    request: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    step: Mapped[int] = mapped_column(Integer, server_default="0")
    next: Mapped[datetime | None]


class ModerationRow(Base):
    """A held post was shown to a moderator, who answers with this token until it expires."""

    __tablename__ = "moderation"
    __table_args__ = (UniqueConstraint("held_id", "member_id"),)

    token: Mapped[str] = mapped_column(String(24), primary_key=True)
    held_id: Mapped[int] = mapped_column(ForeignKey("held.id", ondelete="CASCADE"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime]
    expires: Mapped[datetime]


class FamiliarPathRow(Base):
    """A way that a member's mail takes, which they or a moderator confirmed. `dkim` are the d= of
    good signatures, sorted, one space between; `spf` the envelope sender's domain."""

    __tablename__ = "familiar_path"
    __table_args__ = (UniqueConstraint("member_id", "dkim", "spf"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    dkim: Mapped[str] = mapped_column(Text)
    spf: Mapped[str] = mapped_column(Text)
    confirmed: Mapped[datetime]
    confirmed_by: Mapped[str] = mapped_column(Text)


class ConfirmationRow(Base):
    """A question that was mailed to `address` and is answered by a mail to its token. `kind` says
    what is asked (flow/confirm.py), `data` about what; `replies` counts what was answered to it.
    Where questions to a mailbox are counted, `mailbox` is it, and `asker` who caused this one."""

    __tablename__ = "confirmation"
    __table_args__ = (
        Index("ix_confirmation_mailbox", "mailbox", "created"),
        Index("ix_confirmation_created", "created"),
    )

    token: Mapped[str] = mapped_column(String(24), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    list_id: Mapped[int | None] = mapped_column(
        ForeignKey("list.id", ondelete="CASCADE"), index=True
    )
    member_id: Mapped[int | None] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), index=True
    )
    address: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime]
    expires: Mapped[datetime] = mapped_column(index=True)
    confirmed: Mapped[datetime | None]
    replies: Mapped[int] = mapped_column(Integer)
    mailbox: Mapped[str | None] = mapped_column(Text)
    asker: Mapped[str | None] = mapped_column(Text)


class DeferralRow(Base):
    """Since when a message is put off because the DNS did not answer; `key` is a hash of it."""

    __tablename__ = "deferral"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    since: Mapped[datetime]


class SaidRow(Base):
    """When something that is said at most once a day was said to somebody last."""

    __tablename__ = "said"

    what: Mapped[str] = mapped_column(String(20), primary_key=True)
    whom: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]


class UsedSignatureRow(Base):
    """A DKIM signature that asked for something at one of our addresses. After `until` it counts
    no more, used or not; NULL where only this row says that it was used."""

    __tablename__ = "used_signature"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    recipient: Mapped[str] = mapped_column(Text, primary_key=True)
    used: Mapped[datetime]
    until: Mapped[datetime | None] = mapped_column(index=True)


class MailingRow(Base):
    """One thing that goes out. Its recipients are written in pages: `expanded_to` is the last
    member number for which batches exist, `expanded` says that all do. `resume` is when a mailing
    whose content the relay refused, in these `words`, is tried again; `pauses` counts how often."""

    __tablename__ = "mailing"
    __table_args__ = (
        Index("ix_mailing_unexpanded", "expanded", "lane", sqlite_where=text("NOT expanded")),
        Index("ix_mailing_post_id", "post_id"),
        Index("ix_mailing_message_id", "message_id"),
        Index("ix_mailing_state", "state"),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int | None] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    lane: Mapped[int] = mapped_column(Integer)
    mode: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    subject: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime]
    finished: Mapped[datetime | None]
    expanded: Mapped[bool]
    expanded_to: Mapped[int]
    ordinals: Mapped[int] = mapped_column(Integer)
    resume: Mapped[datetime | None]
    pauses: Mapped[int] = mapped_column(Integer)
    words: Mapped[str] = mapped_column(Text)


# Recipients are still to be written. Said twice, as SQLAlchemy writes it and as the index does, or
# SQLite reads all that is active instead of the index.
NOT_EXPANDED = and_(~MailingRow.expanded, text("NOT mailing.expanded"))


class BatchRow(Base):
    """Up to 500 recipients of one mailing; the unit that a worker leases (docs/queue.md).

    `members` packs member numbers (8 bytes each), `progress` one bit for each that is finished.
    `ordinal` counts the batches of a mailing: ordering by it makes mailings take turns. `fence`
    grows with each lease; only its holder may report. `crashes` counts leases in a row that ended
    in a crash without one new outcome; `poisoned` that a recipient was set aside for it already.
    `words` is the relay's last refusal.
    """

    __tablename__ = "batch"
    __table_args__ = (
        Index("ix_batch_next", "state", "lane", "ordinal", "id"),
        Index("ix_batch_mailing_id", "mailing_id", "state"),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailing.id", ondelete="CASCADE"))
    lane: Mapped[int] = mapped_column(Integer)
    ordinal: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10))
    due: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer)
    crashes: Mapped[int] = mapped_column(Integer)
    poisoned: Mapped[bool]
    worker: Mapped[str] = mapped_column(Text)
    lease_until: Mapped[datetime | None]
    fence: Mapped[int]
    members: Mapped[bytes] = mapped_column(LargeBinary)
    progress: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str | None] = mapped_column(Text)
    total: Mapped[int] = mapped_column(Integer)
    delivered: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    skipped: Mapped[int] = mapped_column(Integer)
    words: Mapped[str] = mapped_column(Text)


class RefusalRow(Base):
    """A permanent refusal of one recipient, `weighed` once the bounce rules have seen it.
    `member_id` is 0 for a notice to somebody who is no member."""

    __tablename__ = "refusal"
    __table_args__ = (
        Index("ix_refusal_member_id", "member_id", "at"),
        Index(
            "ix_refusal_new",
            "id",
            sqlite_where=text("NOT weighed"),
            postgresql_where=text("NOT weighed"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    member_id: Mapped[int]
    mailing_id: Mapped[int] = mapped_column(
        ForeignKey("mailing.id", ondelete="CASCADE"), index=True
    )
    words: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    weighed: Mapped[bool]


class BounceRow(Base):
    """A mail that did not reach a member: once for each mailing, however often it is reported, and
    whether by a mail or by the relay. `domain` is that of the address it was sent to, `day` the
    day it was reported on where the site is. `state` is new until it is weighed, then counts or
    excused (policy/bounces.py). Mailings are forgotten before it is."""

    __tablename__ = "bounce"
    __table_args__ = (
        UniqueConstraint("member_id", "mailing_id"),
        Index("ix_bounce_mailing_id", "mailing_id", "domain", "kind"),
        Index("ix_bounce_list_id", "list_id", "member_id"),
        Index("ix_bounce_at", "at"),
        Index(
            "ix_bounce_new",
            "list_id",
            "id",
            sqlite_where=text("state = 'new'"),
            postgresql_where=text("state = 'new'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    mailing_id: Mapped[int]
    domain: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    day: Mapped[date]
    state: Mapped[str] = mapped_column(String(10))


class ExcusedRow(Base):
    """What a mailing met at a domain was not about its members, and `why`: "ours" or "frozen"
    (policy/bounces.py); of no domain (""): what was refused for our mail's sake. `members` counts
    who it was when that became clear, `words` are what was said; `told`: the operator knows."""

    __tablename__ = "excused"

    mailing_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    domain: Mapped[str] = mapped_column(Text, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"), index=True)
    why: Mapped[str] = mapped_column(String(10))
    members: Mapped[int]
    words: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(index=True)
    told: Mapped[bool]


class ProbeRow(Base):
    """A mail that only tries whether a member can be reached; it is a mailing of its own, so what
    comes back of it is found by that."""

    __tablename__ = "probe"

    mailing_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]


class SuspensionRow(Base):
    """Why and since when a member is suspended; `told`: the owners know. It stays when they leave,
    because that may be taken back."""

    __tablename__ = "suspension"

    member_id: Mapped[int] = mapped_column(
        Id, ForeignKey("member.id", ondelete="CASCADE"), primary_key=True
    )
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"), index=True)
    why: Mapped[str] = mapped_column(String(20))
    words: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    told: Mapped[bool]


class QuarantineRow(Base):
    """What crashed the delivery again and again: a recipient of a mailing, or with member 0 and no
    address all who have not got it."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mailing_id: Mapped[int] = mapped_column(
        ForeignKey("mailing.id", ondelete="CASCADE"), index=True
    )
    member_id: Mapped[int]
    address: Mapped[str | None] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class EventRow(Base):
    """Who did what to a list and when: `listserv list log`."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_list_id", "list_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int | None] = mapped_column(ForeignKey("list.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)


class CounterRow(Base):
    """How often something happened in one minute; list 0 is the whole site."""

    __tablename__ = "counter"

    list_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]
