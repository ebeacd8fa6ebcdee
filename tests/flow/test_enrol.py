"""What an operator does to members: who is added, who is left alone, and that it is all or
nothing."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import administer, enrol
from listserv.flow.roster_file import read_roster
from listserv.flow.roster_import import SHOWN_LINES, Imported, import_members
from listserv.store import bans, events, lists, members
from listserv.store.session import Tx
from listserv.store.tables import MemberRow
from tests.flow.world import DOMAIN, World

BY = "command line"


@pytest.fixture
def town(world: World) -> MailingList:
    return world.found("town")


def _add(world: World, mlist: MailingList, *addresses: str, **settings: str) -> list[Member]:
    return world.store.write(
        lambda tx: enrol.add_members(
            tx, mlist.id, addresses, domains={DOMAIN}, settings=settings, by=BY,
            now=world.clock.now(),
        )
    )  # fmt: skip


def _import(world: World, mlist: MailingList, text: str, **options: Any) -> Imported:
    return world.store.write(
        lambda tx: import_members(
            tx, mlist.id, read_roster(text.encode()), domains={DOMAIN}, by=BY,
            now=world.clock.now(), **{"revive": False, "overwrite": False, **options},
        )
    )  # fmt: skip


def _remove(world: World, mlist: MailingList, *addresses: str) -> list[Member]:
    return world.store.write(
        lambda tx: enrol.remove_members(tx, mlist.id, addresses, by=BY, now=world.clock.now())
    )


def _suspend(world: World, member: Member) -> None:
    world.store.write(
        lambda tx: tx.execute(
            update(MemberRow).where(MemberRow.id == member.id).values(state=MemberState.SUSPENDED)
        )
    )


def _ban(world: World, mlist: MailingList, pattern: str) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: bans.add(tx, list_id=mlist.id, pattern=pattern, until=None, reason="", now=now)
    )


def _roster(world: World, mlist: MailingList) -> dict[str, tuple[str, str, str, str]]:
    """address -> name, role, delivery, state: who left included."""
    everybody = world.store.read(
        lambda tx: [
            *members.ls(tx, mlist.id),
            *members.page(tx, mlist.id, state=MemberState.LEFT),
        ]
    )
    return {str(m.address): (m.name, m.role, m.delivery, m.state) for m in everybody}


def test_members_are_added_with_the_lists_delivery_or_their_own(world: World) -> None:
    digest = world.found("digest", default_delivery="digest")
    _add(world, digest, "ann@example.org")
    _add(world, digest, "bob@example.org", delivery="nomail", name="Bob", role="moderator")
    assert _roster(world, digest) == {
        "ann@example.org": ("", "member", "digest", "active"),
        "bob@example.org": ("Bob", "moderator", "nomail", "active"),
    }


NOT_ADDED = {
    "bob": "bob",
    "member@example.org": "member@example.org is a member of town@lists.example.org already",
    "banned+tag@example.org": "banned[+]tag@example.org is banned from town@lists.example.org",
    "x@spam.test": "x@spam.test is banned",
    f"town@{DOMAIN}": "an address of a list",
    f"town-request@{DOMAIN}": "an address of a list",
    f"listserv@{DOMAIN}": "an address of a list",
}


@pytest.mark.parametrize(("address", "why"), NOT_ADDED.items())
def test_one_who_cannot_be_added_keeps_all_out(
    world: World, town: MailingList, address: str, why: str
) -> None:
    _add(world, town, "member@example.org")
    _ban(world, town, "banned@example.org")
    _ban(world, town, "@spam.test")
    before = _roster(world, town)
    with pytest.raises(ListservError, match=why):
        _add(world, town, "new@example.org", address)
    assert _roster(world, town) == before


def test_a_setting_that_is_not_built_keeps_all_out(world: World, town: MailingList) -> None:
    for key, value in (
        ("alias", "Rose"),
        ("timezone", "Atlantis"),
        ("name", "A\x00B"),
        ("role", "boss"),
    ):
        with pytest.raises(ListservError, match=key):
            _add(world, town, "new@example.org", **{key: value})
    assert _roster(world, town) == {}


def test_an_explicit_add_brings_back_who_left_as_a_member_and_who_was_suspended_as_they_were(
    world: World, town: MailingList
) -> None:
    _, bob = _add(world, town, "ann@example.org", "bob@example.org", role="owner", name="N")
    _remove(world, town, "ann@example.org")
    _suspend(world, bob)
    _add(world, town, "Ann@example.org", "bob@example.org", delivery="digest")
    assert _roster(world, town) == {
        "Ann@example.org": ("N", "member", "digest", "active"),
        "bob@example.org": ("N", "owner", "digest", "active"),
    }


def test_who_left_and_is_banned_stays_out(world: World, town: MailingList) -> None:
    _add(world, town, "ann@example.org")
    _remove(world, town, "ann@example.org")
    _ban(world, town, "ann@example.org")
    with pytest.raises(ListservError, match="banned"):
        _add(world, town, "ann@example.org")
    assert _import(world, town, "ann@example.org", revive=True).left_alone["banned"] == 1
    assert _roster(world, town)["ann@example.org"][3] == "left"


def test_who_is_named_twice_is_added_once(world: World, town: MailingList) -> None:
    assert len(_add(world, town, "ann@example.org", "ANN@example.org")) == 1


def test_an_import_leaves_alone_whom_it_should(world: World, town: MailingList) -> None:
    _add(world, town, "stays@example.org", name="Own name", delivery="digest")
    _add(world, town, "left@example.org", "suspended@example.org")
    _remove(world, town, "left@example.org")
    suspended = world.store.read(lambda tx: members.by_key(tx, town.id, "suspended@example.org"))
    assert suspended is not None
    _suspend(world, suspended)
    _ban(world, town, "banned@example.org")
    before = _roster(world, town)

    result = _import(
        world,
        town,
        "address,name,delivery,role\nstays@example.org,New name,mail,owner\nleft@example.org\n"
        "suspended@example.org\nbanned+tag@example.org\nnew@example.org,Neu,nomail,moderator\n"
        "new@example.org,Neu,nomail,moderator\n",
    )

    assert _roster(world, town) == {
        **before,
        "new@example.org": ("Neu", "moderator", "nomail", "active"),
    }
    assert (result.added, result.revived, result.overwritten) == (1, 0, 0)
    assert result.left_alone == {
        "member": 1, "left": 1, "suspended": 1, "banned": 1, "repeated": 1,
    }  # fmt: skip
    assert result.entered == ["new@example.org"]


def test_revive_brings_back_who_left_but_nobody_else(world: World, town: MailingList) -> None:
    left, suspended = _add(world, town, "left@example.org", "suspended@example.org", name="N")
    _remove(world, town, "left@example.org")
    _suspend(world, suspended)
    result = _import(world, town, "left@example.org\nsuspended@example.org\n", revive=True)
    assert (result.revived, result.left_alone["suspended"]) == (1, 1)
    assert result.entered == [left.address.key]
    roster = _roster(world, town)
    assert roster["left@example.org"] == ("N", "member", "mail", "active")
    assert roster["suspended@example.org"][3] == "suspended"


def test_overwrite_changes_only_what_the_file_says(world: World, town: MailingList) -> None:
    _add(world, town, "ann@example.org", name="Ann", delivery="digest", own_posts="no")
    _add(world, town, "bob@example.org", name="Bob")
    text = "address,name,delivery\nann@example.org,,mail\nbob@example.org,Bob,\n"
    result = _import(world, town, text, overwrite=True)
    assert (result.overwritten, result.left_alone["member"]) == (1, 1)
    assert _roster(world, town)["ann@example.org"] == ("Ann", "member", "mail", "active")
    ann = world.store.read(lambda tx: members.by_key(tx, town.id, "ann@example.org"))
    assert ann is not None and not ann.settings.own_posts


def test_a_bad_line_keeps_everybody_out_and_every_one_is_named(
    world: World, town: MailingList
) -> None:
    with pytest.raises(ListservError) as refused:
        _import(world, town, f"ann@example.org\nbad\ntown@{DOMAIN}\nbob@example.org\nworse@\n")
    first, *lines = str(refused.value).split("\n")
    assert first == "nobody was added, bad lines: 3"
    assert [line.partition(":")[0] for line in lines] == ["line 2", "line 3", "line 5"]
    assert _roster(world, town) == {}


def test_of_very_many_bad_lines_some_are_shown_and_all_are_counted(
    world: World, town: MailingList
) -> None:
    text = "".join(f"bad{n}\n" for n in range(1000))
    with pytest.raises(ListservError) as refused:
        _import(world, town, text)
    lines = str(refused.value).split("\n")
    assert lines[0].endswith("bad lines: 1000")
    assert lines[-1] == "and 900 more bad lines"
    assert len(lines) == SHOWN_LINES + 2


def test_an_import_of_thousands_is_one_transaction_and_tells_its_progress(
    world: World, town: MailingList
) -> None:
    told: list[int] = []
    text = "".join(f"member{n}@example.org\n" for n in range(2500))
    assert _import(world, town, text, progress=told.append).added == 2500
    assert told == [1000, 2000, 2500]

    def fail(done: int) -> None:
        if done > 1000:
            raise KeyboardInterrupt

    other = world.found("other")
    with pytest.raises(KeyboardInterrupt):
        _import(world, other, text, progress=fail)
    assert _roster(world, other) == {}


def test_welcome_is_for_those_who_are_members_now(world: World, town: MailingList) -> None:
    welcomed: list[str] = []

    def welcome(tx: Tx, mlist: MailingList, member: Member) -> None:
        assert mlist.id == town.id
        welcomed.append(str(member.address))

    now = world.clock.now()
    world.store.write(
        lambda tx: enrol.add_members(
            tx, town.id, ["ann@example.org"], domains={DOMAIN}, settings={}, by=BY, now=now,
            welcome=welcome,
        )
    )  # fmt: skip
    assert welcomed == ["ann@example.org"]
    keys = _import(world, town, "ann@example.org\nbob@example.org\ngone@example.org\n").entered
    _remove(world, town, "gone@example.org")
    world.store.write(lambda tx: enrol.welcome_members(tx, town.id, keys, welcome))
    assert welcomed == ["ann@example.org", "bob@example.org"]


def test_settings_of_a_member_change_all_together_or_not_at_all(
    world: World, town: MailingList
) -> None:
    _add(world, town, "ann@example.org")

    def change(address: str, **settings: str) -> Member:
        now = world.clock.now()
        return world.store.write(
            lambda tx: enrol.change_member(
                tx, town.id, address, settings, domains={DOMAIN}, by=BY, now=now
            )
        )

    before = _roster(world, town)
    with pytest.raises(ListservError, match="alias is not built"):
        change("ann@example.org", delivery="digest", alias="Rose")
    assert _roster(world, town) == before
    changed = change("ANN@example.org", delivery="digest", own_posts="no")
    assert (changed.delivery, changed.settings.own_posts) == ("digest", False)
    for nobody in ("bob@example.org", "bob"):
        with pytest.raises(ListservError, match=nobody):
            change(nobody, delivery="mail")


def test_removing_is_all_or_nothing_and_ends_what_waits(world: World, town: MailingList) -> None:
    _add(world, town, "ann@example.org", "bob@example.org")
    with pytest.raises(ListservError, match=r"carol@example\.org is not a member of"):
        _remove(world, town, "ann@example.org", "carol@example.org")
    assert {state for *_, state in _roster(world, town).values()} == {"active"}
    world.post("ann@example.org", "town")
    _remove(world, town, "BOB@example.org", "bob@example.org")
    assert world.deliver() == ["ann@example.org"]
    with pytest.raises(ListservError, match="is not a member"):
        _remove(world, town, "bob@example.org")


def test_somebody_is_removed_from_every_list(world: World, town: MailingList) -> None:
    other = world.found("other")
    _add(world, town, "ann@example.org", "bob@example.org")
    _add(world, other, "Ann@example.org")
    now = world.clock.now()
    left = world.store.write(
        lambda tx: enrol.remove_everywhere(tx, "ANN@example.org", by=BY, now=now)
    )
    assert [mlist.name for mlist in left] == ["town", "other"]
    assert _roster(world, town)["bob@example.org"][3] == "active"
    with pytest.raises(ListservError, match=r"ANN@example\.org is not a member of any list"):
        world.store.write(
            partial(enrol.remove_everywhere, address="ANN@example.org", by=BY, now=now)
        )


def test_the_log_tells_what_was_done(world: World, town: MailingList) -> None:
    now = world.clock.now()
    _add(world, town, "ann@example.org")
    world.store.write(
        lambda tx: enrol.change_member(
            tx, town.id, "ann@example.org", {"own_posts": "no"}, domains={DOMAIN}, by=BY, now=now
        )
    )
    _remove(world, town, "ann@example.org")
    _import(world, town, "ann@example.org\nbob@example.org\n", revive=True)
    told = world.store.read(lambda tx: [(e.who, e.what) for e in events.ls(tx, town.id)])
    assert told == [
        (BY, "added ann@example.org"),
        (BY, "set own_posts=no for ann@example.org"),
        (BY, "removed ann@example.org"),
        (BY, "imported a file: 1 added, 1 revived, 0 overwritten, 0 left alone"),
    ]


def test_nobody_is_added_to_a_list_that_was_deleted_meanwhile(
    world: World, town: MailingList
) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: administer.delete_list(tx, town.id, by=BY, now=now))
    with pytest.raises(ListservError, match="does not exist any more"):
        _add(world, town, "ann@example.org")
    assert world.store.read(lists.every) == []
