"""What a reply to a mail that offers UNDO may say besides."""

import re

import pytest

from listserv.domain.authorship import Authorship, Level
from listserv.domain.members import MemberState
from listserv.store import lists, members
from tests.flow.world import DOMAIN, World

SPF = Authorship(Level.PROVEN, spf_aligned=True)
UNPROVEN = Authorship(Level.UNPROVEN, ("nothing proves it",))
UNDO = re.compile(rb"^Reply-To: <?(town-confirm\+[a-z2-7]+@lists\.example\.org)", re.MULTILINE)


@pytest.fixture
def undo_address(world: World) -> str:
    """Ann, an owner, has added Ben and may take it back."""
    town = world.found("town", title="Town")
    world.join(town, "ann@example.org", role="owner")
    body = "QUIET ADD town ben@example.net"
    world.post("ann@example.org", f"town-request@{DOMAIN}", body=body, authorship=SPF)
    assert world.deliver() == ["ann@example.org"]
    found = UNDO.search(world.last())
    assert found is not None
    return found[1].decode()


def is_member(world: World, address: str) -> bool:
    town = world.store.read(lambda tx: lists.find(tx, "town"))
    found = world.store.read(lambda tx: members.by_key(tx, town.id, address))
    return found is not None and found.state is MemberState.ACTIVE


def test_a_command_is_obeyed_and_what_can_be_taken_back_still_can(
    world: World, undo_address: str
) -> None:
    body = "query\r\n\r\nOn Sat, Town wrote:\r\n> undo"
    world.post("ann@example.org", undo_address, body=body, authorship=SPF)
    assert world.deliver() == ["ann@example.org"]
    assert b"You are one of its owners." in world.last()
    assert is_member(world, "ben@example.net")
    world.post("ann@example.org", undo_address, body="undo")
    assert not is_member(world, "ben@example.net")


def test_a_command_there_acts_no_more_than_anywhere(world: World, undo_address: str) -> None:
    """Whoever got the address forwarded is asked as the author is, who proves nothing."""
    signoff = "signoff town\n"
    world.post("ann@example.org", undo_address, body=signoff, authorship=UNPROVEN)
    assert world.deliver() == ["ann@example.org"]
    assert b"Is this from you?" in world.last()
    world.post("eve@evil.example", undo_address, body=signoff, authorship=SPF)
    assert world.deliver() == ["eve@evil.example"]
    assert b"This address is not on the list" in world.last()
    assert is_member(world, "ann@example.org")


@pytest.mark.parametrize("words", ["What is this?", "please take it back", ""])
def test_other_words_are_told_what_it_is_for(world: World, undo_address: str, words: str) -> None:
    world.post("ann@example.org", undo_address, body=words)
    assert world.deliver() == ["ann@example.org"]
    assert b"reply with: undo" in world.last()


def test_a_program_is_not_obeyed(world: World, undo_address: str) -> None:
    world.post("ann@example.org", undo_address, body="query", auto_submitted="auto-replied")
    assert world.deliver() == []
