"""When a member's digest is due: at one local time, on some days of the week.

Every chosen day that there is where the member lives has exactly one such moment, a `slot`, also
the day on which summer time begins or ends: a time that the clocks leave out is as much later (or,
where that would be the next day, earlier), and one that comes twice is the first of the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from listserv.domain.lists import ListSettings
from listserv.domain.members import MemberSettings
from listserv.domain.times import EVERY_DAY, days_of, hour_of
from listserv.domain.zones import zone_of

# Days that are looked at for a slot: a weekly one, where a zone has left out its day of the week
# (Samoa had no 30 December 2011), and the neighbours of the day in another zone's eyes.
_DAYS = 16
# Digests of one slot go out over so many seconds, by member number.
_SPREAD = 600
# Knuth's: neighbouring numbers come far apart.
_SCATTER = 2654435761


@dataclass(frozen=True, slots=True)
class Schedule:
    """The local time `at`, on `days` of the week (0 = Monday; all seven: daily; never none), in
    `zone`."""

    at: time
    days: frozenset[int]
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if not self.days or not self.days <= EVERY_DAY:
            raise ValueError(f"no days of the week: {sorted(self.days)}")


def schedule(
    settings: MemberSettings, list_settings: ListSettings, site_hour: time, site_zone: ZoneInfo
) -> Schedule:
    """A member's: their own hour, else the list's, else the site's; in their zone, else the
    site's. What a setting says that nobody can read any more counts as not said."""
    at = hour_of(settings.digest_hour) or hour_of(list_settings.digest_hour)
    words = [word for word in settings.digest_days.split(",") if word]
    zone = zone_of(settings.timezone) if settings.timezone else None
    return Schedule(
        at if at is not None else site_hour,
        (days_of(words) if words else None) or EVERY_DAY,
        zone or site_zone,
    )


def next_slot(schedule: Schedule, after: datetime) -> datetime:
    """The first slot later than this moment, in UTC."""
    first = after.astimezone(schedule.zone).date()
    days = (first + timedelta(days=n) for n in range(-1, _DAYS))
    return next(slot for slot in _slots(schedule, days) if slot > after)


def latest_slot(schedule: Schedule, now: datetime) -> datetime:
    """The last slot that is not later than this moment, in UTC."""
    last = now.astimezone(schedule.zone).date()
    days = (last - timedelta(days=n) for n in range(-1, _DAYS))
    return next(slot for slot in _slots(schedule, days) if slot <= now)


def spread(member_id: int) -> timedelta:
    """How long after the slot a member's turn is: 0 to 10 minutes, the same each day."""
    return timedelta(seconds=member_id * _SCATTER % 2**32 * _SPREAD // 2**32)


def _slots(schedule: Schedule, days: Iterable[date]) -> Iterable[datetime]:
    for day in days:
        if day.weekday() in schedule.days:
            slot = _slot(schedule, day)
            if slot is not None:
                yield slot


def _slot(schedule: Schedule, day: date) -> datetime | None:
    """None for a day that the zone's calendar has left out."""
    for fold in (0, 1):
        local = datetime.combine(day, schedule.at.replace(fold=fold), schedule.zone)
        slot = local.astimezone(UTC)
        if slot.astimezone(schedule.zone).date() == day:
            return slot
    return None
