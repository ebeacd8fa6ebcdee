"""Joining, leaving, settings, breaks, owners, UNDO and time in any order: a membership is what a
model of the rules says."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from listserv.domain.members import Delivery
from listserv.flow import breaks
from tests.flow.letters import (
    ANN,
    BOB,
    NOTHING_VERIFIED,
    UNPROVEN,
    Letter,
    answer,
    letters,
    member_of,
    send,
)
from tests.flow.world import a_world

MAIL, DIGEST, NOMAIL = Delivery


@dataclass(frozen=True)
class Now:
    """What the model says of bob. `spell` counts his comings and goings: two states of it are the
    same one only when nothing of that kind happened in between."""

    spell: int = 0
    is_in: bool = False
    delivery: Delivery = MAIL
    stored: Delivery = MAIL
    until: date | None = None

    @property
    def mail(self) -> tuple[Delivery, Delivery, date | None]:
        return self.delivery, self.stored, self.until


@dataclass
class Undo:
    """An offer to take something back: the mail, until when, and what was changed; whether it was
    that bob `joined` by himself."""

    letter: Letter
    ends: datetime
    was: Now
    became: Now
    joined: bool
    done: bool = False


class Membership(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._made = a_world()
        self.world = self._made.__enter__()
        self.town = self.world.found("town", title="Our Town", subscription="open")
        self.world.join(self.town, ANN, role="owner")
        self.now = Now()
        self.spells = count(1)
        self.undos: list[Undo] = []

    def teardown(self) -> None:
        self._made.__exit__(None, None, None)

    def spell(self) -> int:
        return next(self.spells)

    def does(self, author: str, line: str, became: Now, *, offers: bool = True) -> None:
        """A command acts; whoever is told keeps the offer to take it back, if there has to be
        one."""
        self.world.clock.pass_by(hours=2)
        send(self.world, author, line)
        found = [one for one in letters(self.world) if "one word: undo" in one]
        assert len(found) == offers, line
        ends = self.world.clock.now() + timedelta(days=7)
        joined = author == BOB and became.is_in
        self.undos += [Undo(one, ends, self.now, became, joined) for one in found]
        self.now = became

    def entered(self) -> Now:
        return Now(self.spell(), is_in=True)

    def gone(self) -> Now:
        return replace(self.now, spell=self.spell(), is_in=False, until=None)

    @rule()
    def join(self) -> None:
        became = self.now if self.now.is_in else self.entered()
        self.does(BOB, "SUBSCRIBE town", became, offers=became != self.now)

    @precondition(lambda self: not self.now.is_in)
    @rule()
    def is_added(self) -> None:
        self.does(ANN, f"QUIET ADD town {BOB}", self.entered())

    @precondition(lambda self: self.now.is_in)
    @rule(author=st.sampled_from([ANN, BOB]))
    def leave(self, author: str) -> None:
        line = "SIGNOFF town" if author == BOB else f"QUIET DELETE town {BOB}"
        self.does(author, line, self.gone())

    @precondition(lambda self: self.now.is_in)
    @rule(
        option=st.sampled_from(["MAIL", "DIGEST", "NOMAIL", "NODIGEST"]),
        form=st.sampled_from(
            ["SUBSCRIBE town WITH {}", "SET town {}", f"QUIET SET town {{}} FOR {BOB}"]
        ),
    )
    def sets(self, option: str, form: str) -> None:
        delivery, stored, until = self.now.mail
        off = delivery is NOMAIL
        match option:
            case "NOMAIL":
                delivery = NOMAIL
            case "DIGEST":
                delivery = stored = DIGEST
            case "NODIGEST":
                delivery, stored = (NOMAIL if off else MAIL), MAIL
            case _:
                delivery = stored = stored if off else MAIL
        until = until if delivery is self.now.delivery else None
        became = replace(self.now, delivery=delivery, stored=stored, until=until)
        author = ANN if form.endswith(BOB) else BOB
        self.does(author, form.format(option), became, offers=not form.startswith("SET"))

    @precondition(lambda self: self.now.is_in)
    @rule(weeks=st.integers(1, 2))
    def takes_a_break(self, weeks: int) -> None:
        day = (self.world.clock.now() + timedelta(hours=2)).date() + timedelta(weeks=weeks)
        became = replace(self.now, delivery=NOMAIL, until=day)
        self.does(BOB, f"BREAK {weeks} WEEKS", became, offers=False)

    @precondition(lambda self: self.now.is_in)
    @rule()
    def comes_back(self) -> None:
        became = replace(self.now, delivery=self.now.stored, until=None)
        if self.now.delivery is not NOMAIL:
            became = self.now
        self.does(BOB, "BACK", became, offers=False)

    @rule(line=st.sampled_from(["SIGNOFF town", "SET town DIGEST", "SUBSCRIBE town"]))
    def somebody_forges(self, line: str) -> None:
        self.world.clock.pass_by(hours=1)
        send(self.world, BOB, line, "town-request", UNPROVEN)
        letters(self.world)

    @rule(days=st.integers(1, 5))
    def time_passes(self, days: int) -> None:
        self.world.clock.pass_by(days=days)
        now = self.world.clock.now()
        self.world.store.write(lambda tx: breaks.end_breaks(tx, self.world.site, now))
        letters(self.world)
        if self.now.until is not None and self.now.until <= now.date():
            self.now = replace(self.now, delivery=self.now.stored, until=None)

    @precondition(lambda self: self.undos)
    @rule(data=st.data())
    def takes_back(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.undos[-6:]))
        self.world.clock.pass_by(minutes=1)
        answer(self.world, one.letter, "undo", "anybody@example.com", NOTHING_VERIFIED)
        letters(self.world)
        if one.done or self.world.clock.now() >= one.ends:
            return
        one.done = True
        was, became, now = one.was, one.became, self.now
        if was.is_in is not became.is_in:
            if now.spell == became.spell:
                # Who is put out again that had never been in has left just now.
                self.now = was if was.spell and not one.joined else replace(was, spell=self.spell())
        elif now.is_in and now.mail == became.mail:
            self.now = replace(now, delivery=was.delivery, stored=was.stored, until=was.until)

    @invariant()
    def is_what_the_model_says(self) -> None:
        found = member_of(self.world, self.town, BOB)
        assert (found is not None) is self.now.is_in
        if found is not None:
            assert (found.delivery, found.kept, found.until) == self.now.mail


Membership.TestCase.settings = settings(stateful_step_count=15, max_examples=15)
TestMembership = Membership.TestCase
