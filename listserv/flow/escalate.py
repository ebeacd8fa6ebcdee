"""What waits for a person goes on waiting, but never in silence: STEPS says what is done, and when.

1 the moderators are asked, 2 after `held_deadline` hours the others, 3 then the owners, 4 then what
`held_fallback` says, 5 after `held_expiry` days it expires. A step at which there is nobody to ask
is passed over; where there is nobody at all, the time is waited for all the same. Who those are is
in policy/circle.py: nobody who is away.
"""

import logging
from datetime import datetime, timedelta

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.flow import author_told, flood, moderate, moderators
from listserv.flow.facts import gather
from listserv.flow.site import Site
from listserv.mail.parse import parse
from listserv.policy.posting import decide
from listserv.store import events, held, lists, posts
from listserv.store.held import Held
from listserv.store.session import Tx

log = logging.getLogger("listserv.escalate")

_FALLBACK = 4
# Who did it, in a list's log and in what others are told.
_BY = "listserv"
# Only a post against which nothing else speaks is ever released because nobody had time.
HARMLESS = frozenset(
    {
        "moderate-all",
        "moderate-new",
        "moderate-next",
        "moderate-member",
        "not-addressed",
        "same-message-id",
        "empty",
    }
)


def go_on(tx: Tx, site: Site, held_id: int, now: datetime) -> None:
    """Do what is due for the decision of something, unless it is decided or put off by now."""
    if held.next_due(tx, now, held_id - 1) == held_id:
        advance(tx, site, held.get(tx, held_id), now)


def advance(tx: Tx, site: Site, one: Held, now: datetime, *, urgent: bool = False) -> None:
    """The next step for what is held. What is not `urgent` waits for its turn in a flood."""
    mlist = lists.get(tx, one.list_id)
    settings = mlist.settings
    expires = one.since + timedelta(days=settings.held_expiry)
    if now >= expires:
        _expire(tx, site, mlist, one, now)
        return
    if one.step >= _FALLBACK:  # put off by a moderator after all had been asked
        held.put_off(tx, one.id, expires)
        return
    deadline = timedelta(hours=settings.held_deadline)
    for step in range(one.step + 1, _FALLBACK):
        people = moderators.next_asked(tx, mlist, one, step, site.today(now))
        if people and not urgent and not flood.has_room(tx, site, mlist, one, now):
            return
        if people and held.take_step(tx, one.id, one.step, step, min(now + deadline, expires)):
            moderators.show(tx, site, mlist, one, people, now)
            log.info("held=%d list=%s asked=%d step=%d", one.id, mlist.address, len(people), step)
            return
    if one.step == 0:
        log.warning("held=%d list=%s: there is nobody to ask", one.id, mlist.address)
        held.take_step(tx, one.id, one.step, _FALLBACK - 1, min(now + deadline, expires))
    elif held.take_step(tx, one.id, one.step, _FALLBACK, expires):
        _fall_back(tx, site, mlist, one, now)


def _fall_back(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> None:
    if mlist.settings.held_fallback == "release" and _is_harmless(tx, site, mlist, one, now):
        try:
            with tx.begin_nested():
                moderate.approve(tx, site, one.id, _BY, now)
            return
        except ListservError as wrong:
            log.warning("held=%d not released: %s", one.id, wrong)
    author_told.takes_longer(tx, site, mlist, one, now)


def _is_harmless(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> bool:
    """Whether nothing serious was said of a post when it came, nor is today: its author may have
    been banned since."""
    raw = posts.raw(tx, one.post_id) if one.request is None else None
    if raw is None or not {reason.rule for reason in one.reasons} <= HARMLESS:
        return False
    post = parse(raw, site.spam_header)
    today = decide(gather(tx, site, mlist, post, one.authorship, one.author, now))
    return {reason.rule for reason in today.reasons} <= HARMLESS


def _expire(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> None:
    try:
        expired = held.expire(tx, one.id, _BY, "nobody decided in time", now)
    except ListservError as wrong:
        log.info("held=%d does not expire: %s", one.id, wrong)
        return
    events.log(tx, mlist.id, _BY, f"{expired.called} expired", now)
    author_told.expired(tx, site, mlist, expired, now)
