"""What becomes of UNDO: a change is taken back whole, and only while nobody has changed it again.
Who joined is out again whatever they have set meanwhile.

It touches what the change itself touched: who has lost a role since, has left again or was removed,
does not get that back with an older UNDO.
"""

from collections.abc import Mapping
from typing import Any

from listserv.domain.members import MemberState

Fields = Mapping[str, Any]

# How mail comes: one of these alone, taken back, would not fit the others.
_TOGETHER = frozenset({"delivery", "kept", "until", "away_since"})


def difference(before: Fields, after: Fields) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of two states of a membership what differs, as it was and as it is; None for what is missing
    in one."""
    names = {name for name in {**before, **after} if before.get(name) != after.get(name)}
    if names & _TOGETHER:
        names |= _TOGETHER
    return {n: before.get(n) for n in names}, {n: after.get(n) for n in names}


def taken_back(now: Fields, before: Fields, after: Fields) -> dict[str, Any] | None:
    """The fields to write so that a `difference` is taken back, none when it is gone already; None
    when it cannot be, because something has changed since."""
    current = {name: now.get(name) for name in before}
    if current == before:
        return {}
    if before.get("state") == MemberState.LEFT:
        joined = {"state", "joined"} & before.keys()
        return dict(before) if all(current[n] == after[n] for n in joined) else None
    return dict(before) if current == after else None
