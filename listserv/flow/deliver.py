"""Delivery's transactions: take a batch with its members as they are now, write progress, finish,
hand back. Sending itself, between them, is the worker's (workers/deliver.py)."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from listserv.domain.address import Address, Role, robot_address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Copy, Fate, Kind, Lane, Lease, Mailing, MailingState, Outcome
from listserv.domain.tokens import Purpose, copy_token, own_message_id
from listserv.flow import fan_out
from listserv.flow.site import Site
from listserv.mail.outgoing import list_copy
from listserv.mail.parse import parse
from listserv.mail.verp import return_path
from listserv.policy.recipients import wants_copy, wants_notice
from listserv.policy.retries import next_attempt
from listserv.store import leases, lists, posts, queue, recipients, site
from listserv.store.session import Tx

log = logging.getLogger("listserv.deliver")

# Sources kept between batches of the same mailing; a post of 20 MB each is the worst case.
_SOURCES = 8


@dataclass(frozen=True)
class Source:
    """What all copies of one mailing share. `author` and `named` (To and Cc) are address keys."""

    mlist: MailingList | None
    data: tuple[bytes, ...]
    eight_bit: bool
    utf8: bool
    author: str = ""
    named: frozenset[str] = frozenset()
    earlier: Sequence[tuple[int, datetime]] = ()


@dataclass(eq=False)
class Work:
    """A leased batch while it is worked on. `targets` maps positions to addresses; `outcomes` is
    what is known so far, `fresh` what of it is not written yet."""

    lease: Lease
    source: Source
    targets: dict[int, Address] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    fresh: dict[int, Outcome] = field(default_factory=dict)

    def note(self, at: int, outcome: Outcome) -> None:
        """What became of the recipient at this position."""
        self.outcomes[at] = outcome
        self.fresh[at] = outcome

    @property
    def is_complete(self) -> bool:
        """Whether every target has an outcome, written or not."""
        return all(at in self.outcomes for at in self.targets)


@dataclass(frozen=True)
class Report:
    """What a worker writes down about a batch. `give_back` is when it is due again (politely, the
    attempt not counted), `finished` says that every recipient had their turn."""

    lease: Lease
    outcomes: Mapping[int, Outcome]
    fresh: Mapping[int, Outcome]
    finished: bool
    give_back: datetime | None = None
    words: str = ""


class Deliveries:
    """The transactions of one worker. `worker` names it in its leases."""

    def __init__(self, site: Site, worker: str) -> None:
        self._site = site
        self._worker = worker
        self._sources: OrderedDict[int, Source] = OrderedDict()

    def take(self, tx: Tx, now: datetime, lane: Lane = Lane.BULK) -> Work | None:
        """Lease the next batch of this lane or a higher one; None when nothing is due. The first
        page of a new mailing is written at once, the next pages when all batches are in hands. A
        mailing whose copies cannot be made is set aside, so that it never stops the next."""
        fan_out.page(tx, now, of_new=True)
        lease = leases.lease(tx, self._worker, now, lane)
        if lease is None and lane is Lane.BULK and fan_out.page(tx, now):
            lease = leases.lease(tx, self._worker, now)
        if lease is None:
            return None
        try:
            source = self._source(tx, lease.mailing)
        except Exception:
            log.exception("mailing=%d cannot be made into copies: set aside", lease.mailing.id)
            queue.set_state(tx, lease.mailing.id, MailingState.SET_ASIDE, now)
            leases.give_back(tx, lease, now, "set aside: its copies cannot be made")
            return self.take(tx, now, lane)
        return _work(tx, lease, source, now)

    def _source(self, tx: Tx, mailing: Mailing) -> Source:
        known = self._sources.get(mailing.id)
        if known is None:
            known = self._sources[mailing.id] = _make_source(tx, self._site, mailing)
        self._sources.move_to_end(mailing.id)
        if len(self._sources) > _SOURCES:
            self._sources.popitem(last=False)
        return known

    def copy(self, work: Work, at: int) -> Copy:
        """The transaction for one recipient, with a return path of their own."""
        mailing, mlist = work.lease.mailing, work.source.mlist
        member = work.lease.members[at]
        if mlist is not None:
            sender = return_path(mlist, self._site.secret, member, mailing.id)
        else:
            token = copy_token(self._site.secret, Purpose.BOUNCES, member, mailing.id)
            sender = robot_address(Role.ROBOT_BOUNCES, self._site.hostname, token)
        return Copy(
            sender, str(work.targets[at]), work.source.data, work.source.utf8, work.source.eight_bit
        )


def _make_source(tx: Tx, site: Site, mailing: Mailing) -> Source:
    mlist = lists.get(tx, mailing.list_id) if mailing.list_id is not None else None
    if mailing.kind is Kind.NOTICE:
        if mailing.message is None:
            raise ListservError(f"mailing {mailing.id} has lost its message")
        return Source(mlist, (mailing.message,), eight_bit=False, utf8=False)
    raw = posts.raw(tx, mailing.post_id) if mailing.post_id is not None else None
    if raw is None or mlist is None or mailing.post_id is None:
        raise ListservError(f"mailing {mailing.id} has lost its post")
    post = parse(raw)
    # The same for every copy and every attempt, also when the author's mail had none.
    message_id = own_message_id(site.secret, mailing.id.to_bytes(10, "big"), site.hostname)
    made = list_copy(
        raw, post, mlist, now=mailing.created, hostname=site.hostname, message_id=message_id
    )
    return Source(
        mlist,
        (made.head, b"\r\n", made.body),
        eight_bit=made.eight_bit,
        utf8=made.utf8,
        author=post.author.address.key if post.author else "",
        named=frozenset(address.key for address in post.to_cc),
        earlier=posts.earlier_elsewhere(tx, posts.get(tx, mailing.post_id)),
    )


def _work(tx: Tx, lease: Lease, source: Source, now: datetime) -> Work:
    work = Work(lease, source)
    todo = [at for at, finished in enumerate(lease.done) if not finished]
    if lease.address is not None:
        local, _, domain = lease.address.rpartition("@")
        work.targets = dict.fromkeys(todo, Address(local, domain))
        return work
    assert source.mlist is not None, "only notices to non-members belong to no list"
    numbers = [lease.members[at] for at in todo]
    members = recipients.current(tx, source.mlist.id, numbers, source.earlier, now)
    is_notice = lease.mailing.kind is Kind.NOTICE
    for at in todo:
        member = members.get(lease.members[at])
        if member is not None and (
            wants_notice(member) if is_notice else wants_copy(member, source.author, source.named)
        ):
            work.targets[at] = member.address
        else:
            work.note(at, Outcome(Fate.SKIPPED))
    return work


def write(tx: Tx, reports: Sequence[Report], now: datetime, jitter: float) -> set[int]:
    """Write down what workers report; `jitter` is from 0 to 1. Returns the batches whose lease is
    no longer ours: their reports are void."""
    return {r.lease.batch_id for r in reports if not _write_one(tx, r, now, jitter)}


def _write_one(tx: Tx, report: Report, now: datetime, jitter: float) -> bool:
    lease, outcomes = report.lease, report.outcomes
    done = [
        finished or (at in outcomes and outcomes[at].fate is not Fate.DEFERRED)
        for at, finished in enumerate(lease.done)
    ]
    kept = leases.record(tx, lease, done, report.fresh, now)
    if kept and report.give_back is not None and not report.finished:
        leases.give_back(tx, lease, report.give_back, report.words)
    elif kept and report.finished:
        deferred = sorted(at for at, o in outcomes.items() if o.fate is Fate.DEFERRED)
        words = outcomes[deferred[-1]].words if deferred else ""
        due = next_attempt(lease.mailing.created, lease.attempts, now, jitter)
        leases.finish(tx, lease, deferred, due, words, now)
    return kept


def retry(tx: Tx, mailing_id: int, now: datetime) -> int:
    """Try a mailing now, also a paused one or one set aside. Returns how many batches are due."""
    if not queue.set_state(tx, mailing_id, MailingState.ACTIVE, now):
        raise ListservError(f"mailing {mailing_id} is not in the queue; see `listserv queue ls`")
    return queue.make_due(tx, mailing_id, now)


def drop(tx: Tx, mailing_id: int, now: datetime) -> None:
    """Give a mailing up: nobody who has not got it will."""
    if not queue.set_state(tx, mailing_id, MailingState.DROPPED, now):
        raise ListservError(f"mailing {mailing_id} is not in the queue; see `listserv queue ls`")


def has_work(tx: Tx, now: datetime) -> bool:
    """Whether a look at the queue is worth a write lock: not while the operator paused it."""
    return site.relay_paused(tx) is None and queue.is_due(tx, now)
