"""ack=yes: an author hears that their post went out, once, and nobody hears it in their place."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.lists import MailingList
from listserv.flow import moderate
from listserv.flow.site import Site
from listserv.store import held, members
from listserv.store.session import Tx
from tests.flow.world import DOMAIN, PROVEN, StillClock, World

ANN = "ann@example.org"
CLEO = "cleo@example.org"
PATH = VerifiedPath(("mail.example",), "mail.example")
UNPROVEN = Authorship(Level.UNPROVEN, ("no signature",), PATH)


@pytest.fixture
def town(world: World) -> MailingList:
    """A list that holds nothing by itself; ann wants receipts and no copies of her own posts."""
    mlist = world.found("town", title="Town")
    world.join(mlist, ANN, ack=True, own_posts=False, also="ann@work.example")
    world.join(mlist, CLEO)
    return mlist


def test_an_accepted_post_has_a_receipt_with_the_beginning_of_its_subject(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="Seeds " * 30, message_id="<seeds@example.org>")
    assert world.deliver() == [ANN, CLEO]
    (receipt,) = [t for t in world.sent if t.recipients == (ANN,)]
    text = b"".join(receipt.data).decode()
    assert "Subject: Your post to Town was sent out\r\n" in text
    assert "In-Reply-To: <seeds@example.org>\r\n" in text
    assert f"Reply-To: town-request@{DOMAIN}\r\n" in text
    assert "\r\nSET town NOACK\r\n" in text
    body = text.replace("=\r\n", "").partition("\r\n\r\n")[2]
    assert 0 < body.count("Seeds") < 15
    assert "Good morning." not in body


def approve(tx: Tx, site: Site, held_id: int) -> None:
    moderate.approve(tx, site, held_id, "mo", StillClock().now())


def test_who_does_not_want_receipts_gets_none(world: World, town: MailingList) -> None:
    world.post(CLEO, "town")
    assert world.deliver() == [ANN, CLEO]
    assert b"was sent out" not in b"".join(b for t in world.sent for b in t.data)


def test_it_goes_to_the_address_on_file(world: World, town: MailingList) -> None:
    world.post("ann@work.example", "town")
    assert world.deliver() == [ANN, CLEO]


def test_the_same_post_again_has_no_second_receipt(world: World, town: MailingList) -> None:
    for _ in range(2):
        world.post(ANN, "town", message_id="<1@example.org>")
    assert world.deliver() == [ANN, CLEO]


@dataclass(frozen=True)
class Case:
    """A post by ann on a list where nobody has to be proven."""

    who: str
    authorship: Authorship = PROVEN
    header: dict[str, str] = field(default_factory=dict)


NOT_TOLD = [
    Case("nothing proves it", UNPROVEN),
    Case("a program", header={"auto_submitted": "auto-generated"}),
    Case("bulk mail", header={"precedence": "bulk"}),
    Case("another list", header={"list_id": "<other.example.net>"}),
]


@pytest.mark.parametrize("case", NOT_TOLD, ids=lambda case: case.who)
def test_a_post_that_may_be_somebody_elses_has_no_receipt(
    world: World, town: MailingList, case: Case
) -> None:
    world.site = replace(world.site, require_proven_author=False)
    header: dict[str, Any] = {**case.header}
    world.post(ANN, "town", authorship=case.authorship, **header)
    for one in world.store.read(held.ls):
        world.store.write(partial(approve, site=world.site, held_id=one.id))
    assert world.deliver() == [CLEO]


def test_a_held_post_has_its_receipt_when_it_goes_out(world: World) -> None:
    mlist = world.found("city", moderation="all")
    world.join(mlist, ANN, ack=True, own_posts=False)
    world.post(ANN, "city")
    assert world.deliver() == []
    (one,) = world.store.read(held.ls)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.approve(tx, world.site, one.id, "mo", now))
    assert world.deliver() == [ANN]


@pytest.mark.parametrize("trust", [True, False])
def test_a_moderators_trust_is_enough_and_their_approval_alone_is_not(
    world: World, town: MailingList, trust: bool
) -> None:
    world.post(ANN, "town", authorship=UNPROVEN)
    assert world.deliver() == [ANN]  # asked whether it was them
    (one,) = world.store.read(held.ls)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.approve(tx, world.site, one.id, "mo", now, trust=trust))
    assert world.deliver() == ([ANN, CLEO] if trust else [CLEO])


def test_who_left_before_it_went_out_hears_nothing(world: World) -> None:
    mlist = world.found("city", moderation="all")
    ann = world.join(mlist, ANN, ack=True)
    world.post(ANN, "city")
    (one,) = world.store.read(held.ls)
    now = world.clock.now()
    world.store.write(lambda tx: members.leave(tx, ann.id, now))
    world.store.write(lambda tx: moderate.approve(tx, world.site, one.id, "mo", now))
    assert world.deliver() == []
