"""When a break ends, as people write it: 1 June, June 1st, 2026-06-01, 2 weeks, Monday."""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from listserv.domain.times import WEEKDAY
from listserv.policy.commands.command import Why

FARTHEST = timedelta(days=731)

_MONTHS = (
    ("jan", "januar", "january", "janvier", "enero", "ene"),
    ("feb", "februar", "february", "fevrier", "février", "febrero"),
    ("mar", "mär", "mrz", "märz", "march", "mars", "marzo"),
    ("apr", "april", "avril", "abril", "abr"),
    ("may", "mai", "mayo"),
    ("jun", "juni", "june", "juin", "junio"),
    ("jul", "juli", "july", "juillet", "julio"),
    ("aug", "august", "août", "aout", "agosto", "ago"),
    ("sep", "sept", "september", "septembre", "septiembre"),
    ("oct", "okt", "october", "oktober", "octobre", "octubre"),
    ("nov", "november", "novembre", "noviembre"),
    ("dec", "dez", "december", "dezember", "décembre", "decembre", "diciembre", "dic"),
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
# In days; a month has 0, because months are counted.
_UNITS = {
    "day": 1, "days": 1, "tag": 1, "tage": 1, "tagen": 1, "día": 1, "días": 1, "dias": 1, "d": 1,
    "week": 7, "weeks": 7, "woche": 7, "wochen": 7, "semana": 7, "semanas": 7, "w": 7,
    "month": 0, "months": 0, "monat": 0, "monate": 0, "monaten": 0, "mes": 0, "meses": 0,
}  # fmt: skip
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "eine": 1, "einen": 1, "zwei": 2, "drei": 3,
    "vier": 4, "una": 1, "un": 1, "dos": 2, "tres": 3, "cuatro": 4,
}  # fmt: skip
_NOISE = frozenset({"until", "till", "til", "bis", "hasta", "to", "the", "of", "de", "for", "für",
                    "on", "zum", "next", "in", "el", "end", "through"})  # fmt: skip

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_THREE = re.compile(r"(\d{1,2})([./-])(\d{1,2})(?:[./-](\d{4}|\d{2}))?", re.ASCII)
_COUNTED = re.compile(r"(\d{1,3})([^\W\d]+)", re.ASCII)
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.|º)?", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)


def read_end(words: Sequence[str], today: date) -> date | Why:
    """The first day on which mail comes again, or why there is none. A day without a year is the
    next such day; what may be day/month as well as month/day is not guessed."""
    plain = [word.lower().strip(",") for word in words]
    told = [word for word in plain if word not in _NOISE]
    try:
        end = _of_words(told, today)
    except (ValueError, OverflowError):
        return Why.DATE
    if not isinstance(end, date):
        return end
    if end <= today:
        return Why.PAST
    return Why.TOO_FAR if end - today > FARTHEST else end


def _of_words(told: list[str], today: date) -> date | Why:
    if len(told) == 1:
        return _of_one(told[0], today)
    if len(told) == 2 and told[1] in _UNITS:
        return _later(told[0], told[1], today)
    if told and told[0] in WEEKDAY:  # Monday 1 June: the date says it
        return _of_words(told[1:], today)
    if len(told) in {2, 3}:
        return _of_day_and_month(told, today)
    return Why.DATE


def _of_one(word: str, today: date) -> date | Why:
    if word in {"tomorrow", "morgen", "mañana"}:
        return today + timedelta(days=1)
    if word in WEEKDAY:
        return today + timedelta(days=(WEEKDAY[word] - today.weekday() - 1) % 7 + 1)
    if iso := _ISO.fullmatch(word):
        return date(int(iso[1]), int(iso[2]), int(iso[3]))
    if numbers := _THREE.fullmatch(word):
        return _of_numbers(int(numbers[1]), numbers[2], int(numbers[3]), numbers[4], today)
    if counted := _COUNTED.fullmatch(word):
        return _later(counted[1], counted[2], today)
    return Why.DATE


def _of_numbers(first: int, mark: str, second: int, year: str | None, today: date) -> date | Why:
    """1.6. is a day first; 1/6 is one only where it cannot be a month."""
    if mark != "." and first <= 12 and second <= 12 and first != second:
        return Why.TWO_DATES
    day, month = (second, first) if mark != "." and second > 12 else (first, second)
    return _dated(day, month, year, today)


def _of_day_and_month(told: list[str], today: date) -> date | Why:
    day, month = (told[1], told[0]) if told[0].strip(".") in _MONTH else (told[0], told[1])
    ordinal, number = _ORDINAL.fullmatch(day), _MONTH.get(month.strip("."))
    year = told[2] if len(told) == 3 else None
    if ordinal is None or number is None or (year is not None and not _YEAR.fullmatch(year)):
        return Why.DATE
    return _dated(int(ordinal[1]), number, year, today)


def _dated(day: int, month: int, year: str | None, today: date) -> date:
    if year is not None:
        return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    this_year = date(today.year, month, day)
    return this_year if this_year > today else date(today.year + 1, month, day)


def _later(count: str, unit: str, today: date) -> date | Why:
    number = _NUMBERS.get(count) or (int(count) if count.isascii() and count.isdigit() else 0)
    if unit not in _UNITS or not 0 < number <= 999:
        return Why.DATE
    if _UNITS[unit]:
        return today + timedelta(days=number * _UNITS[unit])
    months = today.month - 1 + number
    first = date(today.year + months // 12, months % 12 + 1, 1)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return min(first + timedelta(days=today.day - 1), last)
