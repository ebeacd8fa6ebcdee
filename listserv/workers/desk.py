"""The desk: what delivery has in hand, what goes next, and what the relay's answers mean.

No I/O and no waiting: the carrier takes transactions and reports, the journal writes down what is
fresh. Lanes go first by rank. What may have to be repeated after a kill (transactions on the wire,
copies delivered and not yet written down) never exceeds UNWRITTEN.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from listserv.clock import Clock
from listserv.domain.address import masked_in
from listserv.domain.mailing import Fate, Lane, Outcome
from listserv.domain.transaction import (
    Closed,
    Event,
    Refused,
    Settled,
    Stage,
    Transaction,
    Unfinished,
    in_words,
)
from listserv.flow.deliver import Report, Work
from listserv.policy import grouping
from listserv.policy.refusals import Watch, is_throttling
from listserv.workers.in_hand import InHand, Ticket
from listserv.workers.pace import Pace

log = logging.getLogger("listserv.deliver")

# docs/queue.md, "What a crash costs".
UNWRITTEN = 64
# A relay that takes nothing is asked again after RELAY_FIRST seconds, doubling to five minutes.
RELAY_FIRST = 5.0
_RELAY_LONGEST = 300.0
# A recipient whose transaction was cut off before the final dot is sent again at once so often.
_AT_ONCE = 2
# With a connection of their own, notices find room although a fan-out takes all it can get.
_FOR_NOTICES = 4
# By rank.
ALL_LANES = tuple(Lane)
# Transactions made in one go: enough to keep a thread busy, few enough to stay young.
CHUNK = 32


Place = tuple[InHand, int, str]


class Desk:
    """One worker's desk. `make` turns positions of a batch into transactions, perhaps in a thread:
    it hands them to `made`. `alarm` is called once when the relay or a mailing is refused."""

    def __init__(
        self,
        clock: Clock,
        pace: Pace,
        make: Callable[[InHand, Sequence[tuple[int, ...]]], None],
        relay_first: float = RELAY_FIRST,
    ) -> None:
        self._clock = clock
        self._pace = pace
        self._make = make
        self._relay_first = relay_first
        self._lanes: dict[Lane, deque[InHand]] = {lane: deque() for lane in Lane}
        self._watch: Watch[Place] = Watch()
        self._exposed = 0
        self._careful = 0
        self._over = False
        # Mailings that are refused: each is told of once, however often it is tried again.
        self._alarmed: set[int] = set()
        self._relay_wait = 0.0
        self._relay_at = 0.0
        self.on_fresh: Callable[[], None] = _nobody_asks
        self.in_hand: dict[int, InHand] = {}
        self.fresh = 0
        self.relay_words = ""
        self.paused: dict[int, str] = {}

    # -- what comes in -------------------------------------------------------------------------

    def add(self, work: Work, groups: Sequence[tuple[int, ...]]) -> None:
        """Take a leased batch in hand; each group of positions becomes one transaction."""
        before = self.in_hand.get(work.lease.batch_id)
        if before is not None:
            # To ourselves: our lease expired, or went back before the journal could say so.
            self.lost(before)
        hand = InHand(work, deque(groups))
        self.in_hand[work.lease.batch_id] = hand
        self._lanes[work.lease.mailing.lane].append(hand)
        self.fresh += len(work.fresh)
        self._careful += work.careful

    def made(self, hand: InHand, transactions: Sequence[Transaction]) -> None:
        """Transactions that were asked for with `make` are there."""
        hand.making -= len(transactions)
        hand.ready.extend(transactions)

    def counter(self, lanes: Collection[Lane]) -> "Counter":
        """A counter at this desk that gives out these lanes only."""
        return Counter(self, tuple(sorted(lanes)))

    def not_made(self, hand: InHand, groups: Sequence[tuple[int, ...]]) -> None:
        """Making these failed, by a fault of ours: they wait, the others flow."""
        hand.making -= len(groups)
        for group in groups:
            for at in group:
                hand.work.note(at, _OUR_FAULT)
                self.fresh += 1
        self.on_fresh()

    def backlog(self, lanes: Collection[Lane] = ALL_LANES) -> int:
        """How many transactions of these lanes could go now."""
        if not self._may_send(lanes):
            return 0
        hands = [h for h in self.in_hand.values() if h.work.lease.mailing.lane in lanes]
        there = sum(len(h.ready) + len(h.unmade) for h in hands if h.may_go)
        return min(UNWRITTEN - self._exposed, there)

    def waiting(self) -> int:
        """How many transactions are in hand and not taken."""
        return sum(len(h.ready) + h.making + len(h.unmade) for h in self.in_hand.values())

    def wanted(self, low_water: int) -> Lane | None:
        """The lowest lane to lease from: any when little is in hand, else one above what is; None
        when there is none above, when the relay takes nothing, or when a batch is in hand that
        crashed delivery: it is worked on alone."""
        if self._careful or not self._relay_may_be_up():
            return None
        if self.waiting() < low_water:
            return Lane.BULK
        highest = min(hand.work.lease.mailing.lane for hand in self.in_hand.values())
        return Lane(highest - 1) if highest else None

    # -- what the carrier asks -----------------------------------------------------------------

    def take(self, lanes: Collection[Lane] = ALL_LANES) -> Transaction | None:
        """The next transaction of these lanes, or None for now."""
        if not self._may_send(lanes):
            return None
        for lane in lanes:
            hands = self._lanes[lane]
            for _ in range(len(hands)):
                hand = hands[0]
                alone = not hand.work.careful or self._is_alone
                transaction = self._next_of(hand) if hand.may_go and alone else None
                if transaction is not None:
                    if not self._pace.take(len(transaction.recipients)):
                        hand.ready.appendleft(transaction)
                        return None
                    self._exposed += 1
                    hand.on_the_wire += 1
                    return transaction
                hands.popleft()
                if hand.has_more or not hand.may_go:
                    if hand.returning is None:
                        hands.append(hand)
        return None

    def _may_send(self, lanes: Collection[Lane] = ALL_LANES) -> bool:
        room = UNWRITTEN if lanes is ALL_LANES or Lane.NOTICE in lanes else UNWRITTEN - _FOR_NOTICES
        if self._exposed >= room or self._exposed >= self._pace.allowed:
            return False
        return self._relay_may_be_up()

    @property
    def _is_alone(self) -> bool:
        return len(self.in_hand) == 1

    def _relay_may_be_up(self) -> bool:
        return not self._relay_at or self._clock.monotonic() >= self._relay_at

    def _next_of(self, hand: InHand) -> Transaction | None:
        if len(hand.ready) < CHUNK and hand.unmade:
            self._make_some(hand)
        return hand.ready.popleft() if hand.ready else None

    def _make_some(self, hand: InHand) -> None:
        # Of a batch that crashed delivery one at a time: making a copy may be what crashes.
        chunk, at_most = (1, 1) if hand.work.careful else (CHUNK, 4 * CHUNK)
        if len(hand.ready) < chunk and hand.making < at_most:
            groups = [hand.unmade.popleft() for _ in range(min(chunk, len(hand.unmade)))]
            hand.making += len(groups)
            self._make(hand, groups)

    def report(self, events: Sequence[Event]) -> None:
        """What became of transactions."""
        for event in events:
            if isinstance(event, Settled):  # nearly always
                self._settled(event)
            elif isinstance(event, Unfinished):
                self._unfinished(event)
            elif isinstance(event, Refused) and (event.fresh or not event.reply.startswith(b"421")):
                self.relay_down(event.words)  # a 421 to a later MAIL only ends the connection
            elif isinstance(event, Closed) and event.answered in (Stage.RCPT, Stage.DATA):
                self._pace.slow()  # and a 421 to the final dot is an outcome
        if self.fresh:
            self.on_fresh()

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for the journal: sending, or the end of a batch."""
        return self._over or self._exposed >= UNWRITTEN - _FOR_NOTICES or self._careful > 0

    # -- what the answers mean -----------------------------------------------------------------

    def _settled(self, event: Settled) -> None:
        ticket = event.key
        assert isinstance(ticket, Ticket)
        hand = ticket.hand
        if event.fate is _DELIVERED.fate:
            self._answered()
            if self._alarmed:
                self._alarmed.discard(hand.work.lease.mailing.id)
            ticket.delivered = True
            for at in ticket.places(event.recipients):
                hand.work.note(at, _DELIVERED)
        elif event.fate is Fate.FAILED:
            for at in ticket.places(event.recipients):
                self._refused(hand, at, hand.work.targets[at], event.words)
        else:
            self._deferred(hand, ticket, event)
        self._ends(ticket, len(event.recipients))

    def _deferred(self, hand: InHand, ticket: Ticket, event: Settled) -> None:
        about_mailing, slower = event.blames_message, is_throttling(event.words)
        places = ticket.places(event.recipients)
        if about_mailing and len(places) > 1:
            domains = grouping.by_domain({at: hand.work.targets[at] for at in places})
            if len(domains) > 1:
                # Perhaps one of them takes no such mail: each is asked by itself, at once.
                self._send_again(hand, tuple(domains.values()))
                return
        if slower:
            self._pace.slow()
        if not about_mailing and not slower:
            self._answered()
        outcome = Outcome(Fate.DEFERRED, event.words, counts=not (about_mailing or slower))
        for at in places:
            hand.work.note(at, outcome)
        if about_mailing and self._watch.refused_content(hand.work.lease.mailing.id):
            self._pause_mailing(hand.work.lease.mailing.id, event.words)

    def _refused(self, hand: InHand, at: int, recipient: str, words: str) -> None:
        if hand.returning is not None:
            return  # it goes back: what is said now may be about us, and will be said again
        counts, about_us = self._watch.refused((hand, at, words), recipient, words)
        self._count_refusals(counts)
        if about_us:
            self.relay_down(words)

    def _answered(self) -> None:
        """The relay works, and tells recipients apart."""
        if self._watch.keeps_back:
            self._count_refusals(self._watch.answered())
        self._relay_wait = 0.0
        self.relay_words = ""

    def _count_refusals(self, places: Sequence[Place]) -> None:
        for hand, at, words in places:
            hand.work.note(at, Outcome(Fate.FAILED, words))
            self.fresh += 1

    def settle_leftovers(self) -> None:
        """Nothing is on its way any more: a lone refusal was the recipient's; the same one for
        several recipients may not have been, and is tried again later."""
        if any(hand.on_the_wire or self._may_go_yet(hand) for hand in self.in_hand.values()):
            return
        places = self._watch.answered()
        if len(places) > 1:
            for hand, at, words in places:
                hand.work.note(at, Outcome(Fate.DEFERRED, words))
                self.fresh += 1
        else:
            self._count_refusals(places)

    def _may_go_yet(self, hand: InHand) -> bool:
        # A batch that goes alone waits for the others, and so for what is settled here.
        return hand.has_more and (not hand.work.careful or self._is_alone)

    def _unfinished(self, event: Unfinished) -> None:
        ticket = event.key
        assert isinstance(ticket, Ticket)
        hand = ticket.hand
        # Cut off by a 421: that is about our pace, or about the relay itself.
        words, counts = (in_words(event.goodbye), False) if event.goodbye else (_CUT_OFF, True)
        again = []
        for at in ticket.places(event.recipients):
            hand.cut_off[at] = hand.cut_off.get(at, 0) + 1
            if event.dot_written:
                hand.work.note(at, Outcome(Fate.DEFERRED, _CUT_OFF_AFTER))
            elif hand.cut_off[at] > _AT_ONCE:
                hand.work.note(at, Outcome(Fate.DEFERRED, words, counts))
            else:
                again.append(at)
        if again:
            self._send_again(hand, [tuple(again)])
        self._ends(ticket, len(event.recipients))

    def _send_again(self, hand: InHand, groups: Sequence[tuple[int, ...]]) -> None:
        hand.unmade.extendleft(groups)
        hands = self._lanes[hand.work.lease.mailing.lane]
        if hand not in hands:
            hands.appendleft(hand)

    def _ends(self, ticket: Ticket, recipients: int) -> None:
        """So many of the transaction's recipients are dealt with."""
        self.fresh += recipients
        ticket.left -= recipients
        if ticket.left:
            return
        ticket.hand.on_the_wire -= 1
        self._over = self._over or ticket.hand.is_over
        if ticket.delivered and not ticket.hand.is_lost:
            ticket.hand.unwritten += 1
        else:
            self._exposed -= 1

    def relay_down(self, words: str) -> None:
        """The relay takes nothing: everything in hand goes back untouched, nobody is scored."""
        self.on_fresh()
        now = self._clock.monotonic()
        if now < self._relay_at:
            return  # another connection said so already
        self._relay_wait = min(max(2 * self._relay_wait, self._relay_first), _RELAY_LONGEST)
        self._relay_at = now + self._relay_wait
        if not self.relay_words:
            log.error("the relay takes nothing: %s", masked_in(words))
        self.relay_words = words
        self._watch.forget()
        self.return_all(self._clock.now() + timedelta(seconds=self._relay_wait), words)

    def _pause_mailing(self, mailing: int, words: str) -> None:
        if mailing not in self._alarmed:
            self._alarmed.add(mailing)
            log.error(
                "mailing=%d paused, the relay refuses its content: %s", mailing, masked_in(words)
            )
        self.paused[mailing] = words
        for hand in self.in_hand.values():
            if hand.work.lease.mailing.id == mailing:
                self._return(hand, self._clock.now(), words)

    def return_all(self, due: datetime, words: str) -> None:
        """Give everything in hand back, due then."""
        for hand in self.in_hand.values():
            self._return(hand, due, words)
        for hands in self._lanes.values():
            hands.clear()

    # -- what the journal asks -----------------------------------------------------------------

    def reports(self) -> list[tuple[InHand, Report, int]]:
        """What is to be written now: for each batch its report, and how many transactions it
        makes safe."""
        self.fresh, self._over = 0, False
        found = []
        for hand in self.in_hand.values():
            unwritten = hand.unwritten
            report = hand.report()
            if report is not None:
                found.append((hand, report, unwritten))
        return found

    def written(self, hand: InHand, report: Report, transactions: int) -> None:
        """A report is in the database."""
        if hand.is_lost:
            return  # meanwhile: what was at risk is off the count already
        hand.unwritten -= transactions
        self._exposed -= transactions
        if report.deferred is not None or report.give_back is not None:
            self._let_go(hand)

    def not_written(self, hand: InHand, report: Report) -> None:
        """It is not: what was fresh in it is fresh again."""
        hand.work.fresh = {**report.fresh, **hand.work.fresh}
        self.fresh += len(report.fresh)

    def stop(self, hand: InHand) -> None:
        """Nothing more of a batch may go: it goes back once what is on the wire is answered."""
        if hand.returning is None:
            self._return(hand, self._clock.now(), "")

    def lost(self, hand: InHand) -> None:
        """A batch is in other hands now: nobody will write down what we know of it."""
        if self._let_go(hand):
            hand.is_lost = True
            self._exposed -= hand.unwritten
            self._return(hand, self._clock.now(), "")

    def _return(self, hand: InHand, due: datetime, words: str) -> None:
        hand.returning, hand.words = due, words
        hand.ready.clear()
        hand.unmade.clear()
        self.on_fresh()  # nothing of it may be on the wire: then no answer tells the journal

    def _let_go(self, hand: InHand) -> bool:
        """Whether it was in hand. Its batch may be there once more, by a later lease."""
        batch_id = hand.work.lease.batch_id
        if self.in_hand.get(batch_id) is not hand:
            return False
        del self.in_hand[batch_id]
        self._careful -= hand.work.careful
        return True


@dataclass(frozen=True)
class Counter:
    """Where a carrier that carries only some lanes takes from: see domain.courier.Desk."""

    desk: Desk
    lanes: tuple[Lane, ...]

    def take(self) -> Transaction | None:
        return self.desk.take(self.lanes)

    def report(self, events: Sequence[Event]) -> None:
        self.desk.report(events)

    def backlog(self) -> int:
        return self.desk.backlog(self.lanes)

    def relay_down(self, words: str) -> None:
        self.desk.relay_down(words)


def _nobody_asks() -> None:
    """There is no journal yet."""


_OUR_FAULT = Outcome(Fate.DEFERRED, "a fault on our side; see the log", counts=False)
_DELIVERED = Outcome(Fate.DELIVERED)
_CUT_OFF = "the relay closed the connection"
_CUT_OFF_AFTER = "the relay closed the connection before it answered: it may have the copy"
