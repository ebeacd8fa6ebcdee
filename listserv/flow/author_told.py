"""The author of a post that waits, or an applicant, hears of it: that it waits and how to take it
back, that it takes longer, that its time is over. Only who is known to have written it."""

import logging
from datetime import datetime

from listserv.domain.address import Address, Role, parse_address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.flow import moderators, notices
from listserv.flow.facts import author_of
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.policy.confirming import Moment
from listserv.policy.trust import is_believed
from listserv.store import events, held, lists, posts, said
from listserv.store.confirmations import Confirmation
from listserv.store.held import Held, HeldState
from listserv.store.session import Tx

log = logging.getLogger("listserv.author_told")

# Their row in flow.confirm.KINDS.
KIND = "held"
# So many notices that a post waits go to an author in a day.
_MOST = 5


def waits(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> None:
    """A post waits for a moderator: why, how long it may take, and how to withdraw it."""
    to = _author(tx, one)
    if to is None or not said.at_most(tx, "held", f"{mlist.id} {to.key}", _MOST, now):
        return
    asked = new_question(
        tx, site, KIND, str(to), {"held": one.id}, now, list_id=mlist.id,
        member_id=posts.get(tx, one.post_id).member_id,
    )  # fmt: skip
    language = notices.language_of(mlist, author_of(tx, posts.get(tx, one.post_id)))
    notices.send(
        tx, site, mlist, "author-held.txt", to, now,
        values={
            "subject": notices.short(one.subject),
            "reasons": moderators.reasons(site, one, language),
            "hours": mlist.settings.held_deadline,
        },
        language=language, answers=True,
        reply_to=mlist.addresses.of(Role.CONFIRM, asked.token),
    )  # fmt: skip


def takes_longer(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> None:
    """Nobody has decided yet."""
    _send(tx, site, mlist, one, "author-waits-longer.txt", now)


def expired(tx: Tx, site: Site, mlist: MailingList, one: Held, now: datetime) -> None:
    """Nobody has decided in time."""
    _send(tx, site, mlist, one, "author-expired.txt", now)


def _send(tx: Tx, site: Site, mlist: MailingList, one: Held, template: str, now: datetime) -> None:
    to = one.request.address if one.request is not None else _author(tx, one)
    if to is None:
        return
    values = {"subject": notices.short(one.subject), "joins": one.request is not None}
    notices.send(tx, site, mlist, template, to, now, values=values)


def _author(tx: Tx, one: Held) -> Address | None:
    """The address on file of a post's author, or of an author who is no member the one that is
    proven; None for everybody who may not have written it."""
    if one.request is not None or not is_believed(one.authorship.level):
        return None
    member = author_of(tx, posts.get(tx, one.post_id))
    return member.address if member is not None else parse_address(one.author)


def withdrawn(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """CANCEL: the author takes a post back that waits."""
    try:
        one = held.decide(tx, asked.data["held"], HeldState.WITHDRAWN, asked.address, "", now)
    except ListservError as wrong:
        log.info("not withdrawn: %s", wrong)
        _tell(tx, site, asked, "decided", now)
        return
    events.log(tx, one.list_id, asked.address, f"withdrew {one.called}", now)
    _tell(tx, site, asked, "withdrawn", now)


def answer(tx: Tx, site: Site, asked: Confirmation, moment: Moment, now: datetime) -> None:
    """What is said to another CANCEL, or to one that is too late."""
    if moment is not Moment.FIRST:
        _tell(tx, site, asked, moment, now)


def unclear(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """What is said to anything else."""
    _tell(tx, site, asked, "unclear", now)


def _tell(tx: Tx, site: Site, asked: Confirmation, what: str, now: datetime) -> None:
    to = parse_address(asked.address)
    if to is None or asked.list_id is None:
        return
    mlist = lists.get(tx, asked.list_id)
    reply_to = confirm_address(mlist, asked.token) if what == "unclear" else None
    notices.send(
        tx, site, mlist, "author-withdrawn.txt", to, now, values={"what": what}, answers=True,
        reply_to=reply_to,
    )  # fmt: skip
