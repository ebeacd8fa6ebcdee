"""Bans: an address with all its tags, or a domain; here or everywhere; for good or for a while."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from listserv.domain.address import parse_address
from listserv.store import bans, lists
from listserv.store.session import Store

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def two(store: Store) -> tuple[int, int]:
    """The numbers of two lists."""
    here, there = (
        store.write(partial(lists.create, name=name, domain="x.test", settings={}, now=NOW))
        for name in ("here", "there")
    )
    return here.id, there.id


def _banned(store: Store, list_id: int, text: str, now: datetime = NOW) -> bool:
    address = parse_address(text)
    assert address is not None
    one = store.read(lambda tx: bans.is_banned(tx, list_id, address, now))
    many = bans.any_of(store.read(lambda tx: bans.patterns(tx, list_id, now)), address)
    assert one == many
    return one


def _ban(
    store: Store, list_id: int | None, pattern: str, until: datetime | None = None, reason: str = ""
) -> None:
    store.write(
        lambda tx: bans.add(
            tx, list_id=list_id, pattern=pattern, until=until, reason=reason, now=NOW
        )
    )


MATCHES = [
    # pattern, address, banned
    ("ann@x.test", "ann@x.test", True),
    ("ann@x.test", "ANN@X.test", True),
    ("ann@x.test", "ann+tag@x.test", True),
    ("ann@x.test", "anna@x.test", False),
    ("ann@x.test", "ann@sub.x.test", False),
    ("ann+tag@x.test", "ann+tag@x.test", True),
    ("ann+tag@x.test", "ann@x.test", False),
    ("ann+tag@x.test", "ann+other@x.test", False),
    ("@x.test", "ann@x.test", True),
    ("@x.test", "ann@X.TEST", True),
    ("@x.test", "ann@sub.x.test", False),
    ("@x.test", "ann@xx.test", False),
]


@pytest.mark.parametrize(("pattern", "address", "expected"), MATCHES)
def test_whom_a_ban_is_about(
    store: Store, two: tuple[int, int], pattern: str, address: str, expected: bool
) -> None:
    _ban(store, two[0], pattern)
    assert _banned(store, two[0], address) is expected


def test_a_ban_holds_on_its_list_and_one_of_the_site_on_all(
    store: Store, two: tuple[int, int]
) -> None:
    here, there = two
    _ban(store, here, "ann@x.test")
    _ban(store, None, "bob@x.test")
    assert _banned(store, here, "ann@x.test") and not _banned(store, there, "ann@x.test")
    assert _banned(store, here, "bob@x.test") and _banned(store, there, "bob@x.test")


def test_a_ban_ends(store: Store, two: tuple[int, int]) -> None:
    _ban(store, two[0], "ann@x.test", until=NOW + HOUR)
    assert _banned(store, two[0], "ann@x.test", NOW + HOUR - timedelta(microseconds=1))
    assert not _banned(store, two[0], "ann@x.test", NOW + HOUR)


def test_a_second_ban_replaces_the_first_in_the_same_place(
    store: Store, two: tuple[int, int]
) -> None:
    here, there = two
    _ban(store, here, "ann@x.test", until=NOW + HOUR, reason="first")
    _ban(store, there, "ann@x.test")
    _ban(store, None, "ann@x.test")
    _ban(store, here, "ann@x.test", reason="second")
    found = store.read(lambda tx: bans.ls(tx, here))
    assert [(ban.pattern, ban.until, ban.reason) for ban in found] == [
        ("ann@x.test", None, "second")
    ]
    assert len(store.read(lambda tx: bans.ls(tx, None))) == 1


def test_lifting_a_ban_says_whether_there_was_one(store: Store, two: tuple[int, int]) -> None:
    here, there = two
    _ban(store, here, "ann@x.test")
    for place in (there, None):
        assert not store.write(partial(bans.remove, list_id=place, pattern="ann@x.test"))
    assert store.write(lambda tx: bans.remove(tx, here, "ann@x.test"))
    assert not _banned(store, here, "ann@x.test")
