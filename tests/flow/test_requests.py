"""Somebody asks to join a list where people decide: it waits, is decided once, and told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, JoinRequest, Member, MemberRole, MemberState
from listserv.flow import moderate, requests, tidy
from listserv.store import bans, events, held, members, status
from listserv.store.held import Held, HeldState
from listserv.store.tables import MemberRow
from tests.flow.world import DOMAIN, World, an_address

ZOE = "zoe@example.net"
MO = "mo@example.com"
BEGAN = "by mail <1@example.net> at 2026-11-21 12:00 UTC"


@pytest.fixture
def town(world: World) -> MailingList:
    return world.found("town", title="Town")


def request(address: str = ZOE, **values: str) -> JoinRequest:
    return JoinRequest(
        address=an_address(address),
        name=values.get("name", "Zoë"),
        delivery=Delivery(values.get("delivery", "digest")),
        words=values.get("words", "I care for my mother."),
        began=BEGAN,
        language=values.get("language", ""),
    )


def ask(world: World, mlist: MailingList, wanted: JoinRequest) -> bool:
    now = world.clock.now()
    return world.store.write(lambda tx: requests.ask(tx, world.site, mlist, wanted, now))


def the_only_one(world: World) -> Held:
    (one,) = world.store.read(held.ls)
    return one


def decide(world: World, verb: str, *, trust: bool = False) -> Held:
    """Decide about the only request that waits."""
    number, now, site = the_only_one(world).id, world.clock.now(), world.site
    match verb:
        case "approve":
            return world.store.write(
                lambda tx: moderate.approve(tx, site, number, MO, now, trust=trust)
            )
        case "reject":
            return world.store.write(
                lambda tx: moderate.reject(tx, site, number, "We are full.", MO, now)
            )
    return world.store.write(lambda tx: moderate.discard(tx, number, MO, now))


def find(world: World, mlist: MailingList) -> Member | None:
    return world.store.read(lambda tx: members.by_key(tx, mlist.id, ZOE))


def test_a_request_waits_and_is_no_post(world: World, town: MailingList) -> None:
    wanted = request(language="de")
    assert ask(world, town, wanted)
    one = the_only_one(world)
    assert (one.request, one.post_id, one.author, one.subject) == (wanted, 0, ZOE, "")
    assert [reason.because for reason in one.reasons] == ["asks to join"]
    assert (one.list_address, one.state, one.decided) == (f"town@{DOMAIN}", HeldState.HELD, None)
    assert world.store.read(status.held) == (1, world.clock.now())
    assert find(world, town) is None
    assert world.deliver() == []


def test_an_address_asks_once_at_a_time(world: World, town: MailingList) -> None:
    assert ask(world, town, request())
    assert not ask(world, town, request(ZOE.upper(), words="Please!"))
    assert ask(world, world.found("city"), request())
    assert ask(world, town, request("other@example.net"))

    def is_open(address: str) -> bool:
        return world.store.read(lambda tx: held.open_request(tx, town.id, address)) is not None

    assert is_open(ZOE) and is_open("other@example.net") and not is_open("nobody@example.net")


def test_twenty_mails_at_once_ask_once(world: World, town: MailingList) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda n: ask(world, town, request(words=str(n))), range(20)))
    assert asked.count(True) == 1
    assert the_only_one(world).author == ZOE


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", ""),
        ("One.\r\n\r\n  Two.  ", "One.\nTwo."),
        ("a\x1b]0;gotcha\x07b\u202ec\u2028d\te", "a]0;gotchabc\nd e"),
        ("{{ 7 * 7 }} $title %s", "{{ 7 * 7 }} $title %s"),
        ("x" * 10_000, "x" * 500),
    ],
)
def test_what_they_say_is_kept_short_and_printable(
    world: World, town: MailingList, said: str, kept: str
) -> None:
    assert ask(world, town, request(words=said, name="Z\x00o\u202e" + "e" * 100))
    found = the_only_one(world).request
    assert found is not None
    assert found.words == kept
    assert found.name == "Zo" + "e" * 78
    decide(world, "approve")
    member = find(world, town)
    assert member is not None and member.name == found.name


def test_an_approved_applicant_is_a_welcome_member_and_it_is_known_how(
    world: World, town: MailingList
) -> None:
    ask(world, town, request())
    decide(world, "approve")
    member = find(world, town)
    assert member is not None
    assert (member.name, member.delivery, member.role) == (
        "Zoë", Delivery.DIGEST, MemberRole.MEMBER,
    )  # fmt: skip
    assert member.began == f"{BEGAN}, approved by {MO}"
    assert member.joined == world.clock.now()
    assert world.deliver() == [ZOE]
    assert b"you are now a member of" in world.last()
    assert world.store.read(held.ls) == []
    log = [(event.who, event.what) for event in world.store.read(lambda tx: events.ls(tx, town.id))]
    assert log == [
        (ZOE, "asked to join"), (MO, f"added {ZOE}"), (MO, f"approved request 1 of {ZOE}"),
    ]  # fmt: skip


def test_their_language_goes_with_them(world: World, town: MailingList) -> None:
    ask(world, town, request(language="de"))
    decide(world, "approve")
    member = find(world, town)
    assert member is not None and member.settings.language == "de"
    world.deliver()
    assert b"Subject: Willkommen" in world.last()


@pytest.mark.parametrize("state", [MemberState.LEFT, MemberState.SUSPENDED])
def test_who_was_a_member_before_is_one_again(
    world: World, town: MailingList, state: MemberState
) -> None:
    before = world.join(town, ZOE, role="owner", name="Zoe", moderated=True)
    now_is = update(MemberRow).where(MemberRow.id == before.id).values(state=state)
    world.store.write(lambda tx: tx.execute(now_is))
    ask(world, town, request(name=""))
    decide(world, "approve")
    member = find(world, town)
    assert member is not None
    stays = state is MemberState.SUSPENDED
    role = MemberRole.OWNER if stays else MemberRole.MEMBER
    assert (member.id, member.name, member.role) == (before.id, "Zoe", role)
    assert member.settings.moderated


def test_a_rejected_applicant_hears_why_and_may_ask_again(world: World, town: MailingList) -> None:
    ask(world, town, request())
    decide(world, "reject")
    assert world.deliver() == [ZOE]
    notice = world.last().decode()
    assert "Subject: Your request to join Town\r\n" in notice
    assert "\r\nWe are full.\r\n" in notice
    assert "I care for my mother." not in notice
    assert find(world, town) is None
    assert ask(world, town, request())


def test_a_discarded_request_is_not_answered(world: World, town: MailingList) -> None:
    ask(world, town, request())
    decide(world, "discard")
    assert world.deliver() == []
    (gone,) = world.store.read(lambda tx: held.ls(tx, None, HeldState.DISCARDED))
    assert gone.request == request()


def test_a_second_decision_hears_who_decided(world: World, town: MailingList) -> None:
    ask(world, town, request())
    done = decide(world, "approve")
    now = world.clock.now()
    with pytest.raises(ListservError, match=f"^request {done.id} was approved by {MO} at 2026"):
        world.store.write(lambda tx: moderate.discard(tx, done.id, "al", now))


def test_there_is_no_way_to_trust_in_a_request(world: World, town: MailingList) -> None:
    ask(world, town, request())
    with pytest.raises(ListservError, match=r"^request 1: there is no post to trust"):
        decide(world, "approve", trust=True)
    assert the_only_one(world).state is HeldState.HELD
    assert find(world, town) is None


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_who_became_a_member_meanwhile_can_only_be_discarded(
    world: World, town: MailingList, verb: str
) -> None:
    ask(world, town, request())
    before = world.join(town, ZOE)
    with pytest.raises(ListservError, match=rf"^request 1: {ZOE} is a member of .*; discard the"):
        decide(world, verb)
    assert find(world, town) == before
    decide(world, "discard")
    assert world.deliver() == []


def test_who_is_banned_meanwhile_is_not_let_in(world: World, town: MailingList) -> None:
    ask(world, town, request())
    now = world.clock.now()
    world.store.write(
        lambda tx: bans.add(
            tx, list_id=town.id, pattern="@example.net", until=None, reason="", now=now
        )
    )
    with pytest.raises(ListservError, match=rf"^request 1: {ZOE} is banned .*; discard the"):
        decide(world, "approve")
    assert find(world, town) is None
    decide(world, "reject")


def test_an_address_that_somebody_else_posts_from_is_not_let_in(
    world: World, town: MailingList
) -> None:
    ask(world, town, request())
    world.join(town, "ann@example.org", also=ZOE)
    with pytest.raises(ListservError, match=r"^request 1: .* ann@example.org posts from"):
        decide(world, "approve")


def test_a_decided_request_is_forgotten_after_a_while_and_an_open_one_never(
    world: World, town: MailingList
) -> None:
    def forget() -> None:
        now = world.clock.now()
        world.store.write(lambda tx: tidy.forget(tx, timedelta(days=30), now))

    def is_known(number: int) -> bool:
        return world.store.read(lambda tx: held.find(tx, number)) is not None

    ask(world, town, request())
    decide(world, "discard")
    ask(world, town, request())
    world.clock.pass_by(days=13)
    forget()
    assert is_known(1) and is_known(2)
    world.clock.pass_by(days=2)
    forget()
    assert not is_known(1) and is_known(2)


def test_posts_and_requests_wait_side_by_side(world: World, town: MailingList) -> None:
    world.join(town, "ann@example.org", moderated=True)
    world.post("ann@example.org", "town", subject="Seeds")
    ask(world, town, request())
    world.post(ZOE, "town", subject="Let me in")
    assert [one.subject for one in world.store.read(held.ls)] == ["Seeds", "", "Let me in"]
    assert world.store.read(status.held)[0] == 3
    ann = world.store.read(lambda tx: members.by_key(tx, town.id, "ann@example.org"))
    assert ann is not None
    (hers,) = world.store.read(lambda tx: held.of_member(tx, town.id, ann.id))
    assert hers.subject == "Seeds"
