"""What follows when mail to a member comes back: nothing, a probe, or no mail any more.

A member is scored by day, not by mail. Before anybody is suspended, a mail that says what it is for
tries their address: the probe. Who is refused together with others of their domain is not scored:
that is about the domain, or about us.

All of it is computed from what was reported, so it does not matter in which order that came; what
is excused later never counted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from listserv.policy.bounce_kind import BounceKind

# Days on which mail was refused count so long: as there is nobody; and whatever the reason.
HARD_WINDOW = timedelta(days=90)
WINDOW = timedelta(days=14)
# So many of them, and a probe is sent; and (if it is refused too) who is suspended.
HARD_DAYS = 3
PROBE_DAYS = 6
SUSPEND_DAYS = 7
# A probe of which nothing is heard in this time has arrived; and none follows another sooner.
# What nobody takes is given up after 5 days (policy/retries.py).
PROBE = timedelta(days=7)
# Of one domain on one mailing: so many who are refused for our mail's sake, and it is about us.
OURS = 2
# So many who are refused at all, if they are more than this part of its members on the list.
FROZEN = 3
FROZEN_PART = 10


class Excuse(StrEnum):
    """Why what a mailing met at a domain counts against no member: the domain wants none of our
    mail, or so many are refused there that it is not about each of them."""

    OURS = "ours"
    FROZEN = "frozen"


class Step(StrEnum):
    KEEP = "keep"
    PROBE = "probe"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True)
class Refused:
    """A day on which mail to a member was refused, and how."""

    day: date
    kind: BounceKind


@dataclass(frozen=True, slots=True)
class Probe:
    """When a probe was sent, and how it was refused; None: nothing has come back."""

    day: date
    refused: BounceKind | None = None

    def has_arrived(self, today: date) -> bool:
        """Whether it can be taken for delivered."""
        return self.refused is None and today - self.day >= PROBE


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` are the days that count, `probed` that a probe is on its way."""

    score: int
    step: Step
    probed: bool


def excuse(members: int, refused: int, by_policy: int) -> Excuse | None:
    """What speaks for the members of a domain of whom `refused` did not get a mailing, `by_policy`
    of them for our mail's sake; the list has `members` there."""
    if by_policy >= OURS:
        return Excuse.OURS
    if refused >= FROZEN and refused * FROZEN_PART > members:
        return Excuse.FROZEN
    return None


def is_ours_everywhere(members: int, by_policy: int, domains: int) -> bool:
    """Whether so many of a list's `members`, at so many `domains`, were refused a mailing for our
    mail's sake that it cannot be about each of them."""
    return domains >= FROZEN and by_policy * FROZEN_PART > members


def judge(refused: Collection[Refused], probes: Collection[Probe], today: date) -> Judgement:
    """What is to be done about a member. `refused` is what counts of what came back, that of probes
    too. Once a probe has arrived, what was before it counts no more; a day to come (of a clock that
    was wrong) counts when it is there."""
    sent = [one for one in probes if one.day <= today]
    arrived = max((one.day for one in sent if one.has_arrived(today)), default=date.min)
    last = max(sent, key=lambda one: one.day, default=None)
    days = [one for one in refused if arrived < one.day <= today]
    hard = {
        one.day for one in days if one.kind is BounceKind.HARD and today - one.day < HARD_WINDOW
    }
    lately = {one.day for one in days if today - one.day < WINDOW}
    age = today - last.day if last is not None else WINDOW
    how = last.refused if last is not None and age < WINDOW else None
    if (how is BounceKind.HARD and len(hard) >= HARD_DAYS) or (
        how is not None and len(lately) >= SUSPEND_DAYS
    ):
        step = Step.SUSPEND
    elif (len(hard) >= HARD_DAYS or len(lately) >= PROBE_DAYS) and age >= PROBE:
        step = Step.PROBE
    else:
        step = Step.KEEP
    return Judgement(len(hard | lately), step, probed=how is None and age < PROBE)
