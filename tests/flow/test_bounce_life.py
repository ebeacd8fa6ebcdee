"""Lives of members whose mail comes back now and then: whatever happens in whatever order, nobody
is suspended without a probe that was refused, and the order of reports does not matter."""

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from listserv.domain.members import MemberState
from listserv.domain.transaction import Transaction
from listserv.flow import bounce as flow
from listserv.policy.bounces import Step
from listserv.store import excused
from listserv.store.tables import BounceRow
from tests.flow.bouncing import (
    HARD,
    POLICY,
    SOFT,
    Said,
    bounce,
    now_is,
    sent_to,
    standing,
    weigh_all,
)
from tests.flow.letters import answer, letters
from tests.flow.world import World, a_world

ANN = "ann@example.org"
# Two and three at a domain, and one alone.
PEOPLE = ("a@two.test", "b@two.test", "c@three.test", "d@three.test", "e@three.test", "f@one.test")
SAID = st.sampled_from((HARD, SOFT, POLICY))
REFUSED = st.dictionaries(st.sampled_from(PEOPLE), SAID, max_size=4)
PROBE = b"Subject: A trial"


def settle(world: World) -> list[Transaction]:
    """What is due is weighed and sent; the probes among it."""
    weigh_all(world)
    return [one for one in sent_to(world, *PEOPLE) if PROBE in b"".join(one.data)]


class Lives(RuleBasedStateMachine):
    """Days on a list. `trials` are the probes that may still be refused, `refused` whose last one
    was."""

    @initialize()
    def begin(self) -> None:
        self._made = a_world()
        self.world = self._made.__enter__()
        self.town = self.world.found("town")
        self.world.join(self.town, ANN, role="owner")
        self.people = {one: self.world.join(self.town, one) for one in PEOPLE}
        self.trials: dict[str, Transaction] = {}
        self.refused: set[str] = set()
        self.days: dict[str, int] = dict.fromkeys(PEOPLE, 0)

    def teardown(self) -> None:
        if hasattr(self, "_made"):
            self._made.__exit__(None, None, None)

    def state(self, who: str) -> MemberState:
        return now_is(self.world, self.people[who]).state

    def follow(self) -> None:
        for probe in settle(self.world):
            self.trials[probe.recipients[0]] = probe
            self.refused.discard(probe.recipients[0])

    @rule(refused=REFUSED, again=st.booleans(), together=st.booleans())
    def a_post(self, refused: Mapping[str, Said], again: bool, together: bool) -> None:
        """Comes back from some, now and then twice."""
        self.world.clock.pass_by(days=1)
        self.world.post(ANN, "town")
        copies = {one.recipients[0]: one for one in sent_to(self.world, *PEOPLE)}
        active = {who for who in PEOPLE if self.state(who) is MemberState.ACTIVE}
        assert copies.keys() == active
        for who in refused.keys() & active:
            self.days[who] += 1
            for _ in range(1 + again):
                bounce(self.world, copies[who], refused[who])
            if not together:
                self.follow()
        self.follow()

    @rule(domain=st.sampled_from(("two.test", "three.test")), said=SAID, together=st.booleans())
    def a_domain_refuses(self, domain: str, said: Said, together: bool) -> None:
        """All that is for it."""
        there = {who: said for who in PEOPLE if who.endswith(domain)}
        self.a_post(refused=there, again=False, together=together)

    @rule(said=SAID, data=st.data())
    @precondition(lambda self: self.trials)
    def a_probe_comes_back(self, said: Said, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(sorted(self.trials)))
        bounce(self.world, self.trials.pop(who), said)
        self.refused.add(who)
        self.days[who] += 1
        self.follow()

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.world.clock.pass_by(days=days)
        self.follow()

    @rule(who=st.sampled_from(PEOPLE))
    def they_write(self, who: str) -> None:
        """And answer what they are told."""
        was = self.state(who)
        self.world.clock.pass_by(days=1)
        self.world.post(who, "town")
        told = [one for one in letters(self.world) if one.subject.startswith("No mail from")]
        assert [one.to for one in told] == ([who] if was is MemberState.SUSPENDED else [])
        for one in told:
            answer(self.world, one)
            self.begin_anew(who)
        letters(self.world)

    @rule(who=st.sampled_from(PEOPLE))
    def an_operator_begins_anew(self, who: str) -> None:
        self.world.clock.pass_by(minutes=1)
        member, now = self.people[who], self.world.clock.now()
        self.world.store.write(lambda tx: flow.reset(tx, self.town, member, "test", now))
        self.begin_anew(who)

    def begin_anew(self, who: str) -> None:
        self.days[who] = 0
        self.trials.pop(who, None)
        self.refused.discard(who)
        self.world.clock.pass_by(minutes=1)
        assert self.state(who) is MemberState.ACTIVE
        assert standing(self.world, self.people[who]).score == 0

    @invariant()
    def nobody_is_suspended_whose_probe_was_not_refused(self) -> None:
        for who in getattr(self, "people", ()):
            if self.state(who) is MemberState.SUSPENDED:
                assert who in self.refused and self.days[who] >= 3
            else:
                found = standing(self.world, self.people[who])
                assert found.step is not Step.SUSPEND
                assert found.score <= self.days[who]

    @invariant()
    def what_is_excused_counts_against_nobody(self) -> None:
        if not hasattr(self, "people"):
            return
        rows = self.world.store.read(
            lambda tx: tx.execute(
                select(BounceRow.mailing_id, BounceRow.domain, BounceRow.kind, BounceRow.state)
            ).all()
        )
        groups: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for mailing, domain, kind, state in rows:
            groups.setdefault((mailing, domain), []).append((kind, state))
        for group in groups.values():
            policy = sum(kind == "policy" for kind, _ in group)
            if policy >= 2 or len(group) >= 3:
                assert {state for _, state in group} == {"excused"}
            assert "new" not in {state for _, state in group}


Lives.TestCase.settings = settings(max_examples=10, stateful_step_count=20, deadline=None)
TestLives = Lives.TestCase


def after(reports: Sequence[tuple[str, Said]], pauses: Sequence[bool]) -> list[object]:
    """How everybody stands on whom it is time, once these reports about one post are weighed: after
    each of them, or not before the end."""
    with a_world() as world:
        town = world.found("town")
        world.join(town, ANN, role="owner")
        people = {one: world.join(town, one) for one in PEOPLE}
        for _ in range(6):
            world.clock.pass_by(days=1)
            world.post(ANN, "town")
            for copy in sent_to(world, "a@two.test", "c@three.test", "f@one.test"):
                bounce(world, copy, SOFT)
        for probe in settle(world):
            bounce(world, probe, SOFT)
        world.clock.pass_by(days=1)
        world.post(ANN, "town")
        copies = {one.recipients[0]: one for one in sent_to(world, *PEOPLE)}
        for (who, said), pause in zip(reports, pauses, strict=True):
            bounce(world, copies[who], said)
            if pause:
                weigh_all(world)
        weigh_all(world)
        ends = [(now_is(world, one).state, standing(world, one).score) for one in people.values()]
        alarms = world.store.read(lambda tx: excused.alarms(tx, world.clock.now()))
        return [*ends, sorted((one.domain, one.why) for one in alarms)]


@given(st.data())
@settings(max_examples=10, deadline=None)
def test_the_order_of_reports_does_not_matter(data: st.DataObject) -> None:
    said = data.draw(st.dictionaries(st.sampled_from(PEOPLE), SAID))
    once = sorted(said.items())
    often = data.draw(st.permutations([*once, *once]))
    pauses = data.draw(st.lists(st.booleans(), min_size=len(often), max_size=len(often)))
    assert after(often, pauses) == after(once, [False] * len(once))
