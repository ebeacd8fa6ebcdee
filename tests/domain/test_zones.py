"""Time zones as people name them."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain import zones
from listserv.domain.zones import find_zone, read_zone, zone_of

ZONES = {
    "Europe/Berlin": "Europe/Berlin", "europe/berlin": "Europe/Berlin", "Berlin": "Europe/Berlin",
    "New York": "America/New_York", "new_york": "America/New_York",
    "America/New York": "America/New_York", "Zürich": "Europe/Zurich", "zuerich": "Europe/Zurich",
    "Köln": "Europe/Berlin", "São Paulo": "America/Sao_Paulo", "St. John's": "America/St_Johns",
    "Buenos Aires": "America/Argentina/Buenos_Aires", "Istanbul": "Europe/Istanbul",
    "Singapore": "Singapore", "UTC": "UTC", "St. Petersburg": "Europe/Moscow",
    "San Francisco": "America/Los_Angeles", "Mumbai": "Asia/Kolkata", "Indianapolis":
    "America/Indiana/Indianapolis", "": "",
}  # fmt: skip
# Abbreviations and offsets know no summer time; of the names there are several places.
NO_ZONES = [
    "EST", "CET", "PST8PDT", "GMT+1", "UTC+1", "+0100", "Etc/GMT+5", "Europe", "Victoria",
    "San Juan", "Petersburg", "Nowhere", "Europe/Nowhere", "../etc/passwd", "posix/Europe/Berlin",
    "localtime", "Factory", "\0", "Berlin" * 20, "Europe/Berlin Paris",
]  # fmt: skip


@pytest.mark.parametrize(("text", "zone"), ZONES.items())
def test_a_zone_is_found_by_its_name_and_by_a_city(text: str, zone: str) -> None:
    assert read_zone(text) == zone


@pytest.mark.parametrize("text", NO_ZONES)
def test_what_names_no_zone_is_refused_with_a_way_out(text: str) -> None:
    assert find_zone(text) is None
    with pytest.raises(ValueError, match="Europe/Berlin, or a city in it"):
        read_zone(text)


def test_every_city_of_ours_is_in_a_zone_of_the_database() -> None:
    assert all(zone_of(name) is not None for name in zones._CITIES.values())


@given(text=st.text(max_size=70))
def test_any_text_names_a_zone_that_there_is_or_none(text: str) -> None:
    found = find_zone(text)
    assert not found or isinstance(zone_of(found), ZoneInfo)


@pytest.mark.parametrize("name", ["Gone/Atlantis", "Europe", "", "/etc/passwd", "\0", "a" * 400])
def test_a_name_that_is_gone_is_no_zone(name: str) -> None:
    assert zone_of(name) is None
