"""What people do on our pages: settings by a link that was mailed, and joining. Who types an
address into a form learns nothing, and can have little mailed."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial

import pytest
from sqlalchemy import func, select

from listserv.domain.lists import MailingList
from listserv.flow import bounce, by_page
from listserv.flow.by_page import Settings
from listserv.policy.joining_form import Joining, joining
from listserv.store import bans, held, lists, members
from listserv.store.session import Tx
from listserv.store.tables import ConfirmationRow
from tests.flow.letters import (
    ANN,
    BOB,
    UNPROVEN,
    ZOE,
    Letter,
    answer,
    is_member,
    letters,
    letters_to,
    log_of,
    member_of,
    receives,
    rows,
    send,
    set_list,
    the_letter,
    the_member,
)
from tests.flow.world import DOMAIN, World, an_address

URL = "https://lists.example.org/mail"
CLIENT = "198.51.100.7"
A_TOKEN = re.compile("/c/[a-z2-7]+")
LINK = re.compile(rf"{re.escape(URL)}/s/([a-z2-7]{{24}})\b")


@pytest.fixture
def town(world: World) -> MailingList:
    world.site = replace(world.site, urls={DOMAIN: URL})
    mlist = world.found("town", title="Our Town", advertised=True)
    world.join(mlist, ANN, role="owner")
    world.join(mlist, ZOE, "digest")
    return mlist


def ask(world: World, address: str, client: str = CLIENT) -> None:
    """Somebody types an address into the form."""
    now = world.clock.now()
    world.store.write(
        lambda tx: by_page.ask_for_link(tx, world.site, an_address(address), client, now)
    )


def links(letter: Letter) -> list[str]:
    return LINK.findall(letter.text)


def link_of(world: World, address: str) -> str:
    """The token of a link that was asked for by mail."""
    send(world, address, "PREFERENCES")
    (token,) = links(the_letter(world, address))
    return token


def look(world: World, token: str) -> Settings | None:
    now = world.clock.now()
    return world.store.read(lambda tx: by_page.settings(tx, token, now))


def change(
    world: World, token: str, was: Mapping[str, str] | None = None, **given: str
) -> Settings | None:
    """Send the form of a link back with some fields changed, as it is shown now or was."""
    seen = look(world, token)
    before = dict(was) if was is not None else asdict(seen.shown) if seen else {}
    now = world.clock.now()
    return world.store.write(
        lambda tx: by_page.change(tx, world.site, token, before, {**before, **given}, now)
    )


def leave(world: World, token: str) -> Settings | None:
    now = world.clock.now()
    return world.store.write(lambda tx: by_page.leave(tx, world.site, token, now))


def join(world: World, mlist: MailingList, client: str = CLIENT, **given: str) -> None:
    """Send the form to join a list."""
    now = world.clock.now()
    want = joining(mlist, given, world.site.today(now))
    assert isinstance(want, Joining), want
    world.store.write(lambda tx: by_page.join(tx, world.site, mlist, want, client, now))


def test_a_link_is_mailed_to_a_member_who_asks_by_mail(world: World, town: MailingList) -> None:
    token = link_of(world, ZOE)
    seen = look(world, token)
    assert seen is not None and (seen.mlist.name, seen.member.address) == ("town", an_address(ZOE))
    city = world.found("city", title="City", language="de")
    world.join(city, ZOE)
    send(world, ZOE, "Einstellungen", "listserv")
    assert len(links(the_letter(world, ZOE))) == 2


def test_whose_mail_proves_nothing_is_asked_first(world: World, town: MailingList) -> None:
    send(world, ZOE, "PREFERENCES", "town-request", UNPROVEN)
    question = the_letter(world, ZOE)
    assert links(question) == [] and "to get a link to the settings" in question
    answer(world, question)
    assert len(links(the_letter(world, ZOE))) == 1


def test_without_a_page_settings_are_made_by_mail(world: World, town: MailingList) -> None:
    world.site = replace(world.site, urls={})
    send(world, ZOE, "PREFERENCES")
    told = the_letter(world, ZOE)
    assert "made by mail" in told and "HELP" in told
    send(world, BOB, "PREFERENCES")
    assert "is not on the list" in the_letter(world, BOB)


def test_a_form_mails_links_for_each_list_and_to_nobody_else(
    world: World, town: MailingList
) -> None:
    city = world.found("city", title="City")
    world.join(city, ZOE)
    ask(world, "ZOE@example.net")
    told = the_letter(world, ZOE)
    found = [look(world, token) for token in links(told)]
    assert {seen.mlist.name for seen in found if seen} == {"town", "city"}
    assert told.subject == "Your settings at 2 lists"
    ask(world, BOB)
    assert letters(world) == []


def test_a_form_mails_a_link_once_a_day_unless_one_was_used(
    world: World, town: MailingList
) -> None:
    for _ in range(5):
        ask(world, ZOE)
    (token,) = links(the_letter(world, ZOE))
    assert change(world, token, name="Zoë")
    letters(world)
    ask(world, ZOE)
    assert len(letters(world)) == 1
    ask(world, ZOE, "198.51.100.8")
    assert letters(world) == []
    world.clock.pass_by(days=1, minutes=1)
    ask(world, ZOE)
    assert len(letters(world)) == 1


def test_what_is_written_down_does_not_tell_a_member_from_a_stranger(
    world: World, town: MailingList
) -> None:
    def kept() -> int:
        count = select(func.count()).select_from(ConfirmationRow)
        return world.store.read(lambda tx: tx.execute(count).scalar_one())

    for address in (ZOE, BOB):
        for times in range(1, 4):
            before = kept()
            ask(world, address)
            assert kept() == before + 1, (address, times)
    for number in range(20):
        ask(world, f"nobody{number}@example.com")
    before = kept()
    world.clock.pass_by(hours=1)
    for address in (ZOE, BOB, ANN):
        ask(world, address)
    assert kept() == before


@pytest.mark.parametrize("client", [CLIENT, ""])
def test_asking_for_strangers_counts_for_who_asks_and_not_for_them(
    world: World, town: MailingList, client: str
) -> None:
    for number in range(20):
        ask(world, f"nobody{number}@example.com", client)
    ask(world, ZOE, client)
    assert letters(world) == []
    join(world, town, "198.51.100.8", address="nobody1@example.com")
    assert the_letter(world).to == "nobody1@example.com"


def test_one_client_has_little_mailed_however_often_it_joins(
    world: World, town: MailingList
) -> None:
    for number in range(100):
        join(world, town, address=f"victim{number}@example.com")
    assert len(letters(world)) == 20
    # Nor when nothing is known of who asks: a proxy that says nothing of its clients.
    world.clock.pass_by(days=31)
    for number in range(30):
        join(world, town, "", address=f"victim{number}@example.com")
    assert len(letters(world)) == 20


def test_a_link_is_good_for_a_day_and_as_often_as_wanted(world: World, town: MailingList) -> None:
    token = link_of(world, ZOE)
    world.clock.pass_by(hours=23, minutes=59)
    for name in ("Zoë", "Zoe Z."):
        changed = change(world, token, name=name)
        assert changed is not None and changed.member.name == name
    world.clock.pass_by(minutes=1)
    before = rows(world)
    assert look(world, token) is None
    assert change(world, token, {}, name="Eve") is None and leave(world, token) is None
    assert rows(world) == before


@pytest.mark.parametrize("what", ["left", "moved", "deleted", "another kind", "unknown"])
def test_a_link_is_dead(world: World, town: MailingList, what: str) -> None:
    token = link_of(world, ZOE)
    zoe = the_member(world, town, ZOE)
    now, there = world.clock.now(), an_address("zoe@example.com")
    match what:
        case "left":
            world.store.write(lambda tx: members.leave(tx, zoe.id, now))
        case "moved":
            world.store.write(lambda tx: members.move(tx, zoe, there, now))
        case "deleted":
            world.store.write(lambda tx: lists.delete(tx, town.id))
        case "another kind":
            why = bounce.COMPLAINT
            world.store.write(
                lambda tx: bounce.suspend(tx, world.site, town, zoe, why=why, now=now)
            )
            send(world, ZOE, "NAME Zoë")
            (told,) = [one for one in letters_to(world, ZOE) if "one word: yes" in one]
            token = told.reply_to.partition("+")[2].partition("@")[0]
        case "unknown":
            token = "a" * 24
    assert look(world, token) is None
    assert change(world, token, {}, name="Eve") is None and leave(world, token) is None


def test_no_mail_answers_a_link(world: World, town: MailingList) -> None:
    """Its token stands in no address, and is no code."""
    token = link_of(world, ZOE)
    send(world, ZOE, f"CONFIRM {token}")
    assert "not known" in the_letter(world, ZOE)
    before = rows(world)
    send(world, ZOE, "yes", f"town-confirm+{token}")
    assert letters(world) == [] and rows(world) == before
    assert look(world, token) is not None


def test_a_change_is_told_in_one_mail_and_can_be_taken_back(
    world: World, town: MailingList
) -> None:
    before = the_member(world, town, ZOE)
    changed = change(
        world, link_of(world, ZOE), name="Zoë", delivery="nomail", until="2026-12-24", ack="yes",
        zone="Berlin", format="text", own_posts="no", language="de",
    )  # fmt: skip
    assert changed is not None and not changed.wrong and len(changed.told) == 5
    after = the_member(world, town, ZOE)
    assert (after.name, after.delivery, str(after.until)) == ("Zoë", "nomail", "2026-12-24")
    kept = after.settings
    assert (kept.ack, kept.timezone, kept.format, kept.own_posts, kept.language) == (
        True, "Europe/Berlin", "text", False, "de",
    )  # fmt: skip
    told = the_letter(world, ZOE)
    assert told.subject.startswith("Ihre Einstellungen") and "Zoë" in told
    assert [who for who, _ in log_of(world, town)] == [ZOE] * 5
    answer(world, told, "undo")
    assert the_member(world, town, ZOE) == before


def test_coming_back_by_page_is_coming_back_by_mail(world: World, town: MailingList) -> None:
    token = link_of(world, ZOE)
    change(world, token, delivery="nomail")
    letters(world)
    world.post(ANN, "town")
    letters(world)
    changed = change(world, token, delivery="mail")
    assert changed is not None and "You have missed one post" in changed.told[0]
    assert receives(world, town, ZOE) == ("mail", "mail")
    subjects = {one.subject for one in letters(world)}
    assert any("missed" in subject for subject in subjects), subjects


def test_what_a_form_does_not_show_cannot_be_set(world: World, town: MailingList) -> None:
    token = link_of(world, ZOE)
    before = rows(world)
    hostile = {
        "role": "owner", "state": "active", "moderated": "no", "address": "eve@evil.example",
        "member_id": "1", "list": "city", "also": "eve@evil.example",
    }  # fmt: skip
    changed = change(world, token, None, **hostile)
    assert changed is not None and changed.told == ()
    assert rows(world) == before and letters(world) == []


def test_a_form_with_something_wrong_changes_nothing(world: World, town: MailingList) -> None:
    token = link_of(world, ZOE)
    before = rows(world)
    changed = change(world, token, name="Zoë", zone="Atlantis")
    assert changed is not None and changed.wrong == {"zone": "why.zone"}
    assert rows(world) == before and letters(world) == []


def test_of_two_tabs_each_changes_what_was_changed_in_it(world: World, town: MailingList) -> None:
    token = link_of(world, ZOE)
    seen = look(world, token)
    assert seen is not None
    was = asdict(seen.shown)
    change(world, token, was, delivery="mail")
    changed = change(world, token, was, name="Zoë")
    assert changed is not None and len(changed.told) == 1
    assert receives(world, town, ZOE)[0] == "mail"
    assert len(letters(world)) == 2
    change(world, token, was, name="Zoë")
    assert letters(world) == []


def test_a_link_does_not_fill_a_mailbox(world: World, town: MailingList) -> None:
    token = link_of(world, ZOE)
    letters(world)
    refused = [change(world, token, name=f"Zoe {chr(65 + number)}") for number in range(40)]
    assert len(letters(world)) < 30
    last = refused[-1]
    assert last is not None and last.wrong == {"": "form.too-often"}


def test_who_is_suspended_hears_of_it(world: World, town: MailingList) -> None:
    token, zoe, now = link_of(world, ZOE), the_member(world, town, ZOE), world.clock.now()
    world.store.write(
        lambda tx: bounce.suspend(tx, world.site, town, zoe, why=bounce.COMPLAINT, now=now)
    )
    assert change(world, token, ack="yes") is not None
    told = letters(world)
    assert len(told) == 2 and any("receipt" in one for one in told)
    (stopped,) = [one for one in told if "comes to you at present" in one.subject]
    answer(world, stopped)
    assert the_member(world, town, ZOE).state == "active"


def test_leaving_by_page_says_goodbye_with_undo(world: World, town: MailingList) -> None:
    token = link_of(world, ZOE)
    assert leave(world, token) is not None
    assert not is_member(world, town, ZOE)
    goodbye = the_letter(world, ZOE)
    assert goodbye.subject == "Goodbye from Our Town"
    assert leave(world, token) is None and letters(world) == []
    answer(world, goodbye, "undo")
    assert is_member(world, town, ZOE)


JOINS = {"address": BOB, "name": "Bob Ray", "delivery": "digest"}


@pytest.mark.parametrize("kind", ["open", "confirm", "approve", "invite"])
@pytest.mark.parametrize("on_hold", [False, True])
def test_joining_by_page_is_joining_by_a_mail_that_proves_nothing(
    world: World, town: MailingList, kind: str, on_hold: bool
) -> None:
    town = set_list(world, town, subscription=kind)
    if on_hold:
        send(world, ANN, "HOLD town")
        letters(world)
    join(world, town, **JOINS, words="I care for my mother.")
    if kind == "invite":
        assert letters(world) == []
        return
    question = the_letter(world, BOB)
    send(world, "cleo@example.org", "SUBSCRIBE town Cleo WITH DIGEST", "town-request", UNPROVEN)
    by_mail = the_letter(world, "cleo@example.org")
    assert question.subject == by_mail.subject
    assert A_TOKEN.sub("/c/", question.text) == A_TOKEN.sub("/c/", by_mail.text)
    assert not is_member(world, town, BOB)
    answer(world, question)
    letters(world)
    if kind == "approve":
        (one,) = world.store.read(held.ls)
        assert one.request is not None
        assert (one.request.name, one.request.delivery) == ("Bob Ray", "digest")
        assert one.request.words == "I care for my mother."
    else:
        bob = the_member(world, town, BOB)
        assert (bob.name, bob.delivery) == ("Bob Ray", "digest")
        assert bob.began.startswith("by page on 2026-11-21 12:00 UTC, confirmed by")


@pytest.mark.parametrize("who", ["a stranger", "a member", "a banned address", "who has left"])
def test_the_mail_that_asks_is_the_same_for_everybody(
    world: World, town: MailingList, who: str
) -> None:
    now = world.clock.now()
    if who == "a member":
        world.join(town, BOB)
    if who == "a banned address":
        world.store.write(
            lambda tx: bans.add(tx, list_id=town.id, pattern=BOB, until=None, reason="", now=now)
        )
    if who == "who has left":
        bob = world.join(town, BOB)
        world.store.write(lambda tx: members.leave(tx, bob.id, now))
    before = member_of(world, town, BOB)
    join(world, town, **JOINS)
    question = the_letter(world, BOB)
    assert "Bob Ray" not in question and "to join Our Town" in question
    assert member_of(world, town, BOB) == before
    answer(world, question)
    assert is_member(world, town, BOB) is (who != "a banned address")


def test_nobody_is_asked_at_an_address_of_ours(world: World, town: MailingList) -> None:
    for address in ("town@lists.example.org", "listserv@lists.example.org", "root@localhost"):
        join(world, town, address=address)
        ask(world, address)
    assert letters(world) == []


def at_page(name: str, tx: Tx) -> MailingList | None:
    return by_page.advertised_at(tx, name, DOMAIN)


def test_only_advertised_lists_are_there(world: World, town: MailingList) -> None:
    world.found("secret")
    for domains, names in (([DOMAIN], ["town"]), (["lists.example.net"], [])):
        there = world.store.read(partial(by_page.advertised, domains=domains))
        assert [mlist.name for mlist in there] == names
    found = [
        world.store.read(partial(at_page, name)) is not None
        for name in ("town", "secret", "nothing")
    ]
    assert found == [True, False, False]
