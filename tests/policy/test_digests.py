"""When a digest is due: one moment for each chosen day, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listserv.domain.lists import ListSettings
from listserv.domain.members import MemberSettings
from listserv.domain.times import EVERY_DAY
from listserv.policy.digests import Schedule, latest_slot, next_slot, schedule, spread

BERLIN, LONDON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")
SITE_HOUR = time(7)


def at(text: str) -> datetime:
    """A moment of UTC: "2026-03-29 00:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# (member, list) -> hour, days, zone, where the site has 7:00 in London.
SCHEDULES = [
    ({}, {}, (time(7), EVERY_DAY, LONDON)),
    ({}, {"digest_hour": "18:30"}, (time(18, 30), EVERY_DAY, LONDON)),
    ({"digest_hour": "0"}, {"digest_hour": "18"}, (time(0), EVERY_DAY, LONDON)),
    ({}, {"digest_hour": "0"}, (time(0), EVERY_DAY, LONDON)),
    ({"digest_days": "mon,thu"}, {}, (time(7), frozenset({0, 3}), LONDON)),
    ({"timezone": "Europe/Berlin", "digest_hour": "19"}, {}, (time(19), EVERY_DAY, BERLIN)),
    ({"timezone": "Gone/Atlantis", "digest_hour": "x", "digest_days": "x"}, {"digest_hour": "25"},
     (time(7), EVERY_DAY, LONDON)),
]  # fmt: skip


@pytest.mark.parametrize(("member", "mlist", "expected"), SCHEDULES)
def test_the_member_says_when_else_the_list_else_the_site(
    member: dict[str, Any], mlist: dict[str, Any], expected: tuple[time, frozenset[int], ZoneInfo]
) -> None:
    made = schedule(MemberSettings(**member), ListSettings(**mlist), SITE_HOUR, LONDON)
    assert (made.at, made.days, made.zone) == expected


# zone, hour, days, after, next: all in UTC.
SLOTS = [
    ("UTC", "07:00", "", "2026-03-10 06:59", "2026-03-10 07:00"),
    ("UTC", "07:00", "", "2026-03-10 07:00", "2026-03-11 07:00"),
    ("Europe/Berlin", "19:00", "", "2026-03-10 07:00", "2026-03-10 18:00"),
    ("Europe/Berlin", "07:00", "0", "2026-03-10 07:00", "2026-03-16 06:00"),
    ("Europe/Berlin", "07:00", "03", "2026-03-10 07:00", "2026-03-12 06:00"),
    # 2:30 is left out on 29 March, and comes twice on 25 October.
    ("Europe/Berlin", "02:30", "", "2026-03-28 12:00", "2026-03-29 01:30"),
    ("Europe/Berlin", "02:30", "", "2026-03-29 01:30", "2026-03-30 00:30"),
    ("Europe/Berlin", "02:30", "", "2026-10-24 12:00", "2026-10-25 00:30"),
    ("Europe/Berlin", "02:30", "", "2026-10-25 00:30", "2026-10-26 01:30"),
    ("Europe/Berlin", "02:30", "6", "2026-10-25 01:00", "2026-11-01 01:30"),
    # Midnight is left out: it is 1:00 at once.
    ("Africa/Cairo", "00:00", "", "2026-04-23 12:00", "2026-04-23 22:00"),
    ("Africa/Cairo", "00:00", "", "2026-04-23 22:00", "2026-04-24 21:00"),
    # The clocks left out 23:30 to 0:30: half an hour later would have been the next day.
    ("America/Toronto", "23:45", "", "1919-03-30 12:00", "1919-03-31 03:45"),
    # There was no 30 December 2011.
    ("Pacific/Apia", "07:00", "", "2011-12-29 17:00", "2011-12-30 17:00"),
    ("Pacific/Apia", "07:00", "4", "2011-12-23 17:00", "2012-01-05 17:00"),
    ("Asia/Kathmandu", "19:30", "", "2026-03-10 13:45", "2026-03-11 13:45"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "hour", "days", "after", "then"), SLOTS)
def test_the_next_one_comes_at_its_local_time(
    zone: str, hour: str, days: str, after: str, then: str
) -> None:
    chosen = frozenset(map(int, days)) or EVERY_DAY
    one = Schedule(time.fromisoformat(hour), chosen, ZoneInfo(zone))
    assert next_slot(one, at(after)) == at(then)
    assert latest_slot(one, at(then)) == at(then)
    assert latest_slot(one, at(then) - timedelta(microseconds=1)) <= at(after)


SCHEDULES_OF_ALL_KINDS = st.builds(
    Schedule,
    at=st.times().map(lambda found: found.replace(second=0, microsecond=0)),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    zone=st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
)
MOMENTS = st.integers(1_000_000, 4_100_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(one=SCHEDULES_OF_ALL_KINDS, now=MOMENTS)
@example(one=Schedule(time(2, 30), EVERY_DAY, BERLIN), now=at("2026-03-28 00:00"))
@example(one=Schedule(time(2, 30), EVERY_DAY, BERLIN), now=at("2026-10-24 00:00"))
@example(one=Schedule(time(0), EVERY_DAY, ZoneInfo("Asia/Beirut")), now=at("2026-03-27 00:00"))
@example(one=Schedule(time(7), EVERY_DAY, ZoneInfo("Pacific/Apia")), now=at("2011-12-29 00:00"))
@example(
    one=Schedule(time(7), EVERY_DAY, ZoneInfo("Pacific/Kwajalein")), now=at("1993-08-19 00:00")
)
def test_every_chosen_day_has_exactly_one(one: Schedule, now: datetime) -> None:
    assert latest_slot(one, now) <= now < next_slot(one, now)
    slots = [latest_slot(one, now)]
    for _ in range(12):
        slots.append(next_slot(one, slots[-1]))
        assert latest_slot(one, slots[-1]) == slots[-1]
        assert latest_slot(one, slots[-1] - timedelta(microseconds=1)) == slots[-2]
    days = [slot.astimezone(one.zone).date() for slot in slots]
    assert sorted(set(days)) == days
    between = (days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1))
    assert days == [
        day for day in between if day.weekday() in one.days and _is_there(day, one.zone)
    ]


def _is_there(day: date, zone: ZoneInfo) -> bool:
    """Whether a zone's calendar has this day."""
    noon = datetime.combine(day, time(12), zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day


@given(one=SCHEDULES_OF_ALL_KINDS, now=MOMENTS, zone=st.sampled_from([BERLIN, LONDON]))
def test_it_does_not_matter_where_the_moment_is_read(
    one: Schedule, now: datetime, zone: ZoneInfo
) -> None:
    assert next_slot(one, now.astimezone(zone)) == next_slot(one, now)


def test_turns_are_spread_over_ten_minutes() -> None:
    found = [spread(number) for number in range(1, 10_001)]
    assert min(found) >= timedelta() and max(found) < timedelta(minutes=10)
    minutes = [sum(one // timedelta(minutes=1) == n for one in found) for n in range(10)]
    assert all(900 < count < 1100 for count in minutes)
    assert found == [spread(number) for number in range(1, 10_001)]


def test_a_schedule_without_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="no days"):
        Schedule(time(7), frozenset(), BERLIN)
