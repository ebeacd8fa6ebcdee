"""CHANGE and ALSO: the other address is asked too, and whether it can be a member's is looked up
only when it has said yes. Before that, nobody learns from us what it is."""

import logging
from collections.abc import Mapping
from datetime import datetime

from listserv.domain.address import Address, masked_in, parse_address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import bounce, graduation, notices, undo
from listserv.flow.address_input import new_address
from listserv.flow.asking import can_be_asked
from listserv.flow.enrol import change_member
from listserv.flow.links import Claims
from listserv.flow.question import confirm_address, new_question, origin_of, page_url
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
    """Ask the other address; once, about all lists of one mail."""
    tx, site, now = wish.tx, wish.site, wish.now
    other, member = wish.command.address, wish.member
    if member is None or other is None:
        return not_done("member")
    if other.key == member.address.key:
        return not_done("own", address=str(other))
    asked = Result("waits.asked", {"address": str(other)})
    mailbox, asker = mailbox_key(other), f"member {member.address.key}"
    if _is_asked(wish, other, mailbox, asker, member):
        return asked
    if not can_be_asked(tx, site, other):
        return not_done("possible")
    if not may_ask(confirmations.unanswered(tx, mailbox, asker, now)):
        log.warning("not asked=%s, because of the questions that wait", other.masked)
        return asked
    question = new_question(
        tx, site, KIND, str(other), {"verb": wish.command.verb, "members": [member.id]}, now,
        list_id=wish.list.id, mailbox=mailbox, asker=asker,
    )  # fmt: skip
    notices.send(
        tx, site, wish.list, "person-confirm-address.txt", other, now,
        values={
            "also": wish.command.verb is Verb.ALSO,
            "page": page_url(site, wish.list, question.token),
        },
        reply_to=confirm_address(wish.list, question.token),
    )  # fmt: skip
    return asked


def _is_asked(wish: Wish, other: Address, mailbox: str, asker: str, member: Member) -> bool:
    """Whether the same mail has asked it about another list already; then it is about this one
    too."""
    for question in confirmations.made_at(wish.tx, mailbox, asker, wish.now):
        is_same = question.address == str(other) and question.data["verb"] == wish.command.verb
        if question.kind == KIND and is_same:
            about = [*question.data["members"], member.id]
            confirmations.replace_data(wish.tx, question, {**question.data, "members": about})
            return True
    return False


def page(
    tx: Tx, site: Site, asked: Confirmation, language: str, now: datetime
) -> Mapping[str, object]:
    """What the page of a question says of it."""
    return {"asks": "also" if asked.data["verb"] == Verb.ALSO else "change"}


def confirmed(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """The other address says yes: both hear what came of it, or it alone that nothing did."""
    other = parse_address(asked.address)
    if other is None:
        return
    there = [found for number in asked.data["members"] if (found := _locked(tx, number))]
    is_also = asked.data["verb"] == Verb.ALSO
    done = [_done(tx, site, mlist, member, other, is_also, now) for mlist, member in there]
    if not any(done):
        notices.send(
            tx, site, origin_of(tx, asked), "person-confirmed.txt", other, now,
            values={"what": "not"}, answers=True,
        )  # fmt: skip


def _locked(tx: Tx, number: int) -> tuple[MailingList, Member] | None:
    """A membership that has not ended, and its list, which nobody else changes meanwhile."""
    member = members.get(tx, number)
    mlist = lists.lock(tx, member.list_id) if member is not None else None
    member = members.get(tx, number)
    if mlist is None or member is None or member.state is MemberState.LEFT:
        return None
    return mlist, member


def _done(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    member: Member,
    other: Address,
    is_also: bool,
    now: datetime,
) -> bool:
    before = members.snapshot(tx, member.id)
    try:
        with tx.begin_nested():
            (_link if is_also else _move)(tx, site, member, other, now)
    except ListservError as wrong:
        log.warning("other address=%s impossible: %s", other.masked, masked_in(str(wrong)))
        return False
    back = undo.membership(tx, member.id, before)
    moved = members.get(tx, member.id)
    if moved is not None and not is_also:  # behind what UNDO looks at: it ends by itself
        graduation.begin_again(tx, mlist, moved)
    reply_to = undo.offer(tx, site, mlist, member.address, [back], now)
    language = notices.language_of(mlist, member)
    for to, undone_at in ((member.address, reply_to), (other, None)):
        notices.send(
            tx, site, mlist, "member-address.txt", to, now,
            values={"also": is_also, "other": str(other), "undo": undone_at is not None},
            reply_to=undone_at, language=language, answers=True,
        )  # fmt: skip
    return True


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
    members.move(tx, member, new, now)
    events.log(tx, mlist.id, str(member.address), f"changed the address to {new}", now)
    if member.state is MemberState.SUSPENDED:  # for the other one; of this a yes has just come
        bounce.resume(tx, mlist, member, str(new), now)


def _link(tx: Tx, site: Site, member: Member, other: Address, now: datetime) -> None:
    also = ",".join([*map(str, member.also), str(other)])
    change_member(
        tx, member.list_id, str(member.address), {"also": also}, domains=site.domains,
        by=str(member.address), now=now,
    )  # fmt: skip
