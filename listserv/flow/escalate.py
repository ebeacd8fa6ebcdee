"""What waits for a person goes on waiting, but never in silence: STEPS says what is done, and when.

1 the moderators are asked, 2 after `held_deadline` hours the others, 3 then the owners, 4 then what
`held_fallback` says, 5 after `held_expiry` days it expires. A step at which there is nobody to ask
is passed over; where there is nobody at all, the time is waited for all the same.
"""

import logging
from datetime import datetime, timedelta

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.flow import author_told, moderate, moderators
from listserv.flow.site import Site
from listserv.store import events, held, lists
from listserv.store.held import Held, HeldState
from listserv.store.session import Tx

log = logging.getLogger("listserv.escalate")

_FALLBACK = 4
# Who did it, in a list's log and in what others are told.
_BY = "listserv"
# A post that was held for one of these is never released because nobody had time.
_NEVER_RELEASED = frozenset(
    {"content", "unproven-author", "forged-member", "spam-member", "hard-to-read", "no-author",
     "several-authors", "auto-generated", "mail-command", "stranger-hold", "list-on-hold"}
)  # fmt: skip


def go_on(tx: Tx, site: Site, held_id: int, now: datetime) -> None:
    """Do what is due for the decision of something, unless it is decided by now."""
    one = held.find(tx, held_id)
    if one is not None and one.state is HeldState.HELD:
        advance(tx, site, one, now)


def advance(tx: Tx, site: Site, one: Held, now: datetime) -> None:
    """The next step for what is held."""
    mlist = lists.get(tx, one.list_id)
    settings = mlist.settings
    expires = one.since + timedelta(days=settings.held_expiry)
    if one.step >= _FALLBACK or now >= expires:
        _expire(tx, site, mlist, one, now)
        return
    deadline = timedelta(hours=settings.held_deadline)
    for step in range(one.step + 1, _FALLBACK):
        people = moderators.circle(tx, mlist, one, step)
        if people and held.take_step(tx, one.id, one.step, step, min(now + deadline, expires)):
            for member in people:
                moderators.show(tx, site, mlist, one, member, now)
            log.info("held=%d list=%s asked=%d step=%d", one.id, mlist.address, len(people), step)
            return
    if one.step == 0:
        log.warning("held=%d list=%s: there is nobody to ask", one.id, mlist.address)
        held.take_step(tx, one.id, one.step, _FALLBACK - 1, min(now + deadline, expires))
    elif held.take_step(tx, one.id, one.step, _FALLBACK, expires):
        _fall_back(tx, site, mlist, one, now)


def _fall_back(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> None:
    rules = {reason.rule for reason in one.reasons}
    released = mlist.settings.held_fallback == "release" and one.request is None
    if released and rules.isdisjoint(_NEVER_RELEASED):
        try:
            with tx.begin_nested():
                moderate.approve(tx, site, one.id, _BY, now)
            return
        except ListservError as wrong:
            log.warning("held=%d not released: %s", one.id, wrong)
    author_told.takes_longer(tx, site, mlist, one, now)


def _expire(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> None:
    expired = held.decide(tx, one.id, HeldState.EXPIRED, _BY, "nobody decided in time", now)
    events.log(tx, mlist.id, _BY, f"{expired.called} expired", now)
    author_told.expired(tx, site, mlist, expired, now)
