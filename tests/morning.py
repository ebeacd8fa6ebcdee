"""Where it is morning: a server there sends no digest at seven and no word about what waits in the
evening while a test looks at its mail, whatever hour the test runs at."""

from zoneinfo import ZoneInfo

from listserv.clock import SystemClock

_HOUR = 9


def morning_zone() -> ZoneInfo:
    """A time zone in which it is between nine and ten."""
    ahead = (_HOUR - SystemClock().now().hour + 12) % 24 - 12
    return ZoneInfo(f"Etc/GMT{-ahead:+d}")  # POSIX counts westwards
