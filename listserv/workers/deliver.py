"""Delivery: leases batches and lets the carrier send their copies; journal.py writes down what
became of each.

`_feed` keeps the desk supplied, `_beat` keeps the leases. What goes next and what the answers mean
is the desk's.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

from listserv.clock import Clock
from listserv.domain.courier import Carrier
from listserv.domain.mailing import Lease
from listserv.domain.transaction import Transaction
from listserv.flow import deliver, quarantine
from listserv.flow.deliver import Deliveries, Work
from listserv.store import leases
from listserv.store.session import StorageError, Store, Tx
from listserv.workers.desk import RELAY_FIRST, UNWRITTEN, Desk
from listserv.workers.in_hand import InHand, Ticket
from listserv.workers.journal import DELAY, Journal
from listserv.workers.pace import Pace
from listserv.workers.storage import Storage

log = logging.getLogger("listserv.deliver")

# Below so many transactions in hand the next batch is leased.
_LOW_WATER = 4 * UNWRITTEN
_HEARTBEAT = 10.0
# Commands commit in other processes and cannot wake us: a look at the queue this often.
_LOOK = 0.5
# How long a polite stop waits for transactions on the wire, and at least for the database then:
# together less than the supervisor waits for us.
_STOP_SECONDS = 7.0
_WRITE_SECONDS = 2.0


class DeliveryWorker:
    """One delivery worker. `run` goes on until `stop`; `wake` says that there may be new work.
    `carriers` makes whoever carries mail on, from the desk they take it from and whom to tell that
    the relay lacks 8BITMIME. So many `threads` sign."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliveries: Deliveries,
        carriers: Callable[[Desk, Callable[[], None]], Sequence[Carrier]],
        *,
        threads: int = 1,
        per_second: float = 0,
        per_day: int = 0,
        relay_first: float = RELAY_FIRST,
    ) -> None:
        self._storage = Storage(store)
        self._clock = clock
        self._deliveries = deliveries
        self._per_day = per_day
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sign")
        self._desk = Desk(clock, Pace(clock, per_second), self._make, relay_first)
        self._make_carriers = carriers
        self._carriers: Sequence[Carrier] = ()
        self._woken = asyncio.Event()
        self._journal = Journal(self._desk, self._storage, clock, self._written)
        self._leased: Lease | None = None  # and not opened yet
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """There may be new work. Safe from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._woken.set)

    def stop(self) -> None:
        """Finish the transactions on the wire, hand back the leases, let `run` return."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        self._loop = asyncio.get_running_loop()
        self._desk.on_fresh = self._journal.has_fresh
        self._carriers = self._make_carriers(self._desk, self._relay_is_seven_bit)
        tasks = {asyncio.create_task(self._journal.keep()), asyncio.create_task(self._beat())}
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
            for carrier in self._carriers:
                await carrier.close(0)
            self._threads.shutdown(cancel_futures=True)

    # -- supplying the desk --------------------------------------------------------------------

    async def _feed(self) -> None:
        while not self._stopping:
            self._woken.clear()
            if await self._find_work():
                continue
            self._desk.settle_leftovers()
            if self._desk.fresh:
                self._journal.has_fresh()
            self._wake_carriers()
            if not await _wait(self._woken, _LOOK):
                await self._journal.look_after()
        self._desk.return_all(self._clock.now(), "")
        self._journal.has_fresh()
        until = asyncio.get_running_loop().time() + _STOP_SECONDS
        await asyncio.gather(*(carrier.close(_STOP_SECONDS) for carrier in self._carriers))
        # What the database does not take in this time goes back when its lease expires.
        until = max(until, asyncio.get_running_loop().time() + _WRITE_SECONDS)
        while self._desk.in_hand and asyncio.get_running_loop().time() < until:
            self._journal.write_now()
            await asyncio.sleep(DELAY)
        unopened, now = self._leased, self._clock.now()
        if unopened is not None:
            with suppress(StorageError):
                await self._storage.record(lambda tx: leases.give_back(tx, unopened, now))

    async def _find_work(self) -> bool:
        """Lease a batch, or write a page of them; whether there was one."""
        lane = self._desk.wanted(_LOW_WATER)
        if lane is None:
            return False
        now, per_day = self._clock.now(), self._per_day
        deliveries, storage = self._deliveries, self._storage
        try:
            if self._leased is None:
                if not await storage.read(lambda tx: deliver.has_work(tx, per_day, now, lane)):
                    return False
                self._leased = await storage.record(lambda tx: deliveries.lease(tx, now, lane))
            if self._leased is None:
                return await storage.record(lambda tx: deliveries.write_page(tx, now, lane))
            await self._open(self._leased, now)
        except StorageError:
            return False
        self._leased = None
        return True

    async def _open(self, lease: Lease, now: datetime) -> None:
        # Apart from the lease, which holds the writer's lock: this takes longer.
        try:
            work = await self._work(lease, now)
            groups = self._deliveries.groups(work)
        except StorageError:
            raise
        except Exception as wrong:
            log.exception("mailing=%d cannot be made into copies", lease.mailing.id)
            fault = wrong
            await self._storage.record(lambda tx: quarantine.cannot_be_made(tx, lease, fault, now))
            return
        self._desk.add(work, groups)
        self._journal.has_fresh()  # a batch may hold nothing but people to skip
        self._wake_carriers()

    async def _work(self, lease: Lease, now: datetime) -> Work:
        """Made anew when a connection finds meanwhile that the relay lacks 8BITMIME."""
        sources = self._deliveries.sources
        seven_bit = sources.seven_bit
        work = await self._storage.read(lambda tx: self._deliveries.open(tx, lease, now))
        return work if sources.seven_bit is seven_bit else await self._work(lease, now)

    def _make(self, hand: InHand, groups: Sequence[tuple[int, ...]]) -> None:
        """Transactions for these groups: at once, or where each is signed in the threads."""
        if hand.work.source.prepared is None:
            try:
                made = self._transactions(hand, groups)
            except Exception as wrong:
                self._not_made(hand, groups, wrong)
            else:
                self._desk.made(hand, made)
            return
        signing = self._threads.submit(self._transactions, hand, groups)
        signing.add_done_callback(lambda done: self._hand_over(hand, groups, done))

    def _hand_over(
        self, hand: InHand, groups: Sequence[tuple[int, ...]], done: "Future[list[Transaction]]"
    ) -> None:
        if done.cancelled() or self._loop is None:
            return

        def put() -> None:
            wrong = done.exception()
            if wrong is not None:
                self._not_made(hand, groups, wrong)
            else:
                self._desk.made(hand, done.result())
            self._wake_carriers()

        with suppress(RuntimeError):  # the loop has ended: the batch goes back by its lease
            self._loop.call_soon_threadsafe(put)

    def _not_made(
        self, hand: InHand, groups: Sequence[tuple[int, ...]], wrong: BaseException
    ) -> None:
        log.error("mailing=%d: a copy cannot be made", hand.work.lease.mailing.id, exc_info=wrong)
        self._desk.not_made(hand, groups)

    def _transactions(self, hand: InHand, groups: Sequence[tuple[int, ...]]) -> list[Transaction]:
        asked = [(Ticket(hand, group, len(group)), group) for group in groups]
        return self._deliveries.transactions(hand.work, asked)

    def _written(self) -> None:
        self._wake_carriers()
        if self._desk.waiting() < _LOW_WATER:
            self._woken.set()

    def _wake_carriers(self) -> None:
        for carrier in self._carriers:
            carrier.wake()

    def _relay_is_seven_bit(self) -> None:
        """The relay does not offer 8BITMIME: everything in hand is made anew."""
        if not self._deliveries.sources.seven_bit:
            self._deliveries.sources.seven_bit = True
            self._desk.return_all(self._clock.now(), "")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            now = self._clock.now()
            held = [hand.work.lease for hand in self._desk.in_hand.values()]
            if self._leased is not None:
                held.append(self._leased)

            def beat(tx: Tx, held: list[Lease] = held, now: datetime = now) -> None:
                for lease in held:
                    leases.heartbeat(tx, lease, now)

            with suppress(StorageError):
                await self._storage.record(beat)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they end. Once is not enough: `asyncio.wait_for`, which aiosmtplib uses,
    swallows a cancellation that comes together with the result (CPython 3.11, #86296)."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=0.1)


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Until the event, or so long; whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
