"""SET, BREAK, BACK and NAME: what members change about themselves, and owners for them."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from listserv.domain.members import Member
from listserv.domain.settings import Value
from listserv.flow import undo
from listserv.flow.wish import Result, Wish, not_done
from listserv.policy.commands.command import Option
from listserv.policy.commands.delivery import BY_OPTION, Receiving, receiving
from listserv.store import events, members
from listserv.store.session import Tx


def apply(tx: Tx, member: Member, options: Iterable[Option]) -> Member:
    """Set options of a member, in their order."""
    before = Receiving(member.delivery, member.kept, member.settings.format)
    after = before
    others: dict[str, Value] = {}
    for option in options:
        after = receiving(after, option)
        setting = BY_OPTION[option].setting
        if setting is not None:
            others |= dict([setting])
    if (after.delivery, after.stored) != (before.delivery, before.stored):
        until = member.until if after.delivery is before.delivery else None
        member = members.receive(tx, member, after.delivery, kept=after.stored, until=until)
    return members.change(tx, member, others) if others else member


def meanings(options: Iterable[Option], delivery: object) -> list[str]:
    """The phrases that say what options have led to; `delivery` is how mail comes now."""
    keys = (
        f"option.{option.key}" if BY_OPTION[option].setting else f"comes.{delivery}"
        for option in options
    )
    return list(dict.fromkeys(keys))


def set_options(wish: Wish) -> Result:
    """SET."""
    return _changed(wish, lambda member: apply(wish.tx, member, wish.command.options))


def take_break(wish: Wish) -> Result:
    """BREAK: no mail until a day, or until they say so."""

    def pause(member: Member) -> Member:
        off = receiving(_receiving(member), Option.NOMAIL)
        until = wish.command.until
        return members.receive(wish.tx, member, off.delivery, kept=off.stored, until=until)

    return _changed(wish, pause)


def come_back(wish: Wish) -> Result:
    """BACK: mail comes as before; how many posts they missed."""
    member = wish.member
    if member is None:
        return not_done("member")
    missed = members.missed(wish.tx, member)
    on = receiving(_receiving(member), Option.ON)

    def resume(member: Member) -> Member:
        if on.delivery is member.delivery:
            return member
        return members.receive(wish.tx, member, on.delivery)

    result = _changed(wish, resume)
    return replace(result, values={**result.values, "missed": missed})


def set_name(wish: Wish) -> Result:
    """NAME."""
    return _changed(wish, lambda one: members.change(wish.tx, one, {"name": wish.command.name}))


def _receiving(member: Member) -> Receiving:
    return Receiving(member.delivery, member.kept, member.settings.format)


def _changed(wish: Wish, change: Callable[[Member], Member]) -> Result:
    member = wish.member
    if member is None:
        return not_done("member")
    before = members.snapshot(wish.tx, member.id)
    after = change(member)
    what = f"{member.address}: {wish.command}"
    events.log(wish.tx, wish.list.id, wish.writer.by, what, wish.now)
    back = undo.membership(wish.tx, member.id, before)
    return replace(wish.done(delivery=after.delivery, until=after.until), undo=(back,))
