"""Commands that may act are carried out, each for each list that it is about.

DO is the table of what a verb does. A command fails alone: what it would have changed is not
changed, and the others of the mail act.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from listserv.domain.address import Address, masked_in
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import inform, membership, other_address, owners, preferences, settings_link
from listserv.flow.site import Site
from listserv.flow.wish import ROLES, Result, Wish, Writer, not_done
from listserv.policy.commands.command import ALL_LISTS, Command, NotUnderstood, Verb
from listserv.policy.commands.table import BY_VERB, About, Who
from listserv.store import lists, members
from listserv.store.session import Tx

log = logging.getLogger("listserv.perform")


@dataclass(frozen=True, slots=True)
class Told:
    """A command as its writer is shown it again, and what came of it, on one list or none."""

    line: str
    mlist: MailingList | None
    result: Result


@dataclass(frozen=True, slots=True)
class Target:
    """A list, and the writer's membership there."""

    mlist: MailingList | None
    member: Member | None


def all_of(
    tx: Tx, site: Site, wanted: Iterable[Command | NotUnderstood], writer: Writer, now: datetime
) -> list[Told]:
    """Carry out what somebody has confirmed."""
    told = []
    for one in wanted:
        if isinstance(one, NotUnderstood):
            told.append(puzzled(one))
            continue
        found = targets(tx, one, writer.address, writer.domain, proven=True)
        if isinstance(found, Result):
            told.append(Told(str(one), None, found))
            continue
        told += [perform(tx, site, one, target, writer, now) for target in found]
    return told


def puzzled(one: NotUnderstood) -> Told:
    """What is said of a line that is no command."""
    values = {"why": f"why.{one.why}", "nearest": one.nearest}
    return Told(one.line, None, Result("not.understood", values))


def targets(
    tx: Tx, command: Command, address: Address, domain: str, *, proven: bool
) -> list[Target] | Result:
    """What a command of this address is about; or why that cannot be said."""
    about = BY_VERB[command.verb].about
    if about is About.NO:
        return [Target(None, None)]
    if command.list not in {"", ALL_LISTS}:
        mlist = lists.at(tx, command.list, domain)
        member = members.author(tx, mlist.id, address, proven=proven) if mlist else None
        hidden = command.verb is Verb.INFO and mlist and not inform.is_visible(mlist, member)
        if mlist is None or hidden:
            return not_done("there", address=command.list)
        return [Target(mlist, member)]
    if about is About.MAYBE:
        return [Target(None, None)]
    found = members.of_address(tx, address, domain, proven=proven)
    mine = [Target(lists.get(tx, member.list_id), member) for member in found]
    if not mine:
        return not_done("anywhere")
    if len(mine) > 1 and command.list != ALL_LISTS:
        return not_done("which", lists=[one.mlist.name for one in mine if one.mlist])
    return mine


def perform(
    tx: Tx, site: Site, command: Command, target: Target, writer: Writer, now: datetime
) -> Told:
    """Carry out one command on one list."""
    mlist, member = _as_they_are(tx, command, target)
    if mlist is not None:
        command = replace(command, list=mlist.name)
    wish = Wish(tx, site, command, mlist, member, writer, now)
    who = BY_VERB[command.verb].who
    if who is Who.ANYBODY or (member is not None and member.role in ROLES[who]):
        result = _do(wish)
    else:
        result = not_done(_refused(command, member))
    log.info("command=%s list=%s by=%s result=%s", command.verb, mlist.address if mlist else "-",
             writer.address.masked, result.phrase or "told")  # fmt: skip
    return Told(str(command), mlist, result if writer.undo else replace(result, undo=()))


def _refused(command: Command, member: Member | None) -> str:
    """Why somebody may not do it."""
    if member is not None and command.verb is Verb.AWAY:
        return "away"  # a member means BREAK
    return "member" if member is None else BY_VERB[command.verb].who


def _as_they_are(
    tx: Tx, command: Command, target: Target
) -> tuple[MailingList | None, Member | None]:
    """The list and the membership of a target, which nobody else changes from here on, if the
    command may; another of the same mail may have changed them."""
    mlist, member = target.mlist, target.member
    if mlist is not None and BY_VERB[command.verb].act is not None:
        mlist = lists.lock(tx, mlist.id)
        member = members.get(tx, member.id) if member is not None else None
        if member is not None and member.state is MemberState.LEFT:
            member = None
    return mlist, member


def _do(wish: Wish) -> Result:
    try:
        with wish.tx.begin_nested():
            return DO[wish.command.verb](wish)
    except ListservError as wrong:
        log.warning("command=%s impossible: %s", wish.command.verb, masked_in(str(wrong)))
        return not_done("possible")


def _inform(wish: Wish) -> Result:
    """A question, whose answer is a text of its own."""
    text = inform.inform(
        wish.tx, wish.site, wish.command, wish.mlist, wish.writer.address, wish.member,
        wish.writer.domain, wish.writer.language,
    )  # fmt: skip
    return Result(text=text)


def _said(wish: Wish) -> Result:
    """A command that changes nothing and is answered with one sentence."""
    return wish.done()


DO: Mapping[Verb, Callable[[Wish], Result]] = {
    Verb.SUBSCRIBE: membership.subscribe,
    Verb.SIGNOFF: membership.signoff,
    Verb.SET: preferences.set_options,
    Verb.BREAK: preferences.take_break,
    Verb.BACK: preferences.come_back,
    Verb.AWAY: preferences.go_away,
    Verb.NAME: preferences.set_name,
    Verb.TIMEZONE: preferences.set_zone,
    Verb.LANGUAGE: preferences.set_language,
    Verb.PREFERENCES: settings_link.wished,
    Verb.CHANGE: other_address.ask,
    Verb.ALSO: other_address.ask,
    Verb.QUERY: _inform,
    Verb.WHICH: _inform,
    Verb.REVIEW: _inform,
    Verb.INFO: _inform,
    Verb.LISTS: _inform,
    Verb.HELP: _inform,
    Verb.INDEX: _said,
    Verb.GET: _said,
    Verb.SEND: _said,
    Verb.SEARCH: _said,
    Verb.PASSWORD: _said,
    Verb.ADD: owners.add,
    Verb.DELETE: owners.delete,
    Verb.SET_FOR: owners.set_for,
    Verb.INVITE: owners.invite,
    Verb.BAN: owners.ban,
    Verb.UNBAN: owners.unban,
    Verb.HOLD: owners.hold,
    Verb.FREE: owners.free,
}
