"""Owners' and moderators' verbs: who may, what the person concerned hears, what the log says."""

from collections.abc import Callable

import pytest

from listserv.domain.lists import MailingList
from listserv.flow import enrol
from listserv.store import bans, members
from tests.flow.letters import (
    ANN,
    BOB,
    MO,
    UNPROVEN,
    ZOE,
    answer,
    is_member,
    letters,
    letters_to,
    log_of,
    receives,
    send,
    the_letter,
)
from tests.flow.world import World

GONE = "gone@example.org"


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town", subscription="invite")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, MO, role="moderator")
    world.join(mlist, BOB)
    return mlist


# A verb with its list and its object, and what the log says of it.
VERBS = [
    (f"ADD town {ZOE} Zoë", f"added {ZOE}", ZOE),
    (f"SET town DIGEST FOR {BOB}", f"SET town DIGEST FOR {BOB}", BOB),
    (f"INVITE town {GONE}", f"invited {GONE}", GONE),
    (f"DELETE town {BOB}", f"removed {BOB}", BOB),
    (f"BAN town {BOB}", f"banned {BOB}", ""),
    (f"UNBAN town {BOB}", f"lifted the ban of {BOB}", ""),
    ("HOLD town", "put the list on hold", ""),
    ("FREE town", "freed the list", ""),
]
OF_MODERATORS = ("HOLD", "FREE")


def demote(world: World, mlist: MailingList, address: str, role: str) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: enrol.change_member(
            tx, mlist.id, address, {"role": role}, domains=world.site.domains, by="x", now=now
        )
    )


def test_each_is_done_and_in_the_log_with_who_and_the_person_is_told(
    world: World, town: MailingList
) -> None:
    for line, logged, told in VERBS:
        send(world, ANN, line)
        sent = letters(world)
        assert {one.to for one in sent} == {ANN, told} - {""}, line
        assert log_of(world, town)[-1] == (ANN, logged), line


def test_quiet_tells_nobody_but_the_owner(world: World, town: MailingList) -> None:
    for line in (f"ADD town {ZOE}", f"SET town DIGEST FOR {BOB}", f"DELETE town {BOB}"):
        send(world, ANN, f"QUIET {line}")
        assert the_letter(world).to == ANN, line
    assert is_member(world, town, ZOE) and not is_member(world, town, BOB)


def test_only_they_may(world: World, town: MailingList) -> None:
    for author in (MO, BOB, ZOE):
        for line, _, _ in VERBS:
            if author == MO and line.startswith(OF_MODERATORS):
                continue
            send(world, author, line)
            (one,) = letters(world)
            assert one.to == author and ("Only the owners" in one or "is not on the list" in one)
    assert log_of(world, town) == []
    send(world, MO, "HOLD\r\nFREE")
    assert [who for who, _ in log_of(world, town)] == [MO, MO]


def test_roles_are_asked_at_the_moment_of_the_yes(world: World, town: MailingList) -> None:
    for line, logged, _ in VERBS:
        world.clock.pass_by(days=31)
        send(world, ANN, line, "town-request", UNPROVEN)
        question = the_letter(world, ANN)
        assert log_of(world, town) == [] or log_of(world, town)[-1][1].startswith("set role")
        demote(world, town, ANN, "member")
        before = len(log_of(world, town))
        answer(world, question)
        assert "Only the owners" in the_letter(world, ANN), logged
        assert len(log_of(world, town)) == before, line
        demote(world, town, ANN, "owner")


def test_an_owner_whose_mail_proves_nothing_acts_after_a_yes(
    world: World, town: MailingList
) -> None:
    send(world, ANN, f"DELETE town {BOB}", "town-request", UNPROVEN)
    answer(world, the_letter(world, ANN))
    assert not is_member(world, town, BOB)
    assert log_of(world, town) == [(ANN, f"removed {BOB}")]


def test_an_invitation_makes_a_member_of_a_closed_list(world: World, town: MailingList) -> None:
    send(world, ANN, f"INVITE town {ZOE} Zoë")
    (invitation,) = letters_to(world, ZOE)
    assert ANN not in invitation.text and not is_member(world, town, ZOE)
    send(world, ZOE, "SUBSCRIBE town")
    assert "by invitation" in the_letter(world, ZOE)
    answer(world, invitation, "yes", "somebody.else@example.com")
    assert the_letter(world).subject == "Welcome to Our Town"
    member = world.store.read(lambda tx: members.by_key(tx, town.id, ZOE))
    assert member is not None and member.name == "Zoë"
    assert member.began == f"invited by {ANN}, confirmed by {ZOE} on 2026-11-21 12:00 UTC"


@pytest.mark.parametrize("meanwhile", ["banned", "member"])
def test_an_invitation_that_came_too_late(world: World, town: MailingList, meanwhile: str) -> None:
    send(world, ANN, f"INVITE town {ZOE}")
    (invitation,) = letters_to(world, ZOE)
    if meanwhile == "banned":
        send(world, ANN, f"BAN town {ZOE}")
    else:
        send(world, ANN, f"QUIET ADD town {ZOE}")
        send(world, ZOE, "SET town DIGEST")
    letters(world)
    assert answer(world, invitation).accepted
    assert is_member(world, town, ZOE) is (meanwhile == "member")
    said = [one.text for one in letters(world)]
    assert any("not possible" in text for text in said) is (meanwhile == "banned")
    assert any('a member of "Our Town" already' in text for text in said) is (meanwhile == "member")
    if meanwhile == "member":
        assert receives(world, town, ZOE)[0] == "digest"


def test_adding_asks_for_a_good_address_that_is_nobody_elses(
    world: World, town: MailingList
) -> None:
    world.join(town, "link@example.org", also="phone@example.com")
    hostile: list[tuple[str, Callable[[str], bool]]] = [
        ("town@lists.example.org", lambda text: "not possible" in text),
        ("town-request@lists.example.org", lambda text: "not possible" in text),
        ("listserv@lists.example.org", lambda text: "not possible" in text),
        ("root@localhost", lambda text: "not possible" in text),
        ("a@[192.0.2.1]", lambda text: "no mail address" in text),
        ("phone@example.com", lambda text: "not possible" in text),
        (BOB, lambda text: "already" in text),
    ]
    for address, says in hostile:
        for verb in ("ADD", "INVITE"):
            if verb == "INVITE" and address in {BOB, "phone@example.com"}:
                continue
            send(world, ANN, f"{verb} town {address}")
            assert says(the_letter(world, ANN).text), (verb, address)
    assert log_of(world, town) == []


def test_a_ban_ends_on_its_day_and_bans_whole_domains(world: World, town: MailingList) -> None:
    send(world, ANN, "BAN town @example.net UNTIL 1 December")
    letters(world)
    (one,) = world.store.read(lambda tx: bans.ls(tx, town.id))
    assert one.pattern == "@example.net" and one.until is not None
    send(world, ANN, f"ADD town {ZOE}")
    assert "UNBAN" in the_letter(world, ANN)
    world.clock.pass_by(days=11)
    send(world, ANN, f"ADD town {ZOE}", subject="again")
    assert is_member(world, town, ZOE)
