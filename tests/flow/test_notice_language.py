"""A mail of ours is in the reader's language: the one that they chose, else their list's."""

import email
import email.header
import email.policy

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.domain.post import Transport
from listserv.flow import notices
from listserv.store import lists
from tests.flow.world import DOMAIN, World, a_message, an_address

ANN = "ann@example.org"


def told(world: World) -> tuple[str, str]:
    """Subject and text of the mail that was sent last."""
    message = email.message_from_bytes(world.last())
    text = message.get_payload(decode=True)
    assert isinstance(text, bytes)
    subject = email.header.make_header(email.header.decode_header(message["Subject"]))
    return str(subject), text.decode()


def welcome(world: World, mlist: MailingList, member: Member) -> str:
    now = world.clock.now()
    world.store.write(lambda tx: notices.welcome(tx, world.site, mlist, member, now))
    world.deliver()
    return told(world)[0]


@pytest.mark.parametrize(
    ("lists_own", "members_own", "says"),
    [
        ("en", "", "Welcome to Town"),
        ("de", "", "Willkommen bei Town"),
        ("de", "en", "Welcome to Town"),
        ("en", "de", "Willkommen bei Town"),
    ],
)
def test_a_list_writes_in_its_own_language_unless_a_member_chose(
    world: World, lists_own: str, members_own: str, says: str
) -> None:
    mlist = world.found("town", title="Town", language=lists_own)
    assert welcome(world, mlist, world.join(mlist, ANN, language=members_own)) == says


def test_a_list_that_changes_its_language_takes_its_members_along(world: World) -> None:
    mlist = world.found("town", title="Town")
    member = world.join(mlist, ANN)
    assert welcome(world, mlist, member) == "Welcome to Town"
    mlist = world.store.write(lambda tx: lists.change(tx, mlist.id, {"language": "de"}))
    assert welcome(world, mlist, member) == "Willkommen bei Town"


def test_a_refusal_is_in_its_readers_language_to_the_last_word(world: World) -> None:
    mlist = world.found("town", title="Town", max_size=2000)
    world.join(mlist, ANN, language="de")
    world.post(ANN, "town", transport=Transport.LMTP, body="x" * 1_700_000)
    assert world.deliver() == [ANN]
    subject, text = told(world)
    assert subject == "Ihr Beitrag an Town wurde nicht angenommen"
    assert "Ihre Mail hat 1,7 MB" in text and "höchstens 1 kB an" in text
    assert "Your" not in text and "please" not in text


def test_what_a_copy_for_the_owners_lacks_is_named_in_the_lists_language(world: World) -> None:
    mlist = world.found("town", language="de")
    world.join(mlist, ANN, role="owner")
    header = {"content_type": "image/jpeg", "content_disposition": "attachment"}
    raw = a_message(ANN, (f"town-owner@{DOMAIN}",), body="x" * 1_500_000, **header)
    world.post(ANN, f"town-owner@{DOMAIN}", raw=raw)
    assert world.deliver() == [ANN]
    assert "[Ein Anhang von 1.465 kB (image/jpeg) wurde hier weggelassen." in told(world)[1]


@pytest.mark.parametrize(
    ("language", "name"),
    [("", "Mailing lists at"), ("en", "Mailing lists at"), ("de", "Mailinglisten bei")],
)
def test_a_domain_writes_by_its_robot(world: World, language: str, name: str) -> None:
    to, now = an_address("zoe@example.net"), world.clock.now()
    world.store.write(
        lambda tx: notices.send(
            tx, world.site, DOMAIN, "owner-list-busy.txt", to, now, values={}, language=language
        )
    )
    assert world.deliver() == ["zoe@example.net"]
    message = email.message_from_bytes(world.last(), policy=email.policy.SMTP)
    assert message["From"] == f'"{name} {DOMAIN}" <listserv@{DOMAIN}>'
    assert message["Reply-To"] == f"listserv@{DOMAIN}"
    assert world.sent[-1].sender.startswith("listserv-bounces+")
