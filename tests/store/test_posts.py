"""What the posting rules ask about the posts before."""

from datetime import UTC, datetime, timedelta

import pytest

from listserv.domain.authorship import UNCHECKED
from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.lists import MailingList
from listserv.mail.parse import parse
from listserv.store import lists, posts
from listserv.store.posts import StoredPost
from listserv.store.session import Store, Tx

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HELD = Decision(Verdict.HOLD, (Reason("empty", "it is empty"),))


@pytest.fixture
def town(store: Store) -> MailingList:
    return store.write(
        lambda tx: lists.create(tx, name="town", domain="example.org", settings={}, now=NOW)
    )


def add(
    tx: Tx,
    mlist: MailingList,
    decision: Decision,
    at: datetime,
    author: str = "ann@example.org",
    member_id: int | None = None,
) -> StoredPost:
    is_accepted = decision.verdict is Verdict.ACCEPT
    return posts.add(
        tx, list_id=mlist.id, raw_id=None, post=parse(f"From: {author}\r\n\r\nHi\r\n".encode()),
        decision=decision, authorship=UNCHECKED, now=at, member_id=member_id,
        number=lists.next_number(tx, mlist.id) if is_accepted else None,
    )  # fmt: skip


ACCEPTED, DISCARDED = Decision(Verdict.ACCEPT), Decision(Verdict.DISCARD, HELD.reasons)


@pytest.mark.parametrize(
    ("decision", "age", "counts"),
    [
        (ACCEPTED, HOUR - MINUTE, 1),
        (ACCEPTED, HOUR, 0),
        (HELD, HOUR - MINUTE, 1),
        (HELD, HOUR, 0),
        (DISCARDED, MINUTE, 0),
    ],
)
def test_what_was_accepted_or_held_within_an_hour_is_counted(
    store: Store, town: MailingList, decision: Decision, age: timedelta, counts: int
) -> None:
    store.write(lambda tx: add(tx, town, decision, NOW - age))
    found = store.read(
        lambda tx: posts.count_since(tx, town.id, "ann@example.org", None, NOW - HOUR)
    )
    assert found == (counts, counts)


@pytest.mark.parametrize(("age", "counts"), [(HOUR - MINUTE, 1), (HOUR + MINUTE, 0)])
def test_a_held_post_counts_by_when_it_came_not_by_when_it_was_approved(
    store: Store, town: MailingList, age: timedelta, counts: int
) -> None:
    def approve(tx: Tx) -> None:
        held = add(tx, town, HELD, NOW - age)
        posts.accept(tx, held.id, lists.next_number(tx, town.id), NOW)

    store.write(approve)
    found = store.read(lambda tx: posts.count_since(tx, town.id, "", None, NOW - HOUR))
    assert found == (counts, 0)


def test_an_author_is_counted_by_address_and_by_membership(store: Store, town: MailingList) -> None:
    def write(tx: Tx) -> None:
        add(tx, town, ACCEPTED, NOW, "ann@example.org", member_id=7)
        add(tx, town, ACCEPTED, NOW, "ann@home.example", member_id=7)
        add(tx, town, HELD, NOW, "bob@example.net")
        other = lists.create(tx, name="other", domain="example.org", settings={}, now=NOW)
        add(tx, other, ACCEPTED, NOW, "ann@example.org", member_id=7)

    store.write(write)

    def of(author: str, member_id: int | None) -> int:
        return store.read(lambda tx: posts.count_since(tx, town.id, author, member_id, NOW - HOUR))[
            1
        ]

    assert [of("ann@example.org", 7), of("ann@example.org", None), of("bob@example.net", None)] == [
        2, 1, 1,
    ]  # fmt: skip


@pytest.mark.parametrize("decision", [ACCEPTED, HELD])
def test_a_post_that_was_just_stored_is_what_the_store_reads_back(
    store: Store, town: MailingList, decision: Decision
) -> None:
    added = store.write(lambda tx: add(tx, town, decision, NOW))
    assert store.read(lambda tx: posts.get(tx, added.id)) == added
