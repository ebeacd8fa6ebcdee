"""In the evening whoever decides hears what still waits."""

import re

import pytest

from listserv.domain.authorship import UNCHECKED
from listserv.flow import escalate, moderate, summary
from listserv.store import held
from tests.flow.world import World

MO, OLGA, ANN = "mo@example.org", "olga@example.org", "ann@example.org"


@pytest.fixture
def town(world: World) -> World:
    mlist = world.found("town", title="Town", moderation="all")
    world.join(mlist, OLGA, role="owner")
    world.join(mlist, MO, role="moderator")
    world.join(mlist, ANN)
    world.found("quiet", title="Quiet")
    world.post(ANN, "town", subject="Seeds")
    world.post("zoe@example.net", "town", subject="Advert", authorship=UNCHECKED)
    world.deliver()
    return world


def sum_up(world: World) -> list[str]:
    """Who gets a summary now; all lists are gone through, as the server does every minute."""
    number: int | None = 0
    while number is not None:
        after, now = number, world.clock.now()
        number = world.store.write(lambda tx: summary.send(tx, world.site, now, after))  # noqa: B023
    return world.deliver()


def test_nothing_is_said_before_the_evening(town: World) -> None:
    assert sum_up(town) == []


def test_moderators_hear_once_an_evening_what_waits(town: World) -> None:
    town.clock.pass_by(hours=6)
    assert sum_up(town) == [MO]
    mail = town.last().decode()
    assert "Subject: 2 still wait at Town" in mail
    assert re.search(r"- ann@example.org: Seeds \(21 November 2026\)", mail)
    assert "zoe@example.net: Advert" in mail
    town.clock.pass_by(hours=1)
    assert sum_up(town) == []
    town.clock.pass_by(hours=23)
    assert sum_up(town) == [MO]


def test_who_has_nothing_left_to_decide_hears_nothing(town: World) -> None:
    now = town.clock.now()
    for one in town.store.read(held.ls):
        number = one.id
        town.store.write(lambda tx: moderate.discard(tx, number, MO, now))  # noqa: B023
    town.clock.pass_by(hours=6)
    assert sum_up(town) == []


def test_nobody_is_told_of_their_own_post(world: World) -> None:
    mlist = world.found("town", moderation="all")
    world.join(mlist, MO, role="moderator")
    world.post(MO, "town")
    world.deliver()
    world.clock.pass_by(hours=7)
    assert sum_up(world) == []


def test_what_nobody_decided_in_time_is_told_of_once(town: World) -> None:
    """Nobody else would hear of it: nothing proves who wrote it."""
    expire(town)
    assert [one.state for one in town.store.read(lambda tx: held.ls(tx, state="expired"))]
    town.clock.pass_by(hours=6)
    assert sum_up(town) == [MO]
    mail = town.last().decode()
    assert "Subject: Nothing waits any more at Town" in mail and "Expired undecided: 2." in mail
    town.post(ANN, "town", subject="Leaves")
    town.deliver()
    town.clock.pass_by(days=1)
    assert sum_up(town) == [MO]
    assert "One still waits" in town.last().decode() and "Expired" not in town.last().decode()


def expire(world: World) -> None:
    """All that is held has waited too long."""
    world.clock.pass_by(days=14)
    now = world.clock.now()
    for one in world.store.read(held.ls):
        world.store.write(lambda tx: escalate.go_on(tx, world.site, one.id, now))  # noqa: B023
    world.deliver()


def test_owners_hear_of_what_only_they_can_decide(world: World) -> None:
    """The only moderator cannot decide about their own post."""
    mlist = world.found("town", title="Town", moderation="all")
    world.join(mlist, OLGA, role="owner")
    world.join(mlist, MO, role="moderator")
    world.post(MO, "town", subject="Seeds")
    world.deliver()
    world.clock.pass_by(hours=6)
    assert sum_up(world) == [OLGA]
