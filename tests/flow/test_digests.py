"""Digests in the flow: who gets which posts, when, and that each post comes exactly once."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sqlalchemy import delete, func, select, update

from listserv.domain.languages import ENGLISH
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Kind, Mode
from listserv.domain.members import Member, MemberState
from listserv.flow import due_digests, make_digests, moderate
from listserv.flow.administer import change_list
from listserv.flow.breaks import end_breaks
from listserv.resources import JinjaTemplates
from listserv.store import digests, held, issues, lists, members, pages
from listserv.store.members import LOOK_NOW
from listserv.store.session import Store, Tx
from listserv.store.tables import (
    IssuePartRow,
    MailingRow,
    MemberRow,
    MessageRow,
    PostRow,
    RenderingRow,
)
from listserv.workers import digests as worker
from tests.flow.world import DOMAIN, World, a_world

ANN, BOB, CLEO = (f"{name}@example.org" for name in ("ann", "bob", "cleo"))
SEVEN = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town")
    world.join(mlist, ANN)
    world.join(mlist, BOB, delivery="digest")
    return mlist


def turns(world: World) -> list[str]:
    """Make all digests that are due, and deliver."""
    while worker.turn(world.store, world.site, world.clock):
        pass
    return world.deliver()


def at_seven(world: World, days: int = 0) -> list[str]:
    turns(world)
    world.clock.time = SEVEN + timedelta(days=days, minutes=10)
    return turns(world)


def text_of(raw: bytes) -> str:
    whole = message_from_bytes(re.sub(rb"(?m)^\.\.", b".", raw))
    texts = [part for part in whole.walk() if part.get_content_type() == "text/plain"]
    return "\n".join(_decoded(part) for part in texts)


def _decoded(part: Message) -> str:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode()


def set_member(world: World, mlist: MailingList, address: str, **values: str | bool) -> None:
    member = the_member(world, mlist, address)
    world.store.write(lambda tx: members.change(tx, member, values))


def the_member(world: World, mlist: MailingList, address: str) -> Member:
    member = world.store.read(lambda tx: members.by_key(tx, mlist.id, address))
    assert member is not None
    return member


def test_the_posts_of_a_day_come_in_the_morning_in_one_mail(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="Good news", body="The rain has stopped.")
    world.post(ANN, "town", subject="More news", body="The sun is out.")
    assert turns(world) == [ANN, ANN]
    assert at_seven(world) == [BOB]
    head, text = message_from_bytes(world.last()), text_of(world.last())
    assert head["From"] == head["To"] == f'"Our Town" <town@{DOMAIN}>'
    assert head["List-Unsubscribe"] and head["Message-ID"].endswith(f"@{world.site.hostname}>")
    assert "The rain has stopped." in text and "The sun is out." in text
    assert at_seven(world, days=1) == [], "an empty digest is not sent"

    world.post(ANN, "town", subject="Third", body="Fog again.")
    world.deliver()
    assert at_seven(world, days=2) == [BOB]
    assert "Fog again." in text_of(world.last()) and "rain" not in text_of(world.last())


def test_who_gets_the_same_shares_one_issue_and_others_have_their_own(
    world: World, town: MailingList
) -> None:
    readers: dict[str, dict[str, str | bool]] = {
        "same@example.org": {},
        "text@example.org": {"format": "text"},
        "german@example.org": {"language": "de"},
        "noown@example.org": {"own_posts": False},
        "nodup@example.org": {"duplicates": False},
    }
    for address, values in readers.items():
        world.join(town, address, delivery="digest")
        set_member(world, town, address, **values)
    world.post("noown@example.org", "town", body="My own words.")
    world.post(ANN, "town", body="Words of Ann.", to=f"town@{DOMAIN}, nodup@example.org")
    world.deliver()
    world.sent.clear()
    assert at_seven(world) == sorted([BOB, *readers])
    texts = {one.recipients[0]: text_of(b"".join(one.data)) for one in world.sent}
    assert "My own words." in texts[BOB] and "Words of Ann." in texts[BOB]
    assert texts["same@example.org"] == texts[BOB] == texts["text@example.org"]
    assert "My own words." not in texts["noown@example.org"]
    assert "Words of Ann." not in texts["nodup@example.org"]
    ids = {one.recipients[0]: message_from_bytes(b"".join(one.data))["Message-ID"]
           for one in world.sent}  # fmt: skip
    assert ids["same@example.org"] == ids[BOB] and len(set(ids.values())) == 5


def test_a_post_to_two_lists_comes_once(world: World, town: MailingList) -> None:
    club = world.found("club")
    world.join(club, ANN)
    world.join(club, BOB, delivery="digest")
    world.join(club, CLEO, delivery="digest")
    world.post(ANN, "town", "club", body="To both.")
    world.deliver()
    world.sent.clear()
    assert at_seven(world) == [BOB, CLEO]
    ids = {one.recipients[0]: b"".join(one.data) for one in world.sent}
    assert b"<town.lists" in ids[BOB] and b"<club.lists" in ids[CLEO]


def test_who_switches_gets_what_waited_as_one_last_digest_and_then_copies(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", body="Before.")
    world.deliver()
    set_member(world, town, BOB, delivery="mail")
    world.post(ANN, "town", body="After.")
    world.sent.clear()
    assert turns(world) == sorted([ANN, BOB, BOB])
    mine = [b"".join(one.data) for one in world.sent if one.recipients == (BOB,)]
    assert ["Before." in text_of(one) for one in mine].count(True) == 1
    assert ["After." in text_of(one) for one in mine].count(True) == 1
    assert at_seven(world) == []


def test_a_break_of_a_digest_reader_begins_with_what_waited(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", body="Before.")
    world.deliver()
    set_member(world, town, BOB, until="2026-12-01")
    assert turns(world) == [BOB] and "Before." in text_of(world.last())
    world.post(ANN, "town", body="Meanwhile.")
    assert turns(world) == [ANN] and at_seven(world) == []


@pytest.mark.parametrize(("how", "comes"), [("mail", [BOB]), ("digest", [BOB])])
def test_after_a_break_one_word_brings_what_was_missed(
    world: World, town: MailingList, how: str, comes: list[str]
) -> None:
    set_member(world, town, BOB, delivery=how)
    turns(world)
    set_member(world, town, BOB, until="2026-11-23")
    for number in range(2):
        world.post(ANN, "town", body=f"Missed {number}.")
    assert turns(world) == [ANN, ANN]
    world.clock.pass_by(days=2)
    world.store.write(lambda tx: end_breaks(tx, world.site, world.clock.now()))
    assert turns(world) == [BOB], "told, and nothing sent unasked"
    reply_to = str(message_from_bytes(world.last())["Reply-To"])
    for word, came in (("What?", [BOB]), ("DIGEST", comes), ("digest please", [])):
        world.post(BOB, reply_to, subject="Re: your break", body=word)
        assert turns(world) == came, word
        if word == "DIGEST":
            text = text_of(world.last())
            assert "Missed 0." in text and "Missed 1." in text
    assert the_member(world, town, BOB).delivery == how
    assert at_seven(world, days=3) == []


def test_each_has_their_own_hour_days_and_zone(world: World, town: MailingList) -> None:
    early = world.join(town, "early@example.org", delivery="digest", digest_hour="06:00")
    world.join(town, "chicago@example.org", delivery="digest", timezone="America/Chicago")
    world.join(town, "weekly@example.org", delivery="digest", digest_days="tue")
    world.post(ANN, "town")
    turns(world)
    seen: dict[str, datetime] = {}
    for hour in range(1, 100):
        world.clock.time = datetime(2026, 11, 21, 12, 10, tzinfo=UTC) + timedelta(hours=hour)
        seen |= dict.fromkeys(turns(world), world.clock.time)
    hours = {address.partition("@")[0]: (at.day, at.hour) for address, at in seen.items()}
    assert hours == {"early": (22, 6), "bob": (22, 7), "chicago": (21, 13), "weekly": (24, 7)}
    assert early.id


def test_after_an_outage_one_digest_catches_up(world: World, town: MailingList) -> None:
    turns(world)
    for _ in range(4):
        world.post(ANN, "town")
        world.clock.pass_by(days=1)
    world.deliver()
    assert turns(world) == [BOB] and turns(world) == []


def test_many_posts_do_not_wait_for_the_morning(world: World, town: MailingList) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: change_list(tx, town.id, {"digest_max_posts": "3"},
                                             by="test", now=now))  # fmt: skip
    turns(world)
    for number in range(3):
        world.clock.pass_by(hours=1)
        hurry(world, town)
        assert turns(world) == []
        world.post(ANN, "town", body=f"Number {number}.")
        world.deliver()
    hurry(world, town)
    assert turns(world) == [BOB] and "Number 2." in text_of(world.last())
    hurry(world, town)
    assert turns(world) == [] and at_seven(world) == []


def hurry(world: World, mlist: MailingList) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: digests.hurry(tx, mlist.id, 3, now))


def test_another_hour_of_the_list_counts_from_now_on(world: World, town: MailingList) -> None:
    turns(world)
    world.post(ANN, "town")
    world.deliver()
    now = world.clock.now()
    world.store.write(lambda tx: change_list(tx, town.id, {"digest_hour": "18"},
                                             by="test", now=now))  # fmt: skip
    turns(world)
    world.clock.time = datetime(2026, 11, 21, 18, 10, tzinfo=UTC)
    assert turns(world) == [BOB]


def test_a_post_that_cannot_be_shown_costs_the_others_nothing(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="Gone", body="Its bytes are gone.")
    world.post(ANN, "town", subject="Here", body="This one is here.")
    world.deliver()

    def lose(tx: Tx) -> None:
        tx.execute(update(PostRow).where(PostRow.subject == "Gone").values(raw_id=None))
        tx.execute(delete(RenderingRow))

    world.store.write(lose)
    assert at_seven(world) == [BOB]
    text = text_of(world.last())
    assert "This one is here." in text and "Gone" in text and "bytes" not in text


class Stumbling(JinjaTemplates):
    """Words that fail over one attachment."""

    def phrase(self, key: str, values: Mapping[str, object], language: str = ENGLISH) -> str:
        if "stone.bin" in map(str, values.values()):
            raise KeyError("stone.bin")
        return super().phrase(key, values, language)


def test_a_post_over_which_our_words_stumble_is_named_and_the_others_come(
    world: World, town: MailingList, caplog: pytest.LogCaptureFixture
) -> None:
    world.site = replace(world.site, templates=Stumbling())
    attached = (
        "multipart/mixed; boundary=x", "--x\r\n\r\nHere it is.\r\n--x\r\n"
        "Content-Type: application/octet-stream; name=stone.bin\r\n\r\nabc\r\n--x--",
    )  # fmt: skip
    world.post(ANN, "town", subject="A stone", mime_version="1.0", content_type=attached[0],
               body=attached[1])  # fmt: skip
    world.post(ANN, "town", subject="A leaf", body="This one is light.")
    world.deliver()
    assert at_seven(world) == [BOB]
    text = text_of(world.last())
    assert "This one is light." in text and "A stone" in text and "Here it is." not in text
    assert "cannot be shown" in caplog.text
    assert at_seven(world, days=1) == []


def test_who_left_or_was_suspended_gets_nothing_and_a_list_on_hold_waits(
    world: World, town: MailingList
) -> None:
    world.join(town, CLEO, delivery="digest")
    world.post(ANN, "town")
    turns(world)
    bob, now = the_member(world, town, BOB), world.clock.now()
    world.store.write(lambda tx: members.leave(tx, bob.id, now))
    world.store.write(lambda tx: lists.hold(tx, town.id, on=True))
    assert at_seven(world) == []
    world.store.write(lambda tx: lists.hold(tx, town.id, on=False))
    assert turns(world) == [CLEO]


@pytest.mark.parametrize(
    ("change", "comes"),
    [({"delivery": "mail"}, [BOB]), ({"until": "2026-12-01"}, [BOB]), (None, [])],
)
def test_who_has_changed_since_an_issue_was_made_gets_each_post_once(
    world: World, town: MailingList, change: dict[str, str] | None, comes: list[str]
) -> None:
    world.join(town, CLEO, delivery="digest")
    world.post(ANN, "town")
    turns(world)
    world.clock.time = now = SEVEN + timedelta(minutes=10)
    plan = world.store.read(lambda tx: due_digests.due(tx, world.site, town.id, now))
    built = make_digests.build(world.site, plan)
    if change is not None:
        set_member(world, town, BOB, **change)
    else:
        bob = the_member(world, town, BOB)
        world.store.write(lambda tx: members.leave(tx, bob.id, now))
    for served in (1, 0):
        written = world.store.write(lambda tx: make_digests.write(tx, world.site, plan, built, now))
        assert written == served
    assert world.deliver() == [CLEO]
    assert turns(world) == comes
    assert at_seven(world, days=1) == []


def test_two_servers_at_once_send_one_digest(
    world: World, town: MailingList, database: str
) -> None:
    """Where one does not see what the other has not committed yet."""
    turns(world)
    other = Store(database)
    try:
        for _ in range(6):
            world.post(ANN, "town")
            world.clock.pass_by(days=1)
            now = world.clock.now()
            plan = world.store.read(
                lambda tx: due_digests.due(tx, world.site, town.id, now)  # noqa: B023
            )
            built = make_digests.build(world.site, plan)

            def write(tx: Tx) -> int:
                return make_digests.write(tx, world.site, plan, built, now)  # noqa: B023

            with ThreadPoolExecutor(2) as pool:
                served = pool.map(lambda store: store.write(write), (world.store, other))
            assert sorted(served) == [0, 1]
            assert world.deliver() == [ANN, BOB]
    finally:
        other.close()


class Speechless(JinjaTemplates):
    """Words that always fail."""

    def phrase(self, key: str, values: Mapping[str, object], language: str = ENGLISH) -> str:
        raise KeyError(key)


@pytest.mark.parametrize("delivery", ["digest", "mail"])
def test_what_cannot_be_built_at_all_waits_for_an_hour(
    world: World, town: MailingList, delivery: str, caplog: pytest.LogCaptureFixture
) -> None:
    turns(world)
    world.post(ANN, "town")
    world.deliver()
    set_member(world, town, BOB, delivery=delivery)
    world.clock.time = SEVEN + timedelta(minutes=10)
    able, world.site = world.site, replace(world.site, templates=Speechless())
    assert worker.turn(world.store, world.site, world.clock)
    assert f"a digest of town@{DOMAIN} waits" in caplog.text
    world.site = able
    for minutes, comes in ((59, []), (1, [BOB]), (60, [])):
        world.clock.pass_by(minutes=minutes)
        assert turns(world) == comes, minutes


def test_a_list_whose_digests_fail_keeps_no_other_list_from_theirs(
    world: World, town: MailingList, caplog: pytest.LogCaptureFixture
) -> None:
    village = world.found("village", posting="anyone")
    world.join(village, CLEO, delivery="digest")
    turns(world)
    world.post(ANN, "town")
    world.post(ANN, "village", subject="Elsewhere")
    world.deliver()
    broken = update(MemberRow).where(MemberRow.list_id == town.id)
    world.store.write(lambda tx: tx.execute(broken.values(delivery="broken")).close())
    world.clock.time = SEVEN + timedelta(minutes=10)
    failed: set[int] = set()
    while worker.turn(world.store, world.site, world.clock, failed):
        pass
    assert failed == {town.id}
    assert world.deliver() == [CLEO]
    assert f"list={town.id}: its digests could not be made" in caplog.text


def test_an_issue_whose_mails_are_gone_is_made_again(world: World, town: MailingList) -> None:
    world.join(town, CLEO, delivery="digest", digest_hour="08:00")
    world.post(ANN, "town", body="Still here.")
    assert at_seven(world) == [BOB]
    world.clock.pass_by(hours=1)
    world.store.write(lambda tx: issues.forget_mails(tx, world.clock.now()))
    assert turns(world) == [CLEO] and "Still here." in text_of(world.last())


def test_what_is_too_much_for_personal_copies_goes_out_in_batches(
    world: World, town: MailingList
) -> None:
    cleo = world.join(town, CLEO, delivery="digest")
    world.post(ANN, "town")
    at_seven(world)
    both, now = [the_member(world, town, BOB).id, cleo.id], world.clock.now()

    def mode(tx: Tx, members: int, too_little: int) -> str:
        message_id = tx.execute(select(IssuePartRow.message_id)).scalar_one()
        found = issues.of_mail(tx, town.id, [message_id])
        assert found is not None
        size = tx.execute(
            select(func.length(MessageRow.raw)).where(MessageRow.id == found.message)
        ).scalar_one()
        burst = size * members - too_little
        issues.send(tx, town.id, found, both[:members], Mode.PERSONAL, burst, now)
        newest = select(MailingRow.mode).order_by(MailingRow.id.desc()).limit(1)
        return tx.execute(newest).scalar_one()

    for members_of_it, too_little, expected in (
        (1, 0, Mode.PERSONAL), (1, 1, Mode.BATCHED), (2, 0, Mode.PERSONAL), (2, 1, Mode.BATCHED),
    ):  # fmt: skip
        assert world.store.write(lambda tx: mode(tx, members_of_it, too_little)) == expected  # noqa: B023


@pytest.mark.parametrize(
    ("change", "hour"),
    [({"digest_hour": time(18)}, 18), ({"zone": ZoneInfo("America/Chicago")}, 13)],
)
def test_another_hour_or_zone_of_the_site_counts_from_now_on(
    world: World, town: MailingList, change: dict[str, Any], hour: int
) -> None:
    def heed() -> datetime | None:
        world.store.write(lambda tx: make_digests.heed_settings(tx, world.site))
        bob = the_member(world, town, BOB)
        return world.store.read(lambda tx: digests.reader(tx, bob.id)).due

    heed()
    turns(world)
    assert heed() == heed() != LOOK_NOW, "the same again"
    world.post(ANN, "town")
    world.deliver()
    world.site = replace(world.site, **change)
    assert heed() == LOOK_NOW
    assert turns(world) == []
    world.clock.time = datetime(2026, 11, 21, hour, 10, tzinfo=UTC)
    assert turns(world) == [BOB]


def test_what_is_sent_now_leaves_the_time_of_the_next_one_alone(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town")
    turns(world)
    bob, now = the_member(world, town, BOB), world.clock.now()
    due = world.store.read(lambda tx: digests.reader(tx, bob.id)).due
    for served in (1, 0):
        ask = due_digests.Ask.ALL
        assert worker.send_now(world.store, world.site, town.id, ask, now) == served
        assert world.store.read(lambda tx: digests.reader(tx, bob.id)).due == due


def test_what_was_sent_between_a_slot_and_its_turn_is_not_sent_again(
    world: World, town: MailingList
) -> None:
    turns(world)
    bob = the_member(world, town, BOB)
    due = world.store.read(lambda tx: digests.reader(tx, bob.id)).due
    assert due is not None and due > SEVEN + timedelta(seconds=1)
    world.clock.time = now = due - timedelta(seconds=1)
    world.post(ANN, "town")
    ask = due_digests.Ask.ALL
    assert worker.send_now(world.store, world.site, town.id, ask, now) == 1
    assert world.deliver() == [ANN, BOB]
    world.clock.time = due
    assert turns(world) == [] and at_seven(world, days=1) == []


def test_only_who_reads_that_lists_digests_is_hurried(world: World, town: MailingList) -> None:
    city = world.found("city")
    others = {
        "elsewhere": world.join(city, BOB, delivery="digest"),
        "suspended": world.join(town, "suspended@example.org", delivery="digest"),
    }
    suspended = others["suspended"].id
    for _ in range(3):
        world.post(ANN, "town")
    world.join(town, "late@example.org", delivery="digest")
    turns(world)
    world.join(town, CLEO, delivery="digest")
    others["new"] = the_member(world, town, CLEO)
    world.store.write(lambda tx: tx.execute(
        update(MemberRow).where(MemberRow.id == suspended).values(state=MemberState.SUSPENDED)
    ))  # fmt: skip

    def due(member: Member) -> datetime | None:
        return world.store.read(lambda tx: digests.reader(tx, member.id)).due

    others["late"] = the_member(world, town, "late@example.org")
    before = {name: due(member) for name, member in others.items()}
    hurry(world, town)
    assert {name: due(member) for name, member in others.items()} == before
    assert due(the_member(world, town, BOB)) == world.clock.now()


@pytest.mark.parametrize("delivery", ["digest", "mail"])
def test_who_is_suspended_gets_none_also_of_what_is_owed(
    world: World, town: MailingList, delivery: str
) -> None:
    world.post(ANN, "town")
    world.deliver()
    set_member(world, town, BOB, delivery=delivery)
    bob = the_member(world, town, BOB).id
    for state in (MemberState.SUSPENDED, MemberState.LEFT):
        world.store.write(lambda tx: tx.execute(
            update(MemberRow).where(MemberRow.id == bob).values(state=state)  # noqa: B023
        ))  # fmt: skip
        assert not at_seven(world)
    made = select(func.count()).select_from(MailingRow).where(MailingRow.kind == Kind.DIGEST)
    assert world.store.read(lambda tx: tx.execute(made).scalar_one()) == 0


@pytest.mark.parametrize("how", ["left", "suspended"])
def test_who_does_not_read_the_list_any_more_is_owed_no_break(
    world: World, town: MailingList, how: str
) -> None:
    set_member(world, town, BOB, until="2026-11-23")
    turns(world)
    world.post(ANN, "town")
    world.clock.pass_by(days=2)
    world.store.write(lambda tx: end_breaks(tx, world.site, world.clock.now()))
    turns(world)
    reply_to = str(message_from_bytes(world.last())["Reply-To"])
    bob = the_member(world, town, BOB).id
    world.store.write(lambda tx: tx.execute(
        update(MemberRow).where(MemberRow.id == bob).values(state=MemberState(how))
    ))  # fmt: skip
    world.post(BOB, reply_to, subject="Re: your break", body="DIGEST")
    turns(world)
    assert world.store.read(lambda tx: digests.reader(tx, bob)).reading.owed_to is None


def test_who_begins_to_read_digests_before_the_copies_are_written_gets_theirs(
    world: World, town: MailingList
) -> None:
    """On whatever page they are; no others."""
    for name in ("cleo", "dora", "gone", "emil"):
        world.join(town, f"{name}@example.org")
    world.post(ANN, "town")
    world.clock.pass_by(minutes=1)
    world.join(town, "late@example.org", delivery="digest")
    for name in ("dora", "gone"):
        set_member(world, town, f"{name}@example.org", delivery="digest")
    gone = the_member(world, town, "gone@example.org").id

    def read(tx: Tx) -> list[int]:
        suspended = update(MemberRow).where(MemberRow.id == gone)
        tx.execute(suspended.values(state=MemberState.SUSPENDED))
        mailing = pages.unexpanded(tx, new=False)
        assert mailing is not None
        found: list[int] = []
        last = False
        while not last:
            page, last = pages.roster_page(tx, mailing, 1)
            found += page
            mailing = replace(mailing, expanded_to=max(page, default=0))
        return found

    expected = [f"{name}@example.org" for name in ("ann", "cleo", "dora", "emil")]
    assert world.store.write(read) == [the_member(world, town, one).id for one in expected]


class Days(RuleBasedStateMachine):
    """Posts, late approvals, switches, breaks, crashes and clocks that jump: a reader gets every
    post that was accepted while they were not on a break exactly once, in digests in order."""

    def __init__(self) -> None:
        super().__init__()
        self._made = a_world()
        self.world = self._made.__enter__()
        self.town = self.world.found("town", nonmember="hold")
        self.world.join(self.town, ANN, delivery="nomail")
        self.world.join(self.town, BOB, delivery="digest")
        self.expected: list[str] = []
        self.count = 0
        self.on_the_way = False

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            self._made.__exit__(None, None, None)

    def check(self) -> None:
        self.flush()
        self.world.clock.pass_by(days=9)
        self.flush()
        came = [mark for one in self.digests_and_copies() for mark in one]
        assert sorted(came) == sorted(self.expected)
        order = {mark: at for at, mark in enumerate(self.expected)}
        in_digests = [mark for one in self.digests_and_copies(only_digests=True) for mark in one]
        assert in_digests == sorted(in_digests, key=order.__getitem__)

    def digests_and_copies(self, *, only_digests: bool = False) -> Iterator[list[str]]:
        for one in self.world.sent:
            raw = b"".join(one.data)
            if one.recipients == (BOB,) and (b"digest" in raw.lower() or not only_digests):
                yield re.findall(r"mark(\d{4})", text_of(raw))

    def flush(self) -> None:
        self.on_the_way = False
        turns(self.world)

    def expect(self, mark: str) -> None:
        if the_member(self.world, self.town, BOB).delivery != "nomail":
            self.expected.append(mark)

    @rule()
    def post(self) -> None:
        self.count += 1
        self.world.clock.pass_by(hours=1)
        self.expect(f"{self.count:04}")
        self.world.post(ANN, "town", body=f"mark{self.count:04}")

    @rule()
    def post_by_a_stranger_who_waits(self) -> None:
        self.count += 1
        self.world.clock.pass_by(hours=1)
        self.world.post(CLEO, "town", body=f"mark{self.count:04}", subject=f"{self.count:04}")

    @rule()
    def approve(self) -> None:
        waiting = self.world.store.read(lambda tx: held.ls(tx, self.town.id))
        for one in waiting[:1]:
            self.expect(one.subject)
            now, site = self.world.clock.now(), self.world.site
            self.world.store.write(lambda tx: moderate.approve(tx, site, one.id, "test", now))  # noqa: B023

    @rule(delivery=st.sampled_from(["mail", "digest", "nomail"]))
    def switch(self, delivery: str) -> None:
        """What is on its way at one switch arrives before the next one."""
        bob = the_member(self.world, self.town, BOB)
        if bob.delivery == delivery:
            return
        if self.on_the_way or "nomail" in {delivery, bob.delivery}:
            self.flush()
        self.on_the_way = True
        set_member(self.world, self.town, BOB, delivery=delivery)
        if delivery == "nomail":
            self.flush()

    @rule(address=st.sampled_from(["format=text", "digest_hour=18:00", "timezone=Asia/Tokyo"]))
    def change_settings(self, address: str) -> None:
        key, value = address.split("=")
        set_member(self.world, self.town, BOB, **{key: value})

    @rule(hours=st.sampled_from([2, 5, 24, 80, -1]))
    def pass_by(self, hours: int) -> None:
        self.world.clock.pass_by(hours=hours)

    @rule()
    def turn(self) -> None:
        worker.turn(self.world.store, self.world.site, self.world.clock)

    @rule()
    def deliver(self) -> None:
        self.world.deliver()

    @rule()
    def crash(self) -> None:
        """All is written, and then the machine dies before the commit."""
        world, now = self.world, self.world.clock.now()
        plan = world.store.read(lambda tx: due_digests.due(tx, world.site, self.town.id, now))
        built = make_digests.build(world.site, plan)

        def die(tx: Tx) -> None:
            make_digests.write(tx, world.site, plan, built, now)
            raise KeyError

        with pytest.raises(KeyError):
            world.store.write(die)

    @rule()
    def send_now(self) -> None:
        world, now = self.world, self.world.clock.now()
        worker.send_now(world.store, world.site, self.town.id, due_digests.Ask.ALL, now)


TestDays = Days.TestCase
TestDays.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
