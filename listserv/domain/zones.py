"""Time zones, as people name them: Europe/Berlin, or a city.

The names are those of the IANA time zone database. An abbreviation such as EST or CET is none of
them here: it says nothing about summer time. A city says it all.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

# What a name may be written with or without.
_BLANKS = str.maketrans({"_": " ", ".": " ", "'": None, "\u2019": None})
_CONTINENTS = frozenset(
    "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split()
)
# Names without a continent that are a country or nothing but UTC; the others are abbreviations,
# which summer time makes wrong for half of the year.
_WHOLE = frozenset(
    "Cuba Egypt Eire Hongkong Iceland Iran Israel Jamaica Japan Libya Poland Portugal Singapore"
    " Turkey UTC".split()
)
# Names of the database that more than one place has, or that are none.
_SEVERAL = frozenset({
    "center", "cordoba", "knox", "north", "petersburg", "san juan", "san luis", "south",
    "victoria", "vincennes", "west",
})  # fmt: skip
# Places that the database has under another name, or not at all.
_CITIES: Mapping[str, str] = {
    "athen": "Europe/Athens", "atlanta": "America/New_York", "austin": "America/Chicago",
    "bangalore": "Asia/Kolkata", "barcelona": "Europe/Madrid", "basel": "Europe/Zurich",
    "beijing": "Asia/Shanghai", "bern": "Europe/Zurich", "boston": "America/New_York",
    "brüssel": "Europe/Brussels", "bukarest": "Europe/Bucharest", "calgary": "America/Edmonton",
    "cologne": "Europe/Berlin", "dallas": "America/Chicago", "delhi": "Asia/Kolkata",
    "dresden": "Europe/Berlin", "düsseldorf": "Europe/Berlin", "edinburgh": "Europe/London",
    "frankfurt": "Europe/Berlin", "geneva": "Europe/Zurich", "genf": "Europe/Zurich",
    "glasgow": "Europe/London", "graz": "Europe/Vienna", "hamburg": "Europe/Berlin",
    "hannover": "Europe/Berlin", "houston": "America/Chicago", "innsbruck": "Europe/Vienna",
    "kairo": "Africa/Cairo", "kapstadt": "Africa/Johannesburg", "köln": "Europe/Berlin",
    "kopenhagen": "Europe/Copenhagen", "leipzig": "Europe/Berlin", "linz": "Europe/Vienna",
    "lissabon": "Europe/Lisbon", "lyon": "Europe/Paris", "mailand": "Europe/Rome",
    "manchester": "Europe/London", "marseille": "Europe/Paris", "miami": "America/New_York",
    "milan": "Europe/Rome", "minneapolis": "America/Chicago", "montreal": "America/Toronto",
    "moskau": "Europe/Moscow", "mumbai": "Asia/Kolkata", "munich": "Europe/Berlin",
    "münchen": "Europe/Berlin", "naples": "Europe/Rome", "neapel": "Europe/Rome",
    "new delhi": "Asia/Kolkata", "nürnberg": "Europe/Berlin", "osaka": "Asia/Tokyo",
    "ottawa": "America/Toronto", "philadelphia": "America/New_York",
    "pittsburgh": "America/New_York", "prag": "Europe/Prague", "rom": "Europe/Rome",
    "rotterdam": "Europe/Amsterdam", "salzburg": "Europe/Vienna",
    "san diego": "America/Los_Angeles", "san francisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles", "st petersburg": "Europe/Moscow",
    "stuttgart": "Europe/Berlin", "warschau": "Europe/Warsaw", "washington": "America/New_York",
    "wellington": "Pacific/Auckland", "wien": "Europe/Vienna", "zuerich": "Europe/Zurich",
}  # fmt: skip


def find_zone(text: str) -> str | None:
    """The name of the zone that a text names: one of the database, in small letters too, or a city
    that is alone of its name."""
    return _names().get(_plain(text)) if len(text) <= 60 else None


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of this name, unless the database has no such zone any more."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: "Europe" is a folder of zones
        return None


def read_zone(text: str) -> str:
    """A reader for settings: the name of a zone, or nothing."""
    found = find_zone(text) if text else ""
    if found is None:
        raise ValueError("is a time zone such as Europe/Berlin, or a city in it such as Berlin")
    return found


@cache
def _names() -> Mapping[str, str]:
    """Everything that names a zone, plain."""
    every = {name for name in available_timezones() if _is_name(name)}
    cities: dict[str, str] = {}
    # Of a zone's several names Europe/Istanbul stands behind Asia/Istanbul, and the longer ones,
    # such as America/Argentina/Buenos_Aires, behind all.
    for name in sorted(every, key=lambda name: (name.count("/"), name)):
        if name.partition("/")[0] in _CONTINENTS:
            cities[_plain(name.rpartition("/")[2])] = name
    alone = {city: name for city, name in cities.items() if city not in _SEVERAL}
    others = {_plain(city): name for city, name in _CITIES.items()}
    return alone | others | {_plain(name): name for name in every}


def _is_name(name: str) -> bool:
    return name in _WHOLE or ("/" in name and not name.startswith("Etc/")) or name == "Etc/UTC"


def _plain(text: str) -> str:
    """Without accents, capitals, points and the difference of _ and a blank."""
    letters = unicodedata.normalize("NFKD", text)
    letters = "".join(c for c in letters if not unicodedata.combining(c)).casefold()
    return " ".join(letters.translate(_BLANKS).split())
