"""The journal: writes down what became of copies, at most SIZE outcomes or 50 ms late."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from listserv.clock import Clock
from listserv.domain.mailing import Fate
from listserv.flow import deliver
from listserv.flow.deliver import Report
from listserv.store.leases import Standing
from listserv.store.session import StorageError, Tx
from listserv.workers.desk import Desk
from listserv.workers.storage import Storage

log = logging.getLogger("listserv.deliver")

SIZE = 20
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
            held = [hand.work.lease for hand in self._desk.in_hand.values()]
            if held:
                with suppress(StorageError):
                    self._obey(await self._storage.read(lambda tx: deliver.look_after(tx, held)))

    async def _write_all(self) -> bool:
        found = self._desk.reports()
        standings = await self._write([report for _, report, _ in found])
        if standings is None:
            for hand, report, _ in found:
                self._desk.not_written(hand, report)
            return False
        for hand, report, transactions in found:
            self._desk.written(hand, report, transactions)
        self._obey(standings)
        return True

    async def _write(self, reports: Sequence[Report]) -> Mapping[int, Standing] | None:
        """How the batches stand then; None when the database cannot take it now."""
        now, jitter = self._clock.now(), random.random()  # noqa: S311 - spreads retries
        paused, self._desk.paused = self._desk.paused, {}
        words = self._desk.relay_words
        told = (words, bool(paused))

        delivered = self._count(reports, now)

        def job(tx: Tx) -> dict[int, Standing]:
            deliver.count(tx, delivered, now)
            if told != self._told_relay:
                deliver.refused_by_relay(tx, words, paused, now)
            return deliver.write(tx, reports, now, jitter)

        if not reports and told == self._told_relay:
            return {}
        try:
            found = await self._storage.record(job)
        except StorageError:
            self._desk.paused = paused
            self._delivered.update(delivered)
            return None
        self._told_relay = (words, False)
        return found

    def _count(self, reports: Sequence[Report], now: datetime) -> dict[int, int]:
        """Deliveries by list, for `status`, about once a second."""
        for report in reports:
            fates = [outcome.fate for outcome in report.fresh.values()]
            self._delivered[report.lease.mailing.list_id or 0] += fates.count(Fate.DELIVERED)
        is_last = any(report.deferred is not None for report in reports)
        if not is_last and now - self._counted < _COUNT_EVERY:
            return {}
        counts, self._delivered, self._counted = dict(self._delivered), Counter(), now
        return counts

    def _obey(self, found: Mapping[int, Standing]) -> None:
        for batch_id, standing in found.items():
            if standing is Standing.LOST:
                log.warning("batch=%d is in other hands now", batch_id)
                self._desk.lost(batch_id)
            elif standing is Standing.STOPPED:
                self._desk.stop(batch_id)
                self.has_fresh()
