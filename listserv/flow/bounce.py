"""What comes back of our mail goes into an inbox, by the token of its return path; weigh.py decides
what follows. Nothing here answers anybody."""

import logging
from collections.abc import Iterator
from datetime import datetime

from listserv.domain.address import Address, Recipient, Role
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.tokens import CopyToken, Purpose, read_copy_token
from listserv.flow.site import Site
from listserv.mail.reports import Action, Failure, read_report
from listserv.policy.bounce_kind import kind_of
from listserv.store import bounces, events, lists, members, suspensions
from listserv.store.bounces import Sent
from listserv.store.session import Tx

log = logging.getLogger("listserv.bounce")

ROLES = frozenset({Role.BOUNCES, Role.ROBOT_BOUNCES})
# Why somebody is suspended; who complained is nobody's business but theirs (flow/complaint.py).
BOUNCES, COMPLAINT = "bounces", "complaint"
# Who did it, in a list's log.
BY = "listserv"


def take(tx: Tx, site: Site, raw: bytes, meant: Recipient, at: Address, now: datetime) -> None:
    """Note what a mail to a return path reports. What is no report of a failure (a delay, a
    vacation program, a person), or is not about a mail that we sent lately, does nothing."""
    failures = [one for one in read_report(raw) if one.action is Action.FAILED]
    token = read_copy_token(site.secret, Purpose.BOUNCES, meant.argument)
    mlist = lists.at(tx, meant.name, at.domain) if meant.role is Role.BOUNCES else None
    if not failures or token is None or mlist is None:
        log.info("return path=%s failures=%d dropped", meant.role, len(failures))
        return
    sent = bounces.mailing(tx, token.mailing, mlist.id, token.member)
    if sent is None:
        log.info("report list=%s about a mailing that is not kept", mlist.address)
        return
    found = list(_concerned(tx, mlist, token, sent, failures))
    for member, failure in found:
        bounces.add(
            tx, list_id=mlist.id, member=member.id, mailing_id=sent.id,
            domain=member.address.domain, kind=kind_of(failure.status, failure.words),
            words=failure.words or failure.status, now=now, day=site.today(now),
        )  # fmt: skip
    log.info("report list=%s mailing=%d members=%d", mlist.address, sent.id, len(found))


def _concerned(
    tx: Tx, mlist: MailingList, token: CopyToken, sent: Sent, failures: list[Failure]
) -> Iterator[tuple[Member, Failure]]:
    """Whom a mailing did not reach: the member in the token, whatever the report calls them, since
    they may have their mail passed on; where many had one return path, those of them whom it
    names."""
    if token.member:
        member = members.get(tx, token.member)
        if member is not None and member.list_id == mlist.id and _is_meant(tx, member, sent):
            theirs = [one for one in failures if _key(one) == member.address.key]
            yield member, (theirs or failures)[0]
        return
    named = {_key(one): one for one in failures}
    there = members.by_keys(tx, mlist.id, [key for key in named if key])
    wrote = bounces.recipients(tx, sent.id, [member.id for member in there.values()])
    for key, member in there.items():
        if member.id in wrote and _is_meant(tx, member, sent):
            yield member, named[key]


def _is_meant(tx: Tx, member: Member, sent: Sent) -> bool:
    """Whether a mailing went to a member at the address that they have, and since it was given
    another chance."""
    since = bounces.bounces_from(tx, member.id)
    return since is None or sent.created >= since


def _key(failure: Failure) -> str:
    return failure.recipient.key if failure.recipient is not None else ""


def suspend(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    member: Member,
    why: str,
    now: datetime,
    words: str = "",
) -> bool:
    """Stop all mail to a member, in `words` of whoever did not take it; False when they are not
    active by now. They hear of it when they write (flow/suspended.py)."""
    lists.lock(tx, mlist.id)
    current = members.get(tx, member.id)
    if current is None or current.state is not MemberState.ACTIVE:
        return False
    suspensions.suspend(tx, current, why, words, now)
    events.log(tx, mlist.id, BY, f"suspended {current.address}: {why}", now)
    log.warning(
        "list=%s member=%d %s suspended: %s",
        mlist.address, current.id, current.address.masked, why,
    )  # fmt: skip
    return True


def resume(tx: Tx, mlist: MailingList, member: Member, by: str, now: datetime) -> bool:
    """Mail goes to a suspended member again, and they begin anew; False when they are not suspended
    by now."""
    current = _suspended(tx, mlist, member)
    if current is None:
        return False
    suspensions.resume(tx, current, now)
    events.log(tx, mlist.id, by, f"resumed {current.address}", now)
    return True


def take_back(tx: Tx, mlist: MailingList, member: Member, now: datetime) -> None:
    """Mail goes to a suspended member again: what they were suspended for was not about them."""
    current = _suspended(tx, mlist, member)
    if current is not None:
        suspensions.take_back(tx, current)
        events.log(tx, mlist.id, BY, f"took back the suspension of {current.address}", now)


def _suspended(tx: Tx, mlist: MailingList, member: Member) -> Member | None:
    """The member as they are, who changes no more until the commit; None when not suspended."""
    lists.lock(tx, mlist.id)
    current = members.get(tx, member.id)
    is_stopped = current is not None and current.state is MemberState.SUSPENDED
    return current if is_stopped else None


def reset(tx: Tx, mlist: MailingList, member: Member, by: str, now: datetime) -> bool:
    """Forget what came back of a member's mail; whether they were suspended, and get it again."""
    if resume(tx, mlist, member, by, now):
        return True
    suspensions.begin_anew(tx, member.id, now)
    events.log(tx, mlist.id, by, f"forgot the bounces of {member.address}", now)
    return False
