"""What the client hears, when one message was for one list or for several.

SMTP has one reply for the whole message (RFC 5321 4.2), LMTP one for each recipient (RFC 2033 4.2).
Over LMTP a refusal would make the MTA in front of us bounce it to a sender who may be forged, so
there nothing is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from listserv.domain.decision import Decision, Verdict
from listserv.domain.post import Transport
from listserv.domain.replies import ACCEPTED, Reply
from listserv.policy.posting import QUIET


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of the message on one list, and the reply for that recipient. `tell`: the
    refusal could not be heard, and its words go to the author by mail."""

    decision: Decision
    reply: Reply
    tell: bool = False


def settle(
    transport: Transport, decisions: Sequence[Decision], believed: Sequence[bool]
) -> tuple[Settled, ...]:
    """The decisions of the lists that one message was for, in their order, made to agree with what
    can be answered. `believed` says for each whether its author may be written to.

    LMTP: a REJECT is discarded and kept for the operator. SMTP: when all refuse, the client hears
    the first refusal; when only some do, the message is taken and those lists hold it, or discard
    and keep it where the author can be told. A list that acts as if it did not exist (a ban)
    discards it, and so does one that takes it for forged; neither tells.
    """
    if transport is Transport.SMTP and all(one.verdict is Verdict.REJECT for one in decisions):
        return tuple(Settled(one, decisions[0].refusal) for one in decisions)
    return tuple(
        _taken(transport, decision, tellable)
        for decision, tellable in zip(decisions, believed, strict=True)
    )


def _taken(transport: Transport, decision: Decision, believed: bool) -> Settled:
    """Answered 250, with another verdict instead of REJECT."""
    if decision.verdict is not Verdict.REJECT:
        return Settled(decision, ACCEPTED)
    quiet = any(reason.rule in QUIET for reason in decision.reasons)
    tell = believed and not quiet
    if transport is Transport.SMTP and not (tell or quiet):
        return Settled(replace(decision, verdict=Verdict.HOLD), ACCEPTED)
    return Settled(replace(decision, verdict=Verdict.DISCARD, keep=True), ACCEPTED, tell)
