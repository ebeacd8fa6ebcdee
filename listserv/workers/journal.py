"""The journal: writes down what became of copies, at most SIZE outcomes or 50 ms late."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from listserv.clock import Clock
from listserv.domain.mailing import Fate
from listserv.flow import deliver
from listserv.flow.deliver import Report
from listserv.store.leases import Standing
from listserv.store.session import StorageError, Tx
from listserv.workers.desk import Desk
from listserv.workers.in_hand import InHand
from listserv.workers.storage import Storage

log = logging.getLogger("listserv.deliver")

SIZE = 24
DELAY = 0.05
_COUNT_EVERY = timedelta(seconds=1)
# After a database error.
_STORAGE_PAUSE = 1.0


class Journal:
    """One worker's. `has_fresh` is for the desk to call; `written` is called each time when there
    may be room on the wire again."""

    def __init__(
        self, desk: Desk, storage: Storage, clock: Clock, written: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._storage = storage
        self._clock = clock
        self._written = written
        self._due = asyncio.Event()
        self._due_soon = False
        self._writing = asyncio.Lock()
        self._told_relay = ("", False)
        # By list and not counted yet: `status` is told about once a second.
        self._delivered: Counter[int] = Counter()
        self._counted = clock.now()

    def has_fresh(self) -> None:
        """There are outcomes to be written down."""
        if self._desk.fresh >= SIZE or self._desk.is_urgent:
            self._due.set()
        elif not self._due_soon:
            self._due_soon = True
            asyncio.get_running_loop().call_later(DELAY, self.write_now)

    def write_now(self) -> None:
        """Write what there is, however little."""
        self._due_soon = False
        self._due.set()

    async def keep(self) -> None:
        """Go on until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            async with self._writing:
                is_written = await self._write_all()
            if is_written:
                self._written()
            else:
                self._due.set()
                await asyncio.sleep(_STORAGE_PAUSE)

    async def look_after(self) -> None:
        """What waits in hand, for the relay or for its second, may have been stopped meanwhile."""
        async with self._writing:
            hands = list(self._desk.in_hand.values())
            held = [hand.work.lease for hand in hands]
            if held:
                with suppress(StorageError):
                    found = await self._storage.read(lambda tx: deliver.look_after(tx, held))
                    self._obey(hands, found)

    async def _write_all(self) -> bool:
        found = self._desk.reports()
        standings = await self._write([report for _, report, _ in found])
        if standings is None:
            for hand, report, _ in found:
                self._desk.not_written(hand, report)
            return False
        for hand, report, transactions in found:
            self._desk.written(hand, report, transactions)
        self._obey([hand for hand, _, _ in found], standings)
        return True

    async def _write(self, reports: Sequence[Report]) -> Mapping[int, Standing] | None:
        """How the batches stand then; None when the database cannot take it now."""
        now, jitter = self._clock.now(), random.random()  # noqa: S311 - spreads retries
        paused, self._desk.paused = self._desk.paused, {}
        words = self._desk.relay_words
        told = (words, bool(paused))
        # Counted once: what is not written now is in the next reports again.
        delivered = self._delivered + _deliveries(reports)
        is_last = any(report.deferred is not None for report in reports)
        is_time = is_last or now - self._counted >= _COUNT_EVERY

        def job(tx: Tx) -> dict[int, Standing]:
            if is_time:
                deliver.count(tx, delivered, now)
            if told != self._told_relay:
                deliver.refused_by_relay(tx, words, paused, now)
            return deliver.write(tx, reports, now, jitter)

        if not reports and told == self._told_relay:
            return {}
        try:
            found = await self._storage.record(job)
        except StorageError:
            self._desk.paused = {**paused, **self._desk.paused}  # some perhaps meanwhile
            return None
        self._told_relay = (words, False)
        self._delivered = delivered
        if is_time:
            self._delivered, self._counted = Counter(), now
        return found

    def _obey(self, hands: Sequence[InHand], found: Mapping[int, Standing]) -> None:
        for hand in hands:
            standing = found[hand.work.lease.batch_id]
            if standing is Standing.LOST:
                log.warning("batch=%d is in other hands now", hand.work.lease.batch_id)
                self._desk.lost(hand)
            elif standing is Standing.STOPPED:
                self._desk.stop(hand)


def _deliveries(reports: Sequence[Report]) -> Counter[int]:
    """How many there are in these reports, by list; 0 for what belongs to none."""
    counts: Counter[int] = Counter()
    for report in reports:
        fates = [outcome.fate for outcome in report.fresh.values()]
        counts[report.lease.mailing.list_id or 0] += fates.count(Fate.DELIVERED)
    return counts
