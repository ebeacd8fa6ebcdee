"""One-click unsubscribe: the token of a copy acts for the one who got that copy, as often as it
comes, and for nobody else."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from listserv.domain.lists import MailingList
from listserv.domain.members import MemberState
from listserv.domain.tokens import Purpose, copy_token, web_tokens
from listserv.flow import unsubscribe
from listserv.flow.unsubscribe import Outcome
from listserv.store import lists, members
from listserv.store.session import Store
from listserv.store.tables import MemberRow
from tests.flow.letters import (
    ANN,
    BOB,
    ZOE,
    answer,
    is_member,
    letters,
    log_of,
    rows,
    send,
    set_list,
    the_letter,
    the_member,
)
from tests.flow.test_at_once import at_once
from tests.flow.world import DOMAIN, World, an_address


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town", subscription="open")
    world.join(mlist, ANN)
    world.join(mlist, BOB)
    return mlist


def token_of(world: World, mlist: MailingList, address: str) -> str:
    member = the_member(world, mlist, address)
    return web_tokens(world.site.secret, [member.id], 1)[0]


def click(world: World, token: str) -> Outcome | None:
    now = world.clock.now()
    return world.store.write(lambda tx: unsubscribe.one_click(tx, world.site, token, now))


def found(world: World, token: str) -> tuple[str, str] | None:
    one = world.store.read(lambda tx: unsubscribe.find(tx, world.site, token))
    return None if one is None else (one[0].address, one[1].address.key)


def test_a_click_ends_the_membership_and_one_mail_says_how_to_come_back(
    world: World, town: MailingList
) -> None:
    token = token_of(world, town, BOB)
    assert found(world, token) == (town.address, BOB)
    assert click(world, token) is Outcome.LEFT
    assert not is_member(world, town, BOB) and is_member(world, town, ANN)
    world.post(ANN, "town")
    goodbye, copy = sorted(letters(world), key=lambda one: one.to, reverse=True)
    assert (goodbye.to, goodbye.subject, copy.to) == (BOB, "Goodbye from Our Town", ANN)
    assert [click(world, token) for _ in range(100)] == [Outcome.LEFT] * 100
    assert letters(world) == []
    assert found(world, token) == (town.address, BOB)
    assert log_of(world, town)[0] == (f"{BOB} by one click", f"{BOB} left")
    answer(world, goodbye, "undo")
    assert is_member(world, town, BOB)
    letters(world)
    # Whoever clicks again means it.
    assert click(world, token) is Outcome.LEFT
    assert not is_member(world, town, BOB)
    assert the_letter(world, BOB).subject == "Goodbye from Our Town"


def test_a_wrong_token_changes_nothing(world: World, town: MailingList) -> None:
    number, secret = the_member(world, town, BOB).id, world.site.secret
    good = token_of(world, town, BOB)
    before = rows(world)
    wrong = [
        "", "a" * 32, good[:-1], good + "a", good[:31] + ("a" if good[31] != "a" else "b"),
        *web_tokens(bytes(32), [number], 1), *web_tokens(secret, [0, 999, (1 << 36) - 1], 1),
        *(copy_token(secret, purpose, number, 1) for purpose in Purpose),
    ]  # fmt: skip
    for token in wrong:
        assert click(world, token) is None and found(world, token) is None, token
    assert rows(world) == before and letters(world) == []


@pytest.mark.parametrize("state", ["digest", "nomail", "break", "suspended", "owner", "on hold"])
def test_whatever_a_member_is_they_leave(world: World, town: MailingList, state: str) -> None:
    role = "owner" if state == "owner" else "member"
    delivery = state if state in {"digest", "nomail"} else "mail"
    world.join(town, ZOE, delivery, role)
    zoe = the_member(world, town, ZOE)
    if state == "break":
        world.store.write(lambda tx: members.change(tx, zoe, {"until": "2026-12-24"}))
    if state == "suspended":
        stop = update(MemberRow).where(MemberRow.id == zoe.id)
        world.store.write(lambda tx: tx.execute(stop.values(state=MemberState.SUSPENDED)).close())
    if state == "on hold":
        world.store.write(lambda tx: lists.hold(tx, town.id, True))
    assert click(world, token_of(world, town, ZOE)) is Outcome.LEFT
    assert not is_member(world, town, ZOE)
    assert the_letter(world, ZOE).subject == "Goodbye from Our Town"


def test_a_token_outlives_a_renamed_list_a_new_address_and_a_second_membership(
    world: World, town: MailingList
) -> None:
    token = token_of(world, town, BOB)
    world.store.write(lambda tx: lists.rename(tx, town.id, "city", DOMAIN))
    send(world, BOB, "SIGNOFF", "city-request")
    letters(world)
    send(world, BOB, "", "city-join")
    bob = the_member(world, town, BOB)
    world.store.write(lambda tx: members.move(tx, bob, an_address(ZOE), world.clock.now()))
    letters(world)
    world.clock.pass_by(days=4000)
    assert click(world, token) is Outcome.LEFT
    assert the_letter(world, ZOE).subject == "Goodbye from Our Town"


def test_a_deleted_list_and_one_of_another_site_are_unknown(
    world: World, town: MailingList
) -> None:
    token = token_of(world, town, BOB)
    world.store.write(lambda tx: lists.delete(tx, town.id))
    again = world.found("town")
    world.join(again, ZOE)
    assert click(world, token) is None and found(world, token) is None
    assert is_member(world, again, ZOE)


def test_clicks_at_once_are_one_goodbye(world: World, town: MailingList, database: str) -> None:
    """Where one writer does not see what the other has not committed yet."""
    other = replace(world, store=Store(database))
    try:
        for who in (ANN, BOB):
            token = token_of(world, town, who)
            at_once([lambda w=w, t=token: click(w, t) for w in (world, other) * 3])  # type: ignore[misc]
            assert the_letter(world, who).subject == "Goodbye from Our Town"
    finally:
        other.store.close()
    assert [what for _, what in log_of(world, town)] == [f"{ANN} left", f"{BOB} left"]


def test_every_way_to_leave_at_once_is_one_goodbye(
    world: World, town: MailingList, database: str
) -> None:
    token, number = token_of(world, town, BOB), the_member(world, town, BOB).id
    mailto = f"town-leave+{copy_token(world.site.secret, Purpose.LEAVE, number, 1)}"
    other = replace(world, store=Store(database))
    try:
        ways = [
            lambda: click(world, token), lambda: send(other, BOB, "SIGNOFF"),
            lambda: click(other, token), lambda: send(world, ZOE, "", mailto),
        ]  # fmt: skip
        at_once(ways)
    finally:
        other.store.close()
    goodbyes = [one for one in letters(world) if one.subject == "Goodbye from Our Town"]
    assert [one.to for one in goodbyes] == [BOB]
    assert [what for _, what in log_of(world, town)] == [f"{BOB} left"]
    answer(world, goodbyes[0], "undo")
    assert is_member(world, town, BOB)


def test_a_click_and_an_undo_at_once_end_one_way_or_the_other(
    world: World, town: MailingList
) -> None:
    set_list(world, town, subscription="confirm")
    token = token_of(world, town, BOB)
    click(world, token)
    goodbye = the_letter(world, BOB)
    at_once([lambda: answer(world, goodbye, "undo"), lambda: click(world, token)])
    subjects = [one.subject for one in letters(world)]
    assert subjects.count("Goodbye from Our Town") == (0 if is_member(world, town, BOB) else 1)
