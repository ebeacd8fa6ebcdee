"""In the evening whoever decides hears what still waits, and how much nobody has decided in time,
in one mail for a list."""

from collections import Counter
from datetime import datetime

from listserv.flow import notices
from listserv.flow.moderators import as_waiting, moderators, people
from listserv.flow.site import Site
from listserv.policy.circle import circle, to_ask
from listserv.store import held, lists, moderations, said
from listserv.store.held import Held
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
    mlist, today = lists.get(tx, found), local.date()
    expired = held.tell_expired(tx, found)
    # What waits for its own author first is not theirs to decide yet.
    waiting = [one for one in held.ls(tx, found) if one.due is None or one.due <= now]
    asked = {one.id: one for one in moderations.waiting(tx, found)}
    everybody, in_turn = people(tx, mlist), mlist.settings.moderators == "turn"
    theirs: dict[int, list[Held]] = {}
    unseen: Counter[int] = Counter()
    readers = {m.id: m for m in moderators(tx, mlist, today)} if expired else {}
    for one in waiting:
        about = asked.get(one.id) or as_waiting(one)
        whom = circle(everybody, about, today)
        for member in whom.first:
            readers[member.id] = member
            theirs.setdefault(member.id, []).append(one)
        if about.step:
            late = to_ask(whom, about.shown, about.step, in_turn=in_turn, turn=one.id)
            unseen.update(member.id for member in late)
    for member in readers.values():
        mine = theirs.get(member.id, [])
        rows = [
            (one.author, notices.short(one.subject), one.since.astimezone(site.zone).date())
            for one in mine[:_NAMED]
        ]
        notices.send(
            tx, site, mlist, "moderator-summary.txt", member.address, now, member=member.id,
            values={
                "rows": rows, "total": len(mine), "more": len(mine) - len(rows),
                "unasked": any(one.step == 0 for one in mine), "unseen": unseen[member.id],
                "expired": expired, "request": mlist.addresses.request,
            },
        )  # fmt: skip
    return found
