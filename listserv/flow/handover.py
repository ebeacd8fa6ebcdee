"""Who should have what waits is shown it, although nothing is due: because whoever had it is away
by now, because they are new or back, or because the time for their answer is over."""

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.flow import moderators
from listserv.flow.site import Site
from listserv.policy import circle
from listserv.store import held, lists, moderations
from listserv.store.session import Tx

log = logging.getLogger("listserv.moderators")

# So many notices leave in one transaction, beside those of a post that comes in.
_PAGE = 20


def show_some(tx: Tx, site: Site, list_id: int, now: datetime) -> int:
    """Show what waits to those who should have it by now, up to a page; returns how many mails."""
    mlist = lists.lock(tx, list_id)
    shown = 0
    whom: dict[int, list[Member]] = {}
    for number, member in islice(_behind(tx, site, mlist, now), _PAGE):
        whom.setdefault(number, []).append(member)
    for number, people in whom.items():
        try:
            one = held.waiting(tx, number)
        except ListservError as wrong:
            log.info("held=%d not shown: %s", number, wrong)
            continue
        shown += moderators.show(tx, site, mlist, one, people, now)
    if shown:
        log.info("list=%s shown=%d of what waits", mlist.address, shown)
    return shown


def is_wanting(tx: Tx, site: Site, list_id: int, now: datetime) -> bool:
    """Whether there is anything to show."""
    return any(True for _ in _behind(tx, site, lists.get(tx, list_id), now))


def _behind(tx: Tx, site: Site, mlist: MailingList, now: datetime) -> Iterator[tuple[int, Member]]:
    found = circle.behind(
        moderations.waiting(tx, mlist.id), moderators.people(tx, mlist), today=site.today(now),
        now=now, in_turn=mlist.settings.moderators == "turn",
    )  # fmt: skip
    return ((one.id, member) for one, member in found)
