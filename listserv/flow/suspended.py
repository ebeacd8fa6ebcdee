"""Words about members whose mail is stopped: to them when they write, with a way back by one word;
to the owners once a day; and to the operator where a domain refuses us altogether."""

import logging
from collections.abc import Sequence
from datetime import datetime

from listserv.domain.address import Address
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import bounce, notices
from listserv.flow.question import confirm_address, new_question
from listserv.flow.role_mail import operator_of, people
from listserv.flow.site import Site
from listserv.store import excused, lists, members, said, suspensions
from listserv.store.confirmations import Confirmation
from listserv.store.excused import Alarm
from listserv.store.session import Tx

log = logging.getLogger("listserv.bounce")

# Its row in flow.confirm.KINDS.
KIND = "resume"
# So many members, or domains, are named in a mail.
_NAMED = 30


def tell(
    tx: Tx, site: Site, mlist: MailingList, member: Member, writer: Address | None, now: datetime
) -> None:
    """To a suspended member who has written to us, once a day: why nothing comes, and that a reply
    ends it. It goes to the address on file, with nothing of what they, or who pretends to be them,
    wrote; and to the `writer`, where they are believed to have written from another address of
    theirs."""
    if member.state is not MemberState.SUSPENDED:
        return
    if not said.once_a_day(tx, "suspended", str(member.id), now):
        return
    why = suspensions.of(tx, [member.id]).get(member.id)
    values = {
        "complained": why is not None and why.why == bounce.COMPLAINT,
        "yours": str(member.address),
    }
    for to in {one.key: one for one in (member.address, writer) if one is not None}.values():
        question = new_question(
            tx, site, KIND, str(to), {}, now, list_id=mlist.id, member_id=member.id
        )
        # To the address: what goes to a suspended member is passed over.
        notices.send(
            tx, site, mlist, "member-suspended.txt", to, now, values=values,
            language=notices.language_of(mlist, member),
            reply_to=confirm_address(mlist, question.token), answers=True,
        )  # fmt: skip


def tell_author(
    tx: Tx,
    site: Site,
    author: Address,
    domain: str,
    mlist: MailingList | None,
    now: datetime,
    *,
    believed: bool,
) -> None:
    """The same to the author of commands, about each list of a domain, or about the one that they
    wrote to."""
    for member in members.of_address(tx, author, domain):
        if mlist is None or member.list_id == mlist.id:
            about = mlist or lists.get(tx, member.list_id)
            tell(tx, site, about, member, author if believed else None, now)


def wanted(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """YES: mail goes to them again."""
    member = members.get(tx, asked.member_id) if asked.member_id is not None else None
    if member is not None:
        resume(tx, site, lists.get(tx, member.list_id), member, str(member.address), now)


def resume(tx: Tx, site: Site, mlist: MailingList, member: Member, by: str, now: datetime) -> bool:
    """Mail goes to a suspended member again, and they hear so; False when they are not suspended by
    now."""
    if not bounce.resume(tx, mlist, member, by, now):
        return False
    notices.send(
        tx, site, mlist, "member-resumed.txt", member.address, now,
        values={"delivery": member.delivery}, member=member.id, answers=True,
        reply_to=mlist.addresses.request,
    )  # fmt: skip
    return True


def tell_owners(tx: Tx, site: Site, list_id: int, now: datetime) -> None:
    """Tell a list's owners, once a day, who was suspended of whom they do not know."""
    mlist = lists.lock(tx, list_id)
    if not said.once_a_day(tx, "suspensions", str(list_id), now):
        return
    found = suspensions.tell(tx, list_id, bounce.BOUNCES)
    there = {one.member: members.get(tx, one.member) for one in found[:_NAMED]}
    rows = [
        (str(member.address), one.at.astimezone(site.zone).date(), notices.short(one.words))
        for one in found
        if (member := there.get(one.member)) is not None
    ]
    for reader, address in people(tx, site, mlist, mlist.domain):
        notices.send(
            tx, site, mlist, "owner-suspended.txt", address, now, member=reader,
            values={"rows": rows, "total": len(found), "more": len(found) - len(rows)},
        )  # fmt: skip


def tell_operators(tx: Tx, site: Site, now: datetime) -> None:
    """Tell the operator of each domain, once a day, where its lists' mail is refused so that nobody
    is scored for it."""
    for domain, alarms in excused.untold_alarms(tx).items():
        if said.once_a_day(tx, "not scored", domain, now):
            excused.told_alarms(tx, domain)
            _tell_operator(tx, site, domain, alarms, now)


def _tell_operator(tx: Tx, site: Site, domain: str, alarms: Sequence[Alarm], now: datetime) -> None:
    operator = operator_of(tx, site, domain)
    if operator is None:
        log.error("domain=%s: nobody can be told that its mail is refused", domain)
        return
    rows = [(one.domain, one.list, one.members, one.words) for one in alarms[:_NAMED]]
    notices.send(
        tx, site, domain, "operator-refused.txt", operator, now,
        values={"rows": rows, "domain": domain, "more": len(alarms) - len(rows)},
    )  # fmt: skip
