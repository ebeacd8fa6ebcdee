"""New members' first posts are read; then they post freely, and moderators may go on reading."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from listserv.domain.authorship import VerifiedPath
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberRole
from listserv.flow import graduation, moderate
from listserv.store import held, lists, members, paths
from listserv.store.held import HeldState
from listserv.store.session import Store, Tx
from tests.flow.letters import (
    ANN,
    AUTOMATIC,
    BOB,
    CONTRADICTED,
    MO,
    PROVEN,
    UNPROVEN,
    Letter,
    answer,
    letters,
    letters_to,
    log_of,
    send,
    set_list,
    the_letter,
    the_member,
)
from tests.flow.waiting import MAX, OLGA, a_town, reply
from tests.flow.world import World

FREE = "go out at once now"


@pytest.fixture
def town(world: World) -> MailingList:
    return a_town(world, moderation="new", new_member_posts=3)


def posts(world: World, count: int, author: str = ANN) -> list[int]:
    """So many posts; the numbers of those that wait."""
    before = {one.id for one in world.store.read(held.ls)}
    for number in range(count):
        world.post(author, "town", subject=f"Post {number}", authorship=PROVEN)
    letters(world)
    return sorted({one.id for one in world.store.read(held.ls)} - before)


def approve(world: World, *numbers: int) -> list[Letter]:
    """What moderators hear of an author when these go out, one after the other."""
    now = world.clock.now()
    for number in numbers:
        world.store.write(lambda tx: moderate.approve(tx, world.site, number, MO, now))  # noqa: B023
    return [one for one in letters(world) if FREE in one.subject]


def change(world: World, mlist: MailingList, address: str = ANN, **values: bool) -> Member:
    member = the_member(world, mlist, address)
    return world.store.write(lambda tx: members.change(tx, member, values))


def graduated(world: World) -> dict[str, Letter]:
    """The notices about a member who posts freely from now on."""
    return {one.to: one for one in approve(world, *posts(world, 3))}


def is_read(world: World, mlist: MailingList) -> bool:
    return the_member(world, mlist, ANN).settings.moderated


def test_after_so_many_approved_posts_a_member_is_free_and_moderators_hear_it_once(
    world: World, town: MailingList
) -> None:
    assert approve(world, *posts(world, 2)) == []
    told = approve(world, *posts(world, 2))
    assert sorted(one.to for one in told) == [MAX, MO]
    assert all(ANN in one and one.reply_to.startswith("town-moderate+") for one in told)
    assert len({one.reply_to for one in told}) == 2
    assert posts(world, 1) == []


def test_who_was_free_from_the_start_or_is_read_on_is_not_told_of(
    world: World, town: MailingList
) -> None:
    set_list(world, town, moderation="off")
    assert posts(world, 2) == []
    set_list(world, town, moderation="all")
    waiting = posts(world, 2)
    set_list(world, town, moderation="new")
    assert approve(world, *waiting) == []
    change(world, town, BOB, moderated=True)
    assert approve(world, *posts(world, 4, BOB)) == []
    world.join(town, "kim@example.org", role="moderator", moderated=True)
    assert approve(world, *posts(world, 4, "kim@example.org")) == []


def test_whom_a_moderator_trusts_the_others_need_not_hear_of(
    world: World, town: MailingList
) -> None:
    now = world.clock.now()
    numbers = posts(world, 4)
    approve(world, *numbers[:2])
    world.store.write(lambda tx: moderate.approve_and_trust(tx, world.site, numbers[2], MO, now))
    assert approve(world, numbers[3]) == []
    assert the_member(world, town, ANN).posts == 4


def test_two_that_are_approved_at_once_are_told_of_once(world: World, database: str) -> None:
    """Where one writer does not see what the other has not committed yet."""
    other = replace(world, store=Store(database))
    a_town(world, moderation="new", new_member_posts=2)
    try:
        for round_ in range(5):
            author = f"new{round_}@example.org"
            world.join(world.store.read(lambda tx: lists.find(tx, "town")), author)
            approve(world, posts(world, 1, author)[0])
            two = posts(world, 2, author)
            with ThreadPoolExecutor(2) as pool:
                jobs = zip((world, other), two, strict=True)
                for done in [pool.submit(decide, w, number) for w, number in jobs]:
                    done.result()
            told = [one.to for one in letters(world) if FREE in one.subject]
            assert sorted(told) == [MAX, MO]
    finally:
        other.store.close()


def decide(world: World, number: int) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: moderate.approve(tx, world.site, number, MO, now))


@pytest.mark.parametrize("word", ["keep", "Behalten, danke", "garder", "Mantener."])
def test_keep_has_their_posts_read_on_and_undo_takes_it_back(
    world: World, town: MailingList, word: str
) -> None:
    notices = graduated(world)
    reply(world, notices[MO].reply_to, word)
    done = the_letter(world, MO)
    assert is_read(world, town)
    assert (MO, f"goes on reading {ANN} first") in log_of(world, town)
    reply(world, notices[MAX].reply_to, "keep", MAX)
    assert "already" in the_letter(world, MAX)
    assert len(posts(world, 1)) == 1
    answer(world, done, "undo")
    assert not is_read(world, town)


def test_nothing_else_keeps(world: World, town: MailingList) -> None:
    mo = graduated(world)[MO]
    country = world.found("country")
    world.join(country, MO, role="moderator")
    reply(world, mo.reply_to.replace("town-", "country-"), "keep")
    reply(world, mo.reply_to, "keep", MAX)
    reply(world, mo.reply_to, "keep", ANN)
    for mark in AUTOMATIC:
        reply(world, mo.reply_to, "keep", MO, PROVEN, **mark)
    assert letters(world) == []
    reply(world, mo.reply_to, "keep", MO, CONTRADICTED)
    assert "Somebody writes in your name" in the_letter(world, MO).subject
    confirming = mo.reply_to.replace("-moderate+", "-confirm+")
    for to in (confirming, mo.reply_to.replace("town-", "listserv-")):
        reply(world, to, "yes")
        assert letters(world) == []
    send(world, MO, f"CONFIRM {mo.reply_to.partition('+')[2].partition('@')[0]}")
    assert "not known" in the_letter(world, MO)
    for words in ("keep?", "keep on", "> You read.\r\n\r\nkeep", "ok", "approve"):
        reply(world, mo.reply_to, words)
        help_ = the_letter(world, MO)
        assert "Nothing was changed" in help_ and help_.reply_to == mo.reply_to
    assert not is_read(world, town)


def test_a_keep_that_nothing_proves_waits_for_the_moderators_yes(
    world: World, town: MailingList
) -> None:
    mo = graduated(world)[MO]
    for _ in range(3):
        reply(world, mo.reply_to, "keep", MO, UNPROVEN)
    question = the_letter(world, MO)
    assert "read on" in question and not is_read(world, town)
    reply(world, question.reply_to.replace("-confirm+", "-moderate+"), "keep")
    assert letters(world) == [] and not is_read(world, town)
    answer(world, question)
    assert is_read(world, town)


def test_a_yes_keeps_nothing_when_the_moderator_is_none_any_more(
    world: World, town: MailingList
) -> None:
    mo = graduated(world)[MO]
    reply(world, mo.reply_to, "keep", MO, UNPROVEN)
    question, member = the_letter(world, MO), the_member(world, town, MO)
    role = {"role": MemberRole.MEMBER}
    world.store.write(lambda tx: members.change(tx, member, role))
    answer(world, question)
    assert not is_read(world, town)


def test_keep_is_too_late_after_14_days_and_for_who_is_no_moderator_any_more(
    world: World, town: MailingList
) -> None:
    notices = graduated(world)
    member = the_member(world, town, MO)
    role = {"role": MemberRole.MEMBER}
    world.store.write(lambda tx: members.change(tx, member, role))
    reply(world, notices[MO].reply_to, "keep")
    assert letters(world) == []
    world.clock.pass_by(days=14)
    reply(world, notices[MAX].reply_to, "keep", MAX)
    assert "is over" in the_letter(world, MAX)
    assert not is_read(world, town)


def test_keep_of_who_has_left_is_answered_so(world: World, town: MailingList) -> None:
    notices = graduated(world)
    send(world, ANN, "SIGNOFF")
    letters(world)
    reply(world, notices[MO].reply_to, "keep")
    assert "no longer a member" in the_letter(world, MO)


def moved(world: World) -> Letter:
    """Ann has another address now; the mail that says so, with UNDO."""
    new = "ann@new.example"
    send(world, ANN, f"CHANGE town {new}")
    (question,) = letters_to(world, new)
    answer(world, question)
    (told,) = letters_to(world, ANN)
    return told


def test_after_a_change_of_address_one_post_is_read_and_no_way_is_familiar(
    world: World, town: MailingList
) -> None:
    graduated(world)
    ann = the_member(world, town, ANN)
    now = world.clock.now()
    way = VerifiedPath((), "example.org")
    world.store.write(lambda tx: paths.confirm(tx, ann.id, way, ANN, now))
    moved(world)
    assert world.store.read(lambda tx: paths.familiar(tx, ann.id, now - timedelta(days=1))) == []
    first, second = posts(world, 2, "ann@new.example")
    told = approve(world, first)
    assert sorted(one.to for one in told) == [MAX, MO]
    assert approve(world, second) == []
    assert posts(world, 1, "ann@new.example") == []
    assert the_member(world, town, "ann@new.example").posts == 6


def test_read_next_holds_one_post_whatever_the_list_reads(world: World, town: MailingList) -> None:
    set_list(world, town, moderation="off")
    change(world, town, ANN, read_next=True)
    first, second = posts(world, 2)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.reject(tx, world.site, first, "no", MO, now))
    letters(world)
    assert len(posts(world, 1)) == 1
    assert approve(world, second) == []
    assert posts(world, 1) == []


def test_undo_of_a_change_still_works_when_a_post_was_read(world: World, town: MailingList) -> None:
    graduated(world)
    told = moved(world)
    approve(world, *posts(world, 1, "ann@new.example"))
    answer(world, told, "undo")
    assert the_member(world, town, ANN).settings.read_next


def test_where_no_new_member_is_read_nobody_is_after_a_change(world: World) -> None:
    town = world.found("town", title="Town")
    for address, role in ((ANN, "member"), (OLGA, "owner")):
        world.join(town, address, role=role)
    moved(world)
    assert posts(world, 1, "ann@new.example") == []

    def begin(tx: Tx) -> None:
        olga = members.by_key(tx, town.id, OLGA)
        assert olga is not None
        mlist = lists.change(tx, town.id, {"moderation": "new"})
        graduation.begin_again(tx, mlist, olga)

    world.store.write(begin)
    assert not the_member(world, town, OLGA).settings.read_next


def test_what_is_rejected_does_not_count(world: World, town: MailingList) -> None:
    one, two = posts(world, 2)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.reject(tx, world.site, one, "no", MO, now))
    approve(world, two)
    assert the_member(world, town, ANN).posts == 1
    assert {h.state for h in world.store.read(held.ls)} <= {HeldState.HELD}
