"""When the digest comes, behind DIGEST: AT 7 PM, MON THU, WEEKLY, DAILY; and TIMEZONE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from listserv.domain.settings import Value
from listserv.domain.times import day_of, days_of, days_written, hour_of, hour_written
from listserv.domain.zones import find_zone
from listserv.policy.commands.command import ALL_LISTS, DAILY, Command, Why
from listserv.policy.commands.line import Line, Trouble

ZONE_WORDS = ("timezone", "tz", "zeitzone")
_AT = frozenset({"at", "about", "um", "gegen", "@"})
_AMONG_DAYS = frozenset({"on", "every", "each", "and", "&", "und", "am", "jeden", "jede"})
_EVERY = frozenset({"day", "days", "tag"})
# A time of day, and the name of a zone, are no more words than this.
_LONGEST = 3
_BEFORE_ZONE = frozenset({"to", "is", "in", "my", "auf", "ist", "="})
_BEHIND_ZONE = frozenset({"time", "zeit"})


@dataclass(frozen=True, slots=True)
class When:
    """What some words say of when: each as in Command, "" for what they do not."""

    hour: str = ""
    days: tuple[str, ...] = ()
    zone: str = ""


def read_when(words: Sequence[str], *, behind: bool) -> tuple[When, int] | Trouble | None:
    """What stands at the beginning of these words, lower-case, and in how many of them; None when
    they say nothing of when. `behind` DIGEST an hour needs no AT."""
    if words[0] in _AT:
        found = _hour(words[1:])
        return (found[0], found[1] + 1) if found else Trouble(Why.HOUR)
    if words[0] in ZONE_WORDS:
        return _zone(words)
    return _days(words) or (_hour(words) if behind else None)


def _hour(words: Sequence[str]) -> tuple[When, int] | None:
    for count in range(min(_LONGEST, len(words)), 0, -1):
        at = hour_of(" ".join(words[:count]))
        if at is not None:
            return When(hour=hour_written(at)), count
    return None


def _zone(words: Sequence[str]) -> tuple[When, int] | Trouble:
    for count in range(min(_LONGEST, len(words) - 1), 0, -1):
        zone = find_zone(" ".join(words[1 : count + 1]))
        if zone:
            return When(zone=zone), count + 1
    return Trouble(Why.ZONE)


def _days(words: Sequence[str]) -> tuple[When, int] | None:
    days: list[str] = []
    count = 0
    for word in words:
        if word in _EVERY and count:
            days.append(DAILY)
        elif day_of(word) is not None:
            days.append(word)
        elif word not in _AMONG_DAYS:
            break
        count += 1
    return (When(days=tuple(days)), count) if days else None


def together(found: Sequence[When]) -> When | Trouble:
    """What is said in several places of a line: all days, but one hour and one zone."""
    words = [word for one in found for word in one.days]
    days = days_of(words) if words else None
    hours = {one.hour for one in found if one.hour}
    zones = {one.zone for one in found if one.zone}
    if len(hours) > 1 or len(zones) > 1:
        return Trouble(Why.HOUR if len(hours) > 1 else Why.ZONE)
    return When(
        "".join(hours), tuple((days_written(days) or DAILY).split(",")) if days else (),
        "".join(zones),
    )  # fmt: skip


def times_set(command: Command) -> Mapping[str, Value]:
    """The member settings that a command gives a value."""
    said = {
        "digest_hour": command.hour, "digest_days": command.days, "timezone": command.zone,
    }  # fmt: skip
    return {key: "" if value == DAILY else value for key, value in said.items() if value}


def read_timezone(line: Line) -> Command | Trouble:
    """TIMEZONE [listname | *] a zone, or a city in it. It is where a person lives: sent to no list
    it is for all of theirs."""
    words = [word.plain for word in line.rest]
    while words and words[0].lower() in _BEFORE_ZONE:
        words = words[1:]
    while words and words[-1].lower() in _BEHIND_ZONE:
        words = words[:-1]
    if not words:
        return Trouble(Why.NO_ZONE)
    # Berlin, Germany
    city = next((at for at, word in enumerate(line.rest, 1) if word.written.endswith(",")), 0)
    named = [" ".join(words), " ".join(word.plain for word in line.rest[:city])]
    zone = next((found for name in named if (found := find_zone(name))), None)
    if zone is None:
        return Trouble(Why.ZONE)
    return replace(line.command(), list=line.list or ALL_LISTS, zone=zone)
