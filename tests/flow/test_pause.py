"""one_click=pause: a click stops the mail, and one mail asks whether its reader leaves or stays."""

from datetime import timedelta

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member
from listserv.flow import breaks, enrol, pause
from listserv.flow.unsubscribe import Outcome
from listserv.policy.staying import KIND
from listserv.store import confirmations, members, retention
from listserv.workers import digests
from tests.flow.letters import (
    ANN,
    AUTOMATIC,
    BOB,
    Letter,
    answer,
    is_member,
    letters,
    letters_to,
    log_of,
    receives,
    send,
    set_list,
    the_letter,
    the_member,
)
from tests.flow.test_at_once import at_once
from tests.flow.test_unsubscribe import click, token_of
from tests.flow.world import DOMAIN, World

ASKS, STAYS, LEFT = (
    "Do you want to leave Our Town?",
    "You stay at Our Town",
    "You have left Our Town",
)
GOODBYE = "Goodbye from Our Town"
MAIL, DIGEST, NOMAIL = Delivery.MAIL, Delivery.DIGEST, Delivery.NOMAIL


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town", one_click="pause")
    world.join(mlist, ANN, own_posts=False)
    world.join(mlist, BOB)
    return mlist


def asked(world: World, mlist: MailingList, address: str = BOB) -> Letter:
    """The mail that comes after a click."""
    assert click(world, token_of(world, mlist, address)) is Outcome.PAUSED
    letter = the_letter(world, address)
    assert letter.subject == ASKS
    return letter


def silence(world: World, **time: float) -> None:
    """Time passes, and housekeeping has its turn."""
    world.clock.pass_by(**time)
    now = world.clock.now()
    while token := world.store.read(lambda tx: confirmations.lapsed(tx, KIND, now)):
        world.store.write(lambda tx: pause.silent(tx, world.site, token, now))


def subjects(world: World) -> list[str]:
    return [one.subject for one in letters(world)]


def test_a_click_stops_the_mail_at_once_and_asks_once(world: World, town: MailingList) -> None:
    token = token_of(world, town, BOB)
    assert [click(world, token) for _ in range(100)] == [Outcome.PAUSED] * 100
    assert receives(world, town, BOB) == (NOMAIL, MAIL)
    world.post(ANN, "town")
    letter = the_letter(world, BOB)
    assert letter.subject == ASKS and "you leave on 28 November 2026" in letter.text
    assert log_of(world, town)[0] == (f"{BOB} by one click", f"stopped the mail of {BOB}")


@pytest.mark.parametrize("delivery", ["mail", "digest", "nomail", "break"])
def test_to_stay_brings_the_mail_as_it_was(world: World, town: MailingList, delivery: str) -> None:
    given = {"until": "2026-12-24"} if delivery == "break" else {"delivery": delivery}
    set_(world, town, **given)
    before = the_member(world, town, BOB)
    letter = asked(world, town)
    assert the_member(world, town, BOB).until is None
    answer(world, letter, "Stay, please")
    assert the_letter(world, BOB).subject == STAYS
    after = the_member(world, town, BOB)
    assert how(after) == how(before)
    answer(world, letter, "STAY")
    assert the_letter(world, BOB).subject == STAYS
    silence(world, days=8)
    assert is_member(world, town, BOB) and letters(world) == []


def how(member: Member) -> tuple[object, ...]:
    return member.delivery, member.kept, member.until, member.away_since


def set_(world: World, mlist: MailingList, **given: str) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: enrol.change_member(
            tx, mlist.id, BOB, given, domains={DOMAIN}, by="command line", now=now
        )
    )


@pytest.mark.parametrize("word", ["LEAVE", "Abmelden", "nothing at all"])
def test_to_leave_and_to_say_nothing_are_a_goodbye_and_an_undo_is_from_before_the_click(
    world: World, town: MailingList, word: str
) -> None:
    letter = asked(world, town)
    if word == "nothing at all":
        silence(world, days=6, hours=23)
        assert is_member(world, town, BOB)
        silence(world, hours=1)
        assert log_of(world, town)[-1][0] == "listserv, no answer for 7 days"
    else:
        answer(world, letter, word)
    goodbye = the_letter(world, BOB)
    assert goodbye.subject == GOODBYE and not is_member(world, town, BOB)
    answer(world, letter, "STAY")
    assert the_letter(world, BOB).subject == LEFT and not is_member(world, town, BOB)
    answer(world, goodbye, "undo")
    assert receives(world, town, BOB) == (MAIL, MAIL)
    letters(world)
    silence(world, days=30)
    assert is_member(world, town, BOB) and letters(world) == []


def test_who_stays_is_offered_what_they_missed_also_what_waited_for_a_digest(
    world: World, town: MailingList
) -> None:
    set_(world, town, delivery="digest")
    world.post(ANN, "town", subject="one")
    letter = asked(world, town)
    world.post(ANN, "town", subject="two")
    silence(world, days=1, hours=12)
    while digests.turn(world.store, world.site, world.clock):
        pass
    assert letters(world) == []
    answer(world, letter, "STAY")
    missed, stays = sorted(letters(world), key=lambda one: one.subject, reverse=True)
    assert stays.subject == STAYS or missed.subject == STAYS
    offered = stays if missed.subject == STAYS else missed
    assert "there were 2 posts" in offered.text


@pytest.mark.parametrize(
    ("what", "comes"),
    [("BACK", MAIL), ("SET town MAIL", MAIL), ("SET town DIGEST", DIGEST),
     ("SET town NOMAIL", NOMAIL), ("BREAK town UNTIL 24 December", NOMAIL), ("JOIN town", MAIL),
     ("NAME town Bob", NOMAIL)],
)  # fmt: skip
def test_who_says_anything_else_about_their_membership_has_not_been_silent(
    world: World, town: MailingList, what: str, comes: Delivery
) -> None:
    letter = asked(world, town)
    if what == "BACK":
        answer(world, letter, what)  # as people go on in the mail that they have before them
        letters(world)
        send(world, BOB, what)
    else:
        send(world, BOB, what)
    assert receives(world, town, BOB)[0] is comes
    letters(world)
    silence(world, days=8)
    assert is_member(world, town, BOB)
    assert letters(world) == []


@pytest.mark.parametrize("what", ["NAME town Bob", "SET town REPRO", "LANGUAGE town Deutsch"])
def test_who_says_something_else_can_still_stay_and_have_the_mail_again(
    world: World, town: MailingList, what: str
) -> None:
    letter = asked(world, town)
    send(world, BOB, what)
    assert receives(world, town, BOB) == (NOMAIL, MAIL)
    letters(world)
    answer(world, letter, "STAY")
    assert receives(world, town, BOB) == (MAIL, MAIL)


def test_an_operator_who_lets_the_mail_come_again_ends_the_question(
    world: World, town: MailingList
) -> None:
    asked(world, town)
    set_(world, town, delivery="digest")
    silence(world, days=8)
    assert receives(world, town, BOB)[0] is DIGEST and letters(world) == []


def test_a_signoff_meanwhile_and_its_undo_are_no_silence(world: World, town: MailingList) -> None:
    asked(world, town)
    send(world, BOB, "SIGNOFF")
    answer(world, the_letter(world, BOB), "undo")
    letters(world)
    assert receives(world, town, BOB) == (MAIL, MAIL)
    silence(world, days=8)
    assert is_member(world, town, BOB)


def test_a_click_after_all_is_another_question(world: World, town: MailingList) -> None:
    answer(world, asked(world, town), "stay")
    letters(world)
    second = asked(world, town)
    send(world, BOB, "BACK")
    letters(world)
    third = asked(world, town)
    answer(world, second, "LEAVE")
    assert is_member(world, town, BOB) and the_letter(world, BOB).subject == STAYS
    answer(world, third, "LEAVE")
    assert the_letter(world, BOB).subject == GOODBYE


def test_where_the_owner_changes_their_mind_the_next_click_leaves(
    world: World, town: MailingList
) -> None:
    asked(world, town)
    set_list(world, town, one_click="leave")
    assert click(world, token_of(world, town, BOB)) is Outcome.LEFT
    answer(world, the_letter(world, BOB), "undo")
    letters(world)
    assert receives(world, town, BOB) == (MAIL, MAIL)


def test_other_words_are_told_how_and_programs_nothing(world: World, town: MailingList) -> None:
    letter = asked(world, town)
    for marks in AUTOMATIC:
        answer(world, letter, "LEAVE", **marks)
    answer(world, letter, "no")
    assert letters(world) == [] and is_member(world, town, BOB)
    answer(world, letter, "What is this?")
    unclear = the_letter(world, BOB)
    assert unclear.subject == ASKS and unclear.reply_to == letter.reply_to
    answer(world, unclear, "STAY")
    assert the_letter(world, BOB).subject == STAYS


def test_an_answer_that_was_on_its_way_while_the_server_slept_counts(
    world: World, town: MailingList
) -> None:
    """Late, but nothing was done yet."""
    letter = asked(world, town)
    world.clock.pass_by(days=10)
    answer(world, letter, "STAY")
    assert the_letter(world, BOB).subject == STAYS
    silence(world, days=1)
    assert receives(world, town, BOB) == (MAIL, MAIL)


def test_after_days_without_a_server_the_question_is_not_forgotten_and_the_silent_leave(
    world: World, town: MailingList
) -> None:
    asked(world, town)
    world.clock.pass_by(days=15)
    now = world.clock.now()
    world.store.write(lambda tx: retention.tidy(tx, timedelta(days=30), now))
    silence(world)
    assert not is_member(world, town, BOB)


def test_who_is_suspended_cannot_be_asked_and_leaves(world: World, town: MailingList) -> None:
    world.store.write(
        lambda tx: tx.exec_driver_sql("UPDATE member SET state = 'suspended'").close()
    )
    assert click(world, token_of(world, town, BOB)) is Outcome.LEFT
    assert not is_member(world, town, BOB)


def test_a_break_that_would_end_meanwhile_does_not_bring_the_mail(
    world: World, town: MailingList
) -> None:
    set_(world, town, until="2026-11-23")
    letter = asked(world, town)
    silence(world, days=3)
    now = world.clock.now()
    assert world.store.write(lambda tx: breaks.end_breaks(tx, world.site, now)) == 0
    answer(world, letter, "STAY")
    letters(world)
    assert world.store.write(lambda tx: breaks.end_breaks(tx, world.site, now)) == 1
    assert receives(world, town, BOB) == (MAIL, MAIL)


def test_stay_and_silence_at_once_end_one_way_or_the_other(world: World, town: MailingList) -> None:
    letter = asked(world, town)
    world.clock.pass_by(days=7)
    now = world.clock.now()
    token = world.store.read(lambda tx: confirmations.lapsed(tx, KIND, now))
    assert token is not None
    at_once(
        [
            lambda: answer(world, letter, "STAY"),
            lambda: world.store.write(lambda tx: pause.silent(tx, world.site, token, now)),
        ]
    )
    stayed = is_member(world, town, BOB)
    assert (GOODBYE in subjects(world)) is not stayed


def test_a_question_about_a_list_that_is_gone_harms_nobody(world: World, town: MailingList) -> None:
    asked(world, town)
    world.store.write(lambda tx: tx.exec_driver_sql("DELETE FROM list").close())
    silence(world, days=8)
    assert letters_to(world, BOB) == []


def test_in_german_its_words_are_german(world: World, town: MailingList) -> None:
    set_list(world, town, language="de")
    click(world, token_of(world, town, BOB))
    letter = the_letter(world, BOB)
    assert "BLEIBEN" in letter.text and "ABMELDEN" in letter.text
    answer(world, letter, "Bleiben")
    assert the_letter(world, BOB).subject == "Sie bleiben bei Our Town"
    assert world.store.read(lambda tx: members.get(tx, 2)) is not None
