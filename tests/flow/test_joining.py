"""Joining and leaving by mail: every address and word, every kind of list, every kind of proof."""

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery
from listserv.flow import moderate
from listserv.store import bans, held
from tests.flow.letters import (
    ANN,
    UNPROVEN,
    ZOE,
    answer,
    is_member,
    letters,
    log_of,
    receives,
    send,
    set_list,
    the_letter,
    the_member,
)
from tests.flow.world import DOMAIN, World

BEGAN = "by mail on 2026-11-21 12:00 UTC"


@pytest.fixture
def town(world: World) -> MailingList:
    return world.found("town", title="Our Town", subscription="open")


# Where a mail goes, its subject and text, and how mail comes to who joins by it.
JOINING = (
    ("town-join", "", "", "mail"),
    ("town-subscribe", "Hello", "I have heard of you.", "mail"),
    ("town+subscribe", "", "", "mail"),
    ("town+subscribe-digest", "", "", "digest"),
    ("town+subscribe-nomail", "", "", "nomail"),
    ("town-request", "subscribe", "", "mail"),
    ("town-request", "", "SUBSCRIBE town Zoë Zimmer", "mail"),
    ("town-request", "Re: JOIN", "", "mail"),
    ("town-request", "", "sub digest", "digest"),
    ("town-request", "", "join digest=mime", "digest"),
    ("listserv", "", "SUBSCRIBE town Zoë Zimmer", "mail"),
    ("listserv", "sub town WITH NOMAIL", "", "nomail"),
    ("TOWN-JOIN", "", "", "mail"),
)
LEAVING = (
    ("town-leave", "", ""),
    ("town-unsubscribe", "stop it", "now"),
    ("town-signoff", "", ""),
    ("town+unsubscribe", "", ""),
    ("town-request", "unsubscribe", ""),
    ("town-request", "", "SIGNOFF"),
    ("town-request", "", "leave town"),
    ("listserv", "", "SIGNOFF town"),
    ("listserv", "", "UNSUB *"),
    ("listserv", "", "sign off"),
)


def test_every_address_and_word_joins(world: World, town: MailingList) -> None:
    for number, (to, subject, body, delivery) in enumerate(JOINING):
        who = f"zoe{number}@example.net"
        assert send(world, who, body, to, subject=subject).accepted
        member = the_member(world, town, who)
        assert member.delivery == delivery, (to, subject, body)
        assert member.name == ("Zoë Zimmer" if "Zimmer" in body else "")
        assert member.began.startswith(BEGAN)
        welcome = the_letter(world, who)
        assert welcome.subject == "Welcome to Our Town"
        assert f"town-leave@{DOMAIN}" in welcome


def test_open_takes_a_proven_author_at_once_and_anybody_else_after_a_yes(
    world: World, town: MailingList
) -> None:
    send(world, ANN, "", "town-join")
    assert "undo" in the_letter(world, ANN) and is_member(world, town, ANN)
    send(world, ZOE, "", "town-join", UNPROVEN)
    question = the_letter(world, ZOE)
    assert not is_member(world, town, ZOE)
    answer(world, question)
    welcome = the_letter(world, ZOE)
    assert "undo" not in welcome.text.lower()
    began = the_member(world, town, ZOE).began
    assert began.startswith(BEGAN)
    assert began.endswith(f"@example.org>, confirmed by {ZOE} on 2026-11-21 12:00 UTC")


@pytest.mark.parametrize("kind", ["open", "confirm", "approve", "invite"])
def test_what_a_yes_to_an_unproven_wish_does(world: World, town: MailingList, kind: str) -> None:
    set_list(world, town, subscription=kind)
    send(world, ZOE, "SUBSCRIBE town Zoë WITH DIGEST", "town-request", UNPROVEN)
    question = the_letter(world, ZOE)
    assert log_of(world, town) == [] and world.store.read(held.ls) == []
    answer(world, question)
    (answered,) = letters(world)
    assert is_member(world, town, ZOE) is (kind in {"open", "confirm"})
    match kind:
        case "approve":
            assert "will decide" in answered
            (one,) = world.store.read(held.ls)
            assert one.request is not None
            assert (one.request.name, one.request.delivery) == ("Zoë", Delivery.DIGEST)
        case "invite":
            assert "by invitation" in answered and world.store.read(held.ls) == []
        case _:
            assert answered.subject == "Welcome to Our Town"
            assert receives(world, town, ZOE)[0] is Delivery.DIGEST


def test_confirm_asks_a_proven_author_too(world: World, town: MailingList) -> None:
    set_list(world, town, subscription="confirm")
    send(world, ZOE, "SUBSCRIBE town Zoë")
    question = the_letter(world, ZOE)
    assert not is_member(world, town, ZOE)
    answer(world, question)
    assert the_letter(world, ZOE).subject == "Welcome to Our Town"
    assert the_member(world, town, ZOE).name == "Zoë"


def test_approve_keeps_what_they_say_of_themselves(world: World, town: MailingList) -> None:
    set_list(world, town, subscription="approve")
    send(world, ZOE, "SUBSCRIBE town Zoë\r\nI care for my mother.")
    assert "will decide" in the_letter(world, ZOE)
    (one,) = world.store.read(held.ls)
    assert one.request is not None and one.request.words == "I care for my mother."
    send(world, ZOE, "SUBSCRIBE town Zoë")
    assert "already and will decide" in the_letter(world, ZOE)
    assert len(world.store.read(held.ls)) == 1
    world.store.write(lambda tx: moderate.approve(tx, world.site, one.id, ANN, world.clock.now()))
    assert the_letter(world, ZOE).subject == "Welcome to Our Town"
    assert the_member(world, town, ZOE).began.endswith(f"approved by {ANN}")


@pytest.mark.parametrize("kind", ["open", "confirm", "approve", "invite"])
def test_subscribing_again_changes_nothing_but_name_and_options(
    world: World, town: MailingList, kind: str
) -> None:
    set_list(world, town, subscription=kind)
    world.join(town, ZOE, "digest", role="moderator", ack=True)
    before = the_member(world, town, ZOE)
    send(world, ZOE, "SUBSCRIBE town")
    assert "You are a member of Our Town already." in the_letter(world, ZOE)
    assert the_member(world, town, ZOE) == before
    send(world, ZOE, "SUBSCRIBE town Zoë Zimmer WITH NOMAIL")
    told = the_letter(world, ZOE)
    after = the_member(world, town, ZOE)
    assert (after.name, after.delivery, after.kept) == ("Zoë Zimmer", "nomail", "digest")
    assert (after.role, after.settings, after.joined) == (
        "moderator",
        before.settings,
        before.joined,
    )
    answer(world, told, "undo")
    assert (the_member(world, town, ZOE).name, receives(world, town, ZOE)[0]) == ("Zoe", "digest")


def test_who_is_banned_cannot_join_and_hears_it_only_when_proven(
    world: World, town: MailingList
) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: bans.add(tx, list_id=town.id, pattern=ZOE, until=None, reason="", now=now)
    )
    send(world, ZOE, "", "town-join")
    assert "cannot join" in the_letter(world, ZOE)
    send(world, ZOE, "", "town-join", UNPROVEN)
    answer(world, the_letter(world, ZOE))
    assert "cannot join" in the_letter(world, ZOE)
    assert not is_member(world, town, ZOE)


def test_every_address_and_word_leaves_with_a_goodbye(world: World, town: MailingList) -> None:
    for number, (to, subject, body) in enumerate(LEAVING):
        who = f"zoe{number}@example.net"
        world.join(town, who)
        send(world, who, body, to, subject=subject)
        assert not is_member(world, town, who), (to, subject, body)
        goodbye = the_letter(world, who)
        assert goodbye.subject == "Goodbye from Our Town"
        answer(world, goodbye, "UNDO")
        assert is_member(world, town, who)
        letters(world)
    assert log_of(world, town)[0] == ("zoe0@example.net", "zoe0@example.net left")


def test_leaving_all_lists_says_goodbye_from_each(world: World, town: MailingList) -> None:
    city, hill = world.found("city"), world.found("hill")
    for mlist in (town, city):
        world.join(mlist, ZOE)
    world.join(hill, ANN)
    send(world, ZOE, "SIGNOFF *", "listserv")
    assert [one.to for one in letters(world)] == [ZOE, ZOE]
    assert not is_member(world, town, ZOE) and not is_member(world, city, ZOE)
    assert is_member(world, hill, ANN)


def test_leaving_without_saying_which_of_several_lists_names_them(
    world: World, town: MailingList
) -> None:
    city = world.found("city")
    for mlist in (town, city):
        world.join(mlist, ZOE)
    send(world, ZOE, "SIGNOFF", "listserv")
    assert "city, town" in the_letter(world, ZOE)
    assert is_member(world, town, ZOE) and is_member(world, city, ZOE)


def test_who_is_no_member_hears_so_when_proven(world: World, town: MailingList) -> None:
    send(world, ZOE, "", "town-leave")
    assert "is not on the list" in the_letter(world, ZOE)
    send(world, ZOE, "SIGNOFF *", "listserv")
    assert "none of the lists" in the_letter(world, ZOE)
    assert not is_member(world, town, ZOE)
