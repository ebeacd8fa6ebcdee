"""A calendar (RFC 5545) -> one line: what is on, and when."""

import re

from listserv.mail.words import shown

LONGEST = 200
_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"(SUMMARY|DTSTART|METHOD)((?:;[^:\n]*)?):([^\n]*)", re.IGNORECASE)
_BEGIN = re.compile(r"^BEGIN:VEVENT[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_ZONE = re.compile(r';TZID="?([^";:]{1,60})', re.IGNORECASE)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d{0,2}(Z?))?\s*$")
_ESCAPED = re.compile(r"\\(.)")


def event_line(calendar: str) -> str:
    """Title and beginning of the first event, as far as they can be read: "Meeting, 2026-05-09
    10:00 Europe/Berlin"; "" when there is neither. The time is as the calendar writes it."""
    begin = _BEGIN.search(calendar)
    if begin is None:
        return ""
    title = when = ""
    for line in _FOLD.sub("", calendar[begin.end() :]).splitlines():
        found = _LINE.match(line)
        if found and found[1].upper() == "SUMMARY" and not title:
            title = _ESCAPED.sub(lambda one: " " if one[1] in "nN" else one[1], found[3])
        elif found and found[1].upper() == "DTSTART" and not when:
            when = _written(found[3], found[2])
        elif line.upper().startswith("END:VEVENT"):
            break
    return ", ".join(filter(None, (shown(title)[:LONGEST], when)))


def is_cancelled(calendar: str) -> bool:
    """Whether it takes back what it announced before (RFC 5546 3.2.5)."""
    return bool(re.search(r"^METHOD:CANCEL\b", calendar, re.IGNORECASE | re.MULTILINE))


def _written(value: str, parameters: str) -> str:
    found = _TIME.match(value.strip())
    if found is None:
        return ""
    day = f"{found[1]}-{found[2]}-{found[3]}"
    if found[4] is None:
        return day
    zone = _ZONE.search(parameters)
    where = " UTC" if found[6] else f" {shown(zone[1])}" if zone else ""
    return f"{day} {found[4]}:{found[5]}{where}"
