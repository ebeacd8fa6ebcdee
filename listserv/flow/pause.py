"""one_click=pause: a click stops a member's mail, and one mail asks whether they LEAVE or STAY. Who
says nothing for seven days has left; whoever says how their mail is to come has not."""

from dataclasses import replace
from datetime import datetime

from listserv.domain.address import Role
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberState
from listserv.flow import catch_up, membership, notices, paused
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.policy.confirming import Moment
from listserv.policy.staying import KIND, SILENCE, Staying, read_staying
from listserv.store import confirmations, digests, events, lists, members
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

# Who did it, in a list's log.
_BY = "listserv"


def begin(tx: Tx, site: Site, mlist: MailingList, member: Member, now: datetime) -> None:
    """Stop the mail of an active member, and ask them; once more does nothing while the question
    waits. Of what waited for their digest nothing comes either."""
    if paused.waits(tx, member.id):
        return
    paused.settle(tx, member.id, now)
    was = paused.receiving(tx, member.id)
    member = members.receive(tx, member, Delivery.NOMAIL)
    owed = digests.reader(tx, member.id).reading.owed_from
    digests.forgive(tx, member.id)
    data = {
        "was": was,
        "is": paused.receiving(tx, member.id),
        "since": member.away_since if owed is None else owed,
    }
    events.log(
        tx, mlist.id, f"{member.address} by one click", f"stopped the mail of {member.address}", now
    )
    asked = new_question(
        tx, site, KIND, str(member.address), data, now,
        list_id=mlist.id, member_id=member.id, open_for=SILENCE,
    )  # fmt: skip
    _tell(tx, site, asked, "asked", now)


def read(tx: Tx, site: Site, asked: Confirmation, line: str) -> Confirmation | None:
    """The question with the answer that a reply's first line gives; None when it gives none."""
    said = read_staying(line)
    return None if said is None else replace(asked, data={**asked.data, "said": said})


def confirmed(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """LEAVE, or STAY: their mail comes as it came before."""
    found = _member(tx, asked)
    if found is None:
        return
    mlist, member = found
    back = paused.as_before(tx, asked, member, now)
    if asked.data["said"] == Staying.LEAVE:
        membership.leave(tx, site, mlist, back, str(member.address), now)
        return
    events.log(tx, mlist.id, str(member.address), f"{member.address} stays", now)
    if back.delivery is not Delivery.NOMAIL and member.delivery is Delivery.NOMAIL:
        missing = replace(member, away_since=asked.data["since"])
        catch_up.came_back(tx, site, mlist, missing, now)


def answer(tx: Tx, site: Site, asked: Confirmation, moment: Moment, now: datetime) -> None:
    """What is said to an answer. One that comes late counts, if nothing was done before it came;
    and STAY also from those whose mail is still off, since they have said something else before. A
    goodbye says it all."""
    if moment is Moment.LATE and confirmations.confirm(tx, asked.token, now):
        moment = Moment.FIRST
        confirmed(tx, site, asked, now)
    elif moment is Moment.AGAIN and asked.data["said"] == Staying.STAY:
        confirmed(tx, site, asked, now)
    is_member = _member(tx, asked) is not None
    if is_member or moment is not Moment.FIRST:
        _tell(tx, site, asked, "stays" if is_member else "left", now)


def unclear(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """What is said to other words."""
    _tell(tx, site, asked, "unclear", now)


def silent(tx: Tx, site: Site, token: str, now: datetime) -> None:
    """End the membership of somebody who was asked with this token and has said nothing in time,
    unless their mail comes again for another reason."""
    asked = confirmations.find(tx, token)
    found = _member(tx, asked) if asked is not None else None
    # Locked before it is asked again: an answer may come at this moment.
    if asked is None or not confirmations.confirm(tx, token, now) or found is None:
        return
    mlist, member = found
    if paused.stands(tx, asked, member.id):
        back = paused.as_before(tx, asked, member, now)
        membership.leave(tx, site, mlist, back, f"{_BY}, no answer for {SILENCE.days} days", now)


def _member(tx: Tx, asked: Confirmation) -> tuple[MailingList, Member] | None:
    """The list, which nobody else changes meanwhile, and who was asked, unless they have left."""
    member = members.get(tx, asked.member_id) if asked.member_id is not None else None
    if member is None:
        return None
    try:
        mlist = lists.lock(tx, member.list_id)
    except ListservError:  # deleted at this moment
        return None
    member = members.get(tx, member.id)
    is_there = member is not None and member.state is not MemberState.LEFT
    return (mlist, member) if member is not None and is_there else None


def _tell(tx: Tx, site: Site, asked: Confirmation, what: str, now: datetime) -> None:
    member = members.get(tx, asked.member_id) if asked.member_id is not None else None
    if member is None:
        return
    mlist = lists.get(tx, member.list_id)
    waits = what in {"asked", "unclear"}
    notices.send(
        tx, site, mlist, "member-paused.txt", member.address, now,
        values={
            "what": what, "until": asked.expires.astimezone(site.zone).date(),
            "leave": mlist.addresses.of(Role.LEAVE), "join": mlist.addresses.of(Role.JOIN),
        },
        language=notices.language_of(mlist, member), answers=what != "asked",
        reply_to=confirm_address(mlist, asked.token) if waits else None,
    )  # fmt: skip
