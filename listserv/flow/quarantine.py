"""Poison: a recipient or a mailing over which delivery crashes again and again is set aside, so
that the rest flows, and a person decides. What that person did stands in the list's event log;
`by` is "command line" or an address."""

import logging
from datetime import datetime

from listserv.domain.errors import ListservError
from listserv.domain.mailing import Lease, MailingState
from listserv.store import events, leases, quarantine, queue
from listserv.store.quarantine import Quarantined
from listserv.store.session import Tx

log = logging.getLogger("listserv.deliver")

# Leases in a row that end in a crash without one new outcome.
POISON = 3
_WHY = f"delivery crashed {POISON} times in a row without getting further"


def check(tx: Tx, held: Lease, now: datetime) -> Lease | None:
    """A batch that was leased although it crashed before. Its head recipient is set aside first,
    the mailing when the next recipient crashes delivery too (then None)."""
    if held.crashes < POISON or False not in held.done:
        return held
    if held.poisoned:
        set_aside(tx, held, _WHY, now)
        return None
    head = held.done.index(False)
    quarantine.add_recipient(tx, held, head, _WHY, now)
    log.error("mailing=%d member=%d set aside: %s", held.mailing.id, held.members[head], _WHY)
    return leases.pass_over(tx, held, head)


def set_aside(tx: Tx, held: Lease, why: str, now: datetime) -> None:
    """Nobody else gets this mailing until a person says so. One that was dropped stays so."""
    if queue.set_state(tx, held.mailing.id, MailingState.SET_ASIDE, now):
        quarantine.add_mailing(tx, held.mailing.id, why, now)
    leases.give_back(tx, held, now, why)
    log.error("mailing=%d set aside: %s", held.mailing.id, why)


def cannot_be_made(tx: Tx, held: Lease, wrong: Exception, now: datetime) -> None:
    """A mailing whose copies cannot be made never stops the next."""
    why = str(wrong) if isinstance(wrong, ListservError) else "a fault of ours, see the log"
    set_aside(tx, held, f"its copies cannot be made: {why}", now)


def retry(tx: Tx, quarantine_id: int, *, by: str, now: datetime) -> Quarantined:
    """Try again what was set aside. A recipient gets a batch of their own, which waits while the
    mailing itself is set aside or paused."""
    row = quarantine.get(tx, quarantine_id)
    if row.is_mailing:
        resume(tx, row.mailing_id, now)
    else:
        queue.add_recipient(tx, row.mailing_id, row.member, row.address, now)
    quarantine.remove(tx, quarantine_id)
    events.log(tx, row.list_id, by, f"retried {_named(row)}", now)
    return row


def resume(tx: Tx, mailing_id: int, now: datetime) -> bool:
    """Try a mailing now, whatever it waits for, with its crashes forgiven. False when it is done
    or dropped."""
    if not queue.set_state(tx, mailing_id, MailingState.ACTIVE, now):
        return False
    quarantine.forgive(tx, mailing_id)
    queue.make_due(tx, mailing_id, now)
    queue.close_if_done(tx, mailing_id, now)
    return True


def drop(tx: Tx, quarantine_id: int, *, by: str, now: datetime) -> Quarantined:
    """Give up what was set aside; with a mailing also those of its recipients who are."""
    row = quarantine.get(tx, quarantine_id)
    if row.is_mailing:
        give_up(tx, row.mailing_id, now)
    else:
        quarantine.remove(tx, quarantine_id)
    events.log(tx, row.list_id, by, f"gave up {_named(row)}", now)
    return row


def give_up(tx: Tx, mailing_id: int, now: datetime) -> bool:
    """Nobody who has not got this mailing will. False when it is done or dropped already."""
    if not queue.set_state(tx, mailing_id, MailingState.DROPPED, now):
        return False
    quarantine.forget(tx, mailing_id)
    return True


def _named(row: Quarantined) -> str:
    """For the event log. A recipient who is no member any more has no address here."""
    whom = "" if row.is_mailing else f" for {row.recipient or f'member {row.member}'}"
    return f"mailing {row.mailing_id}{whom}, which was set aside"
