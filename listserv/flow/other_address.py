"""CHANGE and ALSO: the other address is asked too, and whether it can be a member's is looked up
only when it has said yes. Before that, nobody learns from us what it is."""

import logging
from datetime import datetime

from listserv.domain.address import Address, parse_address
from listserv.domain.errors import ListservError
from listserv.domain.members import Member, MemberState
from listserv.flow import notices, undo
from listserv.flow.address_input import new_address
from listserv.flow.enrol import change_member
from listserv.flow.links import Claims
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.flow.wish import Result, Wish, not_done
from listserv.policy.commands.command import Verb
from listserv.policy.confirming import may_ask
from listserv.policy.linked import mailbox_key
from listserv.store import confirmations, events, lists, members
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

log = logging.getLogger("listserv.asking")

# Their row in flow.confirm.KINDS.
KIND = "address"


def ask(wish: Wish) -> Result:
    """Ask the other address."""
    other, member = wish.command.address, wish.member
    if member is None or other is None:
        return not_done("member")
    if other.key == member.address.key:
        return not_done("own", address=str(other))
    asked = Result("waits.asked", {"address": str(other)})
    mailbox, asker = mailbox_key(other), f"member {member.id}"
    waiting = confirmations.unanswered(wish.tx, mailbox, asker, wish.now)
    if not may_ask(waiting):
        log.warning("not asked=%s, because of the questions that wait", other.masked)
        return asked
    question = new_question(
        wish.tx, wish.site, KIND, str(other), {"verb": wish.command.verb}, wish.now,
        list_id=wish.list.id, member_id=member.id, mailbox=mailbox, asker=asker,
    )  # fmt: skip
    notices.send(
        wish.tx, wish.site, wish.list, "person-confirm-address.txt", other, wish.now,
        values={"also": wish.command.verb is Verb.ALSO},
        reply_to=confirm_address(wish.list, question.token),
    )  # fmt: skip
    return asked


def confirmed(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """The other address says yes: both hear what came of it."""
    other = parse_address(asked.address)
    member = members.get(tx, asked.member_id) if asked.member_id is not None else None
    if other is None or member is None or member.state is MemberState.LEFT:
        return
    before = members.snapshot(tx, member.id)
    mlist = lists.lock(tx, member.list_id)
    is_also = asked.data["verb"] == Verb.ALSO
    try:
        with tx.begin_nested():
            (_link if is_also else _move)(tx, site, member, other, now)
    except ListservError as wrong:
        log.warning("other address=%s impossible: %s", other.masked, wrong)
        notices.send(
            tx, site, mlist, "person-confirmed.txt", other, now, values={"what": "not"},
            answers=True,
        )  # fmt: skip
        return
    back = undo.membership(tx, member.id, before)
    reply_to = undo.offer(tx, site, mlist, member.address, [back], now)
    language = notices.language_of(mlist, member)
    for to, undone_at in ((member.address, reply_to), (other, None)):
        notices.send(
            tx, site, mlist, "member-address.txt", to, now,
            values={"also": is_also, "other": str(other), "undo": undone_at is not None},
            reply_to=undone_at, language=language, answers=True,
        )  # fmt: skip


def _move(tx: Tx, site: Site, member: Member, other: Address, now: datetime) -> None:
    mlist = lists.get(tx, member.list_id)
    claims = Claims(tx, mlist, site.domains, now)
    new = new_address(str(other))
    claims.refuse_circle(new)
    claims.refuse_banned(new)
    there = members.by_key(tx, mlist.id, new.key)
    if there is not None and there.id != member.id:
        raise ListservError(f"{new} is or was a member of {mlist.address}")
    if new.key in {address.key for address in member.also}:
        others = ",".join(str(one) for one in member.also if one.key != new.key)
        member = members.change(tx, member, {"also": others})
    claims.refuse_own([new])
    members.move(tx, member, new)
    events.log(tx, mlist.id, str(member.address), f"changed the address to {new}", now)


def _link(tx: Tx, site: Site, member: Member, other: Address, now: datetime) -> None:
    also = ",".join([*map(str, member.also), str(other)])
    change_member(
        tx, member.list_id, str(member.address), {"also": also}, domains=site.domains,
        by=str(member.address), now=now,
    )  # fmt: skip
