"""Who is suspended hears of it when they write, and comes back; owners and operators hear of it
once a day."""

from dataclasses import replace
from functools import partial

import pytest

from listserv.domain.authorship import Authorship
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberRole, MemberState
from listserv.flow import bounce as flow
from listserv.flow import suspended
from listserv.store import members, suspensions
from tests.flow.bouncing import (
    POLICY,
    bounce,
    is_suspended,
    now_is,
    sent_to,
    suspend,
    weigh_all,
)
from tests.flow.letters import (
    CONTRADICTED,
    PROVEN,
    UNPROVEN,
    Letter,
    answer,
    letters,
    letters_to,
    send,
)
from tests.flow.world import DOMAIN, World, an_address

ANN, BOB, ZOE = "ann@example.org", "bob@example.net", "zoe@example.com"
STOPPED = "No mail from Our Town comes to you at present"


@pytest.fixture
def town(world: World) -> MailingList:
    return world.found("town", title="Our Town")


@pytest.fixture
def bob(world: World, town: MailingList) -> Member:
    world.join(town, ANN, role="owner")
    member = world.join(town, BOB)
    suspend(world, member)
    return member


def told(world: World) -> list[Letter]:
    return [one for one in letters_to(world, BOB) if one.subject == STOPPED]


def tell_owners(world: World) -> list[Letter]:
    untold = partial(suspensions.next_untold, why=flow.BOUNCES)
    number = world.store.read(untold)
    while number is not None:
        now = world.clock.now()
        some = partial(suspended.tell_owners, site=world.site, list_id=number, now=now)
        world.store.write(some)
        number = world.store.read(partial(untold, after=number))
    return letters(world)


@pytest.mark.parametrize(
    ("authorship", "hears"), [(PROVEN, True), (UNPROVEN, True), (CONTRADICTED, False)]
)
@pytest.mark.parametrize("to", ["town", "town-request", "listserv@lists.example.org"])
def test_they_are_told_at_their_next_post_or_command_unless_somebody_forged_it(
    world: World, bob: Member, to: str, authorship: Authorship, hears: bool
) -> None:
    world.post(BOB, to, authorship=authorship, body="HELP")
    assert len(told(world)) == hears
    world.post(BOB, to, authorship=authorship, body="HELP")
    assert told(world) == []
    world.clock.pass_by(days=1)
    world.post(BOB, to, authorship=authorship, body="HELP", subject="Again")
    assert len(told(world)) == hears


def test_who_writes_from_another_address_of_theirs_hears_it_there_too(
    world: World, town: MailingList
) -> None:
    zoe = world.join(town, ZOE, also="zoe@work.example")
    suspend(world, zoe)
    for to, body in (("town", "Hello"), ("town-request", "WHICH")):
        world.post("zoe@work.example", to, body=body, authorship=UNPROVEN)
        assert {one.to for one in letters(world) if one.subject == STOPPED} == {ZOE}
        world.clock.pass_by(days=1)
        world.post("zoe@work.example", to, body=body, authorship=PROVEN)
        found = [one for one in letters(world) if one.subject == STOPPED]
        assert {one.to for one in found} == {ZOE, "zoe@work.example"}
        assert all(f"Mail to {ZOE} came back" in one for one in found)
        world.clock.pass_by(days=1)


def test_a_program_and_a_stranger_are_told_nothing(world: World, bob: Member) -> None:
    world.post(BOB, "town", auto_submitted="auto-replied")
    world.post("stranger@example.net", "town")
    assert told(world) == []


def test_a_complaint_is_said_in_other_words(world: World, town: MailingList, bob: Member) -> None:
    world.store.write(lambda tx: flow.resume(tx, town, bob, "test", world.clock.now()))
    suspend(world, bob, flow.COMPLAINT)
    world.post(BOB, "town")
    (one,) = told(world)
    assert "marked as unwanted" in one
    assert tell_owners(world) == []


@pytest.mark.parametrize("delivery", ["mail", "digest", "nomail"])
def test_a_reply_brings_them_back_as_they_were_without_what_they_missed(
    world: World, town: MailingList, delivery: str
) -> None:
    world.join(town, ANN)
    zoe = world.join(town, ZOE, delivery)
    world.clock.pass_by(hours=1)
    suspend(world, zoe)
    world.post(ANN, "town")
    send(world, ZOE, "WHICH", "town-request")
    (question,) = [one for one in letters_to(world, ZOE) if one.subject == STOPPED]
    world.clock.pass_by(days=3)
    answer(world, question, "no")
    assert is_suspended(world, zoe)
    answer(world, question, "yes")
    back = now_is(world, zoe)
    assert (back.state, back.delivery) == (MemberState.ACTIVE, Delivery(delivery))
    assert "Thank you" in letters_to(world, ZOE)[-1]
    answer(world, question, "yes")
    assert "before" in letters_to(world, ZOE)[0]
    assert world.store.read(lambda tx: members.waiting(tx, back)) == 0


@pytest.mark.parametrize("subscription", ["open", "confirm", "approve", "invite"])
def test_who_joins_again_is_a_member_again_by_a_yes_and_asks_nobody(
    world: World, subscription: str
) -> None:
    town = world.found("town", subscription=subscription)
    world.join(town, ANN, role="owner")
    bob = world.join(town, BOB, role="moderator")
    suspend(world, bob)
    send(world, BOB, "SUBSCRIBE town", "town-request")
    (question, *_) = (one for one in letters(world) if one.subject.startswith("Is this from you"))
    answer(world, question)
    back = now_is(world, bob)
    assert (back.state, back.role) == (MemberState.ACTIVE, MemberRole.MODERATOR)


def test_another_address_that_says_yes_ends_it(
    world: World, town: MailingList, bob: Member
) -> None:
    send(world, BOB, f"CHANGE town {ZOE}", "town-request")
    (question,) = letters_to(world, ZOE)
    answer(world, question)
    moved = now_is(world, bob)
    assert (str(moved.address), moved.state) == (ZOE, MemberState.ACTIVE)


def test_their_settings_change_and_they_stay_suspended_until_they_say_so(
    world: World, town: MailingList, bob: Member
) -> None:
    for command in ("DIGEST", "BREAK until 1 June 2027", "BACK"):
        send(world, BOB, command, "town-request")
        assert is_suspended(world, bob)
    assert len(told(world)) == 1
    send(world, BOB, "SIGNOFF", "town-request")
    assert now_is(world, bob).state is MemberState.LEFT


def test_owners_hear_once_a_day_who_is_suspended(
    world: World, town: MailingList, bob: Member
) -> None:
    (note,) = tell_owners(world)
    assert note.to == ANN
    assert f"- {BOB}, stopped on 21 November 2026: 550 5.1.1 no" in note
    zoe, back = world.join(town, ZOE), world.join(town, "back@example.org")
    suspend(world, zoe)
    suspend(world, back)
    assert tell_owners(world) == []
    world.store.write(lambda tx: flow.resume(tx, town, back, "test", world.clock.now()))
    world.clock.pass_by(days=1)
    (note,) = tell_owners(world)
    assert (ZOE in note, BOB in note, "back@" in note) == (True, False, False)
    world.clock.pass_by(days=1)
    assert tell_owners(world) == []


def test_where_no_owner_is_left_the_operator_hears(world: World, town: MailingList) -> None:
    world.site = replace(world.site, operators={DOMAIN: an_address("op@example.net")})
    suspend(world, world.join(town, ANN, role="owner"))
    assert [one.to for one in tell_owners(world)] == ["op@example.net"]


def test_the_operator_hears_once_a_day_who_refuses_us(world: World, town: MailingList) -> None:
    world.site = replace(world.site, operators={DOMAIN: an_address("op@example.net")})
    world.join(town, ANN)
    people = [str(world.join(town, f"m{at}@big.example").address) for at in range(2)]
    for day, mails in enumerate((1, 0, 1)):
        world.post(ANN, "town", subject=f"Post {day}")
        for copy in sent_to(world, *people):
            bounce(world, copy, POLICY)
        weigh_all(world)
        now = world.clock.now()
        world.store.write(lambda tx: suspended.tell_operators(tx, world.site, now))  # noqa: B023
        found = letters_to(world, "op@example.net")
        assert len(found) == mails
        says = "- big.example, from town@lists.example.org, 2 members so far: 550"
        assert all(says in one for one in found)
        world.clock.pass_by(hours=13)
