"""The desk under whatever is taken, answered, written down, stopped or lost, in whatever order: a
kill repeats at most 64 transactions, what was at risk is taken off the count again, and the journal
hears of everything that it is to write."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from listserv.domain.mailing import Fate, Kind, Lane, Lease, Mailing, MailingState, Mode
from listserv.domain.transaction import Event, Settled, Stage, Transaction, Unfinished
from listserv.flow.copies import Source
from listserv.flow.deliver import Report, Work
from listserv.workers.desk import Desk
from listserv.workers.in_hand import InHand, Ticket
from listserv.workers.pace import Pace
from tests.flow.world import StillClock

# docs/queue.md, "What a crash costs". Not the desk's own constant: that is what is looked at.
AT_RISK = 64
SIZE = 150
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MAILING = Mailing(1, 1, Kind.POST, Lane.POST, Mode.BATCHED, MailingState.ACTIVE, 1, None, NOW)
SOURCE = Source(None, Mode.BATCHED, (), "x")

ANSWERS: Mapping[str, Callable[[Transaction], list[Event]]] = {
    "delivered": lambda t: [_settled(t, t.recipients, Fate.DELIVERED, b"250 ok")],
    "half refused": lambda t: [
        _settled(t, t.recipients[:1], Fate.FAILED, b"550 no"),
        _settled(t, t.recipients[1:], Fate.DELIVERED, b"250 ok"),
    ],
    "refused": lambda t: [_settled(t, t.recipients, Fate.FAILED, b"550 no")],
    "deferred": lambda t: [_settled(t, t.recipients, Fate.DEFERRED, b"451 later")],
    "cut off": lambda t: [Unfinished(t.key, t.recipients, False)],
    "cut off after the dot": lambda t: [Unfinished(t.key, t.recipients, True)],
}


def _settled(
    transaction: Transaction, recipients: tuple[str, ...], fate: Fate, reply: bytes
) -> Event:
    stage = Stage.DOT if fate is Fate.DELIVERED else Stage.RCPT
    return Settled(transaction.key, recipients, fate, stage, reply)


class Bench:
    """A desk with what a carrier and a journal have of it."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.desk = Desk(self.clock, Pace(self.clock), self._make)
        self.desk.on_fresh = self._tell
        self._is_told = False
        self.wire: list[Transaction] = []
        self._batches = 0
        # Delivered, by batch in hand and position, and not written down.
        self._unwritten: dict[tuple[InHand, int], Ticket] = {}
        self._journal: list[tuple[InHand, Report, int]] | None = None

    def _tell(self) -> None:
        self._is_told = True

    def _make(self, hand: InHand, groups: Sequence[tuple[int, ...]]) -> None:
        targets = hand.work.targets
        made = []
        for group in groups:
            ticket = Ticket(hand, group, len(group))
            made.append(Transaction(ticket, "s@x", tuple(targets[at] for at in group), ()))
        self.desk.made(hand, made)

    def add(self, size: int = SIZE, *, crashes: int = 0) -> None:
        """A batch, two recipients a transaction."""
        self._batches += 1
        self._add(self._batches, 1, size, crashes)

    def _add(self, batch: int, fence: int, size: int, crashes: int = 0) -> None:
        people, done = tuple(range(1, size + 1)), (False,) * size
        lease = Lease(batch, fence, MAILING, people, done, None, 1, crashes, False)
        targets = {at: f"m{at}@b{batch}.example" for at in range(size)}
        work = Work(lease, SOURCE, targets, bytearray(size // 8 + 1), careful=crashes > 0)
        self.desk.add(work, [(at, at + 1) for at in range(0, size, 2)])
        self._tell()  # as the worker does

    def again(self) -> None:
        """The oldest batch is leased once more, before the journal has heard that the lease before
        it is over."""
        if self.desk.in_hand:
            before = self.desk.in_hand[min(self.desk.in_hand)]
            self._forget(before)
            lease = before.work.lease
            self._add(lease.batch_id, lease.fence + 1, len(lease.members), lease.crashes)

    def take(self) -> None:
        """All that the desk gives out."""
        while (transaction := self.desk.take()) is not None:
            self.wire.append(transaction)
            assert self.at_risk() <= AT_RISK

    def answer(self, how: str) -> None:
        """To the transaction that has been on the wire longest."""
        if not self.wire:
            return
        transaction = self.wire.pop(0)
        events = ANSWERS[how](transaction)
        ticket = transaction.key
        assert isinstance(ticket, Ticket)
        if not ticket.hand.is_lost:
            for event in events:
                if isinstance(event, Settled) and event.fate is Fate.DELIVERED:
                    for at in ticket.places(event.recipients):
                        self._unwritten[ticket.hand, at] = ticket
        self.desk.report(events)

    def begin(self) -> None:
        """The journal begins to write; answers may come meanwhile."""
        if self._journal is None:
            self._is_told = False
            self._journal = self.desk.reports()

    def end(self, is_written: bool) -> None:
        """It is written, or the database could not take it."""
        found, self._journal = self._journal or [], None
        for hand, report, transactions in found:
            if not is_written:
                self.desk.not_written(hand, report)
                self._tell()  # it tries again by itself
                continue
            for at in report.fresh:
                self._unwritten.pop((hand, at), None)
            self.desk.written(hand, report, transactions)

    def lose(self) -> None:
        """The oldest batch is in other hands, as is found out between two reports."""
        self.end(is_written=True)
        if self.desk.in_hand:
            hand = self.desk.in_hand[min(self.desk.in_hand)]
            self._forget(hand)
            self.desk.lost(hand)

    def _forget(self, lost: InHand) -> None:
        self._unwritten = {k: t for k, t in self._unwritten.items() if k[0] is not lost}

    def stop(self) -> None:
        """The oldest batch goes back: somebody has paused its mailing."""
        if self.desk.in_hand:
            self.desk.stop(self.desk.in_hand[min(self.desk.in_hand)])

    def drain(self, how: str) -> None:
        """All that may go goes and is answered like that, as often as it takes."""
        self.end(is_written=True)
        for _ in range(2 * SIZE):
            if not self.desk.in_hand:
                return
            self.clock.pass_by(minutes=10)  # the relay is asked again
            self.take()
            while self.wire:
                self.answer(how)
            self.desk.settle_leftovers()
            self.begin()
            self.end(is_written=True)

    def hears(self) -> bool:
        """Whether the journal is at work or knows that it is to be, if there is anything."""
        owes = any(
            hand.work.fresh or hand.is_over or (hand.returning and not hand.on_the_wire)
            for hand in self.desk.in_hand.values()
        )
        return self._is_told or self._journal is not None or not owes

    def at_risk(self) -> int:
        """How many transactions a kill may repeat now."""
        return len({id(t.key) for t in self.wire} | {id(t) for t in self._unwritten.values()})


STEPS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "add",
                "take",
                "begin",
                "written",
                "not written",
                "lose",
                "again",
                "stop",
                "return all",
            ]
        ),
        st.tuples(st.sampled_from(sorted(ANSWERS)), st.integers(1, 40)),
    ),
    max_size=60,
)
STALLS = st.lists(
    st.sampled_from(
        [
            ("refused", 1),
            ("deferred", 1),
            "add one",
            "add crashed",
            "take",
            "begin",
            "again",
            "stop",
        ]
    ),
    max_size=20,
)


def go(bench: Bench, step: str | tuple[str, int]) -> None:
    match step:
        case (str(how), int(times)):
            for _ in range(times):
                bench.answer(how)
        case "add":
            bench.add()
        case "add one":
            bench.add(2)
        case "add crashed":
            if bench.desk.wanted(SIZE) is not None:  # then it is worked on alone
                bench.add(6, crashes=1)
        case "again":
            bench.again()
        case "take":
            bench.take()
        case "begin":
            bench.begin()
        case "lose":
            bench.lose()
        case "stop":
            bench.stop()
        case "return all":
            bench.desk.return_all(NOW, "")
        case _:
            bench.end(is_written=step == "written")


@given(STEPS)
@example([("delivered", 40), "lose"])
@example([("delivered", 40), "begin", "again", "written"])
def test_no_more_than_64_transactions_are_ever_at_risk(
    steps: list[str | tuple[str, int]],
) -> None:
    bench = Bench()
    bench.add()
    bench.take()
    for step in steps:
        go(bench, step)
        assert bench.at_risk() <= AT_RISK

    while bench.wire or bench.at_risk():
        bench.answer("delivered")
        bench.end(is_written=True)
        bench.begin()
        bench.end(is_written=True)
    bench.clock.pass_by(minutes=10)  # the relay is asked again
    bench.add()
    bench.take()
    assert bench.at_risk() == AT_RISK  # all of the window is free again


@given(STEPS)
@example(["begin", "written", "return all"])
@example(["begin", "written", "stop"])
def test_the_journal_hears_of_all_that_it_is_to_write(steps: list[str | tuple[str, int]]) -> None:
    bench = Bench()
    bench.add()
    for step in steps:
        go(bench, step)
        assert bench.hears()


class Clumsy(Bench):
    """No copy can be made."""

    def _make(self, hand: InHand, groups: Sequence[tuple[int, ...]]) -> None:
        self.desk.not_made(hand, groups)


def test_a_copy_that_cannot_be_made_counts_as_nobody_s_attempt() -> None:
    bench = Clumsy()
    bench.add(2)
    bench.take()
    ((_, report, _),) = bench.desk.reports()
    assert report.deferred is not None
    assert [outcome.counts for outcome in report.deferred.values()] == [False, False]


@given(STALLS, st.sampled_from(["delivered", "refused", "deferred"]))
@example(["add one", "take", ("refused", 1), "add crashed"], "delivered")
def test_whatever_has_happened_every_batch_leaves_the_desk(
    steps: list[str | tuple[str, int]], how: str
) -> None:
    bench = Bench()
    for step in steps:
        go(bench, step)
    bench.drain(how)
    assert not bench.desk.in_hand


def test_a_batch_that_comes_again_before_the_journal_hears_that_it_went_stays_in_hand() -> None:
    bench = Bench()
    bench.add()
    bench.desk.return_all(NOW, "")
    bench.begin()
    bench.again()
    bench.end(is_written=True)
    (hand,) = bench.desk.in_hand.values()
    assert (hand.work.lease.fence, hand.returning) == (2, None)
