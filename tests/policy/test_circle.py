"""Who is asked about what waits: tables of who is away, and of what was shown before."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import Address
from listserv.domain.members import Member, MemberRole, MemberSettings
from listserv.policy.circle import ROOM, People, Waiting, behind, circle, everybody, to_ask
from tests.policy.facts import a_member

TODAY = date(2026, 5, 1)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
# A member who does not decide.
ANN = 9
LATER, BEFORE = NOW + timedelta(days=14), NOW - timedelta(days=1)
NAMES = ("mo", "max", "olga", "otto")


def person(name: str, away: str = "") -> Member:
    role = MemberRole.MODERATOR if name.startswith("m") else MemberRole.OWNER
    settings = MemberSettings(away=away)
    number = NAMES.index(name) + 1
    address = Address(name, "example.org")
    return replace(a_member(role), id=number, address=address, settings=settings)


def people(away: str, names: str = "mo max olga otto") -> People:
    """`away`: the names of those who are."""
    found = [person(n, "2026-05-05" if n in away.split() else "") for n in names.split()]
    return People([p for p in found if p.id < 3], [p for p in found if p.id > 2])


def one(shown: str = "", step: int = 1, author: str = "", number: int = 0) -> Waiting:
    """`shown`: names, with a + where their time to answer is over."""
    until = {
        NAMES.index(n.rstrip("+")) + 1: BEFORE if n.endswith("+") else LATER for n in shown.split()
    }
    member = NAMES.index(author) + 1 if author else ANN
    return Waiting(number, step, member, "", until)


def names(found: object) -> str:
    assert isinstance(found, list | tuple)
    return " ".join(member.address.local for member in found)


# Who is away, who wrote it; who is asked first, who last.
CIRCLES = (
    ("", "", "mo max", "olga otto"),
    ("mo", "", "max", "olga otto"),
    ("mo olga", "", "max", "otto"),
    ("mo max", "", "olga otto", "olga otto"),
    ("mo max olga", "", "otto", "otto"),
    ("mo max olga otto", "", "mo max", "olga otto"),
    ("max", "mo", "olga otto", "olga otto"),
    ("max olga otto", "mo", "max", "olga otto"),
    ("", "olga", "mo max", "otto"),
    ("olga otto", "", "mo max", ""),
)


@pytest.mark.parametrize(("away", "author", "first", "last"), CIRCLES)
def test_who_is_away_is_passed_over_while_anybody_is_there(
    away: str, author: str, first: str, last: str
) -> None:
    found = circle(people(away), one(author=author), TODAY)
    assert (names(found.first), names(found.last)) == (first, last)


def test_nobody_is_asked_about_their_own_wish_to_join() -> None:
    own = replace(one(), author=None, applicant=person("mo").address.key)
    assert names(circle(people(""), own, TODAY).first) == "max"


def test_without_moderators_owners_are_asked_and_without_both_nobody() -> None:
    assert names(everybody(people("", "olga"), TODAY).first) == "olga"
    assert everybody(People([], []), TODAY).first == ()


@pytest.mark.parametrize(
    ("away", "is_away"),
    [("", False), ("2026-04-30", False), ("2026-05-01", False), ("2026-05-02", True)],
)
def test_on_the_day_itself_they_are_there_again(away: str, is_away: bool) -> None:
    assert person("mo", away).is_away(TODAY) is is_away


# Who is away; who has it; the step; in turn or not; who is asked then.
STEPS = (
    ("", "", 1, False, "mo max"),
    ("", "", 1, True, "mo"),
    ("mo", "", 1, True, "max"),
    ("", "mo", 1, True, ""),
    ("mo", "mo", 1, True, "max"),
    ("mo max", "mo", 1, True, "olga"),
    ("", "mo", 2, True, "max"),
    ("", "mo max", 2, False, ""),
    ("", "mo max", 3, False, "olga otto"),
    ("olga", "mo max", 3, False, "otto"),
    ("olga otto", "mo max", 3, False, ""),
    ("mo max olga otto", "mo max", 3, False, "olga otto"),
    ("mo max", "", 3, False, "olga otto"),
)


@pytest.mark.parametrize(("away", "shown", "step", "in_turn", "asked"), STEPS)
def test_who_is_asked_at_a_step(
    away: str, shown: str, step: int, in_turn: bool, asked: str
) -> None:
    what = one(shown, step)
    found = circle(people(away), what, TODAY)
    assert names(to_ask(found, what.shown, step, in_turn=in_turn, turn=0)) == asked


# Who is away; who has it; the step; in turn or not; to whom it is shown although nothing is due.
BEHIND = (
    ("", "mo max", 1, False, ""),
    ("", "mo", 1, False, "max"),
    ("", "mo", 1, True, ""),
    ("", "mo", 2, True, "max"),
    ("max", "mo max", 1, False, ""),
    ("mo max", "mo max", 1, False, "olga otto"),
    ("mo", "mo", 1, True, "max"),
    ("mo max olga otto", "mo max", 1, False, ""),
    ("", "mo max olga", 3, False, "otto"),
    ("", "mo max olga", 2, False, ""),
    ("", "mo+ max", 1, False, "mo"),
    ("mo", "mo+ max", 1, False, ""),
    ("", "mo+", 1, True, "mo"),
)


@pytest.mark.parametrize(("away", "shown", "step", "in_turn", "asked"), BEHIND)
def test_what_waits_is_shown_to_who_should_have_it_by_now(
    away: str, shown: str, step: int, in_turn: bool, asked: str
) -> None:
    found = behind(
        [one(shown, step)], people(away), today=TODAY, now=NOW, in_turn=in_turn
    )  # fmt: skip
    assert names([member for _, member in found]) == asked


def shown_now(waiting: list[Waiting], away: str = "", who: str = "mo max") -> list[tuple[int, str]]:
    found = behind(waiting, people(away, who), today=TODAY, now=NOW, in_turn=False)
    return [(what.id, member.address.local) for what, member in found]


def test_nobody_is_flooded_with_what_others_have_too() -> None:
    waiting = [one("mo", number=n) for n in range(25)]
    assert shown_now(waiting) == [(n, "max") for n in range(ROOM)]
    seven = [one("mo max", number=n) for n in range(7)] + waiting[7:]
    assert shown_now(seven) == [(7, "max"), (8, "max"), (9, "max")]
    over = [one("mo max+", number=n) for n in range(25)]
    assert len(shown_now(over)) == ROOM


def test_what_nobody_else_has_is_shown_all_of_it() -> None:
    waiting = [one("mo", number=n) for n in range(25)]
    assert shown_now(waiting, "mo") == [(n, "max") for n in range(25)]
    of_strangers = [replace(what, author=None) for what in waiting]
    assert shown_now(of_strangers, "mo") == [(n, "max") for n in range(ROOM)]
    requests = [replace(what, applicant="zoe@example.net") for what in of_strangers]
    assert len(shown_now(requests, "mo")) == 25


@given(
    st.lists(st.tuples(st.sets(st.sampled_from(NAMES)), st.integers(1, 4)), max_size=15),
    st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)), st.booleans(),
)  # fmt: skip
def test_caught_up_nobody_is_behind_and_somebody_who_is_there_has_it(
    what: list[tuple[set[str], int]], there: set[str], away: set[str], in_turn: bool
) -> None:
    waiting = [one(" ".join(s), step, number=n) for n, (s, step) in enumerate(what)]
    who = people(" ".join(away), " ".join(sorted(there)))
    everybody_ = {"today": TODAY, "now": NOW}
    asked = list(behind(waiting, who, in_turn=in_turn, **everybody_))  # type: ignore[arg-type]
    assert len({(w.id, m.id) for w, m in asked}) == len(asked)
    after = [
        replace(w, shown={**w.shown, **{m.id: LATER for v, m in asked if v.id == w.id}})
        for w in waiting
    ]
    for w in after:
        assert not there or not circle(who, w, TODAY).numbers.isdisjoint(w.shown)
    again = list(behind(after, who, in_turn=in_turn, **everybody_))  # type: ignore[arg-type]
    assert again == [] or len(waiting) > ROOM
