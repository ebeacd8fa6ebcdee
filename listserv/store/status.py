"""What is going on: the numbers of `listserv status`."""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from listserv.domain.mailing import BatchState, MailingState
from listserv.domain.members import MemberState
from listserv.store.session import Tx
from listserv.store.tables import (
    BatchRow,
    BounceRow,
    EventRow,
    HeldRow,
    ListRow,
    MailingRow,
    MemberRow,
    MessageRow,
    RefusalRow,
)

_DAY = timedelta(days=1)
_OPEN = MailingRow.state.not_in([MailingState.DONE, MailingState.DROPPED])


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits to go out: mailings, recipients written so far, since when."""

    mailings: int
    recipients: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Space:
    """In bytes: what the database takes, what it grew by in a day, what is free on its disk (None:
    the disk is another machine's)."""

    database: int
    grown: int
    free: int | None

    @property
    def days_to_full(self) -> int | None:
        """At this rate; None when nothing comes in."""
        return None if self.free is None or not self.grown else self.free // self.grown


def queue(tx: Tx) -> Queue:
    """What waits to go out."""
    count, oldest = tx.execute(
        select(func.count(), func.min(MailingRow.created)).where(_OPEN)
    ).one()
    left = BatchRow.total - BatchRow.delivered - BatchRow.failed - BatchRow.skipped
    recipients = tx.execute(
        select(func.coalesce(func.sum(left), 0))
        .join(MailingRow, MailingRow.id == BatchRow.mailing_id)
        .where(_OPEN, BatchRow.state != BatchState.DONE)
    ).scalar_one()
    return Queue(count, int(recipients), oldest)


def held(tx: Tx) -> tuple[int, datetime | None]:
    """How many posts and requests to join wait for a person, and since when the oldest."""
    query = select(func.count(), func.min(HeldRow.since)).where(HeldRow.state == "held")
    count, oldest = tx.execute(query).one()
    return count, oldest


def refused(tx: Tx, since: datetime) -> int:
    """Recipients refused for good since then."""
    query = select(func.count()).select_from(RefusalRow).where(RefusalRow.at >= since)
    return tx.execute(query).scalar_one()


def suspended(tx: Tx) -> int:
    """Memberships that get no mail because it came back, or was complained about."""
    stopped = MemberRow.state == MemberState.SUSPENDED
    return tx.execute(select(func.count()).select_from(MemberRow).where(stopped)).scalar_one()


def bounces(tx: Tx, since: datetime) -> int:
    """Mails that did not reach a member, as was heard since then."""
    query = select(func.count()).select_from(BounceRow).where(BounceRow.at >= since)
    return tx.execute(query).scalar_one()


def lists_and_members(tx: Tx) -> tuple[int, int]:
    """How many lists there are, and how many active memberships."""
    active = MemberRow.state == MemberState.ACTIVE
    lists = tx.execute(select(func.count()).select_from(ListRow)).scalar_one()
    members = tx.execute(select(func.count()).select_from(MemberRow).where(active)).scalar_one()
    return lists, members


def space(tx: Tx, path: str | None, now: datetime) -> Space:
    """How big the database is; `path` is its file, None on PostgreSQL."""
    raw = select(func.coalesce(func.sum(func.length(MessageRow.raw)), 0))
    grown = int(tx.execute(raw.where(MessageRow.created >= now - _DAY)).scalar_one())
    if path is None:
        size = tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        return Space(int(size), grown, None)
    files = (path, f"{path}-wal")
    size = sum(os.stat(file).st_size for file in files if os.path.exists(file))
    return Space(size, grown, shutil.disk_usage(path).free)


def times(tx: Tx) -> tuple[datetime | None, datetime | None]:
    """The newest time that was written down, and what the clock of the database's machine says
    (None for SQLite: that is ours)."""
    newest = [
        tx.execute(select(func.max(column))).scalar_one()
        for column in (EventRow.at, MessageRow.created, MailingRow.created)
    ]
    theirs = None
    if tx.dialect.name != "sqlite":
        theirs = tx.execute(text("SELECT current_timestamp")).scalar_one()
    return max(filter(None, newest), default=None), theirs
