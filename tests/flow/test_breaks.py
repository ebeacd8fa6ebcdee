"""A break ends on its day, and mail comes as it came before."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import update

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberState
from listserv.flow import breaks, enrol
from listserv.flow.site import Site
from listserv.store import events, lists, members, queue_view
from listserv.store.tables import MemberRow
from tests.flow.world import DOMAIN, World, a_world

ANN = "ann@example.org"
BOB = "bob@example.org"


@pytest.fixture
def town(world: World) -> MailingList:
    """A list with an author who gets no copies of her own."""
    mlist = world.found("town", title="Town")
    world.join(mlist, ANN, own_posts=False)
    return mlist


def end(world: World, site: Site | None = None) -> int:
    now = world.clock.now()
    return world.store.write(lambda tx: breaks.end_breaks(tx, site or world.site, now))


def end_all(world: World) -> int:
    return sum(iter(lambda: end(world), 0))


def set_(world: World, mlist: MailingList, address: str, **given: str) -> Member:
    now = world.clock.now()
    return world.store.write(
        lambda tx: enrol.change_member(
            tx, mlist.id, address, given, domains={DOMAIN}, by="command line", now=now
        )
    )


def find(world: World, mlist: MailingList, address: str) -> Member:
    found = world.store.read(lambda tx: members.by_key(tx, mlist.id, address))
    assert found is not None
    return found


@pytest.mark.parametrize("before", ["mail", "digest"])
def test_mail_comes_again_as_it_came_and_the_member_hears_what_they_missed(
    world: World, town: MailingList, before: str
) -> None:
    world.join(town, BOB, delivery=before)
    away = set_(world, town, BOB, until="2026-12-01")
    assert (away.delivery, away.kept, away.until) == (
        Delivery.NOMAIL, Delivery(before), date(2026, 12, 1),
    )  # fmt: skip
    for _ in range(2):
        world.post(ANN, "town")
    world.clock.pass_by(days=9)
    assert (end(world), world.deliver()) == (0, [])

    world.clock.pass_by(days=1)
    assert end(world) == 1
    assert world.deliver() == [BOB]
    notice = world.last().decode()
    assert "Subject: Your break from Town is over\r\n" in notice
    assert "there were 2 posts.\r\n\r\nTo get in one mail what is still here of it" in notice
    assert ("in a digest, as before" in notice) == (before == "digest")
    assert "Reply-To: town-confirm+" in notice
    back = find(world, town, BOB)
    assert (back.delivery, back.until, back.away_since) == (Delivery(before), None, None)
    assert end(world) == 0
    world.post(ANN, "town")
    assert world.deliver() == ([BOB] if before == "mail" else [])
    assert world.store.read(lambda tx: members.waiting(tx, back)) == (before == "digest")
    (event,) = world.store.read(lambda tx: events.ls(tx, town.id))[-1:]
    assert (event.who, event.what) == ("listserv", f"ended the break of {BOB}")


@pytest.mark.parametrize(
    ("posts", "said"),
    [(0, None), (1, "there was one post."), (3, "there were 3 posts.")],
)
def test_the_notice_is_short_and_counts(
    world: World, town: MailingList, posts: int, said: str | None
) -> None:
    world.join(town, BOB)
    set_(world, town, BOB, until="2026-11-22")
    for _ in range(posts):
        world.post(ANN, "town")
    assert world.deliver() == []
    world.clock.pass_by(days=1)
    end(world)
    assert world.deliver() == [BOB]
    notice = world.last().decode()
    assert said in notice if said else "While you were away" not in notice
    text = notice.partition("\r\n\r\n")[2]
    assert len([line for line in text.splitlines() if line]) <= 8
    assert not re.search(r"https?:|www\.", text)


@pytest.mark.parametrize(
    ("zone", "hours", "is_over"),
    [
        ("UTC", 11, False),
        ("UTC", 12, True),
        ("Europe/Berlin", 10, False),
        ("Europe/Berlin", 11, True),
        ("America/New_York", 16, False),
        ("America/New_York", 17, True),
    ],
)
def test_a_day_begins_where_the_site_is(
    world: World, town: MailingList, zone: str, hours: int, is_over: bool
) -> None:
    world.join(town, BOB, until="2026-11-22")
    world.clock.pass_by(hours=hours)
    assert end(world, replace(world.site, zone=ZoneInfo(zone))) == is_over


def test_who_is_suspended_gets_their_setting_back_and_no_word(
    world: World, town: MailingList
) -> None:
    bob = world.join(town, BOB, until="2026-11-22")
    suspended = update(MemberRow).where(MemberRow.id == bob.id)
    world.store.write(lambda tx: tx.execute(suspended.values(state=MemberState.SUSPENDED)))
    world.clock.pass_by(days=2)
    assert end(world) == 1
    assert world.store.read(lambda tx: queue_view.mailings(tx)) == []
    back = find(world, town, BOB)
    assert (back.delivery, back.state) == (Delivery.MAIL, MemberState.SUSPENDED)


def test_who_left_during_a_break_gets_nothing(world: World, town: MailingList) -> None:
    bob = world.join(town, BOB, until="2026-11-22")
    world.store.write(lambda tx: members.leave(tx, bob.id, world.clock.now()))
    world.clock.pass_by(days=2)
    assert end(world) == 0
    assert world.deliver() == []


def test_who_leaves_after_the_day_and_before_the_notice_goes_out_gets_nothing(
    world: World, town: MailingList
) -> None:
    bob = world.join(town, BOB, until="2026-11-22")
    world.clock.pass_by(days=2)
    assert end(world) == 1
    world.store.write(lambda tx: members.leave(tx, bob.id, world.clock.now()))
    assert world.deliver() == []


def test_many_breaks_on_several_lists_end_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaks, "_PAGE", 3)
    for name in ("one", "two"):
        mlist = world.found(name)
        for number in range(4):
            world.join(mlist, f"m{number}@example.org", until=f"2026-11-2{2 + number % 2}")
    world.clock.pass_by(days=5)
    pages = list(iter(lambda: end(world), 0))
    assert (sum(pages), max(pages)) == (8, 3)
    assert len(world.deliver()) == 8


def test_two_servers_at_once_end_a_break_once(world: World, town: MailingList) -> None:
    everybody = [f"m{number}@example.org" for number in range(20)]
    for address in everybody:
        world.join(town, address, until="2026-11-22")
    world.clock.pass_by(days=1)
    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda _: end(world), range(8)))
    assert sum(ended) == 20
    assert world.deliver() == sorted(everybody)


def test_a_break_can_last_until_they_say_so_or_end_at_once(world: World, town: MailingList) -> None:
    world.join(town, BOB, delivery="digest")
    set_(world, town, BOB, until="2026-12-01")
    world.clock.pass_by(days=1)
    assert set_(world, town, BOB, until="").until is None
    world.clock.pass_by(days=100)
    assert end(world) == 0
    assert find(world, town, BOB).delivery is Delivery.NOMAIL
    back = set_(world, town, BOB, delivery="mail")
    assert (back.delivery, back.away_since) == (Delivery.MAIL, None)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"until": "2026-11-21"}, r"^until=2026-11-21: until is a day after today, 2026-11-21$"),
        ({"until": "1970-01-01"}, r"^until=1970-01-01: until is a day after today"),
        ({"until": "0001-01-01", "delivery": "nomail"}, r"^until=0001-01-01: "),
        ({"until": "2026-12-01", "delivery": "mail"}, r"^until=2026-12-01 and delivery=mail: "),
        ({"delivery": "digest", "until": "2026-12-01"}, r"^until=2026-12-01 and delivery=digest"),
        ({"until": "next week"}, r"^until='next week': until is a day such as"),
    ],
)
def test_a_day_that_cannot_be_meant_is_refused_and_nothing_changes(
    world: World, town: MailingList, given: dict[str, str], why: str
) -> None:
    before = world.join(town, BOB)
    with pytest.raises(ListservError, match=why):
        set_(world, town, BOB, name="Robert", **given)
    assert find(world, town, BOB) == before
    with pytest.raises(ListservError, match=why):
        world.store.write(
            lambda tx: enrol.add_members(
                tx, town.id, ["cleo@example.org"], domains={DOMAIN}, settings=given, by="test",
                now=world.clock.now(),
            )
        )  # fmt: skip


def test_tomorrow_is_a_day_to_come_by_the_sites_own_calendar(
    world: World, town: MailingList
) -> None:
    world.join(town, BOB)
    world.clock.pass_by(hours=11)  # 23:00 UTC; in Auckland it is the 22nd
    now, zone = world.clock.now(), ZoneInfo("Pacific/Auckland")
    with pytest.raises(ListservError, match="after today, 2026-11-22"):
        world.store.write(
            lambda tx: enrol.change_member(
                tx, town.id, BOB, {"until": "2026-11-22"}, domains={DOMAIN}, by="test", now=now,
                zone=zone,
            )
        )  # fmt: skip


class Breaks(RuleBasedStateMachine):
    """One member, one list. `on` is how mail comes, `off` how it will, `until` when; `missed` the
    posts since it went off."""

    def __init__(self) -> None:
        super().__init__()
        self._made = a_world()
        self.world = self._made.__enter__()
        self.town = self.world.found("town")
        self.number = self.world.join(self.town, BOB).id
        self.is_in, self.on, self.off = True, "mail", "mail"
        self.until: date | None = None
        self.missed = 0

    def teardown(self) -> None:
        self._made.__exit__(None, None, None)

    @property
    def today(self) -> date:
        return self.world.clock.now().date()

    @precondition(lambda self: self.is_in)
    @rule(delivery=st.sampled_from(list(Delivery)))
    def set_delivery(self, delivery: Delivery) -> None:
        set_(self.world, self.town, BOB, delivery=delivery)
        self._off(None) if delivery is Delivery.NOMAIL else self._on(delivery)

    @precondition(lambda self: self.is_in)
    @rule(days=st.integers(-2, 40))
    def set_until(self, days: int) -> None:
        until = self.today + timedelta(days=days)
        if days > 0:
            set_(self.world, self.town, BOB, until=until.isoformat())
            self._off(until)
        else:
            with pytest.raises(ListservError):
                set_(self.world, self.town, BOB, until=until.isoformat())

    @precondition(lambda self: self.is_in)
    @rule()
    def set_no_day(self) -> None:
        set_(self.world, self.town, BOB, until="")
        self.until = None

    @precondition(lambda self: self.is_in)
    @rule()
    def leave(self) -> None:
        now = self.world.clock.now()
        self.world.store.write(lambda tx: members.leave(tx, self.number, now))
        self.is_in, self.until = False, None

    @precondition(lambda self: not self.is_in)
    @rule(delivery=st.sampled_from(list(Delivery)))
    def join_again(self, delivery: Delivery) -> None:
        now = self.world.clock.now()
        self.world.store.write(
            lambda tx: enrol.add_members(
                tx, self.town.id, [BOB], domains={DOMAIN}, settings={"delivery": delivery},
                by="test", now=now,
            )
        )  # fmt: skip
        self.is_in, self.on, self.missed = True, delivery, 0
        self.off = "mail" if delivery is Delivery.NOMAIL else delivery

    @rule()
    def somebody_posts(self) -> None:
        self.world.store.write(lambda tx: lists.next_number(tx, self.town.id))
        self.missed += self.on == "nomail"

    @rule(days=st.sampled_from([1, 7, 50]))
    def time_passes(self, days: int) -> None:
        self.world.clock.pass_by(days=days)
        is_over = self.until is not None and self.until <= self.today
        assert end_all(self.world) == is_over
        assert self.world.deliver() == ([BOB] if is_over else [])
        if is_over:
            notice = self.world.last().decode()
            told = re.search(r"there were (\d+) posts", notice)
            one = 1 if "there was one post" in notice else 0
            assert (int(told[1]) if told else one) == self.missed
            self._on(self.off)

    def _on(self, delivery: str) -> None:
        self.on = self.off = delivery
        self.until, self.missed = None, 0

    def _off(self, until: date | None) -> None:
        self.missed = self.missed if self.on == "nomail" else 0
        self.on, self.until = "nomail", until

    @invariant()
    def it_is_as_was_said(self) -> None:
        member = find(self.world, self.town, BOB)
        assert (member.state is not MemberState.LEFT) == self.is_in
        assert (member.delivery, member.kept, member.until) == (self.on, self.off, self.until)

    @invariant()
    def a_day_is_there_only_while_no_mail_comes(self) -> None:
        member = find(self.world, self.town, BOB)
        off = member.delivery is Delivery.NOMAIL
        assert (member.away_since is not None) == off
        assert off or member.until is None


TestBreaks = Breaks.TestCase
TestBreaks.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
