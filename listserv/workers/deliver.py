"""Delivery: leases batches, sends their copies over many connections at once, writes down what
became of each.

Three kinds of task: `_feed` keeps copies in hand, `_send` (one for each connection) sends them,
highest lane first, `_keep_journal` writes outcomes down, at most 32 or 50 ms late. Outcomes not
yet written and transactions in flight together never exceed 64, so a kill repeats at most 64
copies.
"""

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from listserv.clock import Clock
from listserv.domain.courier import Courier, RelayDown
from listserv.domain.mailing import Fate, Lane, Outcome
from listserv.flow import deliver
from listserv.flow.deliver import Deliveries, Report, Work
from listserv.store import leases
from listserv.store.session import StorageError, Store

log = logging.getLogger("listserv.deliver")

UNWRITTEN = 64
_JOURNAL_SIZE = 32
_JOURNAL_DELAY = 0.05
# Below so many copies in hand the next batch is leased.
_LOW_WATER = 2 * UNWRITTEN
_HEARTBEAT = 10.0
# Commands commit in other processes and cannot wake us: a look at the queue this often.
_LOOK = 0.5
# A relay that takes nothing is asked again after RELAY_FIRST seconds, doubling up to five minutes.
RELAY_FIRST = 5.0
_RELAY_LONGEST = 300.0
# After a database error.
_STORAGE_PAUSE = 1.0


@dataclass(eq=False)
class _InHand:
    """A batch in hand. `returning`: when it is due again, once nothing of it is in flight."""

    work: Work
    in_flight: int = 0
    returning: datetime | None = None
    words: str = ""

    def report(self) -> Report | None:
        """What is to be written now, if anything. Empties `fresh`."""
        fresh, self.work.fresh = self.work.fresh, {}
        give_back = self.returning if not self.in_flight else None
        finished = self.work.is_complete and not self.in_flight
        if not fresh and give_back is None and not finished:
            return None
        outcomes = dict(self.work.outcomes)
        return Report(self.work.lease, outcomes, fresh, finished, give_back, self.words)

    def take_back(self, report: Report) -> None:
        """The report could not be written: what was fresh in it is fresh again."""
        self.work.fresh = {**report.fresh, **self.work.fresh}


class DeliveryWorker:
    """One delivery worker. `run` goes on until `stop`; `wake` says that there may be new work."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliveries: Deliveries,
        courier: Courier,
        connections: int,
        relay_first: float = RELAY_FIRST,
    ) -> None:
        self._store = store
        self._clock = clock
        self._deliveries = deliveries
        self._courier = courier
        self._connections = connections
        self._relay_first = relay_first
        self._copies: asyncio.PriorityQueue[tuple[int, int, int, _InHand]] = asyncio.PriorityQueue()
        self._sequence = 0
        self._in_hand: dict[int, _InHand] = {}
        self._fresh = 0
        self._something_fresh = asyncio.Event()
        self._journal_full = asyncio.Event()
        self._woken = asyncio.Event()
        self._unwritten = asyncio.Semaphore(UNWRITTEN)
        self._relay_wait = 0.0
        self._relay_at = 0.0
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """There may be new work. Safe from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    def stop(self) -> None:
        """Finish the transactions in flight, hand back the leases, let `run` return."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        self._loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(self._send()) for _ in range(self._connections)]
        tasks += [asyncio.create_task(self._keep_journal()), asyncio.create_task(self._beat())]
        feeding = asyncio.create_task(self._feed())
        try:
            # A task that ends before `_feed` has failed: that is our bug, and loud.
            await asyncio.wait([feeding, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            await feeding
        finally:
            await _end({feeding, *tasks})
            await self._courier.rest()

    async def _feed(self) -> None:
        while not self._stopping:
            self._woken.clear()
            if await self._find_work(self._wanted()):
                continue
            if not self._in_hand:
                await self._courier.rest()
            await _wait(self._woken, _LOOK)
        self._return_all(self._clock.now(), "")
        while self._in_hand:
            await asyncio.sleep(_JOURNAL_DELAY)

    def _wanted(self) -> Lane | None:
        """The lowest lane to lease from: any when little is in hand, else one above what is; None
        when there is none above."""
        if self._copies.qsize() < _LOW_WATER:
            return Lane.BULK
        highest = min(hand.work.lease.mailing.lane for hand in self._in_hand.values())
        return Lane(highest - 1) if highest else None

    async def _find_work(self, lane: Lane | None) -> bool:
        """Write a page of batches, lease a batch; whether there was one."""
        if lane is None or asyncio.get_running_loop().time() < self._relay_at:
            return False
        now = self._clock.now()
        try:
            if not await asyncio.to_thread(self._store.read, lambda tx: deliver.has_work(tx, now)):
                return False
            work = await asyncio.to_thread(
                self._store.record, lambda tx: self._deliveries.take(tx, now, lane)
            )
        except StorageError as wrong:
            log.warning("the database does not answer: %s", wrong)
            return False
        if work is None:
            return False
        hand = self._in_hand[work.lease.batch_id] = _InHand(work)
        for at in work.targets:
            self._sequence += 1
            self._copies.put_nowait((work.lease.mailing.lane, self._sequence, at, hand))
        self._something_fresh.set()  # a batch may hold nothing but people to skip
        return True

    async def _send(self) -> None:
        while True:
            await self._unwritten.acquire()
            _, _, at, hand = await self._copies.get()
            if hand.returning is not None:
                self._unwritten.release()
                continue
            hand.in_flight += 1
            outcome = await self._outcome(hand, at)
            hand.in_flight -= 1
            if outcome is None:
                self._unwritten.release()
            else:
                hand.work.note(at, outcome)
                self._fresh += 1
            self._something_fresh.set()
            if self._fresh >= _JOURNAL_SIZE:
                self._journal_full.set()

    async def _outcome(self, hand: _InHand, at: int) -> Outcome | None:
        """Send one copy. None: the relay takes nothing now, and everything in hand goes back."""
        try:
            outcome = await self._courier.send(self._deliveries.copy(hand.work, at))
        except RelayDown as down:
            self._relay_down(str(down))
            return None
        except Exception:  # our bug: this copy waits, the others flow
            log.exception("mailing=%d", hand.work.lease.mailing.id)
            return Outcome(Fate.DEFERRED, "a fault on our side; see the log")
        self._relay_wait = 0.0
        return outcome

    def _relay_down(self, words: str) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._relay_at:
            return  # another connection said so already
        self._relay_wait = min(max(2 * self._relay_wait, self._relay_first), _RELAY_LONGEST)
        self._relay_at = now + self._relay_wait
        log.error("the relay takes nothing: %s; next try in %.0f s", words, self._relay_wait)
        self._return_all(self._clock.now() + timedelta(seconds=self._relay_wait), words)

    def _return_all(self, due: datetime, words: str) -> None:
        for hand in self._in_hand.values():
            hand.returning, hand.words = due, words
        self._something_fresh.set()

    async def _keep_journal(self) -> None:
        while True:
            await self._something_fresh.wait()
            await _wait(self._journal_full, _JOURNAL_DELAY)
            self._something_fresh.clear()
            self._journal_full.clear()
            self._fresh = 0
            pairs = [(hand, hand.report()) for hand in self._in_hand.values()]
            written = [(hand, report) for hand, report in pairs if report is not None]
            if not await self._write([report for _, report in written]):
                for hand, report in written:
                    hand.take_back(report)
                self._something_fresh.set()
                await asyncio.sleep(_STORAGE_PAUSE)
                continue
            for _, report in written:
                for outcome in report.fresh.values():
                    if outcome.fate is not Fate.SKIPPED:
                        self._unwritten.release()
                if report.finished or report.give_back is not None:
                    self._in_hand.pop(report.lease.batch_id, None)
            if not self._copies.qsize():
                self._woken.set()

    async def _write(self, reports: list[Report]) -> bool:
        now, jitter = self._clock.now(), random.random()  # noqa: S311 - spreads retries
        try:
            lost = await asyncio.to_thread(
                self._store.record, lambda tx: deliver.write(tx, reports, now, jitter)
            )
        except StorageError as wrong:
            log.warning("progress is not written yet: %s", wrong)
            return False
        for batch_id in lost:
            log.warning("batch=%d is in other hands now", batch_id)
            hand = self._in_hand.pop(batch_id, None)
            if hand is not None:
                hand.returning = now
        return True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            now = self._clock.now()
            held = [hand.work.lease for hand in self._in_hand.values()]
            try:
                await asyncio.to_thread(
                    self._store.record,
                    lambda tx: [leases.heartbeat(tx, lease, now) for lease in held],  # noqa: B023
                )
            except StorageError as wrong:
                log.warning("no heartbeat: %s", wrong)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they end. Once is not enough: `asyncio.wait_for`, which aiosmtplib uses,
    swallows a cancellation that comes together with the result (CPython 3.11, #86296)."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=0.1)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
