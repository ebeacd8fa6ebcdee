"""A provider reports that a reader called a mail of a list unwanted: their mail from it stops, and
its owners hear how many that were. Nobody who complained is written to."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from listserv.domain.address import Address, Recipient, Role, parse_address, read_local
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.post import Incoming, Post
from listserv.domain.tokens import CopyToken, Purpose, read_copy_token, read_web_token
from listserv.flow import bounce, notices, role_mail
from listserv.flow.site import Site
from listserv.mail.complaints import Complaint, read_complaint
from listserv.store import bounces, counters, lists, members, retention, said, suspensions
from listserv.store.session import Tx

log = logging.getLogger("listserv.complaint")

# The counter of whose mail stopped, and over how long it is told.
COUNTED = retention.COMPLAINTS
A_MONTH = timedelta(days=30)
_ON_THE_LIST = (MemberState.ACTIVE, MemberState.SUSPENDED)
_TO_OPERATORS = frozenset({Role.POSTMASTER, Role.ABUSE, Role.FBL})


def take(tx: Tx, site: Site, incoming: Incoming, post: Post, now: datetime) -> bool:
    """Whether a message is a complaint, to whatever address of ours it came; then nothing else
    becomes of it. One about nobody that we know, or that asks for nothing, is the operator's."""
    # A complaint is a report, and so an automatic mail: what is none is not searched.
    complaint = read_complaint(incoming.raw) if post.automatic else None
    if complaint is None:
        return False
    found = _whose(tx, site, complaint) if complaint.is_unwanted else None
    if found is None:
        log.info("complaint type=%s about nobody: to the operator", complaint.feedback[:20])
        _pass_on(tx, site, incoming, post, now)
        return True
    mlist, member, token = found
    log.info("complaint list=%s member=%d", mlist.address, member.id)
    if _is_settled(tx, mlist, member, token, now):
        return True
    if bounce.suspend(tx, site, mlist, member, bounce.COMPLAINT, now):
        counters.count(tx, mlist.id, COUNTED, now)
        tell_owners(tx, site, mlist.id, now)
    return True


def _whose(
    tx: Tx, site: Site, complaint: Complaint
) -> tuple[MailingList, Member, CopyToken] | None:
    """The one subscription whose copy came back; they may have left since. None where several had
    the same copy, nobody has the number any more, or the list is gone."""
    for token in _tokens(site, complaint):
        member = members.get(tx, token.member) if token.member else None
        with suppress(ListservError):  # deleted at this moment
            if member is not None:
                # Locked before anything is asked of them: they may come back at this moment.
                return lists.lock(tx, member.list_id), member, token
    return None


def _tokens(site: Site, complaint: Complaint) -> Iterator[CopyToken]:
    for text in complaint.return_path:
        yield from filter(None, [read_copy_token(site.secret, Purpose.BOUNCES, text)])
    for text in complaint.unsubscribe:
        yield from filter(None, [
            read_web_token(site.secret, text),
            read_copy_token(site.secret, Purpose.LEAVE, text),
        ])  # fmt: skip


def _is_settled(
    tx: Tx, mlist: MailingList, member: Member, token: CopyToken, now: datetime
) -> bool:
    """Whether it is about a mail from before the member came back, or moved to another address. Of
    one that is not kept any more it is only known that it is older than those that are."""
    since = bounces.bounces_from(tx, member.id)
    if since is None:
        return False
    sent = bounces.mailing(tx, token.mailing, mlist.id, member.id)
    return (sent.created if sent is not None else now - retention.FINISHED) < since


def _pass_on(tx: Tx, site: Site, incoming: Incoming, post: Post, now: datetime) -> None:
    """To the operator of each domain that it came to, by the role that was written to."""
    roles: dict[str, Recipient] = {}
    for address in filter(None, map(parse_address, incoming.recipients)):
        meant = _role(address)
        if meant.role is not Role.ABUSE or address.domain not in roles:
            roles[address.domain] = meant
    for domain, meant in roles.items():
        if domain not in site.domains:
            continue
        if role_mail.has_room(tx, meant, domain, now):
            role_mail.forward(tx, site, incoming, post, meant, domain, now)
        else:
            log.warning("dropped: a complaint to %s at %s, too much today", meant.role, domain)


def _role(address: Address) -> Recipient:
    meant = read_local(address.local, lambda name: False)
    return meant if meant and meant.role in _TO_OPERATORS else Recipient(Role.ABUSE, "")


def tell_owners(tx: Tx, site: Site, list_id: int, now: datetime) -> None:
    """How many of a list's members complained within a month, at most once a day. To the owners who
    did not; where there is none, to the operator."""
    mlist = lists.lock(tx, list_id)
    if not said.once_a_day(tx, "complaints", str(list_id), now):
        return
    suspensions.tell(tx, mlist.id, bounce.COMPLAINT)
    there = members.count(tx, mlist.id)
    values = {
        "leave": mlist.addresses.of(Role.LEAVE),
        "complaints": counters.total(tx, COUNTED, now - A_MONTH, mlist.id),
        "total": sum(there.get(state, 0) for state in _ON_THE_LIST),
    }
    owners = [one for one in members.owners(tx, mlist.id) if one.state is MemberState.ACTIVE]
    people = [(one.id, one.address) for one in owners]
    operator = role_mail.operator_of(tx, site, mlist.domain)
    if not people and operator is not None:
        people = [(0, operator)]
    for number, address in people:
        notices.send(
            tx, site, mlist, "owner-complaints.txt", address, now, values=values, member=number
        )
