"""Housekeeping, in a loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from listserv.clock import Clock
from listserv.flow import escalate, handover, pause, summary, tidy
from listserv.flow.breaks import end_breaks
from listserv.flow.site import Site
from listserv.policy import staying
from listserv.store import confirmations, held, retention
from listserv.store.session import StorageError, Store, Tx
from listserv.workers import faults

log = logging.getLogger("listserv.tidy")

# Seconds, of the clock that never jumps.
_LEASES_EVERY = 10.0
_BREAKS_EVERY = 60.0
_FORGET_EVERY = 3600.0


async def keep_tidy(
    store: Store, site: Site, clock: Clock, keep: timedelta, is_dead: Callable[[str], bool]
) -> None:
    """Look after leases and what waits for a person every 10 s; end breaks, see to it that who
    decides knows what waits, and let those leave who were asked and say nothing, every minute;
    forget what is due every hour; until cancelled. What the database does not take waits for the
    next turn."""

    def take_back(tx: Tx) -> None:
        tidy.take_back(tx, clock.now(), is_dead)

    async def look_after_leases() -> None:
        await asyncio.to_thread(store.record, take_back)

    def end_some_breaks(tx: Tx) -> int:
        return end_breaks(tx, site, clock.now())

    async def end_all_breaks() -> None:
        while await asyncio.to_thread(store.write, end_some_breaks):
            pass

    async def go_on_with_held() -> None:
        number = 0
        while True:
            due = partial(held.next_due, now=clock.now(), after=number)
            found = await asyncio.to_thread(store.read, due)
            if found is None:
                return
            number = found
            step = partial(escalate.go_on, site=site, held_id=number, now=clock.now())
            with faults.told(log, "held=%d could not go on", number):
                await asyncio.to_thread(store.write, step)

    async def leave_the_silent() -> None:
        late = partial(confirmations.lapsed, kind=staying.KIND, now=clock.now())
        token = await asyncio.to_thread(store.read, late)
        while token is not None:
            leave = partial(pause.silent, site=site, token=token, now=clock.now())
            with faults.told(log, "a member who was asked and has said nothing could not leave"):
                await asyncio.to_thread(store.write, leave)
            token = await asyncio.to_thread(store.read, partial(late, after=token))

    async def show_what_waits() -> None:
        number = await asyncio.to_thread(store.read, held.first_list)
        while number is not None:
            behind = partial(handover.is_wanting, site=site, list_id=number, now=clock.now())
            show = partial(handover.show_some, site=site, list_id=number, now=clock.now())
            with faults.told(log, "list=%d: what waits could not be shown", number):
                if await asyncio.to_thread(store.read, behind):
                    while await asyncio.to_thread(store.write, show):
                        pass
            number = await asyncio.to_thread(store.read, partial(held.first_list, after=number))

    async def sum_up() -> None:
        number: int | None = 0
        while number is not None:
            some = partial(summary.send, site=site, now=clock.now(), after=number)
            number = await asyncio.to_thread(store.write, some)

    def forget_some(tx: Tx) -> None:
        tidy.forget(tx, keep, clock.now())

    async def forget() -> None:
        await asyncio.to_thread(store.write, forget_some)
        await asyncio.to_thread(store.write, retention.give_pages_back)

    ended = clock.monotonic() - _BREAKS_EVERY
    forgot = clock.monotonic() - _FORGET_EVERY
    while True:
        try:
            await _each(look_after_leases, go_on_with_held)
            began = clock.monotonic()
            if began - ended >= _BREAKS_EVERY:
                await _each(end_all_breaks, leave_the_silent, show_what_waits, sum_up)
                ended = began
            if clock.monotonic() - forgot >= _FORGET_EVERY:
                await _each(forget)
                forgot = clock.monotonic()
        except StorageError as wrong:
            log.warning("housekeeping waits: %s", wrong)
        await asyncio.sleep(_LEASES_EVERY)


async def _each(*chores: Callable[[], Awaitable[None]]) -> None:
    """One after the other. A fault of ours in one leaves the others, and the server, alone."""
    for chore in chores:
        with faults.told(log, "housekeeping could not %s", chore.__name__.replace("_", " ")):
            await chore()
