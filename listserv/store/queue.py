"""The queue: mailings and their batches of recipients. pages.py writes those of a long roster, who
works on a batch is leases.py; docs/queue.md has the table of legal states.

A batch packs member numbers (8 bytes each, big-endian) and one progress bit for each.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from struct import pack, unpack
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Select,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)

from listserv.domain.mailing import (
    BatchState,
    Kind,
    Lane,
    MailingState,
    Mode,
)
from listserv.store import wakes
from listserv.store.posts import keep_raw
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import NOT_EXPANDED, BatchRow, MailingRow, microseconds

# A mailing whose content the relay refuses is tried again after so long, doubling.
FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=4)
# What stands in place of the relay's words when a person stopped the mailing.
_ON_HOLD = "the list is on hold"


def pack_members(members: Sequence[int]) -> bytes:
    """Member numbers as a batch keeps them."""
    return pack(f">{len(members)}Q", *members)


def unpack_members(packed: bytes) -> tuple[int, ...]:
    """The inverse of `pack_members`."""
    return unpack(f">{len(packed) // 8}Q", packed)


def pack_progress(done: Sequence[bool]) -> bytes:
    """One bit a recipient, the first in the highest bit of the first byte."""
    bits = bytearray((len(done) + 7) // 8)
    for at, finished in enumerate(done):
        if finished:
            bits[at >> 3] |= 0x80 >> (at & 7)
    return bytes(bits)


def unpack_progress(bits: bytes, total: int) -> tuple[bool, ...]:
    """The inverse of `pack_progress` for `total` recipients."""
    if not any(bits):
        return (False,) * total
    return tuple(bool(bits[at >> 3] & 0x80 >> (at & 7)) for at in range(total))


def add_post(tx: Tx, *, list_id: int, post_id: int, subject: str, mode: Mode, now: datetime) -> int:
    """Queue the copies of an accepted post; its batches are written by pages.py."""
    return _add_mailing(
        tx, list_id, Kind.POST, Lane.POST, mode, now, post_id=post_id, subject=subject
    )


def of_post(tx: Tx, post_id: int) -> int | None:
    """The first mailing of a post's copies, while it is kept."""
    query = select(MailingRow.id).where(MailingRow.post_id == post_id)
    return tx.execute(query.order_by(MailingRow.id).limit(1)).scalar_one_or_none()


def add_notice(
    tx: Tx,
    *,
    list_id: int | None,
    raw: bytes,
    subject: str,
    member: int,
    address: str,
    now: datetime,
    lane: Lane = Lane.NOTICE,
) -> int:
    """Queue a mail of ours to one person. `member` is their number (mail goes to the address they
    have then), or 0 for somebody who is no member: only then `address` is stored."""
    message_id = keep_raw(tx, raw, now)
    mailing = _add_mailing(
        tx, list_id, Kind.NOTICE, lane, Mode.VERP, now, message_id=message_id, subject=subject
    )
    add_batches(tx, mailing, lane, 0, [[member]], now, None if member else address)
    return mailing


def add_digest(
    tx: Tx,
    *,
    list_id: int,
    message_id: int,
    subject: str,
    groups: Sequence[Sequence[int]],
    mode: Mode,
    now: datetime,
) -> None:
    """Queue one mail of a digest's issue for groups of members, each a batch."""
    mailing = _add_mailing(
        tx, list_id, Kind.DIGEST, Lane.BULK, mode, now, message_id=message_id, subject=subject
    )
    add_batches(tx, mailing, Lane.BULK, 0, groups, now)


def _add_mailing(
    tx: Tx,
    list_id: int | None,
    kind: Kind,
    lane: Lane,
    mode: Mode,
    now: datetime,
    *,
    subject: str,
    post_id: int | None = None,
    message_id: int | None = None,
) -> int:
    wakes.call(tx)
    added = _ADD_MAILING.first(
        tx,
        list_id=list_id,
        kind=kind.value,
        lane=lane.value,
        mode=mode.value,
        post_id=post_id,
        message_id=message_id,
        subject=subject,
        created=now,
        expanded=kind is not Kind.POST,
    )
    return int(added[0])


_ADD_MAILING = Quick(
    insert(MailingRow)
    .values(
        {
            "list_id": bindparam("list_id"),
            "kind": bindparam("kind"),
            "lane": bindparam("lane"),
            "mode": bindparam("mode"),
            "state": MailingState.ACTIVE.value,
            "post_id": bindparam("post_id"),
            "message_id": bindparam("message_id"),
            "subject": bindparam("subject"),
            "created": bindparam("created"),
            "expanded": bindparam("expanded"),
            "expanded_to": 0,
            "ordinals": 1,
            "pauses": 0,
            "words": "",
        }
    )
    .returning(MailingRow.id)
)


def add_batches(
    tx: Tx,
    mailing_id: int,
    lane: int,
    ordinal: int,
    groups: Iterable[Sequence[int]],
    due: datetime,
    address: str | None = None,
    attempts: int = 0,
    words: str = "",
) -> None:
    rows = [
        {
            "mailing_id": mailing_id,
            "lane": lane,
            "ordinal": ordinal + at,
            "state": BatchState.READY,
            "due": due,
            "attempts": attempts,
            "crashes": 0,
            "poisoned": False,
            "worker": "",
            "fence": 0,
            "members": pack_members(members),
            "progress": bytes((len(members) + 7) // 8),
            "address": address,
            "total": len(members),
            "delivered": 0,
            "failed": 0,
            "skipped": 0,
            "words": words,
        }
        for at, members in enumerate(groups)
    ]
    if rows:
        tx.execute(insert(BatchRow), rows)


def add_recipient(tx: Tx, mailing_id: int, member: int, address: str | None, now: datetime) -> None:
    """Queue a mailing again for one recipient; a mailing that is done is active then."""
    lane = tx.execute(select(MailingRow.lane).where(MailingRow.id == mailing_id)).scalar_one()
    wakes.call(tx)
    add_batches(tx, mailing_id, lane, 0, [[member]], now, address)
    tx.execute(
        update(MailingRow)
        .where(MailingRow.id == mailing_id, MailingRow.state == MailingState.DONE)
        .values(state=MailingState.ACTIVE, finished=None)
    )


class Due(NamedTuple):
    """What delivery may find: mailings whose pause is over, a mailing without any batch yet, pages
    of batches to be written, a batch to be leased."""

    pauses: bool
    new: bool
    pages: bool
    batch: bool


def due(tx: Tx, now: datetime, lane: Lane) -> Due:
    """What there is to do now, of batches those of this lane or a higher one."""
    row = _DUE.run(tx, now=microseconds(now), lowest=int(lane)).fetchone()
    return Due(*map(bool, row))


def _due() -> Select[bool, bool, bool, bool]:
    now: BindParameter[int] = bindparam("now", type_=BigInteger())
    page = exists().where(NOT_EXPANDED, MailingRow.state == MailingState.ACTIVE)
    batch = exists().where(
        BatchRow.state == BatchState.READY,
        BatchRow.due <= now,
        BatchRow.lane <= bindparam("lowest"),
        MailingRow.id == BatchRow.mailing_id,
        MailingRow.state == MailingState.ACTIVE,
    )
    paused = exists().where(MailingRow.state == MailingState.PAUSED, MailingRow.resume <= now)
    return select(paused, page.where(MailingRow.expanded_to == 0), page, batch)


# Asked before each lease, and twice a second when nothing happens.
_DUE = Quick(_due())


def close_if_done(tx: Tx, mailing_id: int, now: datetime) -> None:
    """active → done once every recipient is written and every batch finished."""
    _CLOSE.run(tx, mailing=mailing_id, now=microseconds(now))


_CLOSE = Quick(
    update(MailingRow)
    .where(MailingRow.id == bindparam("mailing"), MailingRow.expanded)
    .where(MailingRow.state == MailingState.ACTIVE)
    .where(
        ~exists().where(
            BatchRow.mailing_id == MailingRow.id,
            # Named, so that the index finds one of them without reading those that are done.
            or_(BatchRow.state == BatchState.READY, BatchRow.state == BatchState.LEASED),
        )
    )
    .values(state=MailingState.DONE, finished=bindparam("now", type_=BigInteger()))
)


def pause(tx: Tx, mailing_id: int, words: str, now: datetime) -> bool:
    """active → paused: the relay refuses the mailing's content in these words. It is tried again
    after a while, longer each time."""
    pauses = tx.execute(select(MailingRow.pauses).where(MailingRow.id == mailing_id)).scalar_one()
    after = min(FIRST_PAUSE * 2**pauses, LONGEST_PAUSE)
    return bool(
        tx.execute(
            update(MailingRow)
            .where(MailingRow.id == mailing_id, MailingRow.state == MailingState.ACTIVE)
            .values(state=MailingState.PAUSED, words=words, resume=now + after, pauses=pauses + 1)
        ).rowcount
    )


def resume_paused(tx: Tx, now: datetime) -> None:
    """paused → active, for mailings whose time has come; done where nobody is left to try."""
    resumed = tx.execute(
        update(MailingRow)
        .where(MailingRow.state == MailingState.PAUSED, MailingRow.resume <= now)
        .values(state=MailingState.ACTIVE, resume=None)
        .returning(MailingRow.id)
    )
    for mailing_id in resumed.scalars().all():
        close_if_done(tx, mailing_id, now)


def hold(tx: Tx, list_id: int) -> None:
    """active → paused, and paused until `free`, for the posts of a list that are on their way."""
    on_their_way = MailingRow.state.in_([MailingState.ACTIVE, MailingState.PAUSED])
    tx.execute(
        update(MailingRow)
        .where(MailingRow.list_id == list_id, MailingRow.kind == Kind.POST, on_their_way)
        .values(state=MailingState.PAUSED, words=_ON_HOLD, resume=None)
    )


def free(tx: Tx, list_id: int, now: datetime) -> None:
    """paused → active, for what `hold` stopped."""
    freed = tx.execute(
        update(MailingRow)
        .where(MailingRow.list_id == list_id, MailingRow.words == _ON_HOLD)
        .where(MailingRow.state == MailingState.PAUSED)
        .values(state=MailingState.ACTIVE, words="")
        .returning(MailingRow.id)
    )
    for mailing_id in freed.scalars().all():
        close_if_done(tx, mailing_id, now)
    wakes.call(tx)


def set_state(tx: Tx, mailing_id: int, new: MailingState, now: datetime) -> bool:
    """active → set aside or dropped, and anything but an ended mailing back to active. A mailing
    that is done or dropped stays so."""
    finished = now if new is MailingState.DROPPED else None
    return bool(
        tx.execute(
            update(MailingRow)
            .where(
                MailingRow.id == mailing_id,
                MailingRow.state.not_in([MailingState.DONE, MailingState.DROPPED]),
            )
            .values(state=new, finished=finished, resume=None)
        ).rowcount
    )


def make_due(tx: Tx, mailing_id: int, now: datetime) -> int:
    """Try the ready batches of a mailing now."""
    wakes.call(tx)
    return tx.execute(
        update(BatchRow)
        .where(BatchRow.mailing_id == mailing_id, BatchRow.state == BatchState.READY)
        .values(due=now)
    ).rowcount
