"""What the client hears, when one message was for one list or for several.

SMTP has one reply for the whole message (RFC 5321 4.2), LMTP one for each recipient (RFC 2033 4.2).
Over LMTP a refusal would make the MTA in front of us bounce it to a sender who may be forged, so
there nothing is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from listserv.domain.decision import Decision, Verdict
from listserv.domain.post import Transport
from listserv.domain.replies import ACCEPTED, UNKNOWN, Reply


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of the message on one list, and the reply for that recipient. A REJECT that
    could not be told keeps its `refusal`: the words for a notice to a proven author."""

    decision: Decision
    reply: Reply


def settle(transport: Transport, decisions: Sequence[Decision]) -> tuple[Settled, ...]:
    """The decisions of the lists that one message was for, in their order, made to agree with what
    can be answered.

    LMTP: a REJECT is discarded and kept for the operator. SMTP: when all refuse, the client hears
    the first refusal; when only some do, the message is taken and those lists hold it; one that
    acts as if it did not exist (a ban) discards it.
    """
    if transport is Transport.LMTP:
        return tuple(_taken(decision, Verdict.DISCARD) for decision in decisions)
    if all(decision.verdict is Verdict.REJECT for decision in decisions):
        return tuple(Settled(decision, decisions[0].refusal) for decision in decisions)
    return tuple(
        _taken(decision, Verdict.DISCARD if decision.refusal == UNKNOWN else Verdict.HOLD)
        for decision in decisions
    )


def _taken(decision: Decision, instead: Verdict) -> Settled:
    """Answered 250, with another verdict `instead` of REJECT."""
    if decision.verdict is not Verdict.REJECT:
        return Settled(decision, ACCEPTED)
    keep = instead is Verdict.DISCARD
    return Settled(replace(decision, verdict=instead, keep=keep), ACCEPTED)
