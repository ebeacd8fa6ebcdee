"""How mail comes to a member whom a click has paused (flow/pause.py), and how it came before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from listserv.domain.members import Member
from listserv.policy.staying import KIND
from listserv.store import confirmations, members
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

_RECEIVING = ("delivery", "kept", "until", "away_since")


def receiving(tx: Tx, member_id: int) -> Mapping[str, Any]:
    """How mail comes, as the question keeps it."""
    now = members.snapshot(tx, member_id)
    return {name: now.get(name) for name in _RECEIVING}


def stands(tx: Tx, asked: Confirmation, member_id: int) -> bool:
    """Whether mail is still off as it was when the member was asked."""
    return bool(receiving(tx, member_id) == asked.data["is"])


def waits(tx: Tx, member_id: int) -> bool:
    """Whether a member is asked whether they stay, and gets no mail until they say so."""
    asked = confirmations.open_of(tx, KIND, member_id)
    return asked is not None and stands(tx, asked, member_id)


def as_before(tx: Tx, asked: Confirmation, member: Member, now: datetime) -> Member:
    """The member, whose mail comes as before the click, unless somebody has changed that since."""
    if asked.data["was"] == asked.data["is"] or not stands(tx, asked, member.id):
        return member
    return members.restore(tx, member, asked.data["was"], now)


def resumed(tx: Tx, member: Member, now: datetime) -> Member:
    """The same for a member who was perhaps asked, and has answered in another way."""
    asked = confirmations.open_of(tx, KIND, member.id)
    if asked is None:
        return member
    settle(tx, member.id, now)
    return as_before(tx, asked, member, now)


def settle(tx: Tx, member_id: int, now: datetime) -> None:
    """A member has said how their mail is to come: what they were asked is answered."""
    confirmations.settle(tx, KIND, member_id, now)
