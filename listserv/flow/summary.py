"""In the evening whoever decides hears what still waits, in one mail for a list."""

from datetime import datetime

from listserv.flow import notices
from listserv.flow.moderators import is_own, moderators
from listserv.flow.site import Site
from listserv.store import held, lists, said
from listserv.store.session import Tx

# Where the site is.
_HOUR = 18
# So many of what waits are named.
_NAMED = 30


def send(tx: Tx, site: Site, now: datetime, after: int = 0) -> int | None:
    """Write to the moderators of the first list, by number above `after`, that has something
    waiting; None when there is none, or it is not evening. Once an evening and list."""
    local = now.astimezone(site.zone)
    found = held.first_list(tx, after) if local.hour >= _HOUR else None
    if found is None or not said.once_a_day(tx, "summary", f"{found} {local.date()}", now):
        return found
    mlist = lists.get(tx, found)
    # What waits for its own author first is not theirs to decide yet.
    waiting = [one for one in held.ls(tx, found) if one.due is None or one.due <= now]
    for member in moderators(tx, mlist):
        theirs = [one for one in waiting if not is_own(one, member)]
        if not theirs:
            continue
        rows = [
            (one.author, notices.short(one.subject), one.since.astimezone(site.zone).date())
            for one in theirs[:_NAMED]
        ]
        notices.send(
            tx, site, mlist, "moderator-summary.txt", member.address, now, member=member.id,
            values={
                "rows": rows, "total": len(theirs), "more": len(theirs) - len(rows),
                "unasked": any(one.step == 0 for one in theirs),
            },
        )  # fmt: skip
    return found
