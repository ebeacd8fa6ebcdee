"""The zone that a Date points to: a small table, and silence where it says nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.zones import zone_of
from listserv.policy.zone_guess import _LIKELY, guess_zone

WINTER, SUMMER = datetime(2026, 1, 20, 12, tzinfo=UTC), datetime(2026, 7, 20, 12, tzinfo=UTC)
LONDON, BERLIN = ZoneInfo("Europe/London"), ZoneInfo("Europe/Berlin")
# The Date's end, when, the site's zone -> the guess.
GUESSES = [
    ("+0100", WINTER, LONDON, "Europe/Berlin"),
    ("+0100", SUMMER, LONDON, ""),
    ("+0100", SUMMER, BERLIN, "Europe/London"),
    ("+0200", SUMMER, BERLIN, ""),
    ("+0200", WINTER, BERLIN, "Europe/Athens"),
    ("-0500", WINTER, BERLIN, "America/New_York"),
    ("-0500", SUMMER, BERLIN, "America/Chicago"),
    ("EST", WINTER, BERLIN, "America/New_York"),
    ("-0700", SUMMER, BERLIN, "America/Los_Angeles"),
    ("+0530", SUMMER, BERLIN, "Asia/Kolkata"),
    ("+1100", WINTER, BERLIN, "Australia/Sydney"),
    ("+1000", WINTER, BERLIN, "Australia/Brisbane"),
    # Half of the world's mail servers, and nobody's.
    ("+0000", WINTER, BERLIN, ""),
    ("-0000", WINTER, BERLIN, ""),
    ("GMT", SUMMER, BERLIN, ""),
    ("+0123", WINTER, BERLIN, ""),
    ("", WINTER, BERLIN, ""),
    ("+9999", WINTER, BERLIN, ""),
]


@pytest.mark.parametrize(("offset", "now", "site", "zone"), GUESSES)
def test_the_offset_of_a_date_points_to_a_zone(
    offset: str, now: datetime, site: ZoneInfo, zone: str
) -> None:
    assert guess_zone(f"{now:%a, %d %b %Y %H:%M:%S} {offset}", now, site) == zone


@pytest.mark.parametrize("date", ["", "now", "Tue, 20 Jan 2020 12:00:00 +0100", "20 Jan 2026", "0"])
def test_a_date_that_is_none_or_of_another_day_tells_nothing(date: str) -> None:
    assert guess_zone(date, WINTER, LONDON) == ""


def test_every_guess_is_a_zone_and_comes_into_play() -> None:
    assert all(zone_of(name) is not None for name in _LIKELY)
    offsets = (f"{sign}{hours:02}{minutes:02}" for sign in "+-" for hours in range(15)
               for minutes in (0, 30, 45))  # fmt: skip
    dates = [(f"{now:%d %b %Y %H:%M:%S}", now) for now in (WINTER, SUMMER)]
    found = {guess_zone(f"{date} {offset}", now, ZoneInfo("UTC")) for offset in offsets
             for date, now in dates}  # fmt: skip
    assert found - {""} == set(_LIKELY)


@given(date=st.one_of(st.text(), st.from_regex(r"\d\d? Jan 2026 \d\d:\d\d:\d\d [+-]\d{4,}")))
def test_any_date_is_taken(date: str) -> None:
    zone = guess_zone(date, WINTER, LONDON)
    assert not zone or zone_of(zone) is not None
