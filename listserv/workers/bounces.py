"""Bounces, in a loop."""

import asyncio
import logging
from functools import partial

from listserv.clock import Clock
from listserv.flow import bounce, complaint, suspended, weigh
from listserv.flow.site import Site
from listserv.store import bounces, suspensions
from listserv.store.session import StorageError, Store
from listserv.workers import faults

log = logging.getLogger("listserv.bounce")

# Seconds, of the clock that never jumps. The relay's refusals come from another process, so nothing
# wakes us; asking is cheap.
_EVERY = 1.0
_TELL_EVERY = 60.0
# Who tells a list's owners of those who are suspended for one reason.
_TELL = ((bounce.BOUNCES, suspended.tell_owners), (bounce.COMPLAINT, complaint.tell_owners))


async def weigh_bounces(store: Store, site: Site, clock: Clock) -> None:
    """Weigh what came back, every second, and tell owners and operators what follows, every minute,
    until cancelled. What the database does not take waits for the next turn."""
    told = clock.monotonic() - _TELL_EVERY
    while True:
        try:
            if await asyncio.to_thread(store.read, bounces.is_waiting):
                await asyncio.to_thread(_weigh_all, store, site, clock)
            if clock.monotonic() - told >= _TELL_EVERY:
                told = clock.monotonic()
                await asyncio.to_thread(_tell_all, store, site, clock)
        except StorageError as wrong:
            log.warning("bounces wait: %s", wrong)
        await asyncio.sleep(_EVERY)


def _weigh_all(store: Store, site: Site, clock: Clock) -> None:
    number = store.read(bounces.next_list)
    while number is not None:
        some = partial(weigh.weigh, site=site, now=clock.now(), list_id=number)
        with faults.told(log, "list=%d: its bounces could not be weighed", number):
            while store.write(some):
                pass
        number = store.read(partial(bounces.next_list, after=number))


def _tell_all(store: Store, site: Site, clock: Clock) -> None:
    for why, tell in _TELL:
        untold = partial(suspensions.next_untold, why=why)
        number = store.read(untold)
        while number is not None:
            with faults.told(log, "list=%d: its owners could not be told of suspensions", number):
                store.write(partial(tell, site=site, list_id=number, now=clock.now()))
            number = store.read(partial(untold, after=number))
    with faults.told(log, "operators could not be told who refuses mail"):
        store.write(partial(suspended.tell_operators, site=site, now=clock.now()))
