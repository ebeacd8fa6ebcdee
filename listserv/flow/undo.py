"""UNDO: what was done by mail is taken back, by whoever was told of it, within seven days.

STEPS is the table of what can be taken back. A step is kept with its question, as JSON; what became
impossible meanwhile (somebody else has the address now) is left as it is, and said.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from listserv.domain.address import Address, parse_address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.settings import addresses_in
from listserv.flow import administer, notices
from listserv.flow.links import Claims
from listserv.flow.question import (
    commands_address,
    confirm_address,
    new_question,
    origin_of,
)
from listserv.flow.site import Site
from listserv.flow.wish import Step
from listserv.policy.confirming import Moment
from listserv.store import confirmations, events, lists, members
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

log = logging.getLogger("listserv.undo")

# Its row in flow.confirm.KINDS.
KIND = "undo"
OPEN_FOR = timedelta(days=7)


def membership(tx: Tx, member: Member) -> Step:
    """Puts a membership back to what it is now."""
    return {"do": "membership", "member": member.id, "before": members.snapshot(tx, member)}


def entry(member_id: int) -> Step:
    """Ends a membership that is to begin now."""
    return {"do": "entry", "member": member_id}


def ban(mlist: MailingList, pattern: str, *, on: bool, until: datetime | None = None) -> Step:
    """Bans a pattern, or lifts the ban."""
    end = until.isoformat() if until else None
    return {"do": "ban", "list": mlist.id, "pattern": pattern, "on": on, "until": end}


def hold(mlist: MailingList, *, on: bool) -> Step:
    """Puts a list on hold, or frees it."""
    return {"do": "hold", "list": mlist.id, "on": on}


def question(token: str) -> Step:
    """Lets a question expire that nobody has answered."""
    return {"do": "question", "token": token}


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
            STEPS[step["do"]](tx, site, step, by, now)
    except ListservError as wrong:
        log.warning("undo=%s impossible: %s", step["do"], wrong)
        return False
    return True


def _restore(tx: Tx, site: Site, step: Mapping[str, Any], by: str, now: datetime) -> None:
    member = _member(tx, step)
    mlist = lists.lock(tx, member.list_id)
    before = step["before"]
    address = parse_address(before["address"])
    assert address is not None
    claims = Claims(tx, mlist, site.domains, now)
    if before["state"] != member.state:
        claims.refuse_banned(address)
    other = members.by_key(tx, mlist.id, address.key)
    if other is not None and other.id != member.id:
        raise ListservError(f"{address} is somebody else's on {mlist.address} by now")
    claims.refuse_own([address])
    claims.refuse_also(member, addresses_in(str(before["settings"].get("also", ""))))
    members.restore(tx, member, before)
    events.log(tx, mlist.id, by, f"took back a change of {address}", now)


def _end(tx: Tx, site: Site, step: Mapping[str, Any], by: str, now: datetime) -> None:
    member = _member(tx, step)
    if member.state is not MemberState.LEFT:
        members.leave(tx, member.id, now)
        events.log(tx, member.list_id, by, f"took back that {member.address} joined", now)


def _member(tx: Tx, step: Mapping[str, Any]) -> Member:
    member = members.get(tx, step["member"])
    if member is None:
        raise ListservError(f"there is no member {step['member']} any more")
    return member


def _ban(tx: Tx, site: Site, step: Mapping[str, Any], by: str, now: datetime) -> None:
    if not step["on"]:
        administer.unban(tx, step["list"], step["pattern"], by=by, now=now)
        return
    until = datetime.fromisoformat(step["until"]) if step["until"] else None
    administer.ban(tx, step["list"], step["pattern"], until=until, reason="", by=by, now=now)


def _hold(tx: Tx, site: Site, step: Mapping[str, Any], by: str, now: datetime) -> None:
    administer.hold_list(tx, step["list"], step["on"], by=by, now=now)


def _withdraw(tx: Tx, site: Site, step: Mapping[str, Any], by: str, now: datetime) -> None:
    if not confirmations.withdraw(tx, step["token"], now):
        raise ListservError("it is answered already")


STEPS: Mapping[str, Callable[[Tx, Site, Mapping[str, Any], str, datetime], None]] = {
    "membership": _restore,
    "entry": _end,
    "ban": _ban,
    "hold": _hold,
    "question": _withdraw,
}
