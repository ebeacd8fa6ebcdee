"""What waits for a person: who is asked when, and that it ends."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.decision import Verdict
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.flow import administer, escalate, moderate
from listserv.policy.posting import RULES
from listserv.store import held
from listserv.store.held import HeldState
from listserv.store.session import Tx
from tests.flow.letters import ANN, BOB, MO, NOTHING_VERIFIED, PROVEN, UNPROVEN, ZOE, letters
from tests.flow.waiting import MAX, OLGA, Shown, a_post_waits, a_town, look, reply, shown, state
from tests.flow.world import DOMAIN, World, a_message

# A turn of housekeeping of the machine below, in hours.
_TURN = 4


def go_on(world: World) -> None:
    """One turn of housekeeping."""
    now = world.clock.now()
    number: int | None = 0
    while number is not None:
        number = world.store.read(partial(held.next_due, now=now, after=number))
        if number is not None:
            step = partial(escalate.go_on, site=world.site, held_id=number, now=now)
            world.store.write(step)


def asked(world: World, **later: float) -> list[str]:
    """Who is shown something after this time has passed."""
    world.clock.pass_by(**later)
    go_on(world)
    return sorted(one.to for one in shown(world))


def told(world: World) -> dict[str, str]:
    """Who else got a mail since this was asked last, and its subject."""
    world.deliver()
    mails = [(one.recipients, message_from_bytes(b"".join(one.data))) for one in world.sent]
    world.sent.clear()
    return {to: str(mail["Subject"]) for recipients, mail in mails for to in recipients}


def test_all_moderators_then_owners_then_the_author_hears_and_then_it_expires(
    world: World,
) -> None:
    a_town(world)
    world.post(ANN, "town", subject="Hello", authorship=PROVEN)
    number = world.store.read(held.ls)[0].id
    assert asked(world) == [MAX, MO]
    assert asked(world, hours=23, minutes=59) == []
    assert asked(world, minutes=1) == [OLGA]
    assert told(world) == {}
    assert asked(world, hours=24) == []
    assert told(world) == {ANN: "It takes longer: Town"}
    for _ in range(11):
        assert asked(world, days=1) == []
    assert (told(world), state(world, number)) == ({}, HeldState.HELD)
    assert asked(world, days=1) == []
    assert told(world) == {ANN: "Nobody has decided in time: Town"}
    assert state(world, number) is HeldState.EXPIRED
    assert asked(world, days=30) == [] and told(world) == {}


def test_in_turn_one_moderator_is_asked_then_the_others(world: World) -> None:
    a_town(world, moderators="turn")
    first = []
    for number in range(4):
        world.post(ANN, "town", subject=f"Post {number}", authorship=PROVEN)
        first += asked(world)
    assert sorted(first) == [MAX, MAX, MO, MO]
    assert asked(world, hours=24) == [MAX, MAX, MO, MO]
    assert asked(world, hours=24) == [OLGA] * 4


def test_without_moderators_the_owners_are_asked_and_without_both_it_expires_all_the_same(
    world: World,
) -> None:
    owned = world.found("owned", moderation="all")
    world.join(owned, OLGA, role="owner")
    world.join(owned, ANN)
    world.post(ANN, "owned", authorship=PROVEN)
    assert asked(world) == [OLGA]

    bare = world.found("bare", moderation="all")
    world.join(bare, ANN)
    world.post(ANN, "bare", authorship=PROVEN)
    number = world.store.read(lambda tx: held.ls(tx, bare.id))[0].id
    assert asked(world) == [] and told(world) == {}
    for _ in range(15):
        asked(world, days=1)
    assert state(world, number) is HeldState.EXPIRED
    assert told(world)[ANN] == "Nobody has decided in time: bare"


def test_later_and_ask_put_it_off_by_one_deadline(world: World) -> None:
    a_town(world)
    for words in ("later", "ask Who are you?"):
        one = a_post_waits(world, words)
        world.clock.pass_by(hours=20)
        reply(world, one, words)
        assert asked(world, hours=23) == []
        assert asked(world, hours=1) == [OLGA]


def test_later_after_everybody_was_asked_lets_it_wait_to_its_end(world: World) -> None:
    """It expired one deadline after a `later`, because nothing else was left to be done."""
    a_town(world)
    one = a_post_waits(world)
    for _ in range(2):
        asked(world, days=1)
    letters(world)
    world.clock.pass_by(days=1)
    reply(world, one, "later")
    for _ in range(10):
        asked(world, days=1)
    assert state(world, one) is HeldState.HELD
    asked(world, days=1)
    assert state(world, one) is HeldState.EXPIRED


def test_two_servers_that_find_the_same_due_take_one_step(world: World) -> None:
    a_town(world, moderators="turn")
    one = a_post_waits_for_somebody(world)
    world.clock.pass_by(days=1)
    now = world.clock.now()
    for _ in range(3):
        world.store.write(lambda tx: escalate.go_on(tx, world.site, one.held, now))
    assert len(shown(world)) == 1
    assert look(world, one).step == 2


def a_post_waits_for_somebody(world: World) -> Shown:
    world.post(ANN, "town", authorship=PROVEN)
    (one,) = shown(world)
    return one


def test_what_was_decided_is_never_shown(world: World) -> None:
    a_town(world, moderators="turn")
    one = a_post_waits_for_somebody(world)
    before, now = look(world, one), world.clock.now()
    world.store.write(lambda tx: moderate.discard(tx, one.held, "cli", now))
    world.store.write(lambda tx: escalate.advance(tx, world.site, before, now))
    assert asked(world, days=2) == []
    assert state(world, one) is HeldState.DISCARDED


def released(world: World, mlist: MailingList, number: int) -> bool:
    """Whether a post goes out when nobody has decided."""
    for _ in range(2):
        asked(world, days=1)
    return state(world, number) is HeldState.APPROVED


def test_a_harmless_post_is_released_where_the_owner_wants_it(world: World) -> None:
    town = a_town(world, held_fallback="release")
    one = a_post_waits(world)
    assert released(world, town, one.held)
    assert look(world, one).decided_by == "listserv"
    assert told(world)[BOB] == "Hello"


def test_by_itself_nothing_is_released(world: World) -> None:
    one_town = a_town(world)
    assert not released(world, one_town, a_post_waits(world).held)


SUSPICIOUS: dict[str, dict[str, str]] = {
    "a stranger": {"from": ZOE},
    "spam": {"x_spam": "yes"},
    "a command": {"subject": "unsubscribe", "body": "unsubscribe"},
    "a program": {"auto_submitted": "auto-generated"},
    "several authors": {"from": f"{ANN}, {BOB}"},
    "no author": {"from": "nobody"},
    "hard to read": {"content_type": "multipart/mixed; boundary=x"},
}


def test_against_which_anything_else_speaks_nothing_is_released(world: World) -> None:
    town = a_town(world, held_fallback="release")
    for why, header in SUSPICIOUS.items():
        raw = a_message(ANN, (f"town@{DOMAIN}",), **{"subject": why, **header})
        world.post(ANN, "town", raw=raw, authorship=PROVEN)
    world.post(ANN, "town", subject="nothing proves it", authorship=UNPROVEN)
    forged = Authorship(Level.CONTRADICTED, ("it is forged",), VerifiedPath(), policy="reject")
    world.post(ANN, "town", subject="forged", authorship=forged)
    waiting = world.store.read(held.ls)
    assert len(waiting) == len(SUSPICIOUS) + 2
    for _ in range(5):
        asked(world, days=1)
    assert {state(world, one.id) for one in waiting} == {HeldState.HELD}
    assert town.settings.held_fallback == "release"


def test_whose_author_was_banned_meanwhile_is_not_released(world: World) -> None:
    town = a_town(world, held_fallback="release")
    one = a_post_waits(world)
    now = world.clock.now()
    world.store.write(
        lambda tx: administer.ban(tx, town.id, ANN, reason="", until=None, by="cli", now=now)
    )
    assert not released(world, town, one.held)


def test_only_rules_of_which_we_know_it_are_harmless() -> None:
    holds = {rule.name for rule in RULES if rule.verdict is Verdict.HOLD}
    assert holds >= escalate.HARMLESS
    assert "content" not in escalate.HARMLESS and "unproven-author" not in escalate.HARMLESS


def test_moderators_see_an_unproven_post_after_its_author_had_time(world: World) -> None:
    a_town(world)
    world.post(ANN, "town", authorship=UNPROVEN)
    assert asked(world) == []
    assert "Did you write" in told(world)[ANN]
    assert asked(world, hours=11, minutes=59) == []
    assert asked(world, minutes=1) == [MAX, MO]


def test_an_author_who_confirms_late_does_not_make_the_owners_be_asked_early(
    world: World,
) -> None:
    a_town(world)
    world.post(ANN, "town", authorship=UNPROVEN)
    (question,) = letters(world)
    assert asked(world, hours=12) == [MAX, MO]
    world.clock.pass_by(hours=1)
    reply(world, question.reply_to, "yes", ANN, NOTHING_VERIFIED)
    letters(world)
    assert asked(world) == []
    assert asked(world, hours=23) == [OLGA]


def test_an_unproven_author_hears_nothing_of_its_end(world: World) -> None:
    a_town(world, nonmember="hold")
    world.post(ZOE, "town", authorship=replace(UNPROVEN, path=VerifiedPath()))
    for _ in range(15):
        asked(world, days=1)
    assert ZOE not in told(world)


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 60)),
        st.tuples(st.just("say"), st.sampled_from(["later", "ask Why?", "approve", "no", "trust"])),
        st.tuples(st.just("cli"), st.sampled_from(["approve", "discard"])),
        st.tuples(st.just("cancel"), st.just("cancel")),
    ),
    max_size=8,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    turn=st.sampled_from(["all", "turn"]), fallback=st.sampled_from(["tell", "release"]),
    deadline=st.sampled_from([1, 24, 100]), steps=_STEPS,
)  # fmt: skip
def test_whatever_happens_it_ends_once(
    many: "Towns", turn: str, fallback: str, deadline: int, steps: list[tuple[str, int | str]]
) -> None:
    """One decision; nobody is asked twice, nor after it; nothing waits beyond held_expiry."""
    world, name = many.another(
        moderators=turn, held_fallback=fallback, held_deadline=deadline, held_expiry=5
    )
    world.post(ANN, name, authorship=PROVEN)
    number = max(one.id for one in world.store.read(held.ls))
    notices = shown(world)
    cancel = next(m for m in mails_with(world, b"-confirm+"))
    end = world.clock.now() + timedelta(days=5)
    decided: tuple[object, ...] = ()
    for what, value in [*steps, ("wait", 24 * 6)]:
        match what, value:
            case "wait", int(hours):
                for _ in range(0, hours, _TURN):
                    world.clock.pass_by(hours=_TURN)
                    go_on(world)
            case "say", str(words):
                reply(world, notices[-1], words, notices[-1].to, PROVEN)
            case "cli", str(verb):
                by_cli(world, number, verb)
            case _:
                reply(world, cancel, "cancel", ANN, NOTHING_VERIFIED)
        more = shown(world)
        now = look(world, number)
        if decided:
            assert more == []
            assert (now.state, now.decided, now.decided_by) == decided
        elif now.state is not HeldState.HELD:
            decided = (now.state, now.decided, now.decided_by)
        elif world.clock.now() >= end and what == "wait":
            raise AssertionError("it still waits")
        notices += more
    assert decided
    assert len({one.to for one in notices}) == len(notices)


def by_cli(world: World, number: int, verb: str) -> None:
    now = world.clock.now()

    def decide(tx: Tx) -> None:
        if verb == "approve":
            moderate.approve(tx, world.site, number, "cli", now)
        else:
            moderate.discard(tx, number, "cli", now)

    try:
        world.store.write(decide)
    except ListservError as wrong:
        assert "nothing changed" in str(wrong)


def mails_with(world: World, mark: bytes) -> list[str]:
    """The reply addresses of the last mails that have this in it, the latest first."""
    every = [b"".join(one.data) for one in reversed(world.waiting)]
    lines = [line for raw in every for line in raw.split(b"\r\n") if line.startswith(b"Reply-To:")]
    return [line.partition(b":")[2].strip().decode() for line in lines if mark in line]


class Towns:
    """Lists in one world, one after the other: a new database for each case would take long."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0

    def another(self, **settings: str | int) -> tuple[World, str]:
        self._count += 1
        self._world.clock.pass_by(days=2)
        name = f"town{self._count}"
        mlist = self._world.found(name, moderation="all", **settings)
        people = {ANN: "member", MO: "moderator", MAX: "moderator", OLGA: "owner"}
        for address, role in people.items():
            self._world.join(mlist, address, role=role)
        return self._world, name


@pytest.fixture
def many(world: World) -> Towns:
    return Towns(world)
