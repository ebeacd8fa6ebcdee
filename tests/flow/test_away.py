"""A moderator is away for some days: others are asked, and nothing that waits is overlooked."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, MemberRole
from listserv.flow import breaks, handover
from listserv.policy.circle import ROOM
from listserv.store import held, members, moderations
from listserv.store.held import HeldState
from listserv.store.moderations import Moderation
from listserv.store.session import Store, Tx
from tests.flow.letters import (
    ANN,
    AUTOMATIC,
    CONTRADICTED,
    MO,
    NOTHING_VERIFIED,
    PROVEN,
    UNPROVEN,
    Letter,
    answer,
    letters,
    log_of,
    receives,
    send,
    the_letter,
    the_member,
)
from tests.flow.test_breaks import set_
from tests.flow.test_escalate import asked
from tests.flow.test_summary import sum_up
from tests.flow.waiting import MAX, OLGA, Shown, a_post_waits, a_town, reply, shown, state
from tests.flow.world import World

# In this world it is 21 November 2026.
AWAY = "away until 1 December"


@pytest.fixture
def town(world: World) -> MailingList:
    return a_town(world)


def catch_up(world: World, mlist: MailingList) -> list[str]:
    """Who is shown something by housekeeping, as often as it is."""
    now = world.clock.now()
    while world.store.read(lambda tx: handover.is_wanting(tx, world.site, mlist.id, now)):
        assert world.store.write(lambda tx: handover.show_some(tx, world.site, mlist.id, now))
    return sorted(one.to for one in shown(world))


def posts_wait(world: World, count: int) -> list[Shown]:
    """Ann's posts, one in ten minutes; all the notices about them."""
    for number in range(count):
        world.clock.pass_by(minutes=10)
        world.post(ANN, "town", subject=f"Post {number}", authorship=PROVEN)
    found = shown(world)
    letters(world)
    return found


def is_away(world: World, mlist: MailingList, address: str = MO) -> bool:
    return the_member(world, mlist, address).is_away(world.site.today(world.clock.now()))


def test_others_are_asked_until_the_day_and_their_own_copies_come_all_the_same(
    world: World, town: MailingList
) -> None:
    send(world, MO, AWAY)
    told = the_letter(world, MO)
    assert "Until 1 December 2026 others are asked about what waits at Town." in told
    assert receives(world, town, MO) == (Delivery.MAIL, Delivery.MAIL)
    assert log_of(world, town)[-1] == (MO, f"{MO}: AWAY town UNTIL 2026-12-01")
    assert {one.to for one in posts_wait(world, 1)} == {MAX}
    assert asked(world, hours=24) == [OLGA]
    world.clock.pass_by(days=9)
    assert catch_up(world, town) == [MO]
    assert {one.to for one in posts_wait(world, 1)} == {MO, MAX}


def test_in_turn_who_is_away_is_skipped_and_what_only_they_had_goes_to_the_next(
    world: World,
) -> None:
    town = a_town(world, moderators="turn")
    had = [one for one in posts_wait(world, 4) if one.to == MO]
    assert len(had) == 2
    send(world, MO, AWAY)
    assert [one.to for one in shown(world)] == [MAX, MAX]
    assert {one.to for one in posts_wait(world, 3)} == {MAX}
    assert catch_up(world, town) == []
    reply(world, had[0], "approve")
    assert state(world, had[0]) is HeldState.APPROVED


def test_if_all_are_away_the_owners_are_asked_and_if_they_are_too_everybody(
    world: World, town: MailingList
) -> None:
    assert {one.to for one in posts_wait(world, 1)} == {MO, MAX}
    send(world, MO, AWAY)
    send(world, MAX, "abwesend bis 1. Dezember")
    assert [one.to for one in shown(world)] == [OLGA]
    letters(world)
    send(world, OLGA, AWAY)
    assert "you are asked all the same" not in the_letter(world, OLGA).text
    assert {one.to for one in posts_wait(world, 1)} == {MO, MAX}


def test_who_is_the_only_one_hears_that_they_are_asked_all_the_same(world: World) -> None:
    mlist = world.found("town", moderation="all")
    world.join(mlist, MO, role="owner", language="de")
    send(world, MO, AWAY)
    assert "werden Sie trotzdem gefragt" in the_letter(world, MO)
    assert is_away(world, mlist)


def test_back_ends_it_and_shows_what_still_waits(world: World, town: MailingList) -> None:
    send(world, MO, AWAY)
    posts_wait(world, 2)
    before = len(world.waiting)
    send(world, MO, "BACK")
    assert not is_away(world, town)
    told = the_letter(world, MO)
    assert [one.recipients for one in world.waiting[before:]] == [(MO,), (MO,)]
    assert "You are asked again about what waits at Town." in told
    assert "Mail of Town" not in told.text


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("BREAK UNTIL 1 December", Delivery.MAIL, "Mail of Town comes again."),
        ("SET NOMAIL", Delivery.NOMAIL, "asked again"),
    ],
)
def test_back_leaves_off_what_was_off_without_an_end(
    world: World, town: MailingList, before: str, after: Delivery, says: str
) -> None:
    send(world, MO, f"{before}\r\n{AWAY}")
    letters(world)
    send(world, MO, "BACK", subject="1")
    assert receives(world, town, MO)[0] is after
    assert says in the_letter(world, MO)
    send(world, MO, "BACK", subject="2")
    assert receives(world, town, MO)[0] is Delivery.MAIL
    assert "Mail of Town comes again." in the_letter(world, MO)


def test_undo_takes_it_back(world: World, town: MailingList) -> None:
    send(world, MO, AWAY, "town-request", UNPROVEN)
    assert not is_away(world, town)
    question = the_letter(world, MO)
    answer(world, question)
    assert is_away(world, town)
    the_letter(world, MO)
    trusting = replace(world, site=replace(world.site, require_proven_author=False))
    send(trusting, MO, "away until 5 December", "town-request", UNPROVEN)
    changed = the_letter(world, MO)
    assert the_member(world, town, MO).settings.away == "2026-12-05"
    answer(world, changed, "undo")
    assert the_member(world, town, MO).settings.away == "2026-12-01"


def test_a_member_who_writes_away_learns_of_break(world: World, town: MailingList) -> None:
    send(world, ANN, AWAY)
    assert "send BREAK" in the_letter(world, ANN)
    assert not is_away(world, town, ANN)


def test_as_the_reply_to_a_notice_it_is_judged_like_any_command(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    for mark in AUTOMATIC:
        reply(world, one, AWAY, MO, PROVEN, **mark)
    reply(world, one, AWAY, MO, CONTRADICTED)
    reply(world, one, f"> {AWAY}")
    reply(world, one, f"Hello,\r\n\r\n{AWAY}\r\napprove")
    for letter in letters(world):
        assert "Nothing was decided" in letter or "in your name" in letter
    assert not is_away(world, town)
    reply(world, one, AWAY, MO, UNPROVEN)
    question: Letter = the_letter(world, MO)
    assert not is_away(world, town)
    reply(world, one, f"{AWAY}.\r\n\r\nSIGNOFF town\r\napprove", subject="SIGNOFF")
    assert "others are asked" in the_letter(world, MO)
    assert is_away(world, town)
    assert state(world, one) is HeldState.HELD
    reply(world, one, "back")
    assert not is_away(world, town)
    the_letter(world, MO)
    answer(world, question)
    assert is_away(world, town)


def test_a_notice_that_is_passed_on_does_not_send_its_moderator_away(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    reply(world, one, AWAY, ANN)
    assert not is_away(world, town) and not is_away(world, town, ANN)
    assert "send BREAK" in the_letter(world, ANN)


def test_away_with_a_date_that_cannot_be_is_answered_so(world: World, town: MailingList) -> None:
    one = a_post_waits(world)
    letters(world)
    for line in ("away", "away until 31 June", "away until 2020-01-01"):
        reply(world, one, line)
        assert "AWAY town UNTIL 1 June" in the_letter(world, MO)
    assert not is_away(world, town)


def test_a_new_moderator_is_shown_what_waits_some_at_a_time(
    world: World, town: MailingList
) -> None:
    posts_wait(world, ROOM + 3)
    kim = "kim@example.org"
    world.join(town, kim, role="moderator")
    assert catch_up(world, town) == [kim] * ROOM
    world.clock.pass_by(hours=6)
    assert sum_up(world) == sorted([MO, MAX, kim])
    mails = [b"".join(one.data).decode() for one in world.sent[-3:]]
    (hers,) = [mail for mail in mails if f"To: {kim}" in mail]
    assert "13 still wait" in hers and "Not all have come to you yet (3)" in hers
    assert all("Not all" not in mail for mail in mails if mail is not hers)
    one = a_post_waits(world)
    for token in notices_of(world, town, MO)[:4]:
        reply(world, token, "discard")
    assert catch_up(world, town) == [kim] * 3
    assert state(world, one) is HeldState.HELD


def notices_of(world: World, mlist: MailingList, address: str) -> list[str]:
    """Where somebody answers what waits, in the order it came."""
    member = the_member(world, mlist, address)
    waiting = world.store.read(lambda tx: moderations.waiting(tx, mlist.id))
    mine = {one.id for one in waiting if member.id in one.shown}
    sent = [b"".join(mail.data).decode() for mail in world.waiting]
    found = [mail for mail in sent if f"To: {address}" in mail and "-moderate+" in mail]
    at = [mail.partition("Reply-To: ")[2].partition("\r\n")[0] for mail in found]
    known = {a: find(world, a.partition("+")[2].partition("@")[0]) for a in at}
    return [a for a, row in known.items() if row is not None and row.held_id in mine]


def find(world: World, token: str) -> Moderation | None:
    return world.store.read(lambda tx: moderations.find(tx, token))


def test_what_a_moderator_leaves_behind_who_is_one_no_more_goes_to_others(
    world: World,
) -> None:
    town = a_town(world, moderators="turn")
    posts_wait(world, 2)
    for gone in (MO, MAX):
        member = the_member(world, town, gone)
        world.store.write(lambda tx, m=member: members.change(tx, m, {"role": MemberRole.MEMBER}))  # type: ignore[misc]
    assert catch_up(world, town) == [OLGA, OLGA]


def test_an_answer_counts_14_days_and_then_the_notice_comes_anew(world: World) -> None:
    town = a_town(world, held_expiry=60)
    one = a_post_waits(world)
    letters(world)
    for _ in range(13):
        asked(world, days=1)
    assert catch_up(world, town) == []
    world.clock.pass_by(days=1)
    assert catch_up(world, town) == [MAX, MO]
    assert catch_up(world, town) == []
    world.clock.pass_by(days=14)
    now = world.clock.now()
    world.store.write(lambda tx: handover.show_some(tx, world.site, town.id, now))
    (anew,) = [notice for notice in shown(world, MO) if notice.token != one.token]
    (answered,) = world.post(MO, one.reply_to, authorship=PROVEN)
    assert state(world, one) is HeldState.HELD and answered
    reply(world, anew, "approve")
    assert state(world, one) is HeldState.APPROVED


def test_the_day_itself_brings_back_a_moderator_whose_break_ends_as_well(
    world: World, town: MailingList
) -> None:
    send(world, MO, f"BREAK UNTIL 1 December\r\n{AWAY}")
    posts_wait(world, 1)
    world.clock.pass_by(days=10)
    now = world.clock.now()
    world.store.write(lambda tx: breaks.end_breaks(tx, world.site, now))
    assert catch_up(world, town) == [MO]
    assert receives(world, town, MO)[0] is Delivery.MAIL


def test_who_is_away_gets_no_summary(world: World, town: MailingList) -> None:
    posts_wait(world, 1)
    send(world, MO, AWAY)
    letters(world)
    world.clock.pass_by(hours=6)
    assert sum_up(world) == [MAX]


def test_nothing_verified_asks_before_it_acts(world: World, town: MailingList) -> None:
    send(world, MO, AWAY, "town-request", NOTHING_VERIFIED)
    assert "others asked" in the_letter(world, MO)
    assert not is_away(world, town)


@pytest.mark.parametrize(
    ("whom", "day", "why"),
    [
        (MO, "2026-11-21", "away is a day after today, 2026-11-21"),
        (ANN, "2026-12-01", "only moderators and owners decide"),
        (MO, "1 December", "is a day such as"),
    ],
)
def test_an_absence_that_would_do_nothing_is_refused(
    world: World, town: MailingList, whom: str, day: str, why: str
) -> None:
    with pytest.raises(ListservError, match=why):
        set_(world, town, whom, away=day)
    set_(world, town, ANN, role="moderator", away="2026-12-01")
    assert is_away(world, town, ANN)
    set_(world, town, ANN, away="")
    assert not is_away(world, town, ANN)


def test_what_is_decided_at_this_moment_is_not_shown(
    world: World, town: MailingList, database: str
) -> None:
    """Where one writer does not see what the other has not committed yet."""
    (one, _) = posts_wait(world, 1)
    world.join(town, "kim@example.org", role="moderator")
    other, decided, now = Store(database), Event(), world.clock.now()

    def decide(tx: Tx) -> None:
        held.decide(tx, one.held, HeldState.DISCARDED, MO, "", now)
        decided.set()
        Event().wait(0.5)

    try:
        with ThreadPoolExecutor(1) as pool:
            deciding = pool.submit(other.write, decide)
            assert decided.wait(30)
            assert not world.store.write(
                lambda tx: handover.show_some(tx, world.site, town.id, now)
            )
            deciding.result()
    finally:
        other.close()
