"""UNDO: what was done by mail is taken back, by whoever was told of it, within seven days.

STEPS is the table of what can be taken back. A step is kept with its question, as JSON; what became
impossible meanwhile (somebody else has the address now) is left as it is, and said.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from listserv.domain.address import Address, masked_in, parse_address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.settings import addresses_in
from listserv.flow import administer, graduation, notices
from listserv.flow.links import Claims
from listserv.flow.question import (
    commands_address,
    confirm_address,
    new_question,
    origin_of,
)
from listserv.flow.site import Site
from listserv.flow.wish import ROLES, Step
from listserv.policy.commands.table import Who
from listserv.policy.confirming import Moment
from listserv.policy.undoing import difference, taken_back
from listserv.store import bans, confirmations, events, lists, members
from listserv.store.bans import Ban
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

log = logging.getLogger("listserv.undo")

# Its row in flow.confirm.KINDS.
KIND = "undo"
OPEN_FOR = timedelta(days=7)


def membership(tx: Tx, member_id: int, before: Mapping[str, Any]) -> Step:
    """Takes back what has changed of a membership since its snapshot `before`."""
    was, now_is = difference(before, members.snapshot(tx, member_id))
    return {"do": "membership", "member": member_id, "was": was, "is": now_is}


def entry(member: Member) -> Step:
    """Ends a membership that begins now."""
    return {"do": "entry", "member": member.id, "joined": member.joined.isoformat()}


def ban(tx: Tx, mlist: MailingList, pattern: str, before: Ban | None) -> Step:
    """Bans a pattern as `before`, or lifts the ban that there is now."""
    was = None
    if before is not None:
        until = before.until.isoformat() if before.until else None
        was = {"until": until, "reason": before.reason}
    is_at = _banned_at(tx, mlist.id, pattern)
    return {"do": "ban", "list": mlist.id, "pattern": pattern, "was": was, "is": is_at}


def _banned_at(tx: Tx, list_id: int, pattern: str) -> str | None:
    there = bans.find(tx, list_id, pattern)
    return there.created.isoformat() if there is not None else None


def hold(tx: Tx, mlist: MailingList, was: bool) -> Step:
    """Puts a list on hold, or frees it, as it was before the last HOLD or FREE."""
    return {"do": "hold", "list": mlist.id, "was": was, "is": _last_hold(tx, mlist.id)}


def _last_hold(tx: Tx, list_id: int) -> int:
    return events.last(tx, list_id, administer.HELD, administer.FREED)


def question(token: str) -> Step:
    """Lets a question expire that nobody has answered."""
    return {"do": "question", "token": token}


def of_role(step: Step, mlist: MailingList, who: Who) -> Step:
    """A step that only somebody who is still an owner, or a moderator, of the list may go."""
    return {**step, "list": mlist.id, "who": who}


def offer(
    tx: Tx,
    site: Site,
    origin: MailingList | str,
    to: Address,
    steps: Sequence[Step],
    now: datetime,
) -> str:
    """The address to which `to` replies UNDO; whoever offers it writes to them in the same
    transaction."""
    mlist = origin if isinstance(origin, MailingList) else None
    asked = new_question(
        tx, site, KIND, str(to), {"steps": list(map(dict, steps)), "domain": _domain(origin)}, now,
        list_id=mlist.id if mlist else None, open_for=OPEN_FOR,
    )  # fmt: skip
    return confirm_address(origin, asked.token)


def _domain(origin: MailingList | str) -> str:
    return origin if isinstance(origin, str) else origin.domain


def confirmed(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """Take back what can be, and say so."""
    done = [_take_back(tx, site, step, asked.address, now) for step in asked.data["steps"]]
    _tell(tx, site, asked, "undone" if all(done) else "undone in part" if any(done) else "not", now)


def answer(tx: Tx, site: Site, asked: Confirmation, moment: Moment, now: datetime) -> None:
    """What is said to another UNDO, or to one that is too late."""
    if moment is not Moment.FIRST:
        _tell(tx, site, asked, moment, now)


def unclear(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """What is said to anything but UNDO: where commands go."""
    _tell(tx, site, asked, "unclear", now)


def _tell(tx: Tx, site: Site, asked: Confirmation, what: str, now: datetime) -> None:
    to = parse_address(asked.address)
    if to is None:
        return
    origin = origin_of(tx, asked)
    reply_to = confirm_address(origin, asked.token) if what == "unclear" else None
    notices.send(
        tx, site, origin, "person-undo.txt", to, now,
        values={"what": what, "commands": commands_address(origin)}, answers=True,
        reply_to=reply_to,
    )  # fmt: skip


def _take_back(tx: Tx, site: Site, step: Step, by: str, now: datetime) -> bool:
    try:
        with tx.begin_nested():
            if "who" in step:
                _refuse_former(tx, step, by)
            STEPS[step["do"]](tx, site, step, by, now)
    except ListservError as wrong:
        log.warning("undo=%s impossible: %s", step["do"], masked_in(str(wrong)))
        return False
    return True


def _refuse_former(tx: Tx, step: Step, by: str) -> None:
    """For who has lost the role since, unless what they did they did to themselves."""
    address = parse_address(by)
    assert address is not None
    whose = members.get(tx, step["member"]) if "member" in step else None
    if whose is not None and whose.address.key == address.key:
        return
    actor = members.author(tx, step["list"], address, proven=True)
    if actor is None or actor.role not in ROLES[Who(step["who"])]:
        raise ListservError(f"{by} is no {step['who']} any more")


def _restore(tx: Tx, site: Site, step: Step, by: str, now: datetime) -> None:
    mlist, member = _member(tx, step)
    values = taken_back(members.snapshot(tx, member.id), step["was"], step["is"])
    if values is None or ("state" not in step["was"] and member.state is MemberState.LEFT):
        raise ListservError(f"the membership of {member.address} has changed since")
    if not values:
        return
    address = parse_address(str(values.get("address", member.address)))
    assert address is not None
    claims = Claims(tx, mlist, site.domains, now)
    if values.get("state", MemberState.LEFT) != MemberState.LEFT or "address" in values:
        claims.refuse_banned(address)
        claims.refuse_own([address])
    other = members.by_key(tx, mlist.id, address.key)
    if other is not None and other.id != member.id:
        raise ListservError(f"{address} is somebody else's on {mlist.address} by now")
    claims.refuse_also(member, addresses_in(str(values.get("settings.also") or "")))
    restored = members.restore(tx, member, values, now)
    if "address" in values:
        graduation.begin_again(tx, mlist, restored)
    events.log(tx, mlist.id, by, f"took back a change of {address}", now)


def _end(tx: Tx, site: Site, step: Step, by: str, now: datetime) -> None:
    _, member = _member(tx, step)
    if member.joined.isoformat() != step["joined"]:
        raise ListservError(f"{member.address} has joined again since")
    if member.state is not MemberState.LEFT:
        members.leave(tx, member.id, now)
        events.log(tx, member.list_id, by, f"took back that {member.address} joined", now)


def _member(tx: Tx, step: Step) -> tuple[MailingList, Member]:
    """The list, which nobody else changes meanwhile, and the membership."""
    member = members.get(tx, step["member"])
    mlist = lists.lock(tx, member.list_id) if member is not None else None
    member = members.get(tx, step["member"])
    if mlist is None or member is None:
        raise ListservError(f"there is no member {step['member']} any more")
    return mlist, member


def _ban(tx: Tx, site: Site, step: Step, by: str, now: datetime) -> None:
    mlist, pattern, was = lists.lock(tx, step["list"]), step["pattern"], step["was"]
    if _banned_at(tx, mlist.id, pattern) != step["is"]:
        raise ListservError(f"the ban of {pattern} has changed since")
    if was is None:
        administer.unban(tx, mlist.id, pattern, by=by, now=now)
        return
    until = datetime.fromisoformat(was["until"]) if was["until"] else None
    administer.ban(tx, mlist.id, pattern, until=until, reason=was["reason"], by=by, now=now)


def _hold(tx: Tx, site: Site, step: Step, by: str, now: datetime) -> None:
    mlist = lists.lock(tx, step["list"])
    if _last_hold(tx, mlist.id) != step["is"]:
        raise ListservError(f"{mlist.address} was held or freed since")
    administer.hold_list(tx, mlist.id, step["was"], by=by, now=now)


def _withdraw(tx: Tx, site: Site, step: Step, by: str, now: datetime) -> None:
    if not confirmations.withdraw(tx, step["token"], now):
        raise ListservError("it is answered already")


STEPS: Mapping[str, Callable[[Tx, Site, Step, str, datetime], None]] = {
    "membership": _restore,
    "entry": _end,
    "ban": _ban,
    "hold": _hold,
    "question": _withdraw,
}
