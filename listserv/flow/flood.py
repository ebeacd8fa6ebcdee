"""Whoever is not on a list, or writes in a member's name, could fill its moderators' mailboxes: of
posts that are not known to be a member's, at most MOST in an hour are shown. The others wait for
their turn, and one mail an hour says how many there are. Members' posts never wait for that, nor
does what a rule calls urgent.
"""

import logging
from datetime import datetime, timedelta

from listserv.domain.lists import MailingList
from listserv.flow import notices
from listserv.flow.moderators import moderators
from listserv.flow.site import Site
from listserv.policy.trust import Act, Consequence, trust
from listserv.store import counters, held
from listserv.store.held import Held
from listserv.store.session import Tx

log = logging.getLogger("listserv.flood")

MOST = 10
AN_HOUR = timedelta(hours=1)
_SHOWN = "strangers shown"
_TOLD = "flood told"


def has_room(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> bool:
    """Whether something that is held may be shown now; then it counts as shown. Otherwise it waits
    for an hour more, and the moderators hear of it unless they have within this one."""
    if one.request is not None or _is_members(site, one):
        return True
    if counters.total(tx, _SHOWN, now - AN_HOUR, mlist.id) < MOST:
        counters.count(tx, mlist.id, _SHOWN, now)
        return True
    held.put_off(tx, one.id, now + AN_HOUR)
    log.info("held=%d list=%s waits: too many of strangers", one.id, mlist.address)
    if not counters.total(tx, _TOLD, now - AN_HOUR, mlist.id):
        counters.count(tx, mlist.id, _TOLD, now)
        _tell(tx, site, mlist, now)
    return False


def _is_members(site: Site, one: Held) -> bool:
    """Whether a post is a member's, and its From is believed as far as posts go."""
    proof = site.require_proven_author
    cell = trust(one.authorship.level, Act.POST, require_proven_author=proof)
    return one.member_id is not None and cell.follows is Consequence.RULES


def _tell(tx: Tx, site: Site, mlist: MailingList, now: datetime) -> None:
    total = held.unasked(tx, mlist.id, now)
    for reader in moderators(tx, mlist, site.today(now)):
        notices.send(
            tx, site, mlist, "moderator-flood.txt", reader.address, now, member=reader.id,
            values={"total": total, "most": MOST},
        )  # fmt: skip
