"""Strangers send a list that holds their posts more than its moderators can read."""

from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest

from listserv.domain.lists import MailingList
from listserv.flow import flood
from listserv.rule_files import RuleFiles
from listserv.store import held
from listserv.store.held import HeldState
from tests.flow.letters import ANN, BOB, CONTRADICTED, MO, PROVEN, UNPROVEN, ZOE, send, set_list
from tests.flow.test_escalate import go_on
from tests.flow.waiting import MAX, OLGA, a_town, shown, state
from tests.flow.world import World


@pytest.fixture
def town(world: World) -> MailingList:
    return a_town(world, nonmember="hold", subscription="approve", held_expiry=2)


def strangers(world: World, count: int) -> None:
    for number in range(count):
        author = f"s{number}@spam.example"
        world.post(author, "town", subject=f"Buy {number}", authorship=UNPROVEN)


def asked(world: World) -> dict[str, int]:
    """How many notices each moderator gets now."""
    found = shown(world)
    return {to: sum(one.to == to for one in found) for to in {one.to for one in found}}


def told(world: World) -> list[str]:
    """What else MO has heard since this was asked last."""
    mails = [message_from_bytes(b"".join(one.data)) for one in world.sent if MO in one.recipients]
    world.sent.clear()
    return [str(mail["Subject"]) for mail in mails]


def test_ten_in_an_hour_are_shown_and_one_mail_says_how_many_wait(
    world: World, town: MailingList
) -> None:
    strangers(world, 25)
    assert asked(world) == {MO: flood.MOST, MAX: flood.MOST}
    # The first that had to wait.
    assert told(world) == ["1 more post waits at Town"]
    for _ in range(5):
        world.clock.pass_by(minutes=10)
        go_on(world)
    assert (asked(world), told(world)) == ({}, [])

    world.clock.pass_by(minutes=11)
    go_on(world)
    assert asked(world) == {MO: flood.MOST, MAX: flood.MOST}
    assert told(world) == ["5 more posts wait at Town"]
    world.clock.pass_by(minutes=61)
    go_on(world)
    assert (asked(world), told(world)) == ({MO: 5, MAX: 5}, [])


def test_members_and_applicants_never_wait_behind_them(world: World, town: MailingList) -> None:
    strangers(world, flood.MOST + 1)
    asked(world)
    for number in range(flood.MOST + 2):
        world.post(ANN, "town", subject=f"Post {number}", authorship=PROVEN)
    send(world, ZOE, "subscribe town Zoe Zu\r\n", "listserv")
    assert asked(world) == {MO: flood.MOST + 3, MAX: flood.MOST + 3}


def test_who_writes_in_a_members_name_waits_like_a_stranger(
    world: World, town: MailingList
) -> None:
    for number in range(flood.MOST + 5):
        world.post(ANN, "town", subject=f"Buy {number}", authorship=CONTRADICTED)
    assert asked(world) == {MO: flood.MOST, MAX: flood.MOST}
    for number in range(5):
        world.post(BOB, "town", subject=f"Pills {number}", authorship=UNPROVEN)
    assert asked(world) == {}
    # Where nothing has to be proven, a member is a member.
    world.site = replace(world.site, require_proven_author=False)
    world.post(BOB, "town", subject="Hello", authorship=UNPROVEN)
    assert asked(world) == {MO: 1, MAX: 1}


def test_what_is_urgent_never_waits_as_long_as_it_is_told_at_all(
    world: World, town: MailingList, tmp_path: Path
) -> None:
    urgent = 'when body has any of "end it all" then urgent, hold "help"'
    others = 'when body has any of "morning" then hold "advert?"'
    (tmp_path / "town.txt").write_text(f"{urgent}\n{others}\n")
    world.site = replace(world.site, rule_files=RuleFiles(tmp_path))
    set_list(world, town, content_rules="town.txt")
    strangers(world, flood.MOST + 1)
    assert asked(world) == {MO: flood.MOST, MAX: flood.MOST}
    for number in range(12):
        author = f"t{number}@example.net"
        world.post(author, "town", subject=f"{number}", body="I end it all", authorship=UNPROVEN)
    # So many urgent posts of which nobody knows who wrote them are told in a day.
    assert asked(world) == {MO: 10, MAX: 10}


def test_what_was_never_shown_expires_all_the_same(world: World, town: MailingList) -> None:
    strangers(world, 30)
    waiting = world.store.read(held.ls)
    for _ in range(2):
        world.clock.pass_by(days=1)
        go_on(world)
    assert {state(world, one.id) for one in waiting} == {HeldState.EXPIRED}
    assert set(asked(world)) <= {MO, MAX, OLGA}
