"""What a question by mail is answered with, and what is told to nobody."""

import re
from dataclasses import dataclass, field, replace
from datetime import date

import pytest
from sqlalchemy import update

from listserv.domain.address import Recipient, Role
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberRole, MemberState
from listserv.domain.settings import Value
from listserv.flow.inform import ANSWERS, MOST, inform
from listserv.policy.commands.command import Command, Verb
from listserv.policy.commands.grammar import parse
from listserv.policy.commands.table import COMMANDS, Who
from listserv.store import lists, members
from listserv.store.members import NewMember
from listserv.store.session import Tx
from listserv.store.tables import MemberRow
from tests.flow.world import DOMAIN, PROVEN, World, an_address

ANN, BOB, CLEO = "ann@example.org", "bob@example.org", "cleo@example.org"
ZOE, SIG = "zoe@example.net", "sig@example.org"
HOSTILE = "{{ 7 * 7 }} {% x %} <b> ${name}"


def ask(
    world: World,
    verb: Verb,
    mlist: MailingList | None = None,
    author: str = ANN,
    language: str = "en",
) -> str:
    """The answer; every question is asked by somebody whose address is believed."""

    def answer(tx: Tx) -> str:
        writer = an_address(author)
        member = members.author(tx, mlist.id, writer, proven=True) if mlist else None
        command = Command(verb, mlist.name if mlist else "")
        return inform(tx, world.site, command, mlist, writer, member, DOMAIN, language)

    return world.store.read(answer)


def details(text: str) -> list[str]:
    return [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]


def change(world: World, mlist: MailingList, **settings: Value) -> MailingList:
    return world.store.write(lambda tx: lists.change(tx, mlist.id, settings))


def suspend(world: World, member: Member) -> None:
    now_is = update(MemberRow).where(MemberRow.id == member.id)
    world.store.write(lambda tx: tx.execute(now_is.values(state=MemberState.SUSPENDED)))


@pytest.fixture
def town(world: World) -> MailingList:
    """ann owns it, bob reads it, cleo is not to be seen, somebody left."""
    mlist = world.found("town", title="Our Town", description="For carers")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, BOB)
    world.join(mlist, CLEO, conceal=True)
    gone = world.join(mlist, "gone@example.org")
    world.store.write(lambda tx: members.leave(tx, gone.id, world.clock.now()))
    return mlist


@dataclass(frozen=True)
class Settings:
    """A member, and what QUERY has to say of them."""

    who: str
    given: dict[str, Value]
    said: tuple[str, ...]
    unsaid: tuple[str, ...] = field(default=())


DAILY = "posts together, in a digest, each day about 7:00 in the morning, UTC"
QUERIES = [
    Settings("as they joined", {}, (
        f"with the address {BOB} and the name Bob.", "How its mail comes to you: each post by",
        "- your own posts come to you", "- you get no receipts",
        "- a copy comes although To or Cc names you", "SET town NOMAIL",
    ), ("digest", "may also post", "owners", "moderators")),
    Settings("digest", {"delivery": "digest", "format": "text"}, (
        "in a digest, each day about 7:00 in the morning, UTC.", "- the digest is plain text",
    )),
    Settings("on a break", {"until": "2026-12-01"}, ("no mail until 1 December 2026.",)),
    Settings("no mail", {"delivery": "nomail"}, ("no mail, until BACK ends that.",)),
    Settings("away from the digest", {"delivery": "digest", "until": "2027-01-31"}, (
        "no mail until 31 January 2027.", "- the digest is HTML with text beside it",
    )),
    Settings("everything else", {
        "own_posts": False, "duplicates": False, "ack": True, "conceal": True, "name": "",
        "also": "bob@work.example,b@home.example", "role": "moderator",
    }, (
        f"with the address {BOB}.", "You are one of its moderators.",
        "You may also post from bob@work.example, b@home.example.",
        "- your own posts do not come to you", "- no copy comes where To or Cc names you",
        "- you get a receipt for each of your posts", "- you do not stand in the list of members",
    )),
    Settings("a name that is no template", {"name": HOSTILE}, (f"and the name {HOSTILE}.",)),
]  # fmt: skip


@pytest.mark.parametrize("case", QUERIES, ids=lambda case: case.who)
def test_query_tells_a_member_their_settings(
    world: World, town: MailingList, case: Settings
) -> None:
    def set_(tx: Tx) -> None:
        bob = members.by_key(tx, town.id, BOB)
        assert bob is not None
        until = {key: value for key, value in case.given.items() if key == "until"}
        bob = members.change(tx, bob, {k: v for k, v in case.given.items() if k not in until})
        members.change(tx, bob, until)

    world.store.write(set_)
    text = ask(world, Verb.QUERY, town, BOB)
    for one in case.said:
        assert one in text, text
    for one in case.unsaid:
        assert one not in text, text


def test_who_is_suspended_is_told_so(world: World, town: MailingList) -> None:
    suspend(world, world.join(town, ZOE))
    assert "no mail for now; another mail says why" in ask(world, Verb.QUERY, town, ZOE)


def test_an_address_that_somebody_posts_from_asks_for_them(world: World, town: MailingList) -> None:
    world.join(town, "dan@example.org", also="dan@work.example")
    assert "with the address dan@example.org" in ask(world, Verb.QUERY, town, "dan@work.example")


def test_which_tells_every_list_of_the_domain_by_own_and_linked_address(
    world: World, town: MailingList
) -> None:
    city = world.found("city", title="City")
    world.join(city, ZOE, delivery="digest", also="zoe@work.example")
    world.join(world.found("aid", title="Aid"), "zoe@work.example", until="2026-12-01")
    elsewhere = world.store.write(
        lambda tx: lists.create(
            tx, name="far", domain="lists.example.com", settings={}, now=world.clock.now()
        )
    )
    world.join(elsewhere, ZOE)
    left = world.join(world.found("past"), ZOE)
    world.store.write(lambda tx: members.leave(tx, left.id, world.clock.now()))

    text = ask(world, Verb.WHICH, author=ZOE)
    assert text.startswith("You are on this list,")
    assert details(text) == [f"city@{DOMAIN}, City: {DAILY}"]
    text = ask(world, Verb.WHICH, author="zoe@work.example")
    assert text.startswith("You are on these 2 lists,")
    assert details(text) == [
        f"aid@{DOMAIN}, Aid: no mail until 1 December 2026",
        f"city@{DOMAIN}, City: {DAILY} (your address there is {ZOE})",
    ]
    nobody = ask(world, Verb.WHICH, author="nobody@example.net")
    assert nobody.startswith("The address nobody@example.net is on none of the lists here.")
    assert details(nobody) == []


@pytest.mark.parametrize("author", [BOB, CLEO, ZOE])
def test_a_private_roster_is_shown_to_owners_only(
    world: World, town: MailingList, author: str
) -> None:
    text = ask(world, Verb.REVIEW, town, author)
    assert "keeps to itself who its members are" in text
    assert "@example" not in text.replace(f"town-owner@{DOMAIN}", "")
    assert not re.search(r"\d", text), "not even how many"

    assert details(ask(world, Verb.REVIEW, town, ANN)) == [
        f"{ANN}, Ann (owner)", f"{BOB}, Bob", f"{CLEO}, Cleo (does not wish to be shown)",
    ]  # fmt: skip


def test_members_see_each_other_where_the_list_says_so(world: World, town: MailingList) -> None:
    town = change(world, town, roster="members")
    suspend(world, world.join(town, "old@example.org"))
    world.join(town, "away@example.org", delivery="nomail", role="moderator")
    text = ask(world, Verb.REVIEW, town, BOB)
    assert details(text) == [
        f"{ANN}, Ann (owner)", f"{BOB}, Bob", "away@example.org, Away (moderator)",
    ]  # fmt: skip
    assert text.startswith('4 people are on "Our Town".\nOne of them does not wish to be shown.\n')
    owners = details(ask(world, Verb.REVIEW, town, ANN))
    assert owners[3:] == [
        "old@example.org, Old (mail to them is stopped for now)",
        "away@example.org, Away (moderator; gets no mail for now)",
    ]
    assert "keeps to itself" in ask(world, Verb.REVIEW, town, ZOE), "a stranger is no member"


def test_a_long_roster_is_cut_and_says_so(world: World) -> None:
    mlist = world.found("huge", roster="members")
    world.join(mlist, ANN, conceal=True)
    new = [
        NewMember(an_address(f"m{number}@example.org"), "", MemberRole.MEMBER, Delivery.MAIL)
        for number in range(MOST + 4)
    ]
    world.store.write(
        lambda tx: members.add_many(tx, mlist.id, new, began="test", now=world.clock.now())
    )
    text = ask(world, Verb.REVIEW, mlist, ANN)
    assert len(details(text)) == MOST - 1
    assert f"{MOST + 5} people are on" in text and "\n5 more are left out here" in text


INFO = [
    ({"posting": "anyone"}, "Anybody may post: write to"),
    ({"posting": "members"}, "Members post by writing to"),
    ({"posting": "moderators"}, "Its moderators write to it; members read."),
    ({"moderation": "all"}, "A moderator reads each post"),
    ({"moderation": "new"}, "reads the first posts of new members"),
    ({"subscription": "open"}, f"To join, send a mail to town-join@{DOMAIN}; it need not"),
    ({"subscription": "confirm"}, f"To join, send a mail to town-join@{DOMAIN}; it need not"),
    ({"subscription": "approve"}, "say who you are; its moderators decide."),
    ({"subscription": "invite"}, f"by invitation: write to town-owner@{DOMAIN}."),
]


@pytest.mark.parametrize(("settings", "said"), INFO)
def test_info_says_what_a_list_is_for_and_how_to_use_it(
    world: World, town: MailingList, settings: dict[str, Value], said: str
) -> None:
    town = change(world, town, **settings)
    text = ask(world, Verb.INFO, town, BOB)
    assert text.startswith(f"town@{DOMAIN}, Our Town: For carers\n")
    assert said in text
    assert f"To leave, send a mail to town-leave@{DOMAIN}." in text
    shown = ask(world, Verb.INFO, change(world, town, advertised=True), ZOE)
    assert shown == text


def test_a_list_that_is_not_shown_is_to_strangers_as_if_it_were_not_there(
    world: World, town: MailingList
) -> None:
    absent = world.site.templates.phrase("not.there", {"address": "town"})
    assert ask(world, Verb.INFO, town, ZOE) == absent == "There is no list town here."
    suspend(world, world.join(town, ZOE))
    assert "For carers" in ask(world, Verb.INFO, town, ZOE)


def test_a_mail_about_it_has_the_same_answer_as_one_about_a_list_that_is_not_there(
    world: World, town: MailingList
) -> None:
    change(world, town, language="de", advertised=False)
    answers = []
    for name in ("town", "nope"):
        world.post(
            ZOE, f"listserv@{DOMAIN}", subject=f"info {name}", message_id=f"<{name}@example.net>",
            authorship=replace(PROVEN, spf_aligned=True),
        )  # fmt: skip
        assert world.deliver() == [ZOE]
        text = re.sub(rb"(?m)^(DKIM-Sig|Message-ID).*\r\n([ \t].*\r\n)*", b"", world.last())
        answers.append(text.replace(name.encode(), b"NAME"))
    assert answers[0] == answers[1]
    assert b"There is no list NAME here." in answers[0]


def test_without_a_list_info_is_about_the_place(world: World, town: MailingList) -> None:
    text = ask(world, Verb.INFO, author=ZOE)
    assert f"At {DOMAIN} there are mailing lists" in text and f"listserv@{DOMAIN}" in text
    assert "town" not in text


def test_lists_shows_what_is_advertised_and_nothing_else(world: World, town: MailingList) -> None:
    empty = ask(world, Verb.LISTS, author=ANN)
    assert details(empty) == [] and "town" not in empty, "not even to its owner"
    world.found("city", title="City", description=HOSTILE, advertised=True)
    world.found("aid", advertised=True)
    world.store.write(
        lambda tx: lists.create(
            tx, name="far", domain="lists.example.com", settings={"advertised": True},
            now=world.clock.now(),
        )
    )  # fmt: skip
    text = ask(world, Verb.LISTS, author=ZOE)
    assert details(text) == [f"aid@{DOMAIN}, aid", f"city@{DOMAIN}, City: {HOSTILE}"]
    assert text.endswith("send for example: INFO aid")


NO_HELP = {
    Verb.INDEX, Verb.GET, Verb.SEND, Verb.SEARCH, Verb.PASSWORD, Verb.END, Verb.CONFIRM,
}  # fmt: skip
ROLES = [("member", {Who.MODERATOR, Who.OWNER}), ("moderator", {Who.OWNER}), ("owner", set())]


@pytest.mark.parametrize(("role", "kept_back"), ROLES)
def test_help_tells_everybody_the_commands_that_are_theirs(
    world: World, town: MailingList, role: str, kept_back: set[Who]
) -> None:
    world.join(town, ZOE, role=role)
    told = [line.rpartition(": ")[2] for line in details(ask(world, Verb.HELP, town, ZOE))]
    for row in COMMANDS:
        line = row.example("town", full=row.verb is Verb.BREAK)
        assert (line in told) == (row.who not in kept_back and row.verb not in NO_HELP), line
    owners = [told.index(line) for line in told if line.split()[0] in {"HOLD", "ADD", "BAN"}]
    assert all(at > told.index("you get no receipts") > told.index("BACK town") for at in owners)
    without = ask(world, Verb.HELP, author=ZOE)
    assert details(without)[0] == "To join a list: SUBSCRIBE listname"
    assert (": HOLD listname" in without) == (Who.MODERATOR not in kept_back)


def test_a_stranger_is_helped_to_join(world: World, town: MailingList) -> None:
    text = ask(world, Verb.HELP, town, ZOE)
    assert "- To join a list: SUBSCRIBE town" in text
    assert "HOLD" not in text and "BAN" not in text


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("verb", ANSWERS)
def test_an_answer_is_short_before_its_details_and_names_no_web_page(
    world: World, town: MailingList, verb: Verb, language: str
) -> None:
    town = change(world, town, roster="members", posting="members", moderation="all")
    world.found("city", advertised=True)
    for mlist in (town, None) if verb in {Verb.INFO, Verb.HELP, Verb.LISTS} else (town,):
        text = ask(world, verb, mlist, ANN, language)
        before = re.split(r"(?m)^- ", text)[0].splitlines()
        assert 0 < len([line for line in before if line]) <= 8, text
        assert text.strip() == text
        assert "\n\n\n" not in text
        assert not re.search(r"https?:|www\.", text)


def commands_in(line: str) -> list[Command]:
    """What a line would say to the list, and to the robot."""
    today = date(2026, 11, 21)
    return [
        one
        for to in (Recipient(Role.REQUEST, "town"), Recipient(Role.ROBOT, ""))
        for one in parse("", [line], to, ("town", "city"), domain=DOMAIN, today=today)
        if isinstance(one, Command)
    ]


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_line_of_an_answer_is_a_command_whatever_people_are_called(
    world: World, town: MailingList, language: str
) -> None:
    """Some programs send it back without a mark that it is a quotation."""
    assert commands_in("SIGNOFF town") and commands_in("- SIGNOFF town, sig@example.org")
    named: dict[str, Value] = {"title": "SIGNOFF", "description": "SIGNOFF town"}
    town = change(world, town, roster="members", advertised=True, **named)
    world.join(town, SIG, name="SIGNOFF town", role="owner", also="sig@work.example")
    world.found("city", advertised=True, **named)
    for verb in ANSWERS:
        for mlist in (town, None) if verb in {Verb.INFO, Verb.HELP, Verb.LISTS} else (town,):
            text = ask(world, verb, mlist, SIG, language)
            for line in text.splitlines():
                assert commands_in(line) == [], line
