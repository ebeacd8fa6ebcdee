"""The verbs of owners and moderators about others and about the list: ADD, DELETE, SET FOR, INVITE,
BAN, UNBAN, HOLD, FREE. Each is written to the list's log, and can be taken back."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from listserv.domain.address import Address, masked_in, parse_address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import administer, membership, notices, preferences, schedules, undo
from listserv.flow.address_input import ban_pattern
from listserv.flow.asking import can_be_asked
from listserv.flow.enrol import add_members
from listserv.flow.question import confirm_address, new_question, origin_of, page_url
from listserv.flow.site import Site
from listserv.flow.wish import Result, Step, Wish, Writer, not_done
from listserv.policy.commands.table import BY_VERB
from listserv.store import bans, events, lists, members
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

log = logging.getLogger("listserv.perform")

# The row of INVITE in flow.confirm.KINDS.
KIND = "invite"


def add(wish: Wish) -> Result:
    """ADD: at once, and unless QUIET with a welcome that says how to leave."""
    tx, site, mlist, address = wish.tx, wish.site, wish.list, _whom(wish)
    known = members.by_key(tx, mlist.id, address.key)
    if known is not None and known.state is MemberState.ACTIVE:
        return not_done("already", address=str(address))
    if bans.is_banned(tx, mlist.id, address, wish.now):
        return not_done("is-banned", address=str(address))
    before = members.snapshot(tx, known.id) if known is not None else None
    settings = {"name": wish.command.name} if wish.command.name else {}
    (member,) = add_members(
        tx, mlist.id, [str(address)], domains=site.domains, settings=settings,
        by=wish.writer.by, began=f"added by {wish.writer.by}, {wish.writer.began}", now=wish.now,
    )  # fmt: skip
    if not wish.command.quiet:
        notices.welcome(tx, site, mlist, member, wish.now)
    back = undo.membership(tx, member.id, before) if before else undo.entry(member)
    return _taken_back(wish, back)


def delete(wish: Wish) -> Result:
    """DELETE."""
    member = _named(wish)
    if member is None:
        return not_done("no-member", address=str(_whom(wish)))
    before = members.snapshot(wish.tx, member.id)
    members.leave(wish.tx, member.id, wish.now)
    _log(wish, f"removed {member.address}")
    if not wish.command.quiet:
        notices.removed(wish.tx, wish.site, wish.list, member, wish.now)
    return _taken_back(wish, undo.membership(wish.tx, member.id, before))


def set_for(wish: Wish) -> Result:
    """SET list option FOR address."""
    member = _named(wish)
    if member is None:
        return not_done("no-member", address=str(_whom(wish)))
    before = members.snapshot(wish.tx, member.id)
    member = preferences.apply(wish.tx, member, wish.command)
    _log(wish, str(wish.command))
    now_set = {"delivery": member.delivery, "until": member.until, "zone": wish.command.zone}
    comes = preferences.coming(wish.site, wish.list, member)
    if not wish.command.quiet and member.state is MemberState.ACTIVE:
        language = notices.language_of(wish.list, member)
        keys = preferences.meanings(wish.command.options, member.delivery, wish.command.zone)
        when = schedules.where(wish.site, comes, language) if comes else ""
        said = {**now_set, "when": when}
        meanings = [wish.site.templates.phrase(key, said, language) for key in keys]
        notices.changed_for(wish.tx, wish.site, wish.list, member, meanings, wish.now)
    back = undo.membership(wish.tx, member.id, before)
    return replace(wish.done(**now_set), undo=(back,), schedule=comes)


def invite(wish: Wish) -> Result:
    """INVITE: ask an address to join. Nobody learns whether it is a member's already."""
    tx, site, mlist, address = wish.tx, wish.site, wish.list, _whom(wish)
    if bans.is_banned(tx, mlist.id, address, wish.now):
        return not_done("is-banned", address=str(address))
    if not can_be_asked(tx, site, address):
        return not_done("possible")
    data = {"name": wish.command.name, "by": wish.writer.by}
    question = new_question(tx, site, KIND, str(address), data, wish.now, list_id=mlist.id)
    notices.send(
        tx, site, mlist, "person-invite.txt", address, wish.now,
        values={
            "description": mlist.settings.description,
            "page": page_url(site, mlist, question.token),
        },
        reply_to=confirm_address(mlist, question.token),
    )  # fmt: skip
    _log(wish, f"invited {address}")
    return _taken_back(wish, undo.question(question.token))


def page(
    tx: Tx, site: Site, asked: Confirmation, language: str, now: datetime
) -> Mapping[str, object]:
    """What the page of an invitation says of it."""
    mlist = origin_of(tx, asked)
    assert not isinstance(mlist, str)
    return {"asks": "join", "description": mlist.settings.description}


def ban(wish: Wish) -> Result:
    """BAN an address or @domain, for good or until a day."""
    pattern = _pattern(wish)
    day = wish.command.until
    until = wish.site.midnight(day) if day else None
    before = bans.find(wish.tx, wish.list.id, pattern)
    administer.ban(
        wish.tx, wish.list.id, pattern, until=until, reason="", by=wish.writer.by, now=wish.now
    )
    return _taken_back(wish, undo.ban(wish.tx, wish.list, pattern, before))


def unban(wish: Wish) -> Result:
    """UNBAN."""
    pattern = _pattern(wish)
    before = bans.find(wish.tx, wish.list.id, pattern)
    if before is None:
        return not_done("not-banned", address=pattern)
    administer.unban(wish.tx, wish.list.id, pattern, by=wish.writer.by, now=wish.now)
    return _taken_back(wish, undo.ban(wish.tx, wish.list, pattern, before))


def hold(wish: Wish) -> Result:
    """HOLD: every post waits from now on, and those on their way stop."""
    return _hold(wish, on=True)


def free(wish: Wish) -> Result:
    """FREE: they go on."""
    return _hold(wish, on=False)


def _hold(wish: Wish, *, on: bool) -> Result:
    was = wish.list.on_hold
    administer.hold_list(wish.tx, wish.list.id, on, by=wish.writer.by, now=wish.now)
    return _taken_back(wish, undo.hold(wish.tx, wish.list, was))


def _pattern(wish: Wish) -> str:
    domain = wish.command.domain
    return ban_pattern(f"@{domain}" if domain else str(_whom(wish)))


def _whom(wish: Wish) -> Address:
    assert wish.command.address is not None
    return wish.command.address


def _named(wish: Wish) -> Member | None:
    member = members.by_key(wish.tx, wish.list.id, _whom(wish).key)
    return None if member is None or member.state is MemberState.LEFT else member


def _log(wish: Wish, what: str) -> None:
    events.log(wish.tx, wish.list.id, wish.writer.by, what, wish.now)


def _taken_back(wish: Wish, step: Step) -> Result:
    who = BY_VERB[wish.command.verb].who
    return replace(wish.done(), undo=(undo.of_role(step, wish.list, who),))


def accepted(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """Whoever was invited says yes: they are a member, whatever `subscription` says; or hear why
    not."""
    address = parse_address(asked.address)
    if address is None or asked.list_id is None:
        return
    mlist = lists.lock(tx, asked.list_id)
    known = members.by_key(tx, mlist.id, address.key)
    if known is not None and known.state is MemberState.ACTIVE:
        _tell(tx, site, mlist, address, "member", now)
        return
    when = f"{now:%Y-%m-%d %H:%M} UTC"
    began = f"invited by {asked.data['by']}, confirmed by {address} on {when}"
    writer = Writer(address, mlist.domain, began, confirmed=True)
    settings = {"name": asked.data["name"]} if asked.data["name"] else {}
    try:
        with tx.begin_nested():
            membership.enter(tx, site, mlist, writer, settings, now)
    except ListservError as wrong:
        log.warning("invitation of %s impossible: %s", address.masked, masked_in(str(wrong)))
        _tell(tx, site, mlist, address, "not", now)


def _tell(tx: Tx, site: Site, mlist: MailingList, to: Address, what: str, now: datetime) -> None:
    language = notices.language_for(tx, mlist, to)
    notices.send(
        tx, site, mlist, "person-confirmed.txt", to, now, values={"what": what}, answers=True,
        language=language,
    )  # fmt: skip
