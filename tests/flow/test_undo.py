"""UNDO: every step, twice, late, after the world has changed, two at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from listserv.domain.lists import MailingList
from listserv.domain.members import MemberRole
from listserv.flow import administer, enrol
from listserv.store import bans, confirmations, lists, members
from listserv.store.session import Tx
from listserv.store.tables import MemberRow
from tests.flow.letters import (
    ANN,
    BOB,
    CLEO,
    MO,
    ZOE,
    Letter,
    answer,
    is_member,
    letters,
    letters_to,
    log_of,
    send,
    the_letter,
    the_member,
)
from tests.flow.world import World, an_address


@pytest.fixture
def town(world: World) -> MailingList:
    """bob reads it, ann owns it, mo moderates it."""
    mlist = world.found("town", title="Our Town", subscription="open")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, MO, role="moderator")
    world.join(mlist, BOB)
    return mlist


def state(world: World, mlist: MailingList) -> object:
    """Everything of a list that a command can change."""

    def look(tx: Tx) -> object:
        of_list = select(MemberRow.id).where(MemberRow.list_id == mlist.id).order_by(MemberRow.id)
        every = [members.snapshot(tx, number) for number in tx.execute(of_list).scalars()]
        for one in every:
            del one["left"], one["away_since"]
        banned = [(one.pattern, one.until, one.reason) for one in bans.ls(tx, mlist.id)]
        return every, banned, lists.get(tx, mlist.id).on_hold

    return world.store.read(look)


def ban(world: World, mlist: MailingList, whom: str, reason: str = "") -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: administer.ban(
            tx, mlist.id, whom, until=None, reason=reason, by="command line", now=now
        )
    )


def do(world: World, author: str, command: str) -> Letter:
    """A command that acts; the mail that offers to take it back."""
    world.clock.pass_by(minutes=1)
    send(world, author, command)
    (back,) = [one for one in letters(world) if "confirm+" in one.reply_to]
    assert "undo" in back.text
    return back


def undo(world: World, letter: Letter) -> str:
    """Reply UNDO; what is said to that."""
    world.clock.pass_by(minutes=1)
    answer(world, letter, "Undo")
    return "\n".join(one.text for one in letters_to(world, letter.to))


def test_each_step_is_taken_back_once(world: World, town: MailingList) -> None:
    bob = the_member(world, town, BOB)
    world.store.write(lambda tx: members.change(tx, bob, {"also": CLEO}))
    gone = world.join(town, "gone@example.org")
    world.store.write(lambda tx: members.leave(tx, gone.id, world.clock.now()))
    ban(world, town, "@evil.example", "spam since May")
    for author, command in (
        (ZOE, "SUBSCRIBE town"),
        (BOB, "SIGNOFF town"),
        (BOB, "SUBSCRIBE town Bob Brown WITH DIGEST"),
        (ANN, f"ADD town {ZOE} Zoë"),
        (ANN, f"QUIET ADD town {gone.address} Gone"),
        (ANN, f"DELETE town {BOB}"),
        (ANN, f"DELETE town {ANN}"),
        (ANN, f"SET town DIGEST NOREPRO CONCEAL FOR {BOB}"),
        (ANN, f"SET town DIGEST MON AT 7 PM TIMEZONE Berlin FOR {BOB}"),
        (ANN, f"BAN town {ZOE} UNTIL 1 June"),
        (ANN, "BAN town @evil.example"),
        (ANN, "UNBAN town @evil.example"),
        (MO, "HOLD town"),
        (MO, "FREE town"),
    ):
        before = state(world, town)
        back = do(world, author, command)
        if command != "FREE town":
            assert state(world, town) != before, command
        assert "as it was before" in undo(world, back), command
        if not command.startswith("SUBSCRIBE town") or author != ZOE:
            assert state(world, town) == before, command
        else:
            assert not is_member(world, town, ZOE)
        assert "taken back before" in undo(world, back), command
        assert log_of(world, town)[-1][0] == author, command


def test_an_invitation_that_is_taken_back_is_good_for_nothing(
    world: World, town: MailingList
) -> None:
    send(world, ANN, f"INVITE town {ZOE}")
    invitation, told = sorted(letters(world), key=lambda one: one.to == ANN)
    assert "as it was before" in undo(world, told)
    answer(world, invitation)
    assert "too late" in the_letter(world, ZOE)
    assert not is_member(world, town, ZOE)
    send(world, ANN, f"INVITE town {ZOE}", subject="again")
    invitation, told = sorted(letters(world), key=lambda one: one.to == ANN)
    answer(world, invitation)
    letters(world)
    assert "could not be taken back" in undo(world, told)
    assert is_member(world, town, ZOE)


def test_a_change_of_address_is_taken_back_by_the_old_one_alone(
    world: World, town: MailingList
) -> None:
    before = state(world, town)
    send(world, BOB, "CHANGE town new@example.org")
    (question,) = letters_to(world, "new@example.org")
    answer(world, question)
    told = {one.to: one for one in letters(world)}
    assert told.keys() == {BOB, "new@example.org"}
    assert "undo" not in told["new@example.org"].text and "confirm" not in (
        told["new@example.org"].reply_to
    )
    assert is_member(world, town, "new@example.org") and not is_member(world, town, BOB)
    assert "as it was before" in undo(world, told[BOB])
    assert state(world, town) == before


def test_also_is_taken_back(world: World, town: MailingList) -> None:
    before = state(world, town)
    send(world, BOB, f"ALSO town {CLEO}")
    (question,) = letters_to(world, CLEO)
    answer(world, question)
    back = next(one for one in letters(world) if one.to == BOB)
    assert the_member(world, town, BOB).also == (an_address(CLEO),)
    assert "as it was before" in undo(world, back)
    assert state(world, town) == before


def test_undo_is_late_after_seven_days_and_not_before(world: World, town: MailingList) -> None:
    back = do(world, BOB, "SIGNOFF town")
    world.clock.pass_by(days=7, minutes=-2)
    assert "as it was before" in undo(world, back)
    back = do(world, BOB, "SIGNOFF town")
    world.clock.pass_by(days=7)
    assert "is over" in undo(world, back)
    assert not is_member(world, town, BOB)


def test_of_two_undos_at_once_one_acts(world: World, town: MailingList) -> None:
    back = do(world, BOB, "SIGNOFF town")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: answer(world, back, "undo"), range(4)))
    said = [one.text for one in letters_to(world, BOB)]
    assert sum("All is as it was" in text for text in said) == 1
    assert len(said) <= 3
    assert [what for _, what in log_of(world, town)].count(f"took back a change of {BOB}") == 1


def test_a_list_that_is_deleted_takes_its_undo_along(world: World, town: MailingList) -> None:
    city = world.found("city", subscription="open")
    world.join(city, BOB)
    send(world, BOB, "SET town DIGEST\r\nSIGNOFF city", "listserv")
    back = next(one for one in letters(world) if one.reply_to.startswith("town-confirm") is False)
    now = world.clock.now()
    world.store.write(lambda tx: administer.delete_list(tx, town.id, by="command line", now=now))
    world.store.write(lambda tx: administer.delete_list(tx, city.id, by="command line", now=now))
    answer(world, back, "undo")
    assert [one for one in letters(world) if "as it was before" in one] == []


# What happens between a command and its UNDO: who did it, and what of it must stay.
def _demote(world: World, town: MailingList) -> None:
    _set(world, town, BOB, role="member")


def _set(world: World, town: MailingList, whom: str, **values: str) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: enrol.change_member(
            tx, town.id, whom, values, domains=world.site.domains, by="command line", now=now
        )
    )


def _remove(world: World, town: MailingList) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: enrol.remove_members(tx, town.id, [BOB], by="command line", now=now)
    )


def _leave(world: World, town: MailingList) -> None:
    do(world, BOB, "SIGNOFF town")


def _come_and_go(world: World, town: MailingList) -> None:
    do(world, BOB, "SUBSCRIBE town")
    do(world, BOB, "SIGNOFF town")


def _come_back(world: World, town: MailingList) -> None:
    do(world, BOB, "SIGNOFF town")
    do(world, BOB, "SUBSCRIBE town")


@pytest.mark.parametrize(
    ("first", "meanwhile"),
    [
        ((BOB, "SUBSCRIBE town Bob WITH DIGEST"), _leave),
        ((BOB, "SUBSCRIBE town Bob WITH DIGEST"), _remove),
        ((BOB, "SIGNOFF town"), _come_and_go),
        ((ANN, f"DELETE town {BOB}"), _come_and_go),
        ((ANN, f"SET town DIGEST FOR {BOB}"), _leave),
        ((ANN, f"SET town DIGEST FOR {BOB}"), lambda w, t: do(w, BOB, "SUB town WITH NOMAIL")),
        ((BOB, "SIGNOFF town"), lambda w, t: ban(w, t, BOB)),
        ((BOB, "SIGNOFF town"), lambda w, t: ban(w, t, "@example.org")),
        ((BOB, "SIGNOFF town"), lambda w, t: _set(w, t, MO, also=BOB)),
        ((ANN, f"BAN town {ZOE}"), lambda w, t: ban(w, t, ZOE, "by the operator")),
        ((ANN, f"BAN town {ZOE}"), lambda w, t: _set(w, t, ANN, role="moderator")),
        ((ANN, f"DELETE town {BOB}"), lambda w, t: _set(w, t, ANN, role="member")),
        ((ANN, f"ADD town {ZOE}"), lambda w, t: _set(w, t, ANN, role="moderator")),
        ((MO, "HOLD town"), lambda w, t: do(w, ANN, "HOLD town")),
        ((MO, "HOLD town"), lambda w, t: _set(w, t, MO, role="member")),
    ],
)  # fmt: skip
def test_what_has_changed_since_is_not_taken_back(
    world: World,
    town: MailingList,
    first: tuple[str, str],
    meanwhile: Callable[[World, MailingList], object],
) -> None:
    back = do(world, *first)
    world.clock.pass_by(minutes=1)
    meanwhile(world, town)
    letters(world)
    before = state(world, town)
    assert "could not be taken back" in undo(world, back)
    assert state(world, town) == before


def test_undo_leaves_alone_what_the_command_did_not_touch(world: World, town: MailingList) -> None:
    """Symptom: a moderator set something, lost the role, replied UNDO and had the role again; and
    whoever is moderated was free again. Cause: UNDO wrote the whole membership back."""
    back = do(world, MO, "SUBSCRIBE town Moritz WITH DIGEST")
    _set(world, town, MO, role="member", moderated="yes", ack="yes")
    assert "as it was before" in undo(world, back)
    after = the_member(world, town, MO)
    assert (after.name, after.delivery) == ("Mo", "mail")
    assert (after.role, after.settings.moderated) == (MemberRole.MEMBER, True)
    assert after.settings.ack


def test_who_joined_left_and_joined_again_is_not_put_out_by_the_first_undo(
    world: World, town: MailingList
) -> None:
    first = do(world, ZOE, "SUBSCRIBE town")
    do(world, ZOE, "SIGNOFF town")
    do(world, ZOE, "SUBSCRIBE town")
    assert "could not be taken back" in undo(world, first)
    assert is_member(world, town, ZOE)


def test_an_undo_of_leaving_by_who_is_back_changes_nothing(world: World, town: MailingList) -> None:
    back = do(world, BOB, "SIGNOFF town")
    do(world, BOB, "SUBSCRIBE town WITH DIGEST")
    before = state(world, town)
    assert "as it was before" in undo(world, back)
    assert state(world, town) == before


def test_undo_in_the_order_of_a_stack_takes_everything_back(
    world: World, town: MailingList
) -> None:
    before = state(world, town)
    first = do(world, BOB, "SUBSCRIBE town Robert WITH DIGEST")
    second = do(world, BOB, "SUBSCRIBE town Rob WITH NOMAIL")
    third = do(world, BOB, "SIGNOFF town")
    for back in (third, second, first):
        assert "as it was before" in undo(world, back)
    assert state(world, town) == before


def test_one_undo_takes_back_all_commands_of_a_mail(world: World, town: MailingList) -> None:
    before = state(world, town)
    lines = [f"ADD town {ZOE}", f"DELETE town {BOB}", f"BAN town {BOB}", "HOLD town"]
    back = do(world, ANN, "\r\n".join(lines))
    assert state(world, town) != before
    letters(world)
    assert "as it was before" in undo(world, back)
    assert not is_member(world, town, ZOE) and is_member(world, town, BOB)
    assert world.store.read(lambda tx: bans.ls(tx, town.id)) == []


def test_the_address_of_an_undo_takes_no_yes_and_no_code(world: World, town: MailingList) -> None:
    back = do(world, BOB, "SIGNOFF town")
    for word in ("yes", "What is this?", "no", "thank you"):
        answer(world, back, word)
    assert not is_member(world, town, BOB)
    told = letters_to(world, BOB)
    assert len(told) == 3 and all("reply with: undo" in one for one in told)
    token = back.reply_to.partition("+")[2].partition("@")[0]
    send(world, BOB, f"CONFIRM {token}")
    assert "not known" in the_letter(world, BOB)
    asked = world.store.read(lambda tx: confirmations.find(tx, token))
    assert asked is not None and asked.confirmed is None
