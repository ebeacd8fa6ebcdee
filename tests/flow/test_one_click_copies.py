"""Copies by which their readers leave in one click: which have the link, and that it is theirs."""

import re
from dataclasses import replace
from email import message_from_bytes
from email.message import Message

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.mailing import Mode
from listserv.flow import unsubscribe
from listserv.flow.deliver import Deliveries
from listserv.flow.site import nobody_signs
from listserv.flow.unsubscribe import Outcome
from listserv.workers import digests
from tests.flow.letters import ANN, BOB, is_member
from tests.flow.world import DOMAIN, World

URL = "https://lists.example.org/lists"
PAGE = re.compile(rf"<{URL}/u/([a-z2-7]{{32}})>, (?=<mailto:town-leave\+[a-z2-7]{{24}}@{DOMAIN}>$)")


@pytest.fixture
def town(world: World) -> MailingList:
    world.site = replace(world.site, mode=Mode.PERSONAL, urls={DOMAIN: URL})
    mlist = world.found("town", title="Our Town")
    world.join(mlist, ANN)
    world.join(mlist, BOB)
    return mlist


def copies(world: World, subject: str) -> dict[str, Message]:
    """What goes out now with this subject, by reader."""
    before = len(world.sent)
    world.deliver()
    mails = [
        (one.recipients, message_from_bytes(b"".join(one.data))) for one in world.sent[before:]
    ]
    return {
        to: mail for recipients, mail in mails for to in recipients if subject in mail["Subject"]
    }


def unsubscribe_of(mail: Message) -> str:
    return " ".join(str(mail["List-Unsubscribe"]).split())


def leave(world: World, mail: Message) -> Outcome | None:
    found = PAGE.match(unsubscribe_of(mail))
    assert found is not None
    now = world.clock.now()
    return world.store.write(lambda tx: unsubscribe.one_click(tx, world.site, found[1], now))


def test_a_copy_takes_its_own_reader_out_and_nobody_else(world: World, town: MailingList) -> None:
    world.post(ANN, "town", list_unsubscribe_post="List-Unsubscribe=No")
    mails = copies(world, "Hello")
    assert mails.keys() == {ANN, BOB}
    assert all(mail.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
               for mail in mails.values())  # fmt: skip
    assert len({unsubscribe_of(mail) for mail in mails.values()}) == 2
    assert leave(world, mails[BOB]) is Outcome.LEFT
    assert (is_member(world, town, ANN), is_member(world, town, BOB)) == (True, False)
    world.post(ANN, "town")
    assert copies(world, "Hello").keys() == {ANN}


def test_a_digest_does_too(world: World, town: MailingList) -> None:
    world.join(town, "cleo@example.org", delivery="digest")
    for hours in (0, 24):
        world.clock.pass_by(hours=hours)
        while digests.turn(world.store, world.site, world.clock):
            pass
        mails = copies(world, "")
        world.post(ANN, "town", subject="News")
    mail = mails["cleo@example.org"]
    assert mail["Precedence"] == "list" and mails.keys() == {ANN, BOB, "cleo@example.org"}
    assert mail.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    assert leave(world, mail) is Outcome.LEFT
    assert not is_member(world, town, "cleo@example.org")


@pytest.mark.parametrize(
    ("site", "has_page", "has_post"),
    [
        ({}, True, True),
        ({"urls": {}}, False, False),
        ({"urls": {"lists.example.net": URL}}, False, False),
        ({"mode": Mode.VERP}, False, False),
        ({"mode": Mode.BATCHED}, False, False),
        ({"burst_bytes": 1}, False, False),
    ],
)
def test_without_a_url_and_where_copies_are_alike_a_mail_leaves(
    world: World, town: MailingList, site: dict[str, object], has_page: bool, has_post: bool
) -> None:
    world.site = replace(world.site, **site)  # type: ignore[arg-type]
    world.post(ANN, "town")
    for mail in copies(world, "Hello").values():
        assert (PAGE.match(unsubscribe_of(mail)) is not None) is has_page
        assert ("List-Unsubscribe-Post" in mail) is has_post
        assert "<mailto:town-leave" in unsubscribe_of(mail)
        assert has_page or "http" not in unsubscribe_of(mail)


def test_what_nobody_signs_offers_no_click(world: World, town: MailingList) -> None:
    """RFC 8058 3.1: only a signature makes it count; the page, with its button, is there."""
    world.site = replace(world.site, signers=nobody_signs)
    world.post(ANN, "town")
    worker, now = Deliveries(world.site, "here:1:1"), world.clock.now()
    lease = world.store.record(lambda tx: worker.lease(tx, now))
    assert lease is not None
    work = world.open(worker, lease)
    assert work is not None
    (one, _) = worker.transactions(work, [(None, group) for group in worker.groups(work)])
    mail = message_from_bytes(b"".join(one.data))
    assert PAGE.match(unsubscribe_of(mail))
    assert "List-Unsubscribe-Post" not in mail and "DKIM-Signature" not in mail


def test_who_forwards_a_copy_to_the_list_keeps_their_place(world: World, town: MailingList) -> None:
    url = "https://www.example.net/our/lists"
    world.site = replace(world.site, urls={DOMAIN: url})
    world.post(ANN, "town")
    page = unsubscribe_of(copies(world, "Hello")[BOB]).partition(">")[0].removeprefix("<")
    token = page.removeprefix(f"{url}/u/")
    assert len(token) == 32
    world.post(BOB, "town", subject="Look", body=f"What is {page} for?")
    for mail in copies(world, "Look").values():
        text = mail.get_payload()
        assert f"What is {url}/u/ for?" in text and token not in text
