"""LIST-leave+TOKEN@, the mailto of List-Unsubscribe: it acts for whose copy carried it, and for
nobody else."""

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.post import Transport
from listserv.domain.tokens import Purpose, copy_token
from listserv.flow import recipient
from tests.flow.letters import (
    ANN,
    AUTOMATIC,
    BOB,
    CONTRADICTED,
    NOTHING_VERIFIED,
    PROVEN,
    ZOE,
    answer,
    at,
    is_member,
    letters,
    log_of,
    send,
    the_letter,
    the_member,
)
from tests.flow.world import World


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town")
    world.join(mlist, ANN)
    world.join(mlist, BOB)
    return mlist


def leave_token(world: World, number: int, purpose: Purpose = Purpose.LEAVE) -> str:
    return copy_token(world.site.secret, purpose, number, 1)


def rcpt(world: World, address: str, transport: Transport = Transport.SMTP) -> int:
    now = world.clock.now()
    return world.store.read(
        lambda tx: recipient.answer(tx, world.site, address, transport, now)
    ).code


def test_it_ends_the_membership_of_one_from_whatever_author(
    world: World, town: MailingList
) -> None:
    bob = the_member(world, town, BOB)
    for author, authorship in ((ZOE, NOTHING_VERIFIED), (ANN, CONTRADICTED), (BOB, PROVEN)):
        address = f"town-leave+{leave_token(world, bob.id)}"
        assert rcpt(world, at(address)) == 250
        send(world, author, "", address, authorship)
        assert not is_member(world, town, BOB) and is_member(world, town, ANN)
        goodbye = the_letter(world, BOB)
        send(world, author, "again", address, authorship)
        assert letters(world) == []
        answer(world, goodbye, "undo")
        assert is_member(world, town, BOB)
        letters(world)
    assert log_of(world, town)[0] == (f"{BOB} by List-Unsubscribe", f"{BOB} left")


def test_a_wrong_list_a_wrong_purpose_and_another_site_are_unknown(
    world: World, town: MailingList
) -> None:
    bob = world.join(town, "reader@example.org")
    city = world.found("city")
    world.join(city, BOB)
    good = leave_token(world, bob.id)
    assert rcpt(world, at(f"town-leave+{good}")) == 250
    wrong = [
        f"city-leave+{good}",
        f"town-leave+{leave_token(world, bob.id, Purpose.BOUNCES)}",
        f"town-leave+{leave_token(world, 999)}",
        f"town-leave+{leave_token(world, 0)}",
        f"town-leave+{copy_token(bytes(32), Purpose.LEAVE, bob.id, 1)}",
        f"town-leave+{good[:-1]}",
        f"town-leave+{'a' * 24}",
        "town-leave+",
    ]
    for address in wrong:
        assert rcpt(world, at(address)) == 550, address
        assert rcpt(world, at(address), Transport.LMTP) == 250, address
        world.post(ZOE, at(address), transport=Transport.LMTP)
    assert letters(world) == [] and is_member(world, town, "reader@example.org")
    assert is_member(world, city, BOB)


def test_what_a_program_sends_there_does_nothing(world: World, town: MailingList) -> None:
    reader = world.join(town, "reader@example.org")
    address = f"town-leave+{leave_token(world, reader.id)}"
    for marks in AUTOMATIC:
        assert send(world, reader.address.key, "", address, PROVEN, **marks).accepted
    assert letters(world) == [] and is_member(world, town, "reader@example.org")
