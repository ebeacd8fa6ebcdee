"""Whether a mail may act, out of what is known of its author and of its signatures.

The table of `policy.trust` decides; here stands when a proof does not count: a signature says who
wrote a mail, not that its author has sent it now, and not where. A mail whose proof does not count
is unproven: the address on file is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from listserv.domain.authorship import Authorship, Level, Signature, VerifiedPath
from listserv.policy.trust import Act, Consequence, same_path, trust

# So long a signature counts.
COUNTS_FOR = timedelta(hours=24)


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
    """One good signature, as it comes to one of our addresses: `before`, it has been there;
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
    authorship: Authorship,
    uses: Sequence[Use],
    confirmed: Sequence[VerifiedPath],
    now: datetime,
) -> tuple[Level, str]:
    """How far a mail to one address is believed now, and in words for the log what it lacks. `uses`
    are of all its good signatures; `confirmed` are the paths that are familiar of its author.

    What SPF says is of this delivery. What is signed may be sent again by whoever has got it, from
    wherever, so signatures alone count under more conditions: those of From's domain, or those that
    make out a path which is known by its signatures only.
    """
    match authorship.level:
        case Level.PROVEN if not authorship.spf_aligned:
            why = _why_not([use for use in uses if use.signature in authorship.aligned], now)
        case Level.FAMILIAR:
            paths = [path for path in confirmed if same_path(authorship.path, path)]
            found = [_why_not_by(path, uses, now) for path in paths]
            why = "" if "" in found else (found or ["its way is not familiar"])[0]
        case _:
            why = ""
    return (Level.UNPROVEN if why else authorship.level), why


def _why_not_by(path: VerifiedPath, uses: Sequence[Use], now: datetime) -> str:
    """What is wrong with a mail that came by this confirmed path."""
    if path.spf:
        return ""
    return _why_not([use for use in uses if use.signature.domain in path.dkim], now)


def _why_not(uses: Sequence[Use], now: datetime) -> str:
    """What is wrong with all signatures together. One that was used before shows a second coming,
    whatever the others are."""
    if not uses:
        return "it has no signature by which a second coming would be noticed"
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
