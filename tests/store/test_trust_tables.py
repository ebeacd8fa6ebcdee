"""Familiar paths, confirmations, what is said once a day, and what is put off."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from listserv.domain.address import Address
from listserv.domain.authorship import VerifiedPath
from listserv.domain.members import Delivery, MemberRole
from listserv.store import (
    confirmations,
    deferrals,
    lists,
    members,
    paths,
    retention,
    said,
    signatures,
)
from listserv.store.confirmations import Confirmation
from listserv.store.members import NewMember
from listserv.store.session import Store, Tx

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BOTH = VerifiedPath(("mail.example", "example.org"), "example.org")


@pytest.fixture
def ann(store: Store) -> int:
    mlist = store.write(
        lambda tx: lists.create(tx, name="town", domain="x.test", settings={}, now=NOW)
    )
    new = NewMember(Address("ann", "x.test"), "Ann", MemberRole.MEMBER, Delivery.MAIL)
    return store.write(lambda tx: members.add(tx, mlist.id, new, began="test", now=NOW)).id


def a_question(token: str = "t", **changes: object) -> Confirmation:
    values = {
        "token": token, "kind": "post", "list_id": None, "member_id": None,
        "address": "ann@x.test", "data": {"held": 1}, "created": NOW, "expires": NOW + DAY,
        "confirmed": None, "replies": 0,
    }  # fmt: skip
    return Confirmation(**{**values, **changes})  # type: ignore[arg-type]


def test_a_confirmed_path_is_familiar_in_whatever_order_it_was_signed(
    store: Store, ann: int
) -> None:
    store.write(lambda tx: paths.confirm(tx, ann, BOTH, "ann@x.test", NOW))
    again = VerifiedPath(("example.org", "mail.example"), "example.org")
    store.write(lambda tx: paths.confirm(tx, ann, again, "mo@x.test", NOW + DAY))

    kept = VerifiedPath(("example.org", "mail.example"), "example.org")
    assert store.read(lambda tx: paths.familiar(tx, ann, NOW)) == [kept]
    assert store.read(lambda tx: paths.familiar(tx, ann, NOW + DAY)) == []


def test_nothing_verified_is_no_path(store: Store, ann: int) -> None:
    store.write(lambda tx: paths.confirm(tx, ann, VerifiedPath(), "ann@x.test", NOW))
    assert store.read(lambda tx: paths.familiar(tx, ann, NOW - DAY)) == []


def test_a_question_is_kept_as_it_was_asked(store: Store, ann: int) -> None:
    question = a_question(member_id=ann)
    store.write(lambda tx: confirmations.add(tx, question))
    assert store.read(lambda tx: confirmations.find(tx, "t")) == question
    assert store.read(lambda tx: confirmations.find(tx, "u")) is None


def test_a_question_is_confirmed_once(store: Store) -> None:
    store.write(lambda tx: confirmations.add(tx, a_question()))
    first = []

    def confirm() -> None:
        first.append(store.write(lambda tx: confirmations.confirm(tx, "t", NOW)))

    threads = [threading.Thread(target=confirm) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(first) == [False] * 4 + [True]
    found = store.read(lambda tx: confirmations.find(tx, "t"))
    assert found is not None and found.confirmed == NOW


def test_answers_to_a_question_are_counted_and_end(store: Store) -> None:
    store.write(lambda tx: confirmations.add(tx, a_question()))
    given = [store.write(lambda tx: confirmations.may_reply(tx, "t", 2)) for _ in range(4)]
    assert given == [True, True, False, False]


@pytest.mark.parametrize(
    ("what", "whom", "after", "may"),
    [
        ("refusal", "ann@x.test", timedelta(0), False),
        ("refusal", "ann@x.test", DAY - timedelta(seconds=1), False),
        ("refusal", "ann@x.test", DAY, True),
        ("refusal", "ben@x.test", timedelta(0), True),
        ("ask", "ann@x.test", timedelta(0), True),
    ],
)
def test_something_is_said_once_a_day(
    store: Store, what: str, whom: str, after: timedelta, may: bool
) -> None:
    assert store.write(lambda tx: said.once_a_day(tx, "refusal", "ann@x.test", NOW))
    assert store.write(lambda tx: said.once_a_day(tx, what, whom, NOW + after)) is may


def test_saying_it_at_once_from_all_sides_says_it_once(store: Store) -> None:
    may = []

    def say() -> None:
        may.append(store.write(lambda tx: said.once_a_day(tx, "ask", "ann@x.test", NOW)))

    threads = [threading.Thread(target=say) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert may.count(True) == 1


def test_a_message_is_put_off_since_it_came_first(store: Store) -> None:
    for minutes in (0, 5, 40):
        now = NOW + timedelta(minutes=minutes)
        assert store.write(lambda tx: deferrals.since(tx, b"key", now)) == NOW  # noqa: B023
    assert store.write(lambda tx: deferrals.since(tx, b"other", NOW + DAY)) == NOW + DAY


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (
            timedelta(hours=23),
            ["confirmation", "deferral", "familiar_path", "said", "used_signature"],
        ),
        (DAY, ["confirmation", "deferral", "familiar_path"]),
        (5 * DAY, ["confirmation", "familiar_path"]),
        (16 * DAY, ["confirmation", "familiar_path"]),
        (17 * DAY, ["familiar_path"]),
        (180 * DAY, []),
    ],
)
def test_what_has_run_out_is_forgotten(
    store: Store, ann: int, after: timedelta, left: list[str]
) -> None:
    def fill(tx: Tx) -> None:
        paths.confirm(tx, ann, BOTH, "ann@x.test", NOW)
        confirmations.add(tx, a_question())
        said.once_a_day(tx, "ask", "ann@x.test", NOW)
        deferrals.since(tx, b"key", NOW)
        signatures.use(tx, b"digest", "town-leave@x.test", NOW + DAY, NOW)

    store.write(fill)
    store.write(lambda tx: retention.tidy(tx, 30 * DAY, NOW + after))
    tables = ("confirmation", "deferral", "familiar_path", "said", "used_signature")
    counts = {
        name: store.read(
            lambda tx: tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: B023
        )
        for name in tables
    }
    assert [name for name, count in counts.items() if count] == left


def test_a_signature_without_a_time_is_never_forgotten(store: Store) -> None:
    store.write(lambda tx: signatures.use(tx, b"digest", "town-leave@x.test", None, NOW))
    store.write(lambda tx: retention.tidy(tx, 30 * DAY, NOW + 1000 * DAY))
    assert store.read(lambda tx: signatures.first(tx, b"digest")) == NOW
    assert store.read(lambda tx: signatures.first(tx, b"another")) is None


def test_a_signature_is_used_once_at_each_address_from_all_sides(store: Store) -> None:
    new = []

    def use(recipient: str) -> None:
        new.append(store.write(lambda tx: signatures.use(tx, b"digest", recipient, None, NOW)))

    threads = [threading.Thread(target=use, args=(name,)) for name in "ab" for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert new.count(True) == 2
