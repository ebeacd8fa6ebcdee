"""Where somebody lives, guessed once from the Date of the mail by which they join: a guess, which
they are told and can mend."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from listserv.domain.zones import zone_of

# A Date that is farther from now than this says nothing about today's offset.
_FARTHEST = timedelta(days=2)
# Where most people with an offset live: the first whose clocks show it on that day.
_LIKELY = (
    "Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Istanbul", "Asia/Dubai",
    "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo",
    "Australia/Sydney", "Australia/Brisbane", "Pacific/Auckland", "America/Sao_Paulo",
    "America/Halifax", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu", "America/St_Johns",
    "Asia/Tehran", "Asia/Kabul", "Asia/Kathmandu", "Asia/Yangon", "Australia/Adelaide",
    "Australia/Darwin",
)  # fmt: skip


def guess_zone(date: str, now: datetime, site_zone: ZoneInfo) -> str:
    """The zone that the Date (RFC 5322 3.3) of a mail points to; "" when it fits the site's own,
    or tells nothing. An offset of zero tells nothing: many servers write it for everybody."""
    try:
        written = parsedate_to_datetime(date)
        offset = written.utcoffset()
        if not offset or abs(written - now) > _FARTHEST or _fits(site_zone, now, offset):
            return ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
    return next((name for name in _LIKELY if _fits(zone_of(name), now, offset)), "")


def _fits(zone: ZoneInfo | None, now: datetime, offset: timedelta) -> bool:
    return zone is not None and now.astimezone(zone).utcoffset() == offset
