"""Housekeeping: what is due to be forgotten, and leases whose holder is gone."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from listserv.store import leases, retention
from listserv.store.session import Tx

log = logging.getLogger("listserv.tidy")


def forget(tx: Tx, keep: timedelta, now: datetime) -> None:
    """Delete what nothing needs any more; accepted posts' bytes are kept for `keep` at most."""
    gone = retention.tidy(tx, keep, now)
    if gone:
        log.info("forgot=%d messages", gone)


def take_back(tx: Tx, now: datetime, is_dead: Callable[[str], bool]) -> None:
    """Make batches ready again whose lease expired or whose worker `is_dead`."""
    dead = [worker for worker in leases.holders(tx) if is_dead(worker)]
    taken = leases.take_back(tx, now, dead)
    if taken:
        log.warning("leases=%d taken back from workers that are gone", taken)
