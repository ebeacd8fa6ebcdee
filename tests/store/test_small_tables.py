"""The site's own values, the event log, and the counters."""

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import delete

from listserv.domain.errors import ListservError
from listserv.store import counters, events, lists, site, suspensions
from listserv.store.session import Store
from listserv.store.tables import SiteRow

NOW = datetime(2026, 11, 21, 7, 30, 59, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_secret_is_made_once(store: Store) -> None:
    secret = store.read(site.secret)
    assert len(secret) == site.SECRET_BYTES
    store.write(site.make_secret)
    assert store.read(site.secret) == secret


def test_a_database_without_a_secret_says_what_to_do(store: Store) -> None:
    store.write(lambda tx: tx.execute(delete(SiteRow)))
    with pytest.raises(ListservError, match=r"run `listserv db upgrade`$"):
        store.read(site.secret)


def test_the_relay_is_paused_for_the_last_reason_and_resumed(store: Store) -> None:
    assert store.read(site.relay_paused) is None
    store.write(lambda tx: site.pause(tx, "it said 550 no"))
    store.write(lambda tx: site.pause(tx, "by hand"))
    assert store.read(site.relay_paused) == "by hand"
    store.write(site.resume)
    store.write(site.resume)
    assert store.read(site.relay_paused) is None


def test_events_are_told_in_order_of_one_list_or_of_the_site(store: Store) -> None:
    mlist = store.write(
        lambda tx: lists.create(tx, name="a", domain="x.test", settings={}, now=NOW)
    )
    told = [(mlist.id, "first"), (None, "of the site"), (mlist.id, "zweites „Ereignis“")]
    for list_id, what in told:
        store.write(partial(events.log, list_id=list_id, who="command line", what=what, now=NOW))
    of_list = store.read(lambda tx: events.ls(tx, mlist.id))
    assert [event.what for event in of_list] == ["first", "zweites „Ereignis“"]
    assert (of_list[0].at, of_list[0].who) == (NOW, "command line")
    assert [event.what for event in store.read(lambda tx: events.ls(tx, None))] == ["of the site"]


def test_counters_add_up_over_minutes_and_lists(store: Store) -> None:
    for list_id, minutes, n in ((1, 0, 1), (1, 0, 2), (1, 5, 1), (2, 0, 10), (0, 0, 100)):
        at = NOW - minutes * MINUTE
        store.write(partial(counters.count, list_id=list_id, name="accept", now=at, n=n))
    store.write(lambda tx: counters.count(tx, 1, "reject", NOW))

    def total(name: str, since: datetime, list_id: int = 0) -> int:
        return store.read(lambda tx: counters.total(tx, name, since, list_id))

    assert total("accept", NOW - 10 * MINUTE, 1) == 4
    assert total("accept", NOW - 2 * MINUTE, 1) == 3
    assert total("accept", NOW - 10 * MINUTE) == 114
    assert total("reject", NOW - 2 * MINUTE) == 1
    assert total("hold", NOW - 2 * MINUTE) == 0


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 66), (15, 51), (30, 36), (59, 7), (60, 6), (90, 3), (120, 0)]
)
def test_the_last_minute_slides(store: Store, seconds: int, expected: int) -> None:
    """60 in the minute before noon, 6 in the one that begins then."""
    noon = NOW.replace(hour=12, minute=0, second=0)
    for at, n in ((noon - MINUTE, 40), (noon - timedelta(seconds=1), 20), (noon, 6)):
        store.write(lambda tx: counters.count(tx, 1, "delivered", at, n))  # noqa: B023
    now = noon + timedelta(seconds=seconds)
    assert store.read(lambda tx: counters.last_minute(tx, "delivered", now)) == expected


def test_counting_at_once_loses_nothing(store: Store) -> None:
    def count() -> None:
        for _ in range(10):
            store.write(lambda tx: counters.count(tx, 1, "accept", NOW))

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(lambda tx: counters.total(tx, "accept", NOW - MINUTE)) == 30


def test_of_any_number_of_members_it_can_be_asked_who_is_suspended(store: Store) -> None:
    assert store.read(partial(suspensions.of, members=range(1, 70_000))) == {}
