"""To whom something was shown: once while their answer counts, whoever asks at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from listserv.domain.address import Address
from listserv.domain.members import Delivery, JoinRequest, MemberRole
from listserv.store import held, lists, members, moderations
from listserv.store.members import NewMember
from listserv.store.moderations import Moderation
from listserv.store.session import Store, Tx

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(days=14)


@pytest.fixture
def one(store: Store) -> Moderation:
    """A request to join, about which nobody has been asked."""

    def prepare(tx: Tx) -> Moderation:
        mlist = lists.create(tx, name="town", domain="x.test", settings={}, now=NOW)
        new = NewMember(Address("mo", "x.test"), "", MemberRole.MODERATOR, Delivery.MAIL)
        mo = members.add(tx, mlist.id, new, began="test", now=NOW)
        request = JoinRequest(Address("Zoe", "x.test"), "", Delivery.MAIL, "", "by mail", "")
        number = held.add_request(tx, list_id=mlist.id, request=request, now=NOW)
        return Moderation("t1", number, mo.id, NOW, SOON)

    return store.write(prepare)


def test_a_token_takes_the_place_of_an_expired_one_only(store: Store, one: Moderation) -> None:
    assert store.write(lambda tx: moderations.add(tx, one))
    early = replace(one, token="t2", created=SOON - timedelta(seconds=1))
    assert not store.write(lambda tx: moderations.add(tx, early))
    assert store.read(lambda tx: moderations.find(tx, "t1")) == one
    anew = replace(one, token="t3", created=SOON, expires=SOON + timedelta(days=14))
    assert store.write(lambda tx: moderations.add(tx, anew))
    assert store.read(lambda tx: moderations.find(tx, "t1")) is None
    assert store.read(lambda tx: moderations.find(tx, "t3")) == anew


def test_two_at_once_show_it_once(store: Store, one: Moderation) -> None:
    other = Store(store.url)
    try:
        for number in range(10):
            again = replace(one, created=NOW + timedelta(days=15 * number))
            again = replace(again, expires=again.created + timedelta(days=14))
            with ThreadPoolExecutor(2) as pool:
                jobs = [
                    pool.submit(where.write, adding(replace(again, token=f"{name}{number}")))
                    for where, name in ((store, "a"), (other, "b"))
                ]
            assert sorted(job.result() for job in jobs) == [False, True]
    finally:
        other.close()


def adding(new: Moderation) -> Callable[[Tx], bool]:
    return lambda tx: moderations.add(tx, new)


def test_what_waits_says_whose_it_is_and_until_when_answers_count(
    store: Store, one: Moderation
) -> None:
    mlist = store.read(lambda tx: lists.find(tx, "town"))
    assert store.read(lambda tx: moderations.waiting(tx, mlist.id)) == []
    store.write(lambda tx: held.take_step(tx, one.held_id, 0, 1, SOON))
    store.write(lambda tx: moderations.add(tx, one))
    (waits,) = store.read(lambda tx: moderations.waiting(tx, mlist.id))
    assert (waits.id, waits.step, waits.author) == (one.held_id, 1, None)
    assert (waits.applicant, waits.shown) == ("zoe@x.test", {one.member_id: SOON})


def test_what_expired_is_told_of_once(store: Store, one: Moderation) -> None:
    mlist = store.read(lambda tx: lists.find(tx, "town"))
    assert store.read(held.first_list) == mlist.id
    store.write(lambda tx: held.expire(tx, one.held_id, "listserv", "nobody", NOW))
    assert store.read(held.first_list) == mlist.id
    assert store.read(lambda tx: held.next_due(tx, SOON)) is None
    assert store.write(lambda tx: held.tell_expired(tx, mlist.id)) == 1
    assert store.write(lambda tx: held.tell_expired(tx, mlist.id)) == 0
    assert store.read(held.first_list) is None
