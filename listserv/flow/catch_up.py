"""At the end of a break: the posts that were missed, in one digest, for whoever wants them."""

from datetime import datetime

from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import notices
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.policy.confirming import Moment
from listserv.policy.reading import owing
from listserv.store import digests, events, lists, members
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

# Its row in flow.confirm.KINDS.
KIND = "catch-up"


def day_has_come(
    tx: Tx, site: Site, mlist: MailingList, was: Member, back: Member, now: datetime
) -> None:
    """Tell a member whose break has ended by itself, and offer what they have missed."""
    missed = members.missed(tx, was)
    offered = _offered(tx, site, mlist, was, now)
    reply_to, left = offered or (mlist.addresses.request, 0)
    notices.back_from_break(tx, site, mlist, back, missed, left, reply_to, now)


def came_back(tx: Tx, site: Site, mlist: MailingList, was: Member, now: datetime) -> None:
    """Offer a member who has ended a break what they have missed, if anything is left of it."""
    offered = _offered(tx, site, mlist, was, now)
    if offered is not None:
        missed = members.missed(tx, was)
        notices.missed_posts(tx, site, mlist, was, missed, offered[0], now)


def _offered(
    tx: Tx, site: Site, mlist: MailingList, was: Member, now: datetime
) -> tuple[str, int] | None:
    """Where to reply to have the posts of a break, and how many are left."""
    if was.away_since is None:
        return None
    upto = digests.last_number(tx, mlist.id)
    left = digests.left(tx, mlist.id, was.away_since, upto)
    if not left:
        return None
    asked = new_question(
        tx, site, KIND, str(was.address), {"after": was.away_since, "upto": upto}, now,
        list_id=mlist.id, member_id=was.id,
    )  # fmt: skip
    return confirm_address(mlist, asked.token), left


def wanted(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """DIGEST: they are owed the posts of their break."""
    member = _member(tx, asked)
    if member is None:
        return
    mlist = lists.lock(tx, member.list_id)
    reading = digests.reader(tx, member.id).reading
    digests.owe(tx, member.id, owing(reading, asked.data["after"], asked.data["upto"]))
    events.log(tx, mlist.id, str(member.address), "asked for the posts of their break", now)


def answer(tx: Tx, site: Site, asked: Confirmation, moment: Moment, now: datetime) -> None:
    """The digest is the answer, and it comes once."""


def unclear(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """How to say it."""
    member = _member(tx, asked)
    if member is not None:
        mlist = lists.get(tx, member.list_id)
        left = digests.left(tx, mlist.id, asked.data["after"], asked.data["upto"])
        reply_to = confirm_address(mlist, asked.token)
        notices.missed_posts(tx, site, mlist, member, left, reply_to, now)


def _member(tx: Tx, asked: Confirmation) -> Member | None:
    """Who was asked, while they read the list."""
    member = members.get(tx, asked.member_id) if asked.member_id is not None else None
    return member if member is not None and member.state is MemberState.ACTIVE else None
