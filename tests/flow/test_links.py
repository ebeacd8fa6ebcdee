"""Members who post from more than one address, and that nobody claims another's."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.domain.post import Transport
from listserv.flow import enrol, moderate
from listserv.flow.roster_file import read_roster
from listserv.flow.roster_import import Imported, import_members
from listserv.store import bans, events, held, lists, members, posts
from tests.flow.world import DOMAIN, World

BY = "command line"
ON_FILE, LINKED, SPELLED = "ann.lee@gmail.com", "ann@work.test", "annlee+town@googlemail.com"
UNPROVEN = Authorship(Level.UNPROVEN, ("nothing aligns",), VerifiedPath((), "isp.test"))
CONTRADICTED = Authorship(Level.CONTRADICTED, ("it is forged",), policy="reject")


@pytest.fixture
def town(world: World) -> MailingList:
    """Ann, who posts from work too, Ben, and Mo who moderates."""
    mlist = world.found("town", posting="members", nonmember="hold")
    world.join(mlist, ON_FILE, also=LINKED)
    world.join(mlist, "ben@example.org")
    world.join(mlist, "mo@example.com", role="moderator", delivery="nomail")
    return mlist


def ann(world: World, mlist: MailingList) -> Member:
    found = world.store.read(lambda tx: members.by_key(tx, mlist.id, ON_FILE))
    assert found is not None
    return found


def waiting(world: World) -> list[held.Held]:
    return world.store.read(held.ls)


def rules(post: held.Held) -> list[str]:
    return [reason.rule for reason in post.reasons]


@pytest.mark.parametrize("address", [ON_FILE, LINKED, SPELLED])
def test_a_proven_author_is_a_member_under_each_of_their_addresses(
    world: World, town: MailingList, address: str
) -> None:
    world.post(address, "town")
    assert world.deliver() == [ON_FILE, "ben@example.org"]
    assert ann(world, town).posts == 1


def test_an_unproven_author_is_asked_at_the_address_on_file_about_a_linked_one(
    world: World, town: MailingList
) -> None:
    world.post(LINKED, "town", authorship=UNPROVEN)
    (one,) = waiting(world)
    assert rules(one) == ["unproven-author"]
    assert world.deliver() == [ON_FILE]
    asked = world.last()
    assert f"To: {ON_FILE}\r\n".encode() in asked
    (reply_to,) = [
        line.split(b" ")[1] for line in asked.split(b"\r\n") if line.startswith(b"Reply-To: ")
    ]

    # A second one from the address on file, that came the same way, waits with it.
    world.post(ON_FILE, "town", authorship=UNPROVEN)
    assert world.deliver() == [] and len(waiting(world)) == 2
    world.post(ON_FILE, reply_to.decode().strip("<>"), body="yes", authorship=UNPROVEN)
    assert waiting(world) == []
    assert world.deliver().count("ben@example.org") == 2
    world.post(LINKED, "town", authorship=UNPROVEN)
    assert "ben@example.org" in world.deliver(), "the way is familiar now"


@pytest.mark.parametrize("authorship", [UNPROVEN, CONTRADICTED], ids=["unproven", "contradicted"])
def test_another_spelling_is_a_strangers_unless_it_is_proven(
    world: World, town: MailingList, authorship: Authorship
) -> None:
    world.post(SPELLED, "town", transport=Transport.LMTP, authorship=authorship)
    assert world.deliver() == []
    assert "unproven-author" not in [rule for one in waiting(world) for rule in rules(one)]


def test_a_contradicted_post_from_a_linked_address_is_held_and_nobody_is_told(
    world: World, town: MailingList
) -> None:
    world.post(LINKED, "town", authorship=CONTRADICTED)
    assert world.deliver() == []
    assert len(waiting(world)) == 1


@pytest.mark.parametrize("address", [LINKED, SPELLED])
def test_who_wants_no_own_posts_gets_none_from_any_of_their_addresses(
    world: World, town: MailingList, address: str
) -> None:
    world.store.write(lambda tx: members.change(tx, ann(world, town), {"own_posts": False}))
    world.post(address, "town")
    assert world.deliver() == ["ben@example.org"]


def test_the_eleventh_post_in_an_hour_is_held_from_whatever_address(
    world: World, town: MailingList
) -> None:
    for number in range(11):
        local = ("ann.lee", f"annlee+{number}", "a.n.n.l.e.e")[number % 3]
        world.post(f"{local}@gmail.com", "town", subject=f"No. {number}")
    (one,) = waiting(world)
    assert rules(one) == ["rate-author"]


@pytest.mark.parametrize("pattern", [ON_FILE, LINKED, "@work.test", "@gmail.com"])
def test_a_ban_of_either_address_holds_for_a_post(
    world: World, town: MailingList, pattern: str
) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: bans.add(tx, list_id=town.id, pattern=pattern, until=None, reason="", now=now)
    )
    (reply,) = world.post(LINKED, "town")
    assert reply.code == 550
    assert world.deliver() == []


def test_after_a_link_is_gone_the_address_is_a_strangers(world: World, town: MailingList) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: enrol.remove_members(tx, town.id, [ON_FILE], by=BY, now=now))
    for address in (LINKED, SPELLED):
        world.post(address, "town")
    assert [rules(one) for one in waiting(world)] == [["stranger-hold"]] * 2
    add(world, town, ON_FILE)
    assert ann(world, town).also == ()


def test_what_a_moderator_decides_about_a_linked_post_is_about_the_member(
    world: World, town: MailingList
) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: members.change(tx, ann(world, town), {"moderated": True}))
    for subject in ("first", "second"):
        world.post(LINKED, "town", subject=subject)
    first, second = waiting(world)
    world.store.write(
        lambda tx: moderate.reject(tx, world.site, first.id, "Not here.", "mo@example.com", now)
    )
    assert world.deliver() == [ON_FILE]
    assert f"To: {ON_FILE}\r\n".encode() in world.last()
    world.store.write(lambda tx: moderate.approve(tx, world.site, second.id, "mo@example.com", now))
    assert ann(world, town).posts == 1


def test_a_refusal_by_mail_goes_to_the_address_on_file_once_a_day(
    world: World, town: MailingList
) -> None:
    world.store.write(lambda tx: lists.change(tx, town.id, {"posting": "moderators"}))
    world.store.write(lambda tx: lists.change(tx, town.id, {"nonmember": "reject"}))
    for address in (LINKED, SPELLED):
        world.post(address, "town", transport=Transport.LMTP)
    assert world.deliver() == [ON_FILE]


def test_a_stranger_who_joins_before_the_decision_is_counted(
    world: World, town: MailingList
) -> None:
    world.post("zoe@example.net", "town")
    (one,) = waiting(world)
    assert world.store.read(lambda tx: posts.get(tx, one.post_id)).member_id is None
    zoe = world.join(town, "zoe@example.net")
    now = world.clock.now()
    world.store.write(lambda tx: moderate.approve(tx, world.site, one.id, "mo", now))
    after = world.store.read(lambda tx: members.get(tx, zoe.id))
    assert after is not None and after.posts == 1


def add(world: World, mlist: MailingList, *addresses: str, **settings: str) -> list[Member]:
    now = world.clock.now()
    return world.store.write(
        lambda tx: enrol.add_members(
            tx, mlist.id, addresses, domains={DOMAIN}, settings=settings, by=BY, now=now
        )
    )


def change(world: World, mlist: MailingList, address: str, **settings: str) -> Member:
    now = world.clock.now()
    return world.store.write(
        lambda tx: enrol.change_member(
            tx, mlist.id, address, settings, domains={DOMAIN}, by=BY, now=now
        )
    )


def import_(world: World, mlist: MailingList, text: str, **options: Any) -> Imported:
    now = world.clock.now()
    chosen = {"revive": False, "overwrite": False, **options}
    return world.store.write(
        lambda tx: import_members(
            tx, mlist.id, read_roster(text.encode()), domains={DOMAIN}, by=BY, now=now, **chosen
        )
    )


def links(world: World, mlist: MailingList) -> Mapping[str, str]:
    everybody = world.store.read(lambda tx: list(members.ls(tx, mlist.id)))
    return {str(m.address): m.settings.also for m in everybody if m.settings.also}


CLAIMED = {
    "ben@example.org": "also: ben@example.org is a member of town",
    "BEN+tag@example.org": "also: BEN[+]tag@example.org is the mailbox of ben@example.org",
    LINKED: f"also: {LINKED} is an address that {ON_FILE} posts from",
    "Ann+x@work.test": f"is an address that {ON_FILE} posts from to town@.*take it out",
    "a.nnlee@gmail.com": f"is the mailbox of {ON_FILE}",
    "cleo@example.org": "also: cleo@example.org is their own address",
    "cleo@localhost": "also: cleo@localhost: ",
    f"town@{DOMAIN}": "is an address of a list",
    f"listserv@{DOMAIN}": "is an address of a list",
    "x@spam.test": "also: x@spam.test is banned",
    "cleo": "also='cleo",
    "a@x.test b@": "also=",
}


@pytest.mark.parametrize(("address", "why"), CLAIMED.items())
def test_an_address_that_cannot_be_linked_is_named(
    world: World, town: MailingList, address: str, why: str
) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: bans.add(tx, list_id=None, pattern="@spam.test", until=None, reason="", now=now)
    )
    world.join(town, "cleo@example.org")
    before = links(world, town)
    for text in (address, f"cleo@home.test, {address}"):
        with pytest.raises(ListservError, match=why):
            change(world, town, "cleo@example.org", also=text, name="Cleo")
    assert links(world, town) == before
    with pytest.raises(ListservError):
        import_(world, town, f'address,also\ncleo@example.org,"{address}"\n', overwrite=True)
    assert links(world, town) == before


@pytest.mark.parametrize("address", [LINKED, "Ann@Work.test", "ann+tag@work.test"])
@pytest.mark.parametrize("how", [add, lambda w, m, a: import_(w, m, f"new@x.test\n{a}\n")])
def test_who_joins_cannot_take_an_address_that_another_posts_from(
    world: World, town: MailingList, address: str, how: Callable[..., object]
) -> None:
    before = world.store.read(lambda tx: members.count(tx, town.id))
    with pytest.raises(ListservError, match=f"is an address that {ON_FILE} posts from"):
        how(world, town, address)
    assert world.store.read(lambda tx: members.count(tx, town.id)) == before


def test_a_link_is_free_again_when_it_is_taken_out_or_its_member_leaves(
    world: World, town: MailingList
) -> None:
    change(world, town, ON_FILE, also="")
    change(world, town, "ben@example.org", also=f"{LINKED},ben+list@example.org")
    assert links(world, town) == {"ben@example.org": f"{LINKED},ben+list@example.org"}
    now = world.clock.now()
    world.store.write(
        partial(
            enrol.remove_members, list_id=town.id, addresses=["ben@example.org"], by=BY, now=now
        )
    )
    add(world, town, LINKED)
    told = world.store.read(lambda tx: [e.what for e in events.ls(tx, town.id)])
    assert f"set also={LINKED},ben+list@example.org for ben@example.org" in told


def test_on_another_list_the_same_address_is_free(world: World, town: MailingList) -> None:
    city = world.found("city")
    add(world, city, LINKED, "dan@example.org")
    change(world, city, "dan@example.org", also=ON_FILE)
    assert links(world, city) == {"dan@example.org": ON_FILE}


def test_who_asks_for_a_linked_address_hears_whose_it_is(world: World, town: MailingList) -> None:
    with pytest.raises(ListservError, match=f"{LINKED} is not a member .*; {ON_FILE} posts from"):
        change(world, town, LINKED, name="Ann")


def test_a_file_brings_linked_addresses_with_it(world: World, town: MailingList) -> None:
    city = world.found("city")
    text = f'address,also\n{ON_FILE},"{LINKED}, ann@home.test"\nben@x.test,\ncleo@x.test,c@x.test\n'
    assert import_(world, city, text).added == 3
    expected = {ON_FILE: f"{LINKED},ann@home.test", "cleo@x.test": "c@x.test"}
    assert links(world, city) == expected
    again = import_(world, city, text, overwrite=True)
    assert (again.overwritten, again.left_alone["member"]) == (0, 3)
    changed = import_(
        world, city, "address,also\ncleo@x.test,d@x.test\nben@x.test,\n", overwrite=True
    )
    assert (changed.overwritten, changed.left_alone["member"]) == (1, 1)
    assert links(world, city) == expected | {"cleo@x.test": "d@x.test"}
    assert import_(world, city, text).left_alone["member"] == 3
    assert links(world, city) == expected | {"cleo@x.test": "d@x.test"}


TWICE = {
    "two post from it": "address,also\na@x.test,c@x.test\nb@x.test,c+tag@x.test\n",
    "one's own, then another's": "address,also\nc@x.test,\nb@x.test,c@x.test\n",
    "another's, then one's own": "address,also\na@x.test,b@x.test\nb@x.test,\n",
}


@pytest.mark.parametrize("text", TWICE.values(), ids=TWICE)
def test_a_file_in_which_two_claim_an_address_adds_nobody(world: World, text: str) -> None:
    city = world.found("city")
    with pytest.raises(ListservError, match=r"nobody was added, bad lines: 1\nline [23]: "):
        import_(world, city, text)
    assert world.store.read(lambda tx: list(members.ls(tx, city.id))) == []


def test_a_file_of_thousands_in_which_the_last_takes_a_linked_address_adds_nobody(
    world: World,
) -> None:
    many = "".join(f"m{n}@x.test,\n" for n in range(1500))
    text = f"address,also\nann@x.test,late@x.test\n{many}late@x.test,\n"
    with pytest.raises(ListservError, match=r"line 1503: late@x\.test is an address that ann@x"):
        import_(world, world.found("city"), text)
