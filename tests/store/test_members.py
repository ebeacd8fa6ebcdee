"""Members: who is on a list, who was, and what waits for a digest reader."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from listserv.domain.address import parse_address
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberRole, MemberState
from listserv.policy.reading import Reading
from listserv.store import digests, lists, members
from listserv.store.digests import Reader, Settled
from listserv.store.members import LOOK_NOW, NewMember
from listserv.store.session import Store, Tx
from listserv.store.tables import PostRow

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def _new(text: str, **values: str) -> NewMember:
    address = parse_address(text)
    assert address is not None
    return NewMember(
        address=address,
        name=values.get("name", ""),
        role=MemberRole(values.get("role", "member")),
        delivery=Delivery(values.get("delivery", "mail")),
    )


@pytest.fixture
def support(store: Store) -> MailingList:
    return store.write(
        lambda tx: lists.create(tx, name="support", domain="lists.test", settings={}, now=NOW)
    )


def _add(store: Store, mlist: MailingList, text: str, **values: str) -> Member:
    return store.write(
        lambda tx: members.add(tx, mlist.id, _new(text, **values), began="command line", now=NOW)
    )


def _accept(tx: Tx, list_id: int, number: int | None = None) -> None:
    """A post, accepted under the list's next number, or held."""
    tx.execute(
        insert(PostRow).values(
            list_id=list_id, raw_id=None, message_id="", dedupe=b"", body_hash=b"", author_key="",
            author="", subject="", size=1, received=NOW, verdict="accept", reasons=[],
            number=number, accepted=NOW,
        )
    )  # fmt: skip


def _post(store: Store, mlist: MailingList) -> None:
    store.write(lambda tx: _accept(tx, mlist.id, lists.next_number(tx, mlist.id)))


def test_a_member_comes_back_as_they_were_added(store: Store, support: MailingList) -> None:
    ann = _add(
        store, support, "Ann.Söder@EXÄMPLE.test", name="Änn 💌", role="owner", delivery="digest"
    )
    assert str(ann.address) == "Ann.Söder@xn--exmple-cua.test"
    assert (ann.name, ann.role, ann.delivery) == ("Änn 💌", MemberRole.OWNER, Delivery.DIGEST)
    assert (ann.state, ann.joined, ann.posts, ann.began) == (
        MemberState.ACTIVE, NOW, 0, "command line",
    )  # fmt: skip
    assert store.read(lambda tx: members.get(tx, ann.id)) == ann
    assert store.read(lambda tx: members.by_key(tx, support.id, ann.address.key)) == ann
    assert store.read(lambda tx: members.by_key(tx, support.id, "bob@x.test")) is None
    assert store.read(lambda tx: members.get(tx, ann.id + 1)) is None


def test_settings_are_kept_where_they_differ_from_the_default(
    store: Store, support: MailingList
) -> None:
    ann = _add(store, support, "ann@x.test")
    changed = store.write(
        lambda tx: members.change(
            tx, ann, {"own_posts": False, "name": "Ann", "ack": False, "moderated": True}
        )
    )
    assert changed.name == "Ann"
    assert changed.stored == {"own_posts": False, "moderated": True}
    assert not changed.settings.own_posts and changed.settings.moderated
    back = store.write(lambda tx: members.change(tx, changed, {"own_posts": True}))
    assert back.stored == {"moderated": True}


def test_who_left_is_still_known_but_not_listed(store: Store, support: MailingList) -> None:
    ann, bob = _add(store, support, "ann@x.test"), _add(store, support, "bob@x.test")
    store.write(lambda tx: members.leave(tx, ann.id, LATER))
    assert store.read(lambda tx: list(members.ls(tx, support.id))) == [bob]
    left = store.read(lambda tx: members.by_key(tx, support.id, "ann@x.test"))
    assert left is not None and left.state is MemberState.LEFT
    assert store.read(lambda tx: members.page(tx, support.id, state=MemberState.LEFT)) == [left]
    assert store.read(lambda tx: members.count(tx, support.id)) == {
        MemberState.ACTIVE: 1,
        MemberState.SUSPENDED: 0,
        MemberState.LEFT: 1,
    }


def test_who_comes_back_keeps_number_settings_and_count(store: Store, support: MailingList) -> None:
    ann = _add(store, support, "ann@x.test", role="owner")
    store.write(lambda tx: members.change(tx, ann, {"moderated": True}))
    store.write(lambda tx: members.count_post(tx, ann.id))
    store.write(lambda tx: members.leave(tx, ann.id, LATER))
    _post(store, support)
    back = store.write(
        lambda tx: members.rejoin(
            tx, ann, _new("Ann@x.test", delivery="digest"), began="import", now=LATER
        )
    )
    assert (back.id, back.state, back.joined, back.began) == (
        ann.id, MemberState.ACTIVE, LATER, "import",
    )  # fmt: skip
    assert str(back.address) == "Ann@x.test"
    assert back.role is MemberRole.MEMBER
    assert back.settings.moderated and back.posts == 1
    assert store.read(lambda tx: members.waiting(tx, back)) == 0


def test_ls_walks_a_roster_of_several_pages(store: Store, support: MailingList) -> None:
    many = [_new(f"member{n}@x.test") for n in range(1203)]
    store.write(lambda tx: members.add_many(tx, support.id, many, began="import", now=NOW))
    listed = store.read(lambda tx: [str(m.address) for m in members.ls(tx, support.id)])
    assert listed == [str(one.address) for one in many]
    found = store.read(
        lambda tx: members.by_keys(
            tx, support.id, [one.address.key for one in many] + ["no@x.test"]
        )
    )
    assert len(found) == len(many)


def test_owners_are_the_active_ones(store: Store, support: MailingList) -> None:
    ann = _add(store, support, "ann@x.test", role="owner")
    bob = _add(store, support, "bob@x.test", role="owner")
    _add(store, support, "mod@x.test", role="moderator")
    store.write(lambda tx: members.leave(tx, bob.id, LATER))
    assert store.read(lambda tx: members.owners(tx, support.id)) == [ann]


def test_an_address_is_found_across_lists(store: Store, support: MailingList) -> None:
    other = store.write(
        lambda tx: lists.create(tx, name="other", domain="lists.test", settings={}, now=NOW)
    )
    here, there = _add(store, support, "ann@x.test"), _add(store, other, "ANN@x.test")
    _add(store, other, "bob@x.test")
    assert store.read(lambda tx: members.find(tx, "ann@x.test")) == [here, there]


@pytest.mark.parametrize("cause", ["joined as a digest reader", "switched", "switched from nomail"])
def test_posts_wait_for_a_digest_reader_from_the_next_one_on(
    store: Store, support: MailingList, cause: str
) -> None:
    _post(store, support)
    if cause == "joined as a digest reader":
        ann = _add(store, support, "ann@x.test", delivery="digest")
    else:
        ann = _add(store, support, "ann@x.test", delivery="nomail" if "nomail" in cause else "mail")
        _post(store, support)
        ann = store.write(lambda tx: members.change(tx, ann, {"delivery": "digest"}))
    assert store.read(lambda tx: members.waiting(tx, ann)) == 0
    _post(store, support)
    _post(store, support)
    store.write(lambda tx: _accept(tx, support.id))  # held: it has no number
    assert store.read(lambda tx: members.waiting(tx, ann)) == 2
    again = store.write(lambda tx: members.change(tx, ann, {"delivery": "digest"}))
    assert store.read(lambda tx: members.waiting(tx, again)) == 2


@pytest.mark.parametrize(
    ("began", "values", "due"),
    [
        ("digest", {}, LOOK_NOW),
        ("mail", {}, None),
        ("nomail", {}, None),
        ("digest", {"digest_hour": "9"}, LOOK_NOW),
        ("digest", {"digest_days": "mon"}, LOOK_NOW),
        ("digest", {"timezone": "Asia/Tokyo"}, LOOK_NOW),
        ("digest", {"format": "text"}, LATER),
        ("digest", {"delivery": "digest"}, LATER),
        ("digest", {"delivery": "mail"}, None),
        ("mail", {"digest_hour": "9"}, None),
        ("mail", {"delivery": "digest"}, LOOK_NOW),
    ],
)
def test_when_a_digest_is_due_is_worked_out_anew_after_what_moves_it(
    store: Store, support: MailingList, began: str, values: dict[str, str], due: datetime | None
) -> None:
    ann = _add(store, support, "ann@x.test", delivery=began)
    if values:
        before = store.write(lambda tx: members.snapshot(tx, ann.id))
        _settle(store, ann, LATER if began == "digest" else None)
        store.write(lambda tx: members.change(tx, ann, values))
        now = store.read(lambda tx: members.get(tx, ann.id))
        assert now is not None
        assert _reader(store, ann).due == due
        _settle(store, ann, LATER if now.delivery is Delivery.DIGEST else None)
        changed = {f"settings.{key}": None for key in values.keys() - before.keys()}
        undo = {key: before[key] for key in values.keys() & before.keys()} | changed
        store.write(lambda tx: members.restore(tx, now, undo, LATER))
        back = LOOK_NOW if due != LATER else LATER
        assert _reader(store, ann).due == (back if began == "digest" else None)
    else:
        assert _reader(store, ann).due == due


def test_who_left_is_owed_no_digest_and_comes_back_to_the_next_post(
    store: Store, support: MailingList
) -> None:
    ann = _add(store, support, "ann@x.test", delivery="digest")
    _post(store, support)
    ann = store.write(lambda tx: members.change(tx, ann, {"delivery": "mail"}))
    owed = _reader(store, ann)
    assert (owed.reading.owed_from, owed.reading.owed_to, owed.due) == (0, 1, LOOK_NOW)
    store.write(lambda tx: members.leave(tx, ann.id, LATER))
    left = _reader(store, ann)
    assert (left.reading.owed_from, left.reading.owed_to, left.due) == (None, None, None)
    _post(store, support)
    for delivery, due in ((Delivery.MAIL, None), (Delivery.DIGEST, LOOK_NOW)):
        new = _new("ann@x.test", delivery=delivery.value)
        store.write(lambda tx: members.rejoin(tx, ann, new, began="test", now=LATER))  # noqa: B023
        back = _reader(store, ann)
        digest_from = 2 if delivery is Delivery.DIGEST else None
        assert (back.reading, back.due) == (Reading(delivery, 2, digest_from), due)


def _settle(store: Store, member: Member, due: datetime | None) -> None:
    seen = _reader(store, member)
    store.write(lambda tx: digests.settle(tx, [Settled(seen, seen.reading.cursor, None, due)]))


def _reader(store: Store, member: Member) -> Reader:
    return store.read(lambda tx: digests.reader(tx, member.id))


def test_nothing_waits_for_others(store: Store, support: MailingList) -> None:
    everyone = [
        _add(store, support, f"{delivery}@x.test", delivery=delivery) for delivery in Delivery
    ]
    left = _add(store, support, "left@x.test", delivery="digest")
    store.write(lambda tx: members.leave(tx, left.id, LATER))
    gone = store.read(lambda tx: members.get(tx, left.id))
    assert gone is not None
    _post(store, support)
    waiting = store.read(lambda tx: members.waiting_of(tx, [*everyone, gone]))
    assert {str(m.address): waiting[m.id] for m in [*everyone, gone]} == {
        "mail@x.test": 0,
        "digest@x.test": 1,
        "nomail@x.test": 0,
        "left@x.test": 0,
    }


def test_a_member_is_on_a_list_once(store: Store, support: MailingList) -> None:
    _add(store, support, "ann@x.test")
    with pytest.raises(Exception, match=r"(?i)unique"):
        _add(store, support, "ANN@x.test")
    assert store.read(lambda tx: members.count(tx, support.id))[MemberState.ACTIVE] == 1
