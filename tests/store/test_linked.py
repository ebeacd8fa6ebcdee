"""Whom a From names, and whose an address is."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from listserv.domain.address import Address, parse_address
from listserv.domain.members import Delivery, Member, MemberRole
from listserv.domain.settings import Value
from listserv.store import linked, lists, members
from listserv.store.members import NewMember
from listserv.store.session import Store, Tx

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def an_address(written: str) -> Address:
    read = parse_address(written)
    assert read is not None
    return read


@pytest.fixture
def town(store: Store) -> int:
    return store.write(
        lambda tx: lists.create(tx, name="town", domain="x.test", settings={}, now=NOW)
    ).id


def join(store: Store, list_id: int, address: str, **settings: Value) -> Member:
    new = NewMember(an_address(address), "", MemberRole.MEMBER, Delivery.MAIL)
    member = store.write(lambda tx: members.add(tx, list_id, new, began="test", now=NOW))
    return change(store, member, settings)


def change(store: Store, member: Member, settings: Mapping[str, Value]) -> Member:
    return store.write(lambda tx: members.change(tx, member, settings))


def author(store: Store, list_id: int, address: str, *, proven: bool) -> str | None:
    found = store.read(lambda tx: members.author(tx, list_id, an_address(address), proven=proven))
    return str(found.address) if found else None


# From, who it is when it is proven, and when it is not.
AUTHORS = [
    ("Ann.Lee@gmail.com", "ann.lee@gmail.com", "ann.lee@gmail.com"),
    ("ann.lee@gmail.com", "ann.lee@gmail.com", "ann.lee@gmail.com"),
    ("annlee+x@googlemail.com", "ann.lee@gmail.com", None),
    ("ann@work.test", "ann.lee@gmail.com", "ann.lee@gmail.com"),
    ("ANN+town@work.test", "ann.lee@gmail.com", None),
    ("bob@x.test", "bob@x.test", "bob@x.test"),
    ("bob+town@x.test", "bob@x.test", None),
    ("cleo@x.test", "cleo+list@x.test", None),
    ("family+dan@x.test", "family+dan@x.test", "family+dan@x.test"),
    ("family@x.test", None, None),
    ("left@x.test", None, None),
    ("left+tag@x.test", None, None),
    ("zoe@x.test", None, None),
]


@pytest.mark.parametrize(("address", "proven", "otherwise"), AUTHORS)
def test_a_from_names_a_member(
    store: Store, town: int, address: str, proven: str | None, otherwise: str | None
) -> None:
    join(store, town, "ann.lee@gmail.com", also="ann@work.test,ann@home.test")
    for other in ("bob@x.test", "cleo+list@x.test", "family+dan@x.test", "family+eve@x.test"):
        join(store, town, other)
    left = join(store, town, "left@x.test")
    store.write(lambda tx: members.leave(tx, left.id, NOW))
    elsewhere = store.write(
        lambda tx: lists.create(tx, name="city", domain="x.test", settings={}, now=NOW)
    )
    join(store, elsewhere.id, "zoe@x.test")

    assert author(store, town, address, proven=True) == proven
    assert author(store, town, address, proven=False) == otherwise


def test_linked_addresses_are_replaced_and_end_with_the_membership(store: Store, town: int) -> None:
    ann = join(store, town, "ann@x.test", also="a@y.test,b@y.test")
    ann = change(store, ann, {"own_posts": False})
    assert [str(one) for one in ann.also] == ["a@y.test", "b@y.test"]
    ann = change(store, ann, {"also": "b@y.test"})
    assert author(store, town, "a@y.test", proven=False) is None
    assert author(store, town, "b@y.test", proven=False) == "ann@x.test"

    store.write(lambda tx: members.leave(tx, ann.id, NOW))
    new = NewMember(ann.address, "", MemberRole.MEMBER, Delivery.MAIL)
    back = store.write(lambda tx: members.rejoin(tx, ann, new, began="test", now=NOW))
    assert back.also == () and not back.settings.own_posts
    assert author(store, town, "b@y.test", proven=True) is None
    assert not store.read(lambda tx: linked.are_there(tx, town))


def test_the_holders_of_mailboxes(store: Store, town: int) -> None:
    join(store, town, "Ann@x.test", also="ann.lee@googlemail.com")
    found = store.read(lambda tx: linked.holders(tx, town, ["annlee@gmail.com", "ann@x.test"]))
    assert found == {"annlee@gmail.com": linked.Link("Ann@x.test", "ann@x.test")}
    assert store.read(lambda tx: linked.are_there(tx, town))


def test_an_address_is_linked_once(store: Store, town: int) -> None:
    join(store, town, "ann@x.test", also="a@y.test")
    with pytest.raises(Exception, match=r"(?i)unique"):
        join(store, town, "bob@x.test", also="A@y.test")


def test_looking_for_an_author_reads_no_roster(store: Store, town: int) -> None:
    """Every query has an index, whoever wrote."""
    if not store.is_sqlite:
        return
    seen: list[str] = []

    def look(tx: Tx) -> None:
        connection = tx.connection.driver_connection
        assert connection is not None
        connection.set_trace_callback(seen.append)
        members.author(tx, town, an_address("zoe@x.test"), proven=True)
        connection.set_trace_callback(None)

    store.read(look)
    asked = [one for one in seen if one.startswith("SELECT")]
    assert len(asked) == 4
    for one in asked:
        plan = store.read(lambda tx: tx.execute(text(f"EXPLAIN QUERY PLAN {one}")).all())  # noqa: B023
        assert not [row for row in plan if row.detail.startswith("SCAN")], plan
