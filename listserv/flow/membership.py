"""SUBSCRIBE and SIGNOFF: how memberships begin and end by mail."""

from datetime import datetime

from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, JoinRequest, Member, MemberState
from listserv.domain.settings import shown
from listserv.flow import asking, escalate, notices, paused, preferences, requests, undo
from listserv.flow.enrol import add_members
from listserv.flow.site import Site
from listserv.flow.wish import Result, Wish, Writer, not_done
from listserv.policy.commands.command import Option
from listserv.policy.commands.delivery import BY_OPTION
from listserv.policy.commands.times import times_set
from listserv.store import bans, events, held, members
from listserv.store.session import Tx


def subscribe(wish: Wish) -> Result:
    """What `subscription` says: at once, after a yes from the address, or when people allow it. For
    who is a member already it changes the name and the options, and nothing else."""
    member = wish.member
    if member is not None and member.state is MemberState.ACTIVE:
        return _again(wish, member)
    if bans.is_banned(wish.tx, wish.list.id, wish.writer.address, wish.now):
        return not_done("banned")
    # Who is suspended never left: nobody has to let them in again.
    is_member = member is not None and member.state is MemberState.SUSPENDED
    match "confirm" if is_member else wish.list.settings.subscription:
        case "invite":
            return not_done("invited")
        case "approve":
            wanted = _request(wish)
            if not requests.ask(wish.tx, wish.site, wish.list, wanted, wish.now):
                return not_done("decided")
            one = held.open_request(wish.tx, wish.list.id, wanted.address.key)
            assert one is not None
            escalate.advance(wish.tx, wish.site, one, wish.now)
            return Result("waits.requested")
        case "confirm" if not wish.writer.confirmed:
            return asking.ask_writer(wish)
    new = _settings(wish)
    undone = not wish.writer.confirmed
    enter(wish.tx, wish.site, wish.list, wish.writer, new, wish.now, can_undo=undone)
    return Result()


def _request(wish: Wish) -> JoinRequest:
    wanted = _settings(wish)
    member = wish.member
    others = {key: value for key, value in wanted.items() if key not in {"name", "delivery"}}
    return JoinRequest(
        address=wish.writer.address,
        name=wish.command.name,
        delivery=Delivery(wanted.get("delivery", wish.list.settings.default_delivery)),
        words=wish.writer.words,
        began=wish.writer.began,
        language=member.settings.language if member else "",
        settings=others,
    )


def _again(wish: Wish, member: Member) -> Result:
    member = paused.resumed(wish.tx, member, wish.now)
    if not wish.command.name and not wish.command.options:
        return not_done("new")
    before = members.snapshot(wish.tx, member.id)
    if wish.command.name:
        member = members.change(wish.tx, member, {"name": wish.command.name})
    preferences.apply(wish.tx, member, wish.command)
    events.log(wish.tx, wish.list.id, wish.writer.by, f"{member.address}: {wish.command}", wish.now)
    return Result("not.new-but-changed", undo=(undo.membership(wish.tx, member.id, before),))


def _settings(wish: Wish) -> dict[str, str]:
    """The member settings that a SUBSCRIBE asks for, as they are written; and the zone that is
    guessed of somebody of whom none is known."""
    wanted = {"name": wish.command.name} if wish.command.name else {}
    if wish.writer.zone and not (wish.member and wish.member.settings.timezone):
        wanted["timezone"] = wish.writer.zone
    for option in wish.command.options:
        row = BY_OPTION[option]
        if row.setting is not None:
            key, value = row.setting
            wanted[key] = shown(value)
        elif option in _DELIVERY:
            wanted["delivery"] = _DELIVERY[option]
    return wanted | {key: shown(value) for key, value in times_set(wish.command).items()}


_DELIVERY = {
    Option.MAIL: Delivery.MAIL,
    Option.NODIGEST: Delivery.MAIL,
    Option.ON: Delivery.MAIL,
    Option.DIGEST: Delivery.DIGEST,
    Option.NOMAIL: Delivery.NOMAIL,
}


def enter(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    writer: Writer,
    settings: dict[str, str],
    now: datetime,
    *,
    can_undo: bool = False,
) -> Member:
    """Make a person a member and welcome them. Raises ListservError where their address cannot be
    a member's."""
    (member,) = add_members(
        tx,
        mlist.id,
        [str(writer.address)],
        domains=site.domains,
        settings=settings,
        by=writer.by,
        began=writer.began,
        now=now,
    )
    back = None
    if can_undo:
        back = undo.offer(tx, site, mlist, member.address, [undo.entry(member)], now)
    notices.welcome(tx, site, mlist, member, now, joined=True, undo=back)
    return member


def signoff(wish: Wish) -> Result:
    """End it, and say goodbye to the address on file."""
    if wish.member is None:
        return not_done("member")
    leave(wish.tx, wish.site, wish.list, wish.member, wish.writer.by, wish.now)
    return Result() if wish.member.address.key == wish.writer.address.key else wish.done()


def leave(tx: Tx, site: Site, mlist: MailingList, member: Member, by: str, now: datetime) -> None:
    """End a membership on the member's own word; for seven days they can come back as they were,
    before any click that has stopped their mail."""
    paused.resumed(tx, member, now)
    before = members.snapshot(tx, member.id)
    members.leave(tx, member.id, now)
    events.log(tx, mlist.id, by, f"{member.address} left", now)
    back = undo.membership(tx, member.id, before)
    reply_to = undo.offer(tx, site, mlist, member.address, [back], now)
    notices.goodbye(tx, site, mlist, member, reply_to, now)
