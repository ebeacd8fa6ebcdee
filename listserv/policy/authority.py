"""Whether a mail may act, out of what is known of its author and of its signatures.

The table of `policy.trust` decides; here stands when a proof does not count: a signature says who
wrote a mail, not that its author has sent it now, and not where. A mail whose proof does not count
is unproven: the address on file is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from listserv.domain.address import Role
from listserv.domain.authorship import Authorship, Level, Signature
from listserv.policy.trust import Act, Consequence, trust

# So long a signature counts.
COUNTS_FOR = timedelta(hours=24)

# Addresses that are the whole command: what the mail says does not matter.
ADDRESS_ONLY = frozenset({
    Role.JOIN, Role.JOIN_DIGEST, Role.JOIN_NOMAIL, Role.LEAVE, Role.DIGEST, Role.MAIL, Role.NOMAIL,
})  # fmt: skip


class Acting(StrEnum):
    """ACT_WITH_UNDO: it is done, and the address on file hears how to undo it. CONFIRM: the address
    on file is asked first. NOTHING: no word to anybody, but for a moderator once a day."""

    ACT = "act"
    ACT_WITH_UNDO = "act with undo"
    CONFIRM = "confirm"
    NOTHING = "nothing"


_ACTING: Mapping[Consequence, Acting] = {
    Consequence.ACT: Acting.ACT,
    Consequence.ACT_WITH_UNDO: Acting.ACT_WITH_UNDO,
    Consequence.CONFIRM: Acting.CONFIRM,
    Consequence.NOTHING: Acting.NOTHING,
}


@dataclass(frozen=True, slots=True)
class Use:
    """One aligned signature, as it comes to one of our addresses: `before`, it has been there;
    `first`, when it came to any of them; `names_us`, that address stands in a To or Cc that the
    signature covers."""

    signature: Signature
    before: bool
    first: datetime
    names_us: bool

    def counts(self, now: datetime) -> bool:
        """Whether it is young enough."""
        signed, age = self.signature.signed, now - self.first
        if signed is not None:
            age = timedelta(seconds=now.timestamp() - signed)
        return age < COUNTS_FOR


def standing(
    authorship: Authorship, uses: Sequence[Use], *, address_only: bool, now: datetime
) -> tuple[Level, str]:
    """How far a mail to one address is believed now, and in words for the log what it lacks."""
    match authorship.level:
        case Level.PROVEN if not authorship.spf_aligned:
            why = _why_not(uses, now)
        case Level.FAMILIAR if address_only and not authorship.path.spf:
            why = "nothing says that it was sent to this address"
        case _:
            why = ""
    return (Level.UNPROVEN if why else authorship.level), why


def _why_not(uses: Sequence[Use], now: datetime) -> str:
    """What is wrong with all signatures together. One that was used before shows a second coming,
    whatever the others are."""
    if not uses:
        return "no signature of its own is known by which a second coming would be noticed"
    if any(use.before for use in uses):
        return "its signature was used before"
    young = [use for use in uses if use.counts(now)]
    if not young:
        return "its signature is too old"
    if not any(use.names_us for use in young):
        return "this address is not in a signed To or Cc"
    return ""


def acting(level: Level, act: Act, *, require_proven_author: bool) -> Acting:
    """What a mail at this level does. `act` is any but a post (KeyError)."""
    return _ACTING[trust(level, act, require_proven_author=require_proven_author).follows]
