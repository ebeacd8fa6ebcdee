"""What an operator does to lists, bans and the relay, and that the log tells it."""

from datetime import timedelta
from functools import partial

import pytest

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import MemberRole
from listserv.flow import administer
from listserv.store import bans, events, lists, members, site
from listserv.store.session import Tx
from tests.flow.world import DOMAIN, World

BY = "command line"


def _create(world: World, address: str, *owners: str, style: str = "discussion") -> MailingList:
    return world.store.write(
        lambda tx: administer.create_list(
            tx, address, domains={DOMAIN}, style=style, settings={"title": "Our town"},
            owners=owners, by=BY, now=world.clock.now(),
        )
    )  # fmt: skip


def _rename(world: World, mlist: MailingList, new: str) -> MailingList:
    return world.store.write(
        lambda tx: administer.rename_list(
            tx, mlist.id, new, domains={DOMAIN}, by=BY, now=world.clock.now()
        )
    )


def _log(world: World, list_id: int | None) -> list[str]:
    found = world.store.read(partial(events.ls, list_id=list_id))
    assert {event.who for event in found} <= {BY}
    return [event.what for event in found]


def test_a_list_is_made_with_its_style_and_owners(world: World) -> None:
    mlist = _create(world, f"Town@{DOMAIN.upper()}", "ann@example.org", style="announce")
    assert mlist.address == f"town@{DOMAIN}"
    assert mlist.title == "Our town"
    assert (mlist.settings.posting, mlist.settings.nonmember) == ("moderators", "reject")
    (ann,) = world.store.read(lambda tx: members.owners(tx, mlist.id))
    assert (str(ann.address), ann.role, ann.began) == ("ann@example.org", MemberRole.OWNER, BY)
    assert _log(world, mlist.id) == ["created the list, style announce", "added ann@example.org"]


NO_LISTS = {
    "": "no list address",
    "town": "no list address",
    "town@elsewhere.example": "has lists at lists.example.org only",
    f"town@sub.{DOMAIN}": "has lists at lists.example.org only",
    f"@{DOMAIN}": "a list name is made of",
    f"two words@{DOMAIN}": "a list name is made of",
    f"stadt-köln@{DOMAIN}": "a list name is made of",
    f"a..b@{DOMAIN}": "a list name is made of",
    f"{'a' * 31}@{DOMAIN}": "at most 30 characters",
    f"postmaster@{DOMAIN}": "an address of the program itself",
    f"listserv@{DOMAIN}": "an address of the program itself",
    f"town-request@{DOMAIN}": "ending in -request",
    f"town-bounces@{DOMAIN}": "ending in -bounces",
    f"x@y@{DOMAIN}": "a list name is made of",
}


@pytest.mark.parametrize(("address", "why"), NO_LISTS.items(), ids=ascii)
def test_what_cannot_be_a_list_is_refused_by_name(world: World, address: str, why: str) -> None:
    mlist = _create(world, f"town@{DOMAIN}")
    with pytest.raises(ListservError, match=why) as refused:
        _create(world, address)
    assert repr(address) in str(refused.value)
    if "@" in address:  # else it would be a name
        with pytest.raises(ListservError, match=why):
            _rename(world, mlist, address)
    assert world.store.read(lists.every) == [mlist]


def test_an_owner_who_cannot_be_added_leaves_nothing_behind(world: World) -> None:
    for owner in ("nobody", f"town@{DOMAIN}"):
        with pytest.raises(ListservError, match=owner):
            _create(world, f"town@{DOMAIN}", "ann@example.org", owner)
    assert world.store.read(lists.every) == []


def test_a_style_that_is_not_built_is_refused_by_name(world: World) -> None:
    with pytest.raises(ListservError, match="style support is not built: it needs identity=alias"):
        _create(world, f"town@{DOMAIN}", style="support")
    assert world.store.read(lists.every) == []


def test_an_address_that_is_taken_is_refused(world: World) -> None:
    old, other = _create(world, f"old@{DOMAIN}"), _create(world, f"other@{DOMAIN}")
    _rename(world, old, "new")
    world.join(other, f"ann@{DOMAIN}")
    taken = {
        f"other@{DOMAIN}": "such a list already",
        f"old@{DOMAIN}": f"a former address of new@{DOMAIN}",
        f"ann@{DOMAIN}": "the address of a member",
    }
    for address, why in taken.items():
        with pytest.raises(ListservError, match=why):
            _create(world, address)
    with pytest.raises(ListservError, match="such a list already"):
        _rename(world, old, "other")
    with pytest.raises(ListservError, match=f"a former address of new@{DOMAIN}"):
        _rename(world, other, "old")


def test_renaming_keeps_the_old_address_and_can_be_taken_back(world: World) -> None:
    mlist = _create(world, f"old@{DOMAIN}")
    assert _rename(world, mlist, "new").address == f"new@{DOMAIN}"
    with pytest.raises(ListservError, match="its address already"):
        _rename(world, mlist, f"New@{DOMAIN}")
    back = _rename(world, mlist, f"old@{DOMAIN}")
    assert (back.address, back.list_id) == (f"old@{DOMAIN}", mlist.list_id)
    assert _log(world, mlist.id)[1:] == [
        f"renamed old@{DOMAIN} to new@{DOMAIN}",
        f"renamed new@{DOMAIN} to old@{DOMAIN}",
    ]


def test_a_post_to_the_former_address_of_a_renamed_list_goes_out(world: World) -> None:
    mlist = _create(world, f"old@{DOMAIN}", "ann@example.org")
    _rename(world, mlist, "new")
    (reply,) = world.post("ann@example.org", "old")
    assert reply.accepted
    assert world.deliver() == ["ann@example.org"]


def test_settings_change_all_together_or_not_at_all(world: World) -> None:
    mlist = _create(world, f"town@{DOMAIN}")

    def change(settings: dict[str, str]) -> MailingList:
        return world.store.write(
            lambda tx: administer.change_list(tx, mlist.id, settings, by=BY, now=world.clock.now())
        )

    with pytest.raises(ListservError, match="max_size"):
        change({"reply_to": "author", "max_size": "huge"})
    assert world.store.read(lambda tx: lists.get(tx, mlist.id)) == mlist
    changed = change({"reply_to": "author", "footer": "one\\ntwo"})
    assert (changed.settings.reply_to, changed.settings.footer) == ("author", "one\ntwo")
    assert _log(world, mlist.id)[1:] == ["set reply_to=author, footer=one\\ntwo"]


def test_hold_and_free_and_delete_are_logged(world: World) -> None:
    mlist = _create(world, f"town@{DOMAIN}")
    now = world.clock.now()
    for on in (True, False):
        held = world.store.write(
            partial(administer.hold_list, list_id=mlist.id, on=on, by=BY, now=now)
        )
        assert held.on_hold is on
    assert _log(world, mlist.id)[1:] == ["put the list on hold", "freed the list"]
    world.store.write(lambda tx: administer.delete_list(tx, mlist.id, by=BY, now=now))
    assert world.store.read(lists.every) == []
    assert _log(world, None) == [f"deleted the list town@{DOMAIN}"]


def test_a_ban_is_of_one_list_or_of_the_site(world: World) -> None:
    mlist = _create(world, f"town@{DOMAIN}")
    now = world.clock.now()

    def ban(tx: Tx, list_id: int | None, who: str) -> str:
        return administer.ban(tx, list_id, who, until=None, reason="spam", by=BY, now=now)

    def unban(tx: Tx, list_id: int | None, who: str) -> str:
        return administer.unban(tx, list_id, who, by=BY, now=now)

    assert world.store.write(lambda tx: ban(tx, mlist.id, "Eve@Example.org")) == "eve@example.org"
    assert world.store.write(lambda tx: ban(tx, None, "@Spam.TEST")) == "@spam.test"
    with pytest.raises(ListservError, match=r"^eve@example\.org is not banned here"):
        world.store.write(lambda tx: unban(tx, None, "eve@example.org"))
    assert world.store.write(lambda tx: unban(tx, mlist.id, "EVE@example.org"))
    assert world.store.read(lambda tx: bans.patterns(tx, mlist.id, now)) == {"@spam.test"}
    assert _log(world, mlist.id)[1:] == [
        "banned eve@example.org",
        "lifted the ban of eve@example.org",
    ]
    assert _log(world, None) == ["banned @spam.test"]


def test_a_ban_that_means_nothing_is_refused(world: World) -> None:
    now = world.clock.now()
    wrong = {
        "nobody": (None, "", "nobody"),
        "eve@example.org": (now, "", "ended already"),
        "mal@example.org": (now - timedelta(days=1), "", "ended already"),
        "bad@example.org": (None, "a\nb", "the reason of a ban is one line"),
    }
    for who, (until, reason, why) in wrong.items():
        with pytest.raises(ListservError, match=why):
            world.store.write(
                partial(
                    administer.ban,
                    list_id=None,
                    who=who,
                    until=until,
                    reason=reason,
                    by=BY,
                    now=now,
                )
            )
    assert world.store.read(lambda tx: bans.ls(tx, None)) == []


def test_the_relay_is_paused_and_resumed_by_hand(world: World) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: administer.pause_relay(tx, by=BY, now=now))
    assert world.store.read(site.relay_paused) == f"paused by {BY}"
    world.store.write(lambda tx: administer.resume_relay(tx, by=BY, now=now))
    assert world.store.read(site.relay_paused) is None
    assert _log(world, None) == ["paused the relay", "resumed the relay"]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"from_rewrite": "policy"}, {"footer": "--"}),
        ({"subject_prefix": "[town]"}, {"from_rewrite": "policy"}),
    ],
)
def test_a_from_that_stays_and_what_breaks_its_signature_do_not_go_together(
    world: World, first: dict[str, str], then: dict[str, str]
) -> None:
    mlist = _create(world, f"town@{DOMAIN}")

    def change(settings: dict[str, str]) -> MailingList:
        return world.store.write(
            lambda tx: administer.change_list(
                tx, mlist.id, settings, by=BY, now=world.clock.now()
            )
        )  # fmt: skip

    change(first)
    with pytest.raises(ListservError, match="from_rewrite=policy keeps"):
        change(then)
    assert world.store.read(lambda tx: lists.get(tx, mlist.id)).stored.keys() == {"title", *first}
