"""What follows when mail to a member comes back."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.bounce_kind import BounceKind
from listserv.policy.bounces import (
    Excuse,
    Judgement,
    Probe,
    Refused,
    Step,
    excuse,
    is_ours_everywhere,
    judge,
)

TODAY = date(2026, 11, 21)
HARD, SOFT, POLICY = BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY
KEEP, PROBE, SUSPEND = Step.KEEP, Step.PROBE, Step.SUSPEND


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def days(kind: BounceKind, *numbers: int) -> list[Refused]:
    return [Refused(ago(number), kind) for number in numbers]


# The days (so many ago) on which mail was refused; when a probe was sent and how it was refused;
# score and step.
CASES = {
    "nothing": ([], [], 0, KEEP),
    "gone for two days": (days(HARD, 1, 0), [], 2, KEEP),
    "gone for three": (days(HARD, 2, 1, 0), [], 3, PROBE),
    "gone, far apart": (days(HARD, 89, 40, 0), [], 3, PROBE),
    "gone, too far apart": (days(HARD, 90, 40, 0), [], 2, KEEP),
    "gone, and hours apart": (days(HARD, 1, 1, 1, 0), [], 2, KEEP),
    "gone, the probe is on its way": (days(HARD, 2, 1, 0), [Probe(ago(0))], 3, KEEP),
    "gone, the probe too": (days(HARD, 3, 2, 1), [Probe(ago(1), HARD)], 3, SUSPEND),
    "gone, the probe was late": (days(HARD, 12, 11, 10, 0), [Probe(ago(10), HARD)], 4, SUSPEND),
    "gone, the probe is not": (days(HARD, 3, 2, 1), [Probe(ago(1), SOFT)], 3, KEEP),
    "gone, that was another time": (days(HARD, 30, 29, 28), [Probe(ago(28), HARD)], 3, PROBE),
    "gone, the probe arrived": (days(HARD, 9, 8, 7), [Probe(ago(7))], 0, KEEP),
    "gone, the probe arrived, and again": (days(HARD, 9, 8, 7, 6), [Probe(ago(7))], 1, KEEP),
    "gone, two arrived": (days(HARD, 30, 8, 2), [Probe(ago(29)), Probe(ago(1))], 2, KEEP),
    "full for five days": (days(SOFT, *range(5)), [], 5, KEEP),
    "full for six": (days(SOFT, *range(6)), [], 6, PROBE),
    "full for six of fourteen": (days(SOFT, 13, 11, 9, 5, 3, 0), [], 6, PROBE),
    "full for six of fifteen": (days(SOFT, 14, 11, 9, 5, 3, 0), [], 5, KEEP),
    "full, and the probe": (days(SOFT, *range(6)), [Probe(ago(0), SOFT)], 6, KEEP),
    "full for seven, and the probe": (days(SOFT, *range(7)), [Probe(ago(1), SOFT)], 7, SUSPEND),
    "full for seven, no word of it": (days(SOFT, *range(7)), [Probe(ago(1))], 7, KEEP),
    "full for seven, and no probe": (days(SOFT, *range(7)), [], 7, PROBE),
    "full for seven, probed long ago": (days(SOFT, *range(7)), [Probe(ago(14), SOFT)], 7, PROBE),
    "not wanted for seven": (days(POLICY, *range(7)), [Probe(ago(1), POLICY)], 7, SUSPEND),
    "now this, now that": (
        [*days(HARD, 13, 12), *days(SOFT, *range(3)), *days(POLICY, 5)], [], 6, PROBE,
    ),
    "gone twice long ago, full since": ([*days(HARD, 60, 50), *days(SOFT, 1, 0)], [], 4, KEEP),
    "of a clock that was wrong": (days(HARD, -400, -3, 0), [Probe(ago(-300), HARD)], 1, KEEP),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_member_is_scored_by_day_probed_and_suspended(name: str) -> None:
    refused, probes, score, step = CASES[name]
    found = judge(refused, probes, TODAY)
    assert (found.score, found.step) == (score, step)


@pytest.mark.parametrize(
    ("probes", "probed"),
    [
        ([], False),
        ([Probe(ago(6))], True),
        ([Probe(ago(7))], False),
        ([Probe(ago(1), SOFT)], False),
        ([Probe(ago(20), HARD), Probe(ago(0))], True),
    ],
)
def test_a_probe_is_on_its_way_until_it_is_refused_or_taken_for_delivered(
    probes: list[Probe], probed: bool
) -> None:
    assert judge([], probes, TODAY).probed is probed


@pytest.mark.parametrize(
    ("members", "refused", "by_policy", "why"),
    [
        (100, 1, 1, None),
        (2, 2, 0, None),
        (100, 2, 2, Excuse.OURS),
        (1, 1, 1, None),
        (3, 3, 0, Excuse.FROZEN),
        (29, 3, 0, Excuse.FROZEN),
        (30, 3, 0, None),
        (30, 4, 1, Excuse.FROZEN),
        (30, 4, 2, Excuse.OURS),
        (600_000, 60_000, 0, None),
        (600_000, 60_001, 1, Excuse.FROZEN),
    ],
)
def test_what_a_domain_refuses_together_is_nobodys(
    members: int, refused: int, by_policy: int, why: Excuse | None
) -> None:
    assert excuse(members, refused, by_policy) is why


@pytest.mark.parametrize(
    ("members", "by_policy", "domains", "ours"),
    [
        (2, 2, 2, False),
        (3, 3, 2, False),
        (3, 3, 3, True),
        (29, 3, 3, True),
        (30, 3, 3, False),
        (10**6, 10**5 + 1, 3, True),
    ],
)
def test_what_many_refuse_for_our_mails_sake_is_ours_wherever_they_are(
    members: int, by_policy: int, domains: int, ours: bool
) -> None:
    assert is_ours_everywhere(members, by_policy, domains) is ours


KINDS = st.sampled_from(BounceKind)
DAYS = st.integers(-3, 100).map(ago)
HISTORY = st.lists(st.builds(Refused, DAYS, KINDS), max_size=30)
PROBES = st.lists(st.builds(Probe, DAYS, st.none() | KINDS), max_size=3, unique_by=lambda p: p.day)


@given(HISTORY, PROBES, st.randoms(use_true_random=False))
def test_it_does_not_matter_in_which_order_and_how_often_it_is_said(
    refused: list[Refused], probes: list[Probe], order: object
) -> None:
    found = judge(refused, probes, TODAY)
    again = [*refused, *refused]
    order.shuffle(again)  # type: ignore[attr-defined]
    assert judge(again, list(reversed(probes)), TODAY) == found


@given(HISTORY, PROBES)
def test_nobody_is_suspended_without_a_probe_that_was_refused(
    refused: list[Refused], probes: list[Probe]
) -> None:
    found = judge(refused, probes, TODAY)
    known = [probe for probe in probes if probe.day <= TODAY]
    if found.step is SUSPEND:
        assert max(known, key=lambda probe: probe.day).refused is not None
    if found.step is PROBE:
        assert all(TODAY - probe.day >= timedelta(days=7) for probe in known)
    assert found.score <= len({one.day for one in refused})


@given(HISTORY, PROBES, st.integers(0, 200))
def test_what_was_before_a_probe_that_arrived_is_as_if_it_had_not_been(
    refused: list[Refused], probes: list[Probe], back: int
) -> None:
    arrived = Probe(ago(back))
    others = [probe for probe in probes if probe.day != arrived.day]
    if arrived.has_arrived(TODAY):
        later = [one for one in refused if one.day > arrived.day]
        assert judge(refused, [*others, arrived], TODAY) == judge(later, [*others, arrived], TODAY)


def test_a_judgement_says_all_that_is_shown() -> None:
    assert judge([], [], TODAY) == Judgement(0, KEEP, probed=False)
