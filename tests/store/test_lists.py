"""Lists: kept with what differs from the defaults, found under every address they ever had."""

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import FromClause, insert, select

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.settings import Value
from listserv.store import lists
from listserv.store.session import Store, Tx
from listserv.store.tables import (
    BanRow,
    Base,
    BounceRow,
    ConfirmationRow,
    CounterRow,
    EventRow,
    ExcusedRow,
    HeldRow,
    IssuePartRow,
    IssueRow,
    LinkedAddressRow,
    MailingRow,
    MemberRow,
    MessageRow,
    PostRow,
    ProbeRow,
    RenderingRow,
    SuspensionRow,
)

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


def _create(
    store: Store, name: str = "support", domain: str = "lists.test", **settings: Value
) -> MailingList:
    return store.write(
        lambda tx: lists.create(tx, name=name, domain=domain, settings=settings, now=NOW)
    )


def test_a_list_comes_back_as_it_was_made(store: Store) -> None:
    made = _create(store, title="Söderströms Grüße 💌", max_size=2048, posting="members")
    assert store.read(lambda tx: lists.get(tx, made.id)) == made
    assert made.address == "support@lists.test"
    assert made.list_id == "support.lists.test"
    assert made.created == NOW
    assert made.stored == {"title": "Söderströms Grüße 💌", "max_size": 2048}
    assert made.settings.posting == "members"
    assert not made.on_hold


def test_a_setting_back_at_its_default_is_not_stored(store: Store) -> None:
    made = _create(store, reply_to="author", max_size=2048)
    changed = store.write(lambda tx: lists.change(tx, made.id, {"reply_to": "list"}))
    assert changed.stored == {"max_size": 2048}
    assert changed.settings.reply_to == "list"


def test_an_address_belongs_to_one_list(store: Store) -> None:
    _create(store)
    with pytest.raises(Exception, match=r"(?i)unique"):
        _create(store)
    _create(store, domain="other.test")


def test_a_list_is_found_by_address_or_by_a_name_that_is_unique(store: Store) -> None:
    first, second = _create(store, "support"), _create(store, "support", "other.test")
    third = _create(store, "friends")
    cases = {
        "support@lists.test": first,
        "SUPPORT@Lists.Test": first,
        "support@other.test": second,
        "friends": third,
        "Friends": third,
    }
    for text, expected in cases.items():
        assert store.read(partial(lists.find, text=text)) == expected


@pytest.mark.parametrize(
    "text", ["nobody", "nobody@lists.test", "friends@other.test", "", "@", "a@b@c"]
)
def test_an_unknown_list_is_named(store: Store, text: str) -> None:
    _create(store, "friends")
    with pytest.raises(ListservError, match=f"^{text}: there is no such list"):
        store.read(lambda tx: lists.find(tx, text))


def test_an_ambiguous_name_is_refused_with_the_addresses(store: Store) -> None:
    _create(store, "support")
    _create(store, "support", "other.test")
    with pytest.raises(ListservError, match=r"support@lists\.test, support@other\.test"):
        store.read(lambda tx: lists.find(tx, "support"))


def test_a_renamed_list_keeps_its_list_id_and_answers_to_every_old_address(store: Store) -> None:
    made = _create(store, "one")
    store.write(lambda tx: lists.rename(tx, made.id, "two", "lists.test"))
    renamed = store.write(lambda tx: lists.rename(tx, made.id, "three", "lists.test"))
    assert renamed.address == "three@lists.test"
    assert renamed.list_id == "one.lists.test"
    for name in ("one", "two", "three"):
        assert store.read(partial(lists.at, name=name, domain="lists.test")) == renamed
        assert store.read(partial(lists.find, text=name)) == renamed
    assert store.read(lambda tx: lists.former(tx, made.id)) == ["one@lists.test", "two@lists.test"]
    assert store.read(lambda tx: lists.at(tx, "four", "lists.test")) is None
    assert store.read(lists.names) == {(name, "lists.test") for name in ("one", "two", "three")}


def test_a_list_may_take_its_old_name_back(store: Store) -> None:
    made = _create(store, "one")
    store.write(lambda tx: lists.rename(tx, made.id, "two", "lists.test"))
    store.write(lambda tx: lists.rename(tx, made.id, "one", "lists.test"))
    assert store.read(lambda tx: lists.former(tx, made.id)) == ["two@lists.test"]


def test_every_list_is_listed_by_address(store: Store) -> None:
    for name in ("b", "a", "c"):
        _create(store, name)
    assert [one.name for one in store.read(lists.every)] == ["a", "b", "c"]


def test_hold_and_free(store: Store) -> None:
    made = _create(store)
    assert store.write(lambda tx: lists.hold(tx, made.id, True)).on_hold
    assert not store.write(lambda tx: lists.hold(tx, made.id, False)).on_hold


def test_acceptance_numbers_are_given_once_and_without_gaps(store: Store) -> None:
    made = _create(store)
    given: list[int] = []

    def accept() -> None:
        for _ in range(10):
            given.append(store.write(lambda tx: lists.next_number(tx, made.id)))

    threads = [threading.Thread(target=accept) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == list(range(1, 31))


def _fill(tx: Tx, list_id: int, messages: list[int]) -> None:
    """A row of everything that a list has; its posts and its notice refer to `messages`."""
    common = {"list_id": list_id}
    member = tx.execute(
        insert(MemberRow)
        .values(
            **common, address="a@x.test", address_key="a@x.test", name="", role="owner",
            delivery="mail", state="active", settings={}, joined=NOW, left=None, began="",
            posts=0, cursor=0,
        )
        .returning(MemberRow.id)
    ).scalar_one()  # fmt: skip
    tx.execute(
        insert(LinkedAddressRow).values(
            **common, address_key="c@x.test", mailbox="c@x.test", member_id=member
        )
    )
    tx.execute(
        insert(BanRow).values(**common, pattern="b@x.test", until=None, reason="", created=NOW)
    )
    tx.execute(insert(EventRow).values(**common, at=NOW, who="w", what="w"))
    tx.execute(
        insert(BounceRow).values(
            **common, member_id=member, mailing_id=list_id, domain="x.test", kind="hard", words="",
            at=NOW, day=NOW.date(), state="new",
        )
    )  # fmt: skip
    tx.execute(
        insert(ExcusedRow).values(
            **common, mailing_id=list_id, domain="x.test", why="ours", members=2, words="", at=NOW,
            told=False,
        )
    )  # fmt: skip
    tx.execute(insert(ProbeRow).values(mailing_id=list_id, member_id=member, at=NOW))
    tx.execute(
        insert(SuspensionRow).values(
            **common, member_id=member, why="bounces", words="", at=NOW, told=False
        )
    )
    tx.execute(
        insert(ConfirmationRow).values(
            **common, token=f"t{list_id}", kind="post", member_id=None, address="a@x.test",
            data={}, created=NOW, expires=NOW, confirmed=None, replies=0,
        )
    )  # fmt: skip
    tx.execute(insert(CounterRow).values(**common, name="accept", minute=NOW, count=1))
    post = 0
    for raw_id in messages[:-1]:
        post = tx.execute(
            insert(PostRow)
            .values(
                **common, raw_id=raw_id, message_id="", dedupe=b"", body_hash=b"", author_key="",
                author="", subject="", size=1, received=NOW, verdict="hold", reasons=[],
                number=None, accepted=None,
            )
            .returning(PostRow.id)
        ).scalar_one()  # fmt: skip
    tx.execute(
        insert(HeldRow).values(
            **common, post_id=post, state="held", since=NOW, decided=None, decided_by="", note=""
        )
    )
    tx.execute(insert(RenderingRow).values(post_id=post, text="", rest={}))
    issue = insert(IssueRow).values(**common, key=b"", created=NOW).returning(IssueRow.id)
    tx.execute(
        insert(IssuePartRow).values(
            issue_id=tx.execute(issue).scalar_one(), part=1, message_id="", subject="", posts=[],
            raw_id=messages[-1],
        )
    )  # fmt: skip
    for post_id, message_id in ((post, None), (None, messages[-1])):
        tx.execute(
            insert(MailingRow).values(
                **common, kind="post", lane=1, mode="verp", state="active", post_id=post_id,
                message_id=message_id, subject="", created=NOW, finished=None, expanded=False,
                expanded_to=0, ordinals=0, pauses=0, words="",
            )
        )  # fmt: skip


def _list_ids(tx: Tx, table: FromClause) -> set[int | None]:
    return set(tx.execute(select(table.c.list_id)).scalars())


def test_deleting_a_list_deletes_all_of_it_and_nothing_of_others(store: Store) -> None:
    gone, stays = _create(store, "gone"), _create(store, "stays")
    store.write(lambda tx: lists.rename(tx, gone.id, "going", "lists.test"))

    def fill(tx: Tx) -> list[int]:
        new = insert(MessageRow).returning(MessageRow.id)
        a, shared, notice, other = (
            tx.execute(new.values(raw=b"x", created=NOW)).scalar_one() for _ in range(4)
        )
        _fill(tx, gone.id, [a, shared, notice])
        _fill(tx, stays.id, [shared, other])
        return [shared, other]

    needed = store.write(fill)
    store.write(lambda tx: lists.delete(tx, gone.id))

    for table in Base.metadata.sorted_tables:
        if "list_id" in table.columns and table.name != "list":
            left = store.read(partial(_list_ids, table=table))
            assert gone.id not in left, table.name
            assert stays.id in left or table.name == "former_address", table.name
    assert store.read(lambda tx: sorted(tx.execute(select(MessageRow.id)).scalars())) == needed
    assert [one.name for one in store.read(lists.every)] == ["stays"]
    assert store.read(lambda tx: lists.at(tx, "gone", "lists.test")) is None
    with pytest.raises(ListservError, match="does not exist any more"):
        store.read(lambda tx: lists.get(tx, gone.id))


def test_a_lists_number_is_never_given_again(store: Store) -> None:
    first = _create(store)
    store.write(lambda tx: lists.delete(tx, first.id))
    assert _create(store).id > first.id


def test_times_keep_their_microseconds(store: Store) -> None:
    exact = NOW + timedelta(microseconds=123_457)
    made = store.write(
        lambda tx: lists.create(tx, name="x", domain="x.test", settings={}, now=exact)
    )
    assert store.read(lambda tx: lists.get(tx, made.id)).created == exact
