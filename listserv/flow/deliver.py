"""Delivery's transactions: take a batch with its members as they are now, write progress, finish,
hand back. Sending itself, between them, is the worker's (workers/deliver.py)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import repeat
from typing import Final

from listserv.domain.address import Role, robot_address
from listserv.domain.mailing import (
    Again,
    Fate,
    Kind,
    Lane,
    Lease,
    Mode,
    Outcome,
)
from listserv.domain.tokens import Purpose, copy_tokens
from listserv.domain.transaction import Transaction
from listserv.flow import fan_out, quarantine
from listserv.flow.copies import Source, Sources
from listserv.flow.site import Site
from listserv.mail.personal import personal_values
from listserv.mail.sign import Form
from listserv.mail.verp import return_paths
from listserv.policy import grouping
from listserv.policy.recipients import wants_copy, wants_notice
from listserv.policy.retries import next_attempt
from listserv.store import counters, leases, queue, recipients, site
from listserv.store.leases import Standing
from listserv.store.queue import pack_progress
from listserv.store.session import Tx

# The counter behind `status` and relay.max_per_day.
DELIVERED = "delivered"
# For each copy, and a member of an Enum class is found slowly (CPython 3.11).
_DEFERRED: Final = Fate.DEFERRED


@dataclass(eq=False)
class Work:
    """A leased batch while it is worked on. `targets` maps positions to addresses; `fresh` are
    outcomes not written yet, `deferred` those that end in another attempt; `progress` has a bit
    for each recipient who is done."""

    lease: Lease
    source: Source
    targets: dict[int, str]
    progress: bytearray
    careful: bool
    fresh: dict[int, Outcome] = field(default_factory=dict)
    deferred: dict[int, Outcome] = field(default_factory=dict)
    _noted: set[int] = field(default_factory=set)

    def note(self, at: int, outcome: Outcome) -> None:
        """What became of the recipient at this position; the first word counts."""
        if at in self._noted:
            return
        self._noted.add(at)
        self.fresh[at] = outcome
        if outcome.fate is _DEFERRED:
            self.deferred[at] = outcome
        else:
            self.progress[at >> 3] |= 0x80 >> (at & 7)

    @property
    def is_complete(self) -> bool:
        """Whether every target has an outcome, written or not."""
        return len(self._noted) >= len(self.targets) and self.targets.keys() <= self._noted


@dataclass(frozen=True)
class Report:
    """What a worker writes down about a batch. With `deferred` every recipient had their turn, and
    these come again; `give_back` is when an unfinished batch is due (politely, uncounted)."""

    lease: Lease
    progress: bytes
    fresh: Mapping[int, Outcome]
    deferred: Mapping[int, Outcome] | None
    give_back: datetime | None = None
    words: str = ""


class Deliveries:
    """The transactions of one worker. `worker` names it in its leases."""

    def __init__(self, site: Site, worker: str) -> None:
        self._site = site
        self._worker = worker
        self.sources = Sources(site)

    def lease(self, tx: Tx, now: datetime, lane: Lane = Lane.BULK) -> Lease | None:
        """Lease the next batch of this lane or a higher one; None when there is none: then it is
        time for `write_page`. The first page of a new mailing is written here, at once."""
        due = queue.due(tx, now, lane)
        if due.pauses:
            queue.resume_paused(tx, now)
        if due.new:
            fan_out.page(tx, self._site.burst_bytes, now, of_new=True)
        lease = leases.lease(tx, self._worker, now, lane)
        if lease is None:
            return None
        return quarantine.check(tx, lease, now) or self.lease(tx, now, lane)

    def write_page(self, tx: Tx, now: datetime, lane: Lane = Lane.BULK) -> bool:
        """Write the next page of batches, above the lowest lane only the first page of a mailing;
        whether there was one to write. It is empty where nobody is to get the mailing."""
        return fan_out.page(tx, self._site.burst_bytes, now, of_new=lane is not Lane.BULK)

    def open(self, tx: Tx, lease: Lease, now: datetime) -> Work:
        """The work of a leased batch, its members as they are now. Changes nothing. Raises what
        making the copies raises: see `quarantine.set_aside`."""
        return _work(tx, lease, self.sources.get(tx, lease.mailing, now), now)

    def groups(self, work: Work) -> list[tuple[int, ...]]:
        """The targets as they go into transactions: for `batched` up to `max_rcpt` together."""
        if work.careful:
            return [(at,) for at in work.targets]
        if work.source.mode is not Mode.BATCHED:
            return grouping.one_by_one(work.targets)
        # Whose transaction was deferred may have shared it with the domain that it was about.
        mixed = work.lease.attempts == 1
        return grouping.together(work.targets, self._site.max_rcpt, mixed=mixed)

    def transactions(
        self, work: Work, asked: Sequence[tuple[object, Sequence[int]]]
    ) -> list[Transaction]:
        """A transaction for each (key, group of positions). Signs when each copy is signed; may be
        called from several threads at once."""
        source, secret = work.source, self._site.secret
        mailing, members = work.lease.mailing.id, [0] * len(asked)
        if source.mode is not Mode.BATCHED:
            members = [work.lease.members[group[0]] for _, group in asked]
        if source.mlist is not None:
            senders = return_paths(source.mlist, secret, members, mailing)
        else:
            tokens = copy_tokens(secret, Purpose.BOUNCES, members, mailing)
            senders = [robot_address(Role.ROBOT_BOUNCES, source.domain, t) for t in tokens]
        datas: Iterable[tuple[bytes, ...]] = repeat(source.data)
        if source.form is not None:
            pages = source.domain in self._site.urls
            values = personal_values(secret, members, mailing, pages=pages)
            datas = self._signed(source, source.form, values)
        targets = work.targets
        return [
            Transaction(
                key,
                sender,
                tuple([targets[at] for at in group]),
                data,
                source.utf8,
                source.eight_bit,
                source.dotless,
            )
            for (key, group), sender, data in zip(asked, senders, datas, strict=False)
        ]

    def _signed(
        self, source: Source, form: Form, values: Sequence[tuple[bytes, ...]]
    ) -> Iterator[tuple[bytes, ...]]:
        for own in values:
            signature = source.prepared.sign(own) if source.prepared is not None else b""
            yield (signature + form.sent(own), *source.data)


def _work(tx: Tx, lease: Lease, source: Source, now: datetime) -> Work:
    progress = bytearray(pack_progress(lease.done))
    work = Work(lease, source, {}, progress, careful=lease.crashes > 0 or lease.poisoned)
    todo = [at for at, finished in enumerate(lease.done) if not finished]
    if lease.address is not None:
        work.targets = dict.fromkeys(todo, lease.address)
        return work
    assert source.mlist is not None, "only notices to non-members belong to no list"
    numbers = [lease.members[at] for at in todo]
    members = recipients.current(tx, source.mlist.id, numbers, source.earlier, now)
    is_post = lease.mailing.kind is Kind.POST
    for at in todo:
        member = members.get(lease.members[at])
        if member is not None and (
            wants_copy(member, source.number, source.author, source.named)
            if is_post
            else wants_notice(member)
        ):
            work.targets[at] = member.address
        else:
            work.note(at, _SKIPPED)
    return work


_SKIPPED = Outcome(Fate.SKIPPED)


def write(tx: Tx, reports: Sequence[Report], now: datetime, jitter: float) -> dict[int, Standing]:
    """Write down what workers report; `jitter` is from 0 to 1. Returns how each batch stands then:
    of one that is LOST the report is void."""
    return {r.lease.batch_id: _write_one(tx, r, now, jitter) for r in reports}


def _write_one(tx: Tx, report: Report, now: datetime, jitter: float) -> Standing:
    lease = report.lease
    standing = leases.record(tx, lease, report.progress, report.fresh, now)
    if standing is Standing.LOST:
        return standing
    if report.deferred is not None:
        leases.finish(tx, lease, _again(lease, report.deferred, now, jitter), now)
    elif report.give_back is not None:
        leases.give_back(tx, lease, report.give_back, report.words)
    return standing


def look_after(tx: Tx, held: Sequence[Lease]) -> dict[int, Standing]:
    """How these batches stand, while there is nothing to write about them."""
    return {lease.batch_id: leases.standing(tx, lease) for lease in held}


def _again(
    lease: Lease, deferred: Mapping[int, Outcome], now: datetime, jitter: float
) -> list[Again]:
    """The batches to come: those whose attempt counts, and those whose does not."""
    groups = []
    for counts in (True, False):
        places = tuple(sorted(at for at, o in deferred.items() if o.counts is counts))
        if places:
            attempts = lease.attempts if counts else lease.attempts - 1
            due = next_attempt(lease.mailing.created, max(1, attempts), now, jitter)
            words = deferred[places[-1]].words
            groups.append(Again(places, due, attempts, words, counts))
    return groups


def count(tx: Tx, delivered: Mapping[int, int], now: datetime) -> None:
    """Count deliveries by list."""
    for list_id, number in delivered.items():
        if number:
            counters.count(tx, list_id, DELIVERED, now, number)


def refused_by_relay(tx: Tx, words: str, paused: Mapping[int, str], now: datetime) -> None:
    """Write down for `status` that the relay takes nothing (in these words; "" when it does
    again), and pause the mailings whose content it refuses."""
    site.note_relay(tx, words, now)
    for mailing, why in paused.items():
        queue.pause(tx, mailing, why, now)


def has_work(tx: Tx, per_day: int, now: datetime, lane: Lane = Lane.BULK) -> bool:
    """Whether a look at the queue is worth a write lock: not while the operator paused it, nor
    when `per_day` recipients (0 for no limit) were sent to in 24 hours."""
    due = queue.due(tx, now, lane)
    if not (due.pauses or due.new or due.batch or (due.pages and lane is Lane.BULK)):
        return False
    if site.relay_paused(tx) is not None:
        return False
    return not per_day or counters.total(tx, DELIVERED, now - timedelta(days=1)) < per_day
