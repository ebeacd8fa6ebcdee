"""When a mailing is tried again: outcome and attempts in, a time or "give up" out."""

from datetime import datetime, timedelta

# RFC 5321 4.5.4.1 asks for half an hour between attempts and for 4 to 5 days; greylisting lets
# mail in after 5 minutes, so the first retries come sooner.
FIRST = timedelta(minutes=5)
LONGEST = timedelta(hours=4)
GIVE_UP = timedelta(days=5)
# A share of the delay, up or down: what failed together does not come back together.
JITTER = 0.2

# FIRST doubled so often is longer than LONGEST; `attempts` may be any number.
_DOUBLINGS = 6


def next_attempt(created: datetime, attempts: int, now: datetime, jitter: float) -> datetime | None:
    """When to try again, always after `now`; None to give up.

    `attempts` counts those made, the one that just failed included; `jitter` is random, 0 to 1.
    An attempt that is due before GIVE_UP has passed is always made, at most LONGEST after it.
    """
    if now - created >= GIVE_UP:
        return None
    doublings = min(max(attempts - 1, 0), _DOUBLINGS)
    delay = min(FIRST * (1 << doublings), LONGEST)
    return now + delay * (1 - JITTER + 2 * JITTER * jitter)
