"""What the client hears, for one list and for several, over SMTP and over LMTP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.post import Transport
from listserv.domain.replies import ACCEPTED, UNKNOWN, Reply
from listserv.policy.answer import settle

A, H, R, D = Verdict.ACCEPT, Verdict.HOLD, Verdict.REJECT, Verdict.DISCARD
TOO_BIG = Reply(552, "5.3.4", "Your message has 2 MB")
ACCEPT = Decision(A)
HOLD = Decision(H, (Reason("stranger-hold", "its author is not subscribed"),))
DISCARD = Decision(D, (Reason("loop", "it has been through this list already"),))
KEPT = Decision(D, (Reason("spam", "it is taken for spam"),), keep=True)
FORGED = Decision(
    R, (Reason("forged-stranger", "it is forged"),), Reply(550, "5.7.1", "It is not from there")
)
BANNED = Decision(R, (Reason("banned", "its author is banned"),), UNKNOWN)
BIG = Decision(R, (Reason("too-big", "it is larger than 1 MB"),), TOO_BIG)

TRANSPORTS = st.sampled_from(Transport)

# transport, decisions, verdicts, replies; nobody may be written to
TABLE = [
    (Transport.SMTP, [ACCEPT], [A], [ACCEPTED]),
    (Transport.SMTP, [HOLD], [H], [ACCEPTED]),
    (Transport.SMTP, [DISCARD], [D], [ACCEPTED]),
    (Transport.SMTP, [BIG], [R], [TOO_BIG]),
    (Transport.SMTP, [BIG, BIG], [R, R], [TOO_BIG, TOO_BIG]),
    (Transport.SMTP, [BIG, BANNED], [R, R], [TOO_BIG, TOO_BIG]),
    (Transport.SMTP, [BANNED, BIG], [R, R], [UNKNOWN, UNKNOWN]),
    (Transport.SMTP, [ACCEPT, HOLD, DISCARD], [A, H, D], [ACCEPTED] * 3),
    (Transport.SMTP, [ACCEPT, BIG], [A, H], [ACCEPTED] * 2),
    (Transport.SMTP, [BIG, ACCEPT], [H, A], [ACCEPTED] * 2),
    (Transport.SMTP, [BIG, DISCARD, BANNED], [H, D, D], [ACCEPTED] * 3),
    (Transport.SMTP, [ACCEPT, BANNED], [A, D], [ACCEPTED] * 2),
    (Transport.SMTP, [FORGED], [R], [FORGED.refusal]),
    (Transport.SMTP, [HOLD, FORGED], [H, D], [ACCEPTED] * 2),
    (Transport.LMTP, [FORGED, HOLD], [D, H], [ACCEPTED] * 2),
    (Transport.SMTP, [], [], []),
    (Transport.LMTP, [BIG], [D], [ACCEPTED]),
    (Transport.LMTP, [BIG, BANNED], [D, D], [ACCEPTED] * 2),
    (Transport.LMTP, [ACCEPT, BIG, HOLD], [A, D, H], [ACCEPTED] * 3),
    (Transport.LMTP, [], [], []),
]


def nobody(decisions: list[Decision]) -> list[bool]:
    return [False] * len(decisions)


@pytest.mark.parametrize(("transport", "decisions", "verdicts", "replies"), TABLE)
def test_the_reply_and_what_becomes_of_the_message(
    transport: Transport, decisions: list[Decision], verdicts: list[Verdict], replies: list[Reply]
) -> None:
    settled = settle(transport, decisions, nobody(decisions))
    assert [one.decision.verdict for one in settled] == verdicts
    assert [one.reply for one in settled] == replies


def test_over_lmtp_a_refused_post_is_kept_for_the_operator_with_its_reason() -> None:
    (one,) = settle(Transport.LMTP, [BIG], [False])
    assert one.decision == Decision(D, BIG.reasons, TOO_BIG, keep=True)


def test_a_refusal_that_could_not_be_told_becomes_a_hold_with_its_reason() -> None:
    _, held = settle(Transport.SMTP, [ACCEPT, BIG], [False] * 2)
    assert held.decision == Decision(H, BIG.reasons, TOO_BIG, keep=False)


# transport, decision of the second list, its author is believed: what becomes of it, told by mail
TOLD = [
    (Transport.SMTP, BIG, True, D, True),
    (Transport.SMTP, BIG, False, H, False),
    (Transport.SMTP, BANNED, True, D, False),
    (Transport.SMTP, FORGED, True, D, False),
    (Transport.SMTP, HOLD, True, H, False),
    (Transport.SMTP, DISCARD, True, D, False),
    (Transport.LMTP, BIG, True, D, True),
    (Transport.LMTP, BIG, False, D, False),
    (Transport.LMTP, BANNED, True, D, False),
    (Transport.LMTP, FORGED, True, D, False),
]


@pytest.mark.parametrize(("transport", "decision", "believed", "verdict", "tell"), TOLD)
def test_a_refusal_that_cannot_be_heard_is_told_to_an_author_who_is_believed(
    transport: Transport, decision: Decision, believed: bool, verdict: Verdict, tell: bool
) -> None:
    first, second = settle(transport, [ACCEPT, decision], [believed] * 2)
    assert (first.tell, second.tell) == (False, tell)
    assert second.decision.verdict is verdict
    assert second.decision.refusal == decision.refusal


def test_a_refusal_that_is_heard_is_not_told_again() -> None:
    assert not any(one.tell for one in settle(Transport.SMTP, [BIG, BIG], [True, True]))


CASES = st.lists(
    st.tuples(st.sampled_from([ACCEPT, HOLD, DISCARD, KEPT, BANNED, FORGED, BIG]), st.booleans()),
    max_size=4,
).map(lambda pairs: tuple(map(list, zip(*pairs, strict=True))) or ([], []))


@given(TRANSPORTS, CASES)
def test_what_is_not_rejected_stays_as_it_was_decided(
    transport: Transport, cases: tuple[list[Decision], list[bool]]
) -> None:
    for before, after in zip(cases[0], settle(transport, *cases), strict=True):
        assert after.decision.reasons == before.reasons
        if before.verdict is not R:
            assert after.decision is before


@given(TRANSPORTS, CASES)
def test_a_reply_says_what_happened(
    transport: Transport, cases: tuple[list[Decision], list[bool]]
) -> None:
    settled = settle(transport, *cases)
    for one in settled:
        assert one.reply.accepted == (one.decision.verdict is not R)
    assert len({one.reply for one in settled}) <= 1


@given(CASES)
def test_over_lmtp_nothing_is_refused(cases: tuple[list[Decision], list[bool]]) -> None:
    assert all(one.reply == ACCEPTED for one in settle(Transport.LMTP, *cases))


@given(TRANSPORTS, CASES)
def test_a_refused_post_is_never_lost_in_silence(
    transport: Transport, cases: tuple[list[Decision], list[bool]]
) -> None:
    for before, believed, after in zip(*cases, settle(transport, *cases), strict=True):
        if before.verdict is R and after.reply.accepted:
            assert after.decision.verdict is H or after.decision.keep
        if after.tell:
            assert believed and before.verdict is R and after.decision.verdict is D
