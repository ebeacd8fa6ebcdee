"""What was decided about a post, always with named reasons."""

from dataclasses import dataclass
from enum import StrEnum

from listserv.domain.replies import ACCEPTED, Reply


class Verdict(StrEnum):
    ACCEPT = "accept"
    HOLD = "hold"
    REJECT = "reject"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Reason:
    """The rule that spoke and its clause for a person: "its author is not subscribed"."""

    rule: str
    because: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and why. `refusal` is what the client hears for REJECT; `keep` says whether a
    discarded post stays for `held ls --discarded`."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    refusal: Reply = ACCEPTED
    keep: bool = False
