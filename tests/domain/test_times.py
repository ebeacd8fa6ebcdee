"""Hours and days as people write them."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.times import (
    EVERY_DAY,
    day_of,
    days_of,
    days_written,
    hour_of,
    hour_written,
    read_days,
    read_hour,
)

HOURS = {
    "7": "7", "07": "7", "0": "0", "23": "23", "07:30": "7:30", "7.30": "7:30", "19:00": "19",
    "7 pm": "19", "7pm": "19", "7 PM": "19", "7 p.m.": "19", "7:30 pm": "19:30", "7 a.m.": "7",
    "12 am": "0", "12 pm": "12", "12:15 am": "0:15", "19 pm": "19", "7 o'clock": "7",
    "19 Uhr": "19", "19 Uhr 30": "19:30", "19:30 Uhr": "19:30", "19h30": "19:30", "19h": "19",
    "noon": "12", "midnight": "0", " 8 ": "8",
}  # fmt: skip
NO_HOURS = [
    "24", "7:60", "7:5", "-1", "7.5", "13 am", "morning", "pm", "0730", "7 pm pm", "\u0667",
    "7\n8", "1e1",
]  # fmt: skip
DAYS = {
    "": "", "daily": "", "täglich": "", "mon,thu": "mon,thu", "THU  Mon": "mon,thu",
    "Monday, Thursday": "mon,thu", "Montag Donnerstag": "mon,thu", "weekly": "mon",
    "weekly fri": "fri", "wöchentlich": "mon", "weekdays": "mon,tue,wed,thu,fri",
    "sat,sun,weekdays": "", "weekends": "sat,sun", "mon,mon": "mon",
}  # fmt: skip


@pytest.mark.parametrize(("text", "hour"), HOURS.items())
def test_an_hour_is_read_as_people_write_it(text: str, hour: str) -> None:
    assert read_hour(text) == hour


@pytest.mark.parametrize("text", NO_HOURS)
def test_what_is_no_hour_is_refused(text: str) -> None:
    assert hour_of(text) is None
    with pytest.raises(ValueError, match="such as 7, 07:30 or 7 pm"):
        read_hour(text)


@pytest.mark.parametrize(("text", "days"), DAYS.items())
def test_days_are_read_as_people_write_them(text: str, days: str) -> None:
    assert read_days(text) == days


@pytest.mark.parametrize("text", ["never", "mon-thu", "mon;thu", "1", "mon someday"])
def test_what_names_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="mon,thu"):
        read_days(text)


@given(at=st.times().map(lambda at: at.replace(second=0, microsecond=0)))
def test_an_hour_is_read_as_it_was_written(at: time) -> None:
    assert hour_of(hour_written(at)) == at


@given(days=st.frozensets(st.integers(0, 6), min_size=1))
def test_days_are_read_as_they_were_written(days: frozenset[int]) -> None:
    written = days_written(days)
    assert (days_of(written.split(",")) if written else EVERY_DAY) == days


@given(text=st.text(max_size=30))
def test_any_text_is_read_or_not(text: str) -> None:
    assert hour_of(text) is None or read_hour(text)
    assert day_of(text) is None or read_days(text.strip()) is not None
