"""The hour and the days of something that comes again, as people write them, and as a setting
keeps them: "7", "19:30"; "mon,thu", "" for every day."""

import re
from collections.abc import Iterable
from datetime import time

WEEKDAYS = (
    ("mon", "monday", "mondays", "montag", "montags", "lunes"),
    ("tue", "tues", "tuesday", "tuesdays", "dienstag", "dienstags", "martes"),
    ("wed", "weds", "wednesday", "wednesdays", "mittwoch", "mittwochs", "miércoles"),
    ("thu", "thur", "thurs", "thursday", "thursdays", "donnerstag", "donnerstags", "jueves"),
    ("fri", "friday", "fridays", "freitag", "freitags", "viernes"),
    ("sat", "saturday", "saturdays", "samstag", "samstags", "sonnabend", "sábado"),
    ("sun", "sunday", "sundays", "sonntag", "sonntags", "domingo"),
)
WEEKDAY = {name: number for number, names in enumerate(WEEKDAYS) for name in names}
EVERY_DAY = frozenset(range(7))
# What stands for several days, or for the one that a week begins with.
_SPANS = {
    "daily": EVERY_DAY, "täglich": EVERY_DAY,
    "weekly": frozenset({0}), "wöchentlich": frozenset({0}),
    "weekdays": frozenset(range(5)), "werktags": frozenset(range(5)),
    "weekends": frozenset({5, 6}),
}  # fmt: skip
_BETWEEN = re.compile(r"[,\s]+")
_HOUR = re.compile(
    r"(?P<hour>\d{1,2})(?:(?:[:.]|h|\s*uhr\s*)(?P<minute>[0-5]\d))?"
    r"(?:\s*(?:uhr|h|o'?clock))?\s*(?:(?P<half>[ap])\.?m\.?)?",
    re.ASCII,
)
_NAMED = {"noon": time(12), "midday": time(12), "midnight": time(0), "mitternacht": time(0)}


def hour_of(text: str) -> time | None:
    """The time of day that a text is: 7, 07:30, 7 pm, 19 Uhr, noon; None for anything else."""
    text = text.strip().lower()
    if text in _NAMED:
        return _NAMED[text]
    found = _HOUR.fullmatch(text) if len(text) <= 20 else None
    if found is None:
        return None
    hour, half = int(found["hour"]), found["half"]
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half == "a":
        return None
    return time(hour, int(found["minute"] or 0)) if hour <= 23 else None


def hour_written(at: time) -> str:
    """A time of day as a setting keeps it: "7", "19:30"."""
    return f"{at.hour}:{at.minute:02}" if at.minute else str(at.hour)


def day_of(word: str) -> frozenset[int] | None:
    """The days of the week, 0 is Monday, that one word names: Monday, weekly, weekdays."""
    word = word.lower()
    return frozenset({WEEKDAY[word]}) if word in WEEKDAY else _SPANS.get(word)


def days_of(words: Iterable[str]) -> frozenset[int] | None:
    """All days that some words name, `weekly` being Monday only where no other day is named; None
    when one of them names none."""
    weekly = [word for word in words if _SPANS.get(word.lower()) == _SPANS["weekly"]]
    others = [word for word in words if word not in weekly]
    found = [day_of(word) for word in others or weekly]
    known = [days for days in found if days is not None]
    return frozenset().union(*known) if known and len(known) == len(found) else None


def days_written(days: frozenset[int]) -> str:
    """Days as a setting keeps them: "mon,thu", "" for every day."""
    return "" if days == EVERY_DAY else ",".join(WEEKDAYS[day][0] for day in sorted(days))


def read_hour(text: str) -> str:
    """A reader for settings: an hour, or nothing."""
    at = hour_of(text) if text else None
    if text and at is None:
        raise ValueError("is a time of day such as 7, 07:30 or 7 pm, or empty")
    return hour_written(at) if at is not None else ""


def read_days(text: str) -> str:
    """A reader for settings: days of the week, or nothing, which is every day."""
    words = [word for word in _BETWEEN.split(text) if word]
    days = days_of(words) if words else EVERY_DAY
    if days is None:
        raise ValueError("is days such as mon,thu, or daily, or weekly")
    return days_written(days)
