"""What is in the inbox of bounces is weighed: what counts, against whom, and what follows
(policy/bounces.py)."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from listserv.domain.address import Address, masked_in
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import bounce, notices
from listserv.flow.site import Site
from listserv.policy.bounce_kind import BounceKind, kind_of
from listserv.policy.bounces import (
    FROZEN,
    FROZEN_PART,
    Excuse,
    Judgement,
    Probe,
    Step,
    excuse,
    is_ours_everywhere,
    judge,
)
from listserv.store import bounces, excused, lists, members, suspensions
from listserv.store.bounces import BounceState, New
from listserv.store.excused import Met
from listserv.store.session import Tx

log = logging.getLogger("listserv.bounce")

# So much is weighed in one transaction: mail that comes in waits no longer than for that.
_PAGE = 500


def weigh(tx: Tx, site: Site, now: datetime, list_id: int | None = None) -> bool:
    """Weigh some of what came back of a list's mail, by default of the first list that has any;
    whether there was anything."""
    number = bounces.next_list(tx) if list_id is None else list_id
    if number is None:
        return False
    mlist = lists.lock(tx, number)
    for one in bounces.take_refusals(tx, mlist.id, _PAGE):
        bounces.add(
            tx, list_id=mlist.id, member=one.member, mailing_id=one.mailing, domain=one.domain,
            kind=kind_of("", one.words), words=one.words, now=one.at, day=site.today(one.at),
        )  # fmt: skip
    fresh = bounces.new(tx, mlist.id, _PAGE)
    free = _excused(tx, site, mlist, fresh, now)
    bounces.settle(tx, [new.id for new in free], BounceState.EXCUSED)
    counts = [new.id for new in fresh if new not in free]
    bounces.settle(tx, counts, BounceState.COUNTS)
    _follow(tx, site, mlist, {new.member for new in fresh}, now)
    return bool(fresh)


def _excused(
    tx: Tx, site: Site, mlist: MailingList, fresh: Sequence[New], now: datetime
) -> set[New]:
    """What counts against nobody, of what is to be weighed. What was scored of the same is taken
    back."""
    groups: dict[tuple[int, str], set[New]] = {}
    for new in fresh:
        groups.setdefault(new.about, set()).add(new)
        if new.kind is BounceKind.POLICY:
            groups.setdefault((new.about[0], excused.EVERYWHERE), set()).add(new)
    free: set[New] = set()
    for (mailing_id, domain), some in groups.items():
        if _is_excused(tx, site, mlist, mailing_id, domain, now):
            free |= some
    return free


def _is_excused(
    tx: Tx, site: Site, mlist: MailingList, mailing_id: int, domain: str, now: datetime
) -> bool:
    if domain == excused.EVERYWHERE:
        found = excused.met_everywhere(tx, mailing_id)
    else:
        found = excused.met(tx, mailing_id, domain)
    why = _why(tx, mlist, domain, found) or found.excused
    if why is None:
        return False
    if why is not found.excused:
        words = excused.words(tx, mailing_id, domain, why)
        log.error(
            "list=%s domain=%s mailing=%d members=%d not scored (%s): %s",
            mlist.address, domain or "many", mailing_id, found.refused, why, masked_in(words),
        )  # fmt: skip
        scored = excused.excuse(tx, mlist.id, mailing_id, domain, why, found.refused, words, now)
        _take_back(tx, site, mlist, scored, now)
    else:
        excused.count(tx, mailing_id, domain, found.refused)
    return True


def _why(tx: Tx, mlist: MailingList, domain: str, found: Met) -> Excuse | None:
    there = 0
    if found.excused is None and found.refused >= FROZEN:
        # Counted no further than it matters: a provider may have half of a long list.
        there = excused.members_at(tx, mlist.id, domain, found.refused * FROZEN_PART)
    if domain == excused.EVERYWHERE:
        return Excuse.OURS if is_ours_everywhere(there, found.by_policy, found.domains) else None
    return excuse(there, found.refused, found.by_policy)


def _take_back(
    tx: Tx, site: Site, mlist: MailingList, scored: Collection[int], now: datetime
) -> None:
    """Who was suspended for what counts no more gets mail again, as if nothing had been."""
    for number, why in suspensions.of(tx, scored).items():
        if why.why != bounce.BOUNCES:
            continue
        then = standing(tx, site, [number], why.at)[number]
        member = members.get(tx, number)
        if then.step is not Step.SUSPEND and member is not None:
            bounce.take_back(tx, mlist, member, now)


def standing(tx: Tx, site: Site, numbers: Collection[int], now: datetime) -> dict[int, Judgement]:
    """How members (at most a page) stand, by member number."""
    today = site.today(now)
    refused, probes = bounces.refused(tx, numbers), bounces.probes(tx, numbers)
    return {
        number: judge(
            refused[number], [Probe(site.today(at), kind) for at, kind in probes[number]], today
        )
        for number in numbers
    }


def _follow(
    tx: Tx, site: Site, mlist: MailingList, numbers: Collection[int], now: datetime
) -> None:
    """Probe and suspend those of whom it is time."""
    found = standing(tx, site, numbers, now)
    due = sorted(number for number, one in found.items() if one.step is not Step.KEEP)
    for member in _active(tx, due):
        if found[member.id].step is Step.PROBE:
            probe(tx, site, mlist, member, now)
        else:
            words = bounces.last_words(tx, member.id)
            bounce.suspend(tx, site, mlist, member, bounce.BOUNCES, now, words)


def _active(tx: Tx, numbers: Iterable[int]) -> list[Member]:
    found = [members.get(tx, number) for number in numbers]
    return [one for one in found if one is not None and one.state is MemberState.ACTIVE]


def probe(tx: Tx, site: Site, mlist: MailingList, member: Member, now: datetime) -> None:
    """Try a member's address with a mail that says what it is for."""
    mailing = notices.send(
        tx, site, mlist, "member-probe.txt", member.address, now, values={}, member=member.id
    )
    bounces.add_probe(tx, member.id, mailing, now)
    log.info("list=%s member=%d probed", mlist.address, member.id)


@dataclass(frozen=True, slots=True)
class Row:
    """How a member stands whose mail came back, or who gets none. `state` is their own, or probed
    while it is not known whether a probe arrives; `last` when anything came back."""

    address: Address
    score: int
    state: str
    last: datetime | None


def page(
    tx: Tx, site: Site, list_id: int, now: datetime, after: int
) -> tuple[list[Row], int | None]:
    """How some members of a list stand, by number above `after`, and after whom it goes on."""
    numbers = bounces.concerned(tx, list_id, after, _PAGE)
    found, last = standing(tx, site, numbers, now), bounces.last_reported(tx, numbers)
    stopped = suspensions.of(tx, numbers)
    rows = []
    for number in numbers:
        member, one = members.get(tx, number), found[number]
        if member is None or member.state is MemberState.LEFT:
            continue
        state = str(member.state)
        if member.state is MemberState.ACTIVE:
            if not one.score and not one.probed:
                continue
            state = "probed" if one.probed else state
        since = stopped[number].at if number in stopped else None
        rows.append(Row(member.address, one.score, state, last.get(number, since)))
    return rows, numbers[-1] if len(numbers) == _PAGE else None
