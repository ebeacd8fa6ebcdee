"""The DNS of an author's domain does not answer: later, and after half an hour without it."""

from dataclasses import replace
from typing import Any

import pytest

from listserv.domain.authorship import Authorship, Level
from listserv.domain.post import Transport
from listserv.store import held, posts
from tests.flow.world import DOMAIN, World, a_message

SILENT = Authorship(Level.UNPROVEN, ("the DNS of example.org timed out",), temporary=True)
ANN = "ann@example.org"
LATER = "451 4.4.3 The DNS of the From address did not answer, please try again later"


@pytest.fixture
def town(world: World) -> str:
    mlist = world.found("town")
    world.join(mlist, ANN)
    return "town"


def try_again(world: World, *names: str, **more: Any) -> list[str]:
    """What the client hears when it sends this message now."""
    arguments = {"authorship": SILENT, "message_id": "<same@example.org>", **more}
    return [reply.line for reply in world.post(ANN, *names, **arguments)]


def reasons(world: World) -> list[list[str]]:
    return [[r.because for r in one.reasons] for one in world.store.read(held.ls)]


@pytest.mark.parametrize("transport", Transport)
def test_a_message_is_put_off_for_half_an_hour_and_then_taken_as_unproven(
    world: World, town: str, transport: Transport
) -> None:
    for minutes in (0, 5, 10, 14):
        world.clock.pass_by(minutes=minutes)
        assert try_again(world, town, transport=transport) == [LATER]
    assert reasons(world) == [] and world.deliver() == []
    world.clock.pass_by(minutes=1)
    assert try_again(world, town, transport=transport) == ["250 2.0.0 Message accepted"]
    assert reasons(world) == [["its author is not proven: its domain's DNS did not answer"]]
    assert world.deliver() == [ANN]
    (waiting,) = world.store.read(held.ls)
    stored = world.store.read(lambda tx: posts.get(tx, waiting.post_id)).authorship
    assert (stored.level, stored.temporary) == (Level.UNPROVEN, False)


def test_once_the_dns_answers_nothing_is_put_off(world: World, town: str) -> None:
    assert try_again(world, town) == [LATER]
    world.clock.pass_by(minutes=5)
    proven = replace(SILENT, level=Level.PROVEN, temporary=False)
    assert try_again(world, town, authorship=proven) == ["250 2.0.0 Message accepted"]
    assert world.deliver() == [ANN]


def test_each_message_has_a_half_hour_of_its_own(world: World, town: str) -> None:
    try_again(world, town)
    world.clock.pass_by(minutes=30)
    assert try_again(world, town, message_id="<other@example.org>") == [LATER]
    assert try_again(world, town) != [LATER]


def test_without_a_message_id_the_body_tells_a_message(world: World, town: str) -> None:
    assert try_again(world, town, message_id="", body="one") == [LATER]
    world.clock.pass_by(minutes=30)
    assert try_again(world, town, message_id="", body="two") == [LATER]
    assert try_again(world, town, message_id="", body="one") != [LATER]


def test_several_lists_are_put_off_together(world: World, town: str) -> None:
    world.found("country")
    assert try_again(world, town, "country", transport=Transport.LMTP) == [LATER] * 2
    assert try_again(world, town, "country") == [LATER] * 2


def test_where_no_proof_is_asked_for_nothing_is_put_off(world: World, town: str) -> None:
    world.site = replace(world.site, require_proven_author=False)
    assert try_again(world, town) == ["250 2.0.0 Message accepted"]
    assert world.deliver() == [ANN]


def test_an_answer_to_a_question_needs_no_dns(world: World, town: str) -> None:
    world.post(ANN, town, authorship=replace(SILENT, temporary=False))
    world.deliver()
    (line,) = [ln for ln in world.last().decode().splitlines() if ln.startswith("Reply-To: ")]
    question = line.removeprefix("Reply-To: ")
    assert try_again(world, question, body="yes") == ["250 2.0.0 Message accepted"]
    assert reasons(world) == []


def test_a_message_id_that_no_database_takes_is_put_off_like_others(
    world: World, town: str
) -> None:
    raw = a_message(ANN, (f"town@{DOMAIN}",)).replace(b"Message-ID: <", b"Message-ID: <\xff\x00")
    (reply,) = world.post(ANN, town, raw=raw, authorship=SILENT)
    assert reply.line == LATER
