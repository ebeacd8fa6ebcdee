"""What an operator does to members: add, import, change, remove. Each function is one transaction
and writes to the event log who did what; `by` is "command line" or an address."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import (
    MEMBER_SETTINGS,
    Delivery,
    Member,
    MemberRole,
    MemberState,
)
from listserv.domain.settings import Value, as_written, read_settings
from listserv.flow.address_input import known_address, new_address, ours
from listserv.flow.roster_file import Roster, Row
from listserv.store import bans, events, lists, members
from listserv.store.members import NewMember
from listserv.store.session import Tx

# Sends the welcome mail, in the transaction.
Welcome = Callable[[Tx, MailingList, Member], None]

_CIRCLES = "is an address of a list: mail would go in circles"

# So many bad lines of an import are shown; all are counted.
SHOWN_LINES = 100
# So many rows of an import are looked up, and told to the progress bar, at once.
_ROWS = 1000


def add_members(
    tx: Tx,
    list_id: int,
    addresses: Sequence[str],
    *,
    domains: Collection[str],
    settings: Mapping[str, str],
    by: str,
    now: datetime,
    welcome: Welcome | None = None,
) -> list[Member]:
    """Add people to a list at once: all of them, or none. An explicit act, so it brings back who
    left; who is banned stays out until the ban is lifted. `settings` may hold every member
    setting."""
    mlist = lists.lock(tx, list_id)
    values = read_settings(MEMBER_SETTINGS, settings)
    wanted = {address.key: address for address in map(new_address, addresses)}
    known = members.by_keys(tx, list_id, list(wanted))
    banned = bans.patterns(tx, list_id, now)
    is_ours = ours(tx, domains)
    for key, address in wanted.items():
        if is_ours(address):
            raise ListservError(f"{address} {_CIRCLES}")
        _refuse(mlist, address, known.get(key), banned)
    added = []
    for key, address in wanted.items():
        member = _enter(tx, mlist, known.get(key), address, values, by, now)
        events.log(tx, list_id, by, f"added {member.address}", now)
        if welcome is not None:
            welcome(tx, mlist, member)
        added.append(member)
    return added


def _refuse(
    mlist: MailingList, address: Address, known: Member | None, banned: frozenset[str]
) -> None:
    if bans.any_of(banned, address):
        raise ListservError(f"{address} is banned from {mlist.address}; see `listserv ban ls`")
    if known is not None and known.state is MemberState.ACTIVE:
        raise ListservError(f"{address} is a member of {mlist.address} already")


def _enter(
    tx: Tx,
    mlist: MailingList,
    known: Member | None,
    address: Address,
    values: Mapping[str, Value],
    by: str,
    now: datetime,
) -> Member:
    new = NewMember(
        address=address,
        name=str(values.get("name", known.name if known else "")),
        role=MemberRole(str(values.get("role", MemberRole.MEMBER))),
        delivery=Delivery(str(values.get("delivery", mlist.settings.default_delivery))),
    )
    if known is None:
        member = members.add(tx, mlist.id, new, began=by, now=now)
    else:
        member = members.rejoin(tx, known, new, began=by, now=now)
    return members.change(tx, member, values)


@dataclass
class Imported:
    """What an import did. `entered` are the keys of those who are members now and were not before;
    `left_alone` counts the others by why: "member", "left", "suspended", "banned", "repeated"."""

    added: int = 0
    revived: int = 0
    overwritten: int = 0
    left_alone: Counter[str] = field(default_factory=Counter)
    entered: list[str] = field(default_factory=list)


def import_members(
    tx: Tx,
    list_id: int,
    roster: Roster,
    *,
    domains: Collection[str],
    revive: bool,
    overwrite: bool,
    by: str,
    now: datetime,
    progress: Callable[[int], None] = lambda rows: None,
) -> Imported:
    """Add everybody in a file, or nobody when one line is bad. It never brings back who left
    (unless `revive`), is suspended or banned, and never changes a member's own settings (unless
    `overwrite`). Welcome them afterwards with `welcome_members`."""
    mlist = lists.lock(tx, list_id)
    is_ours = ours(tx, domains)
    circles = [
        (row.line, f"{row.address} {_CIRCLES}")
        for row in roster.rows.values()
        if is_ours(row.address)
    ]
    refuse_bad_lines(roster.bad + circles)
    banned = bans.patterns(tx, list_id, now)
    result = Imported()
    result.left_alone["repeated"] = roster.repeated
    rows = list(roster.rows.values())
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        _import_some(tx, mlist, some, banned, revive, overwrite, result, now)
        progress(start + len(some))
    events.log(
        tx, list_id, by,
        f"imported a file: {result.added} added, {result.revived} revived,"
        f" {result.overwritten} overwritten, {result.left_alone.total()} left alone",
        now,
    )  # fmt: skip
    return result


def refuse_bad_lines(bad: Iterable[tuple[int, str]]) -> None:
    """Raise ListservError with every bad line of a file, if there is one."""
    lines = [f"line {number}: {why}" for number, why in sorted(bad)]
    if lines:
        more = len(lines) - SHOWN_LINES
        shown = lines[:SHOWN_LINES] + ([f"and {more} more bad lines"] if more > 0 else [])
        raise ListservError("\n".join([f"nobody was added, bad lines: {len(lines)}", *shown]))


def _import_some(
    tx: Tx,
    mlist: MailingList,
    rows: Sequence[Row],
    banned: frozenset[str],
    revive: bool,
    overwrite: bool,
    result: Imported,
    now: datetime,
) -> None:
    known = members.by_keys(tx, mlist.id, [row.address.key for row in rows])
    new = []
    for row in rows:
        member = known.get(row.address.key)
        if member is not None and member.state is MemberState.ACTIVE:
            if overwrite and _overwrite(tx, member, row):
                result.overwritten += 1
            else:
                result.left_alone["member"] += 1
        elif bans.any_of(banned, row.address):
            result.left_alone["banned"] += 1
        elif member is None:
            new.append(_new(mlist, row, ""))
        elif revive and member.state is MemberState.LEFT:
            members.rejoin(tx, member, _new(mlist, row, member.name), began="import", now=now)
            result.revived += 1
            result.entered.append(row.address.key)
        else:
            result.left_alone[member.state.value] += 1
    members.add_many(tx, mlist.id, new, began="import", now=now)
    result.added += len(new)
    result.entered.extend(one.address.key for one in new)


def _new(mlist: MailingList, row: Row, name: str) -> NewMember:
    return NewMember(
        address=row.address,
        name=row.name if row.name is not None else name,
        role=row.role or MemberRole.MEMBER,
        delivery=row.delivery or Delivery(mlist.settings.default_delivery),
    )


def _overwrite(tx: Tx, member: Member, row: Row) -> bool:
    """Give a member what the file says; whether that changed anything."""
    said = {"name": row.name, "role": row.role, "delivery": row.delivery}
    values: dict[str, Value] = {
        key: value
        for key, value in said.items()
        if value is not None and value != getattr(member, key)
    }
    if values:
        members.change(tx, member, values)
    return bool(values)


def welcome_members(tx: Tx, list_id: int, keys: Sequence[str], welcome: Welcome) -> None:
    """Welcome those of these addresses who are members (still). An import of thousands is welcomed
    in several transactions: mail that comes in meanwhile should not wait."""
    mlist = lists.get(tx, list_id)
    for member in members.by_keys(tx, list_id, keys).values():
        if member.state is MemberState.ACTIVE:
            welcome(tx, mlist, member)


def find_member(tx: Tx, mlist: MailingList, text: str) -> Member:
    """The member with this address who has not left, or ListservError."""
    address = known_address(text)
    member = members.by_key(tx, mlist.id, address.key)
    if member is None or member.state is MemberState.LEFT:
        raise ListservError(f"{address} is not a member of {mlist.address}")
    return member


def change_member(
    tx: Tx, list_id: int, address: str, settings: Mapping[str, str], *, by: str, now: datetime
) -> Member:
    """Set some of a member's settings: all of them, or none."""
    member = find_member(tx, lists.lock(tx, list_id), address)
    values = read_settings(MEMBER_SETTINGS, settings)
    member = members.change(tx, member, values)
    events.log(tx, list_id, by, f"set {as_written(values)} for {member.address}", now)
    return member


def remove_members(
    tx: Tx, list_id: int, addresses: Sequence[str], *, by: str, now: datetime
) -> list[Member]:
    """Remove people from a list: all of them, or none. They get nothing from now on."""
    mlist = lists.lock(tx, list_id)
    found = {m.id: m for m in (find_member(tx, mlist, address) for address in addresses)}
    for member in found.values():
        _remove(tx, member, by, now)
    return list(found.values())


def remove_everywhere(tx: Tx, address: str, *, by: str, now: datetime) -> list[MailingList]:
    """Remove an address from every list; returns the lists."""
    who = known_address(address)
    found = [m for m in members.find(tx, who.key) if m.state is not MemberState.LEFT]
    if not found:
        raise ListservError(f"{who} is not a member of any list")
    for member in found:
        _remove(tx, member, by, now)
    return [lists.get(tx, member.list_id) for member in found]


def _remove(tx: Tx, member: Member, by: str, now: datetime) -> None:
    members.leave(tx, member.id, now)
    events.log(tx, member.list_id, by, f"removed {member.address}", now)
