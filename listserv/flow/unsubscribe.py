"""One-click unsubscribe (RFC 8058): whoever has the token of a copy ends the membership of the one
who got that copy, or stops their mail (one_click=pause), and they hear of it by mail."""

from contextlib import suppress
from datetime import datetime
from enum import StrEnum

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.tokens import read_web_token
from listserv.flow import membership, pause, paused
from listserv.flow.site import Site
from listserv.store import lists, members
from listserv.store.session import Tx


class Outcome(StrEnum):
    """What a click has led to, now or before."""

    LEFT = "left"
    PAUSED = "paused"


def find(tx: Tx, site: Site, token: str) -> tuple[MailingList, Member] | None:
    """Whose copy of which list carried a token; they may have left since. None for a token that is
    not ours, and when the list is gone."""
    read = read_web_token(site.secret, token)
    member = members.get(tx, read.member) if read is not None else None
    with suppress(ListservError):  # deleted at this moment
        return (lists.get(tx, member.list_id), member) if member is not None else None
    return None


def pauses(mlist: MailingList, member: Member) -> bool:
    """Whether a click stops the mail and asks. Who gets no mail at all cannot be asked."""
    return mlist.settings.one_click == "pause" and member.state is MemberState.ACTIVE


def so_far(tx: Tx, mlist: MailingList, member: Member) -> Outcome | None:
    """What a click has led to already; None where it would do something."""
    if member.state is MemberState.LEFT:
        return Outcome.LEFT
    return Outcome.PAUSED if pauses(mlist, member) and paused.waits(tx, member.id) else None


def one_click(tx: Tx, site: Site, token: str, now: datetime) -> Outcome | None:
    """Stop a member's mail; once more changes nothing. None as `find` says."""
    found = find(tx, site, token)
    if found is not None:
        with suppress(ListservError):  # deleted at this moment
            lists.lock(tx, found[0].id)
        found = find(tx, site, token)
    if found is None:
        return None
    mlist, member = found
    if member.state is MemberState.LEFT:
        return Outcome.LEFT
    if pauses(mlist, member):
        pause.begin(tx, site, mlist, member, now)
        return Outcome.PAUSED
    membership.leave(tx, site, mlist, member, f"{member.address} by one click", now)
    return Outcome.LEFT
