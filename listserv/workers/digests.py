"""Digests, in a loop."""

import asyncio
import logging
from datetime import datetime
from functools import partial

from listserv.clock import Clock
from listserv.flow import due_digests, make_digests
from listserv.flow.due_digests import Ask, Plan
from listserv.flow.site import Site
from listserv.store import digests, lists
from listserv.store.session import StorageError, Store, Tx

log = logging.getLogger("listserv.digests")

# Seconds, of the clock that never jumps.
_EVERY = 10.0


async def send_digests(store: Store, site: Site, clock: Clock) -> None:
    """Send the digests that are due every 10 s, until cancelled. What the database does not take
    waits for the next turn."""

    def begin(tx: Tx) -> None:
        make_digests.heed_settings(tx, site)

    def hurry() -> None:
        for mlist in store.read(lists.every):
            if most := mlist.settings.digest_max_posts:
                some = partial(digests.hurry, list_id=mlist.id, most=most, now=clock.now())
                store.write(some)

    begun = False
    while True:
        try:
            if not begun:
                await asyncio.to_thread(store.write, begin)
                begun = True
            await asyncio.to_thread(hurry)
            failed: set[int] = set()
            while await asyncio.to_thread(turn, store, site, clock, failed):
                pass
        except StorageError as wrong:
            log.warning("digests wait: %s", wrong)
        except Exception:  # a fault of ours; the loop goes on, and says so each time
            log.exception("digests could not be made")
        await asyncio.sleep(_EVERY)


def turn(store: Store, site: Site, clock: Clock, failed: set[int] | None = None) -> bool:
    """Look after up to a page of members of one list who are due; whether there were any. A list
    in which we fail is `failed`: the others come first, and it waits for the next look."""
    now = clock.now()
    without = failed or ()
    list_id = store.read(lambda tx: digests.list_due(tx, now, without))
    if list_id is None:
        return False
    try:
        plan = store.read(lambda tx: due_digests.due(tx, site, list_id, now))
        _carry_out(store, site, plan, now)
    except StorageError:
        raise
    except Exception:  # a fault of ours about one list leaves the others alone
        if failed is None:
            raise
        log.exception("list=%d: its digests could not be made", list_id)
        failed.add(list_id)
    return True


def send_now(
    store: Store, site: Site, list_id: int, ask: Ask, now: datetime, *, at: datetime | None = None
) -> int:
    """Send to the digest readers of one list what is asked for, by default of now; to how many
    members."""
    served = after = 0
    asked = partial(due_digests.of_list, site=site, list_id=list_id, now=at or now, ask=ask)
    while plan := store.read(partial(asked, after=after)):
        served += _carry_out(store, site, plan, now)
        after = max(one.seen.id for one in plan.settled)
    return served


def _carry_out(store: Store, site: Site, plan: Plan, now: datetime) -> int:
    built = make_digests.build(site, plan)
    return store.write(lambda tx: make_digests.write(tx, site, plan, built, now))
