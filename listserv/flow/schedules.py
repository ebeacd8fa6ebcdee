"""When a member's digest comes, and the words for it."""

from datetime import datetime

from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.domain.times import EVERY_DAY
from listserv.flow.site import Site
from listserv.policy.digests import Schedule, next_slot, schedule


def of_member(site: Site, mlist: MailingList, member: Member) -> Schedule:
    """A member's schedule, whether or not they read digests now."""
    return schedule(member.settings, mlist.settings, site.digest_hour, site.zone)


def days(site: Site, one: Schedule, language: str) -> str:
    """On which days, as a clause: "each Monday and Thursday"."""
    if one.days == EVERY_DAY:
        return site.templates.phrase("schedule.daily", {}, language)
    *others, last = [
        site.templates.phrase(f"weekday.{day}", {}, language) for day in sorted(one.days)
    ]
    first = ", ".join(others)
    both = {"first": first, "last": last}
    named = site.templates.phrase("schedule.and", both, language) if first else last
    return site.templates.phrase("schedule.weekdays", {"days": named}, language)


def when(site: Site, one: Schedule, language: str) -> str:
    """On which days and about when, as a clause: "each day about 7:00 in the morning"."""
    values = {"days": days(site, one, language), "at": one.at}
    return site.templates.phrase("schedule.when", values, language)


def where(site: Site, one: Schedule, language: str) -> str:
    """The same, with the zone whose clocks show that."""
    values = {"when": when(site, one, language), "zone": one.zone.key}
    return site.templates.phrase("schedule.where", values, language)


def next_one(site: Site, one: Schedule, now: datetime, language: str) -> str:
    """A sentence that says when the next digest comes."""
    values = {"next": next_slot(one, now).astimezone(one.zone), "zone": one.zone.key}
    return site.templates.phrase("schedule.next", values, language)
