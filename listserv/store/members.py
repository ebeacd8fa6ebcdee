"""Members: one person's address on one list. Who left stays as a row, so that no import revives
them; all questions but `by_key` and `find` are about who has not left unless they say otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Select,
    Text,
    bindparam,
    column,
    func,
    insert,
    null,
    or_,
    select,
    update,
    values,
)

from listserv.domain.address import Address, parse_address
from listserv.domain.members import (
    MEMBER_SETTINGS,
    Delivery,
    Member,
    MemberRole,
    MemberSettings,
    MemberState,
)
from listserv.domain.settings import Value, addresses_in
from listserv.policy.linked import mailbox_key
from listserv.policy.reading import Reading, switched
from listserv.store import linked
from listserv.store.quick import Quick
from listserv.store.session import Tx
from listserv.store.tables import LinkedAddressRow, ListRow, MemberRow, PostRow

_TYPED = frozenset(field.name for field in fields(MemberSettings))
_DEFAULTS = {row.key: row.default for row in MEMBER_SETTINGS}
# Settings that are columns of their own; the others share one.
_COLUMN_SETTINGS = frozenset({"name", "role", "delivery", "until"})
# Settings that say when a digest is due.
SCHEDULE = frozenset({"digest_hour", "digest_days", "timezone"})
# A `digest_due` that is no time: when the next digest is due is worked out at the next turn.
LOOK_NOW = datetime(1970, 1, 1, tzinfo=UTC)
# So many keys stand in one IN, so many rows in one INSERT: SQLite allows 32,766 variables.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NewMember:
    """What a membership starts with; `settings` are those without a column, but for `also`."""

    address: Address
    name: str
    role: MemberRole
    delivery: Delivery
    settings: Mapping[str, Value] = field(default_factory=dict)


def by_key(tx: Tx, list_id: int, key: str) -> Member | None:
    """The member of a list with this address key, whatever their state."""
    row = _BY_KEY.first(tx, on=list_id, key=key)
    return None if row is None else _member(row)


def author(tx: Tx, list_id: int, address: Address, *, proven: bool) -> Member | None:
    """The member whom a From names: by their own address, by one that they linked, and when From
    is `proven` by another spelling of one of these that is no other member's."""
    member = by_key(tx, list_id, address.key)
    if member is not None and member.state is not MemberState.LEFT:
        return member
    found = [_member(one) for one in _BY_LINK.rows(tx, on=list_id, key=address.key)]
    if not found and proven:
        found = of_mailbox(tx, list_id, address)
    return found[0] if len(found) == 1 else None


def of_mailbox(tx: Tx, list_id: int, address: Address) -> list[Member]:
    """Everybody whose own address or a linked one is a spelling of the same mailbox."""
    key = mailbox_key(address)
    own = _BY_MAILBOX.rows(tx, on=list_id, key=key)
    others = _BY_LINKED_MAILBOX.rows(tx, on=list_id, key=key)
    return list({row.id: _member(row) for row in (*own, *others)}.values())


def by_keys(tx: Tx, list_id: int, keys: Sequence[str]) -> dict[str, Member]:
    """Those of many address keys that a list knows, whatever their state."""
    found: dict[str, Member] = {}
    for start in range(0, len(keys), _AT_ONCE):
        # Joined, not IN: without statistics, in the middle of an import, PostgreSQL compares every
        # member of the list with each of 500 keys.
        some = values(column("key", Text), name="wanted")
        asked = some.data([(key,) for key in keys[start : start + _AT_ONCE]]).cte()
        wanted = _SELECT.join(asked, MemberRow.address_key == asked.c.key)
        rows = tx.execute(wanted.where(MemberRow.list_id == list_id))
        found.update((row.address_key, _member(row)) for row in rows)
    return found


def get(tx: Tx, member_id: int) -> Member | None:
    """One member by number, whatever their state."""
    row = _BY_NUMBER.first(tx, wanted=member_id)
    return None if row is None else _member(row)


def find(tx: Tx, key: str) -> list[Member]:
    """Every membership of an address across the lists, those that ended included."""
    rows = tx.execute(_SELECT.where(MemberRow.address_key == key).order_by(MemberRow.list_id))
    return [_member(row) for row in rows]


def page(
    tx: Tx, list_id: int, *, after: int = 0, limit: int = _AT_ONCE, state: MemberState | None = None
) -> list[Member]:
    """Up to `limit` members with numbers above `after`, in their order: who has not left, or who
    is in one state."""
    query = _SELECT.where(MemberRow.list_id == list_id, MemberRow.id > after)
    if state is None:
        query = query.where(MemberRow.state != MemberState.LEFT)
    else:
        query = query.where(MemberRow.state == state)
    return [_member(row) for row in tx.execute(query.order_by(MemberRow.id).limit(limit))]


def ls(tx: Tx, list_id: int) -> Iterator[Member]:
    """Every member of a list who has not left, in pages, oldest membership first."""
    after = 0
    while some := page(tx, list_id, after=after):
        yield from some
        after = some[-1].id


def owners(tx: Tx, list_id: int) -> list[Member]:
    """The active owners of a list."""
    return with_role(tx, list_id, MemberRole.OWNER)


def with_role(tx: Tx, list_id: int, role: MemberRole) -> list[Member]:
    """The active members of a list in a role."""
    query = _SELECT.where(
        MemberRow.list_id == list_id,
        MemberRow.state == MemberState.ACTIVE,
        MemberRow.role == role,
    )
    return [_member(row) for row in tx.execute(query.order_by(MemberRow.id))]


def count(tx: Tx, list_id: int) -> dict[MemberState, int]:
    """How many members of a list are in each state."""
    rows = tx.execute(
        select(MemberRow.state, func.count())
        .where(MemberRow.list_id == list_id)
        .group_by(MemberRow.state)
    )
    found = {MemberState(state): number for state, number in rows}
    return {state: found.get(state, 0) for state in MemberState}


def add(tx: Tx, list_id: int, new: NewMember, *, began: str, now: datetime) -> Member:
    """Add one member. They get the posts accepted from now on, in a digest too."""
    add_many(tx, list_id, [new], began=began, now=now)
    member = by_key(tx, list_id, new.address.key)
    assert member is not None
    return member


def add_many(tx: Tx, list_id: int, new: Sequence[NewMember], *, began: str, now: datetime) -> None:
    """Add many members; none of them may be known to the list."""
    cursor = _last_number(tx, list_id)
    for start in range(0, len(new), _AT_ONCE):
        tx.execute(
            insert(MemberRow),
            [
                {
                    "list_id": list_id,
                    **_address(one.address),
                    "name": one.name,
                    "role": one.role,
                    "delivery": one.delivery,
                    "state": MemberState.ACTIVE,
                    "settings": {k: v for k, v in one.settings.items() if v != _DEFAULTS[k]},
                    "joined": now,
                    "left": None,
                    "began": began,
                    "posts": 0,
                    "cursor": cursor,
                    "kept": None,
                    "until": None,
                    "away_since": cursor if one.delivery is Delivery.NOMAIL else None,
                    "digest_from": cursor if one.delivery is Delivery.DIGEST else None,
                    "owed_from": None,
                    "owed_to": None,
                    "digest_due": LOOK_NOW if one.delivery is Delivery.DIGEST else None,
                }
                for one in new[start : start + _AT_ONCE]
            ],
        )


def rejoin(tx: Tx, member: Member, new: NewMember, *, began: str, now: datetime) -> Member:
    """Make a member of somebody who left or is suspended. What the list decided about them
    (`moderated`, how many posts they wrote) stays."""
    last = _last_number(tx, member.list_id)
    _update(
        tx,
        member.id,
        address=str(new.address),
        name=new.name,
        role=new.role,
        delivery=new.delivery,
        state=MemberState.ACTIVE,
        joined=now,
        left=None,
        began=began,
        cursor=last,
        kept=None,
        until=None,
        away_since=last if new.delivery is Delivery.NOMAIL else None,
        digest_from=last if new.delivery is Delivery.DIGEST else None,
        owed_from=None,
        owed_to=None,
        digest_due=LOOK_NOW if new.delivery is Delivery.DIGEST else None,
        bounces_from=now,
    )
    return _again(tx, member.id)


def change(tx: Tx, member: Member, settings: Mapping[str, Value]) -> Member:
    """Set some of a member's settings. For `also` the caller has seen to it that no other member
    has these addresses. With `until`, a day as YYYY-MM-DD, mail is off until then."""
    columns: dict[str, Any] = {
        key: value for key, value in settings.items() if key in _COLUMN_SETTINGS
    }
    others = {key: value for key, value in settings.items() if key not in _COLUMN_SETTINGS}
    until = columns.pop("until", "")
    delivery = Delivery.NOMAIL if until else columns.pop("delivery", None)
    if others:
        merged = {**member.stored, **others}
        columns["settings"] = {k: v for k, v in merged.items() if v != _DEFAULTS[k]}
    if "also" in others:
        linked.replace(tx, member, addresses_in(str(others["also"])))
    if others.keys() & SCHEDULE and member.delivery is Delivery.DIGEST:
        columns["digest_due"] = LOOK_NOW
    if columns:
        _update(tx, member.id, **columns)
    if delivery is not None:
        end = date.fromisoformat(until) if until else None
        return receive(tx, member, Delivery(delivery), until=end)
    if "until" in settings and member.until is not None:
        _update(tx, member.id, until=None)
    return _again(tx, member.id)


def receive(
    tx: Tx,
    member: Member,
    delivery: Delivery,
    *,
    kept: Delivery | None = None,
    until: date | None = None,
) -> Member:
    """Say how a member's mail comes. With nomail it comes as `kept` when it comes again (default:
    as it came), of itself on the day `until`. A digest reader who switches gets what has waited as
    one last digest."""
    new: dict[str, Any] = {"delivery": delivery, "kept": None, "until": None, "away_since": None}
    if delivery is Delivery.NOMAIL:
        last = _last_number(tx, member.list_id)
        away = member.away_since if member.away_since is not None else last
        new |= {"kept": kept or member.kept, "until": until, "away_since": away}
    _update(tx, member.id, **new, **_switch(tx, member, delivery))
    return _again(tx, member.id)


def _switch(tx: Tx, member: Member, delivery: Delivery) -> dict[str, Any]:
    """The columns of policy/reading.py after a switch."""
    if delivery is member.delivery:
        return {}
    row = tx.execute(_READING.where(MemberRow.id == member.id)).one()
    was = Reading(member.delivery, row.cursor, row.digest_from, row.owed_from, row.owed_to)
    now = switched(was, delivery, _last_number(tx, member.list_id), member.away_since)
    looks = delivery is Delivery.DIGEST or now.owed_to is not None
    return {
        "cursor": now.cursor,
        "digest_from": now.digest_from,
        "owed_from": now.owed_from,
        "owed_to": now.owed_to,
        "digest_due": LOOK_NOW if looks else None,
    }


def move(tx: Tx, member: Member, address: Address, now: datetime) -> Member:
    """Give a member another address, which nobody on the list has or had."""
    _update(tx, member.id, **_address(address), bounces_from=now)
    return _again(tx, member.id)


def _address(address: Address) -> dict[str, Any]:
    """The columns of an address."""
    return {
        "address": str(address),
        "address_key": address.key,
        "mailbox": _mailbox(address),
        "domain": address.domain,
    }


def of_address(tx: Tx, address: Address, domain: str, *, proven: bool = False) -> list[Member]:
    """The memberships, on the lists of a domain, of whoever has this address or posts from it, in
    the order of the lists' names; for other spellings see `author`."""
    own = _SELECT.where(MemberRow.address_key == address.key)
    found = _in_domain(tx, domain, own, _LINKED.where(_LINK.address_key == address.key))
    if proven:
        key = mailbox_key(address)
        is_spelling = or_(MemberRow.address_key == key, MemberRow.mailbox == key)
        linked_to = _LINKED.where(_LINK.mailbox == key)
        others = _in_domain(tx, domain, _SELECT.where(is_spelling), linked_to)
        found |= {name: some for name, some in others.items() if name not in found}
    return [found[name][0] for name in sorted(found) if len(found[name]) == 1]


def _in_domain(tx: Tx, domain: str, *queries: Select[*tuple[Any, ...]]) -> dict[str, list[Member]]:
    """Who has not left, by the name of the list."""
    found: dict[str, dict[int, Member]] = {}
    for query in queries:
        of_lists = query.join(ListRow, ListRow.id == MemberRow.list_id).add_columns(
            ListRow.name.label("of_list")
        )
        here = of_lists.where(ListRow.domain == domain, MemberRow.state != MemberState.LEFT)
        for row in tx.execute(here):
            found.setdefault(row.of_list, {})[row.id] = _member(row)
    return {name: list(some.values()) for name, some in found.items()}


def missed(tx: Tx, member: Member) -> int:
    """How many posts a member's list has accepted since their mail is off."""
    if member.away_since is None:
        return 0
    return _last_number(tx, member.list_id) - member.away_since


def back_by(
    tx: Tx, day: date, limit: int = _AT_ONCE, *, list_id: int | None = None
) -> list[Member]:
    """Up to `limit` members, of one list or of all, whose break has ended by that day, and is not
    ended yet."""
    query = _SELECT.where(MemberRow.until <= day, MemberRow.state != MemberState.LEFT)
    if list_id is not None:
        query = query.where(MemberRow.list_id == list_id)
    return [_member(row) for row in tx.execute(query.order_by(MemberRow.until).limit(limit))]


def snapshot(tx: Tx, member_id: int) -> dict[str, Any]:
    """A membership as it is now, flat and as JSON has it. Two of them tell what a change has
    changed; `restore` writes fields of one."""
    row = _KEPT.first(tx, wanted=member_id)._asdict()
    written = {name: row[name] for name in row if name != "settings"}
    for name in _DATES & written.keys():
        written[name] = written[name] and written[name].isoformat()
    return written | {f"{_SETTING}{key}": value for key, value in row["settings"].items()}


def restore(tx: Tx, member: Member, fields: Mapping[str, Any], now: datetime) -> Member:
    """Write fields of a `snapshot`. Who reads digests all the time gets what has come since; the
    caller has seen to it that nobody else on the list has its addresses now."""
    new = {name: value for name, value in fields.items() if not name.startswith(_SETTING)}
    for name in _DATES & new.keys():
        read = date if name == "until" else datetime
        new[name] = new[name] and read.fromisoformat(new[name])
    settings = {name.removeprefix(_SETTING): fields[name] for name in fields.keys() - new.keys()}
    if settings:
        merged = {**member.stored, **settings}
        new["settings"] = {key: value for key, value in merged.items() if value is not None}
    if "also" in settings:
        linked.replace(tx, member, addresses_in(str(settings["also"] or "")))
    if "address" in new:
        address = parse_address(new["address"])
        assert address is not None
        new |= {**_address(address), "bounces_from": now}
    if "delivery" in new:
        new |= _switch(tx, member, Delivery(new["delivery"]))
    elif settings.keys() & SCHEDULE and member.delivery is Delivery.DIGEST:
        new["digest_due"] = LOOK_NOW
    _update(tx, member.id, **new)
    return _again(tx, member.id)


def leave(tx: Tx, member_id: int, now: datetime) -> None:
    """End a membership: from now on they get nothing, not from the queue either, and the addresses
    that they linked are nobody's."""
    member = _again(tx, member_id)
    if member.settings.also:
        change(tx, member, {"also": ""})
    _LEAVE.run(tx, wanted=member_id, now=now)


def waiting(tx: Tx, member: Member) -> int:
    """How many accepted posts wait for a member's digest."""
    return waiting_of(tx, [member])[member.id]


def waiting_of(tx: Tx, members: Sequence[Member]) -> dict[int, int]:
    """`waiting` of many members of one list (at most a page), by member number."""
    reading = [
        m for m in members if m.delivery is Delivery.DIGEST and m.state is MemberState.ACTIVE
    ]
    found = {member.id: 0 for member in members}
    if not reading:
        return found
    # Most readers stand at the same place: one count for each place.
    ids = MemberRow.id.in_([member.id for member in reading])
    cursors = {row.id: row.cursor for row in tx.execute(_CURSORS.where(ids))}
    at = {cursor: _posts_after(tx, reading[0].list_id, cursor) for cursor in set(cursors.values())}
    return found | {member_id: at[cursor] for member_id, cursor in cursors.items()}


def graduate(tx: Tx, member: Member, posts: int) -> Member:
    """Let a member post freely where new members' first `posts` are read before."""
    change(tx, member, {"moderated": False, "read_next": False})
    _update(tx, member.id, posts=max(member.posts, posts))
    return _again(tx, member.id)


def count_post(tx: Tx, member_id: int) -> None:
    """Count one more accepted post of a member."""
    _COUNT_POST.run(tx, wanted=member_id)


_SELECT = select(
    MemberRow.id, MemberRow.list_id, MemberRow.address, MemberRow.address_key, MemberRow.name,
    MemberRow.role, MemberRow.delivery, MemberRow.state, MemberRow.joined, MemberRow.posts,
    MemberRow.began, MemberRow.settings, MemberRow.kept, MemberRow.until, MemberRow.away_since,
)  # fmt: skip
_LINK = LinkedAddressRow
_LINKED = _SELECT.join(_LINK, _LINK.member_id == MemberRow.id)
# What a member and the list's people can change of a membership; which of it are times.
_KEPT = Quick(
    select(
        MemberRow.address, MemberRow.name, MemberRow.role, MemberRow.delivery, MemberRow.state,
        MemberRow.joined, MemberRow.left, MemberRow.began, MemberRow.settings, MemberRow.kept,
        MemberRow.until, MemberRow.away_since,
    ).where(MemberRow.id == bindparam("wanted"))
)  # fmt: skip
_DATES = frozenset({"joined", "left", "until"})
# Before the name of a setting in a snapshot.
_SETTING = "settings."
_CURSORS = select(MemberRow.id, MemberRow.cursor)
_READING = select(
    MemberRow.cursor, MemberRow.digest_from, MemberRow.owed_from, MemberRow.owed_to
)  # fmt: skip

# Asked for each post.
_KEY: BindParameter[str] = bindparam("key")
_THERE = MemberRow.list_id == bindparam("on")
_BY_NUMBER = Quick(_SELECT.where(MemberRow.id == bindparam("wanted")))
_BY_KEY = Quick(_SELECT.where(_THERE, MemberRow.address_key == _KEY))
_BY_LINK = Quick(_LINKED.where(_LINK.list_id == bindparam("on"), _LINK.address_key == _KEY))
_BY_MAILBOX = Quick(
    _SELECT.where(_THERE, MemberRow.state != MemberState.LEFT).where(
        or_(MemberRow.address_key == _KEY, MemberRow.mailbox == _KEY)
    )
)
_BY_LINKED_MAILBOX = Quick(_LINKED.where(_LINK.list_id == bindparam("on"), _LINK.mailbox == _KEY))
_LEAVE = Quick(
    update(MemberRow)
    .where(MemberRow.id == bindparam("wanted"))
    .values(
        state=MemberState.LEFT.value, left=bindparam("now"), until=null(), owed_from=null(),
        owed_to=null(), digest_due=null(),
    )
)  # fmt: skip
_COUNT_POST = Quick(
    update(MemberRow).where(MemberRow.id == bindparam("wanted")).values(posts=MemberRow.posts + 1)
)


def typed_settings(stored: Mapping[str, Any]) -> MemberSettings:
    """The settings that are kept beside a member's own columns."""
    return MemberSettings(**{key: value for key, value in stored.items() if key in _TYPED})


def _member(row: Any) -> Member:
    stored: dict[str, Value] = row.settings
    local, _, domain = row.address.rpartition("@")
    off = row.delivery == Delivery.NOMAIL
    return Member(
        id=row.id,
        list_id=row.list_id,
        address=Address(local, domain),
        name=row.name,
        role=MemberRole(row.role),
        delivery=Delivery(row.delivery),
        state=MemberState(row.state),
        joined=row.joined,
        posts=row.posts,
        began=row.began,
        settings=typed_settings(stored),
        stored=stored,
        kept=Delivery(row.kept or (Delivery.MAIL if off else row.delivery)),
        until=row.until,
        away_since=row.away_since,
    )


def _mailbox(address: Address) -> str | None:
    mailbox = mailbox_key(address)
    return mailbox if mailbox != address.key else None


def _again(tx: Tx, member_id: int) -> Member:
    return _member(_BY_NUMBER.first(tx, wanted=member_id))


def _update(tx: Tx, member_id: int, **values: object) -> None:
    tx.execute(update(MemberRow).where(MemberRow.id == member_id).values(**values))


def _last_number(tx: Tx, list_id: int) -> int:
    return tx.execute(select(ListRow.last_number).where(ListRow.id == list_id)).scalar_one()


def _posts_after(tx: Tx, list_id: int, number: int) -> int:
    query = select(func.count()).select_from(PostRow)
    return tx.execute(query.where(PostRow.list_id == list_id, PostRow.number > number)).scalar_one()
