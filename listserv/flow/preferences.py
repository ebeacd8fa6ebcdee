"""SET, BREAK, BACK, AWAY, NAME, TIMEZONE, LANGUAGE: what members, and owners for them, change."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberState
from listserv.domain.settings import Value
from listserv.flow import catch_up, handover, moderators, paused, schedules, undo
from listserv.flow.site import Site
from listserv.flow.wish import Result, Wish, not_done
from listserv.policy.commands.command import Command, Option
from listserv.policy.commands.delivery import BY_OPTION, Receiving, receiving
from listserv.policy.commands.times import times_set
from listserv.policy.digests import Schedule
from listserv.store import events, members
from listserv.store.session import Tx


def apply(tx: Tx, member: Member, command: Command) -> Member:
    """Set what a command says of a member: options, in their order, and when the digest comes."""
    before = Receiving(member.delivery, member.kept, member.settings.format)
    after = before
    others: dict[str, Value] = {**times_set(command)}
    for option in command.options:
        after = receiving(after, option)
        setting = BY_OPTION[option].setting
        if setting is not None:
            others |= dict([setting])
    if (after.delivery, after.stored) != (before.delivery, before.stored):
        until = member.until if after.delivery is before.delivery else None
        member = members.receive(tx, member, after.delivery, kept=after.stored, until=until)
    return members.change(tx, member, others) if others else member


def meanings(options: Iterable[Option], delivery: object, zone: str) -> list[str]:
    """The phrases that say what options have led to; `delivery` is how mail comes now, `zone` the
    one that was set, or ""."""
    keys = [
        f"option.{option.key}" if BY_OPTION[option].setting else f"comes.{delivery}"
        for option in options
    ]
    return list(dict.fromkeys(keys + ["schedule.zone"] * bool(zone)))


def set_options(wish: Wish) -> Result:
    """SET."""
    result = _changed(wish, lambda member: apply(wish.tx, member, wish.command))
    says_how = any(BY_OPTION[option].setting is None for option in wish.command.options)
    return result if says_how or wish.command.zone else replace(result, schedule=None)


def set_zone(wish: Wish) -> Result:
    """TIMEZONE."""
    return _changed(wish, lambda member: apply(wish.tx, member, wish.command))


def take_break(wish: Wish) -> Result:
    """BREAK: no mail until a day, or until they say so."""

    def pause(member: Member) -> Member:
        off = receiving(_receiving(member), Option.NOMAIL)
        until = wish.command.until
        return members.receive(wish.tx, member, off.delivery, kept=off.stored, until=until)

    return _changed(wish, pause)


def come_back(wish: Wish) -> Result:
    """BACK: mail comes as before, how many posts they missed; and a moderator is asked again. Whose
    mail is off without an end, and who was away, only meant the latter."""
    member = wish.member
    if member is None:
        return not_done("member")
    today = wish.site.today(wish.now)
    was_away = member.is_away(today)
    resumes = member.until is not None or not was_away
    missed = members.missed(wish.tx, member) if resumes else 0
    on = receiving(_receiving(member), Option.ON)

    def resume(member: Member) -> Member:
        if member.settings.away:
            member = members.change(wish.tx, member, {"away": ""})
        if not resumes or on.delivery is member.delivery:
            return member
        return members.receive(wish.tx, member, on.delivery)

    result = _changed(wish, resume)
    if resumes and member.delivery is Delivery.NOMAIL and member.state is MemberState.ACTIVE:
        catch_up.came_back(wish.tx, wish.site, wish.list, member, wish.now)
    if was_away:
        handover.show_some(wish.tx, wish.site, wish.list.id, wish.now)
    comes = resumes and (not was_away or on.delivery is not member.delivery)
    said = {"missed": missed, "asked": was_away, "comes": comes}
    return replace(result, values={**result.values, **said})


def go_away(wish: Wish) -> Result:
    """AWAY: others are asked about what waits, until a day; of what nobody else has they hear at
    once. The mail of the list comes all the same."""
    until = wish.command.until
    assert until is not None

    def leave_it(member: Member) -> Member:
        return members.change(wish.tx, member, {"away": until.isoformat()})

    result = _changed(wish, leave_it)
    handover.show_some(wish.tx, wish.site, wish.list.id, wish.now)
    asked = moderators.moderators(wish.tx, wish.list, wish.site.today(wish.now))
    alone = any(wish.member is not None and one.id == wish.member.id for one in asked)
    return replace(result, values={**result.values, "until": until, "alone": alone})


def set_name(wish: Wish) -> Result:
    """NAME."""
    name: dict[str, Value] = {"name": wish.command.name}
    result = _changed(wish, lambda member: members.change(wish.tx, member, name))
    return replace(result, schedule=None)


def set_language(wish: Wish) -> Result:
    """LANGUAGE."""
    language = wish.command.language
    chosen: dict[str, Value] = {"language": language}
    result = _changed(wish, lambda member: members.change(wish.tx, member, chosen))
    named = wish.site.templates.phrase(f"language.{language}", {}, wish.writer.language)
    return replace(result, values={**result.values, "language": named}, schedule=None)


def _receiving(member: Member) -> Receiving:
    return Receiving(member.delivery, member.kept, member.settings.format)


def _changed(wish: Wish, change: Callable[[Member], Member]) -> Result:
    member = wish.member
    if member is None:
        return not_done("member")
    before = members.snapshot(wish.tx, member.id)
    after = change(member)
    paused.settle(wish.tx, member.id, wish.now)
    what = f"{member.address}: {wish.command}"
    events.log(wish.tx, wish.list.id, wish.writer.by, what, wish.now)
    back = undo.membership(wish.tx, member.id, before)
    done = wish.done(delivery=after.delivery, until=after.until)
    return replace(done, undo=(back,), schedule=coming(wish.site, wish.list, after))


def coming(site: Site, mlist: MailingList, member: Member) -> Schedule | None:
    """When a digest comes to a member, None where none does."""
    reads = member.delivery is Delivery.DIGEST and member.state is MemberState.ACTIVE
    return schedules.of_member(site, mlist, member) if reads else None
