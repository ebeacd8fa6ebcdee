"""Posts, answers, moderators and time in any order: what goes out is what a model of the rules
says, and an author is asked no more than once a day."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.decision import Verdict
from listserv.flow import moderate
from listserv.policy.trust import same_path
from listserv.store import held
from listserv.store.held import HeldState
from listserv.store.tables import ConfirmationRow, PostRow
from tests.flow.world import DOMAIN, a_world

ANN = "ann@example.org"
PATHS = (
    VerifiedPath(),
    VerifiedPath((), "a.example"),
    VerifiedPath(("a.example",), "a.example"),
    VerifiedPath(("evil.example",), "evil.example"),
)
DAY = timedelta(days=1)
# What is no person's yes.
OTHERS = [
    {"body": "no"},
    {"body": "What?"},
    {"body": "yes", "auto_submitted": "auto-replied"},
    {"body": "yes", "precedence": "bulk"},
]


class Questions(RuleBasedStateMachine):
    """One member, one list. `posts` are the paths by number, `out` the numbers that went out,
    `decided` those that a moderator kept back, `familiar` when each path was confirmed last, and
    `asked` when, about which post, and whether it was answered with yes."""

    def __init__(self) -> None:
        super().__init__()
        self._made = a_world()
        self.world = self._made.__enter__()
        self.world.join(self.world.found("town", max_size=1_000_000), ANN)
        self.posts: dict[int, VerifiedPath] = {}
        self.out: set[int] = set()
        self.decided: set[int] = set()
        self.familiar: dict[VerifiedPath, datetime] = {}
        self.asked: list[tuple[datetime, int]] = []
        self.answered: set[int] = set()

    def teardown(self) -> None:
        self._made.__exit__(None, None, None)

    @rule(path=st.sampled_from(PATHS))
    def post(self, path: VerifiedPath) -> None:
        self.world.clock.pass_by(minutes=7)  # not so fast that the rate is what holds it
        now = self.world.clock.now()
        self.world.post(ANN, "town", authorship=Authorship(Level.UNPROVEN, ("no",), path))
        number = len(self.posts) + 1
        self.posts[number] = path
        recent = [p for p, at in self.familiar.items() if now - at < timedelta(days=180)]
        if any(same_path(path, one) for one in recent):
            self.out.add(number)
        elif not self.asked or now - self.asked[-1][0] >= DAY:
            self.asked.append((now, number))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def say_yes(self, data: st.DataObject) -> None:
        which = data.draw(st.integers(0, len(self.asked) - 1))
        when, about = self.asked[which]
        self.answer(which, {"body": "yes"})
        now = self.world.clock.now()
        if which in self.answered or now - when >= 14 * DAY:
            return
        self.answered.add(which)
        path = self.posts[about]
        if path:
            self.familiar[path] = now
        later = {n for n, p in self.posts.items() if n > about and same_path(p, path)}
        self.out |= ({about} | later) - self.decided

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), said=st.sampled_from(OTHERS))
    def say_something_else(self, data: st.DataObject, said: dict[str, str]) -> None:
        self.answer(data.draw(st.integers(0, len(self.asked) - 1)), said)

    def answer(self, which: int, said: dict[str, Any]) -> None:
        address = f"town-confirm+{self.tokens()[which]}@{DOMAIN}"
        self.world.post("whoever@example.net", address, **said)

    @precondition(lambda self: set(self.posts) - self.out - self.decided)
    @rule(data=st.data(), approves=st.booleans())
    def moderate(self, data: st.DataObject, approves: bool) -> None:
        waiting = self.world.store.read(held.ls)
        one = data.draw(st.sampled_from(waiting))
        now, site = self.world.clock.now(), self.world.site
        number = one.post_id
        if approves:
            self.world.store.write(lambda tx: moderate.approve(tx, site, one.id, "mo", now))
            self.out.add(number)
        else:
            self.world.store.write(lambda tx: moderate.discard(tx, one.id, "mo", now))
            self.decided.add(number)

    @rule(time=st.sampled_from([timedelta(hours=5), DAY, 15 * DAY, 100 * DAY]))
    def pass_by(self, time: timedelta) -> None:
        self.world.clock.time += time

    @invariant()
    def what_went_out_is_what_the_rules_say(self) -> None:
        accepted = select(PostRow.id).where(PostRow.verdict == Verdict.ACCEPT)
        assert set(self.world.store.read(lambda tx: tx.execute(accepted).scalars().all())) == (
            self.out
        )

    @invariant()
    def what_waits_and_what_was_decided_is_all_the_rest(self) -> None:
        store = self.world.store
        waiting = {one.post_id for one in store.read(held.ls)}
        gone = {
            one.post_id for one in store.read(lambda tx: held.ls(tx, None, HeldState.DISCARDED))
        }
        assert waiting == set(self.posts) - self.out - self.decided
        assert gone == self.decided

    @invariant()
    def nobody_is_asked_more_often(self) -> None:
        assert len(self.tokens()) == len(self.asked)

    def tokens(self) -> list[str]:
        rows = select(ConfirmationRow.token).order_by(ConfirmationRow.created)
        return list(self.world.store.read(lambda tx: tx.execute(rows).scalars().all()))


TestQuestions = Questions.TestCase
TestQuestions.settings = settings(max_examples=30, stateful_step_count=20)
