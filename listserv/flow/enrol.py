"""What an operator does to members: add, change, remove. Each function is one transaction
and writes to the event log who did what; `by` is "command line" or an address."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo

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
from listserv.domain.settings import Value, addresses_in, as_written, read_settings
from listserv.flow.address_input import known_address, new_address
from listserv.flow.breaks import refuse_bad_break
from listserv.flow.links import Claims
from listserv.store import events, lists, members
from listserv.store.members import NewMember
from listserv.store.session import Tx

# Sends the welcome mail, in the transaction.
Welcome = Callable[[Tx, MailingList, Member], None]


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
    zone: tzinfo = UTC,
    began: str = "",
) -> list[Member]:
    """Add people to a list at once: all of them, or none. An explicit act, so it brings back who
    left; who is banned stays out until the ban is lifted. `settings` may hold every member
    setting; a break ends when its day begins in `zone`. `began` is how the memberships began, by
    default whoever adds them."""
    mlist = lists.lock(tx, list_id)
    values = read_settings(MEMBER_SETTINGS, settings)
    today = now.astimezone(zone).date()
    refuse_bad_break(values, today)
    _refuse_bad_absence(values, MemberRole(str(values.get("role", MemberRole.MEMBER))), today)
    wanted = {address.key: address for address in map(new_address, addresses)}
    known = members.by_keys(tx, list_id, list(wanted))
    claims = Claims(tx, mlist, domains, now)
    for key, address in wanted.items():
        claims.refuse_circle(address)
        claims.refuse_banned(address)
        _refuse_known(mlist, address, known.get(key))
    claims.refuse_own(list(wanted.values()))
    added = []
    for key, address in wanted.items():
        member = _enter(tx, mlist, known.get(key), address, values, began or by, now)
        claims.refuse_also(member, _also(values))
        member = members.change(tx, member, values)
        events.log(tx, list_id, by, f"added {member.address}", now)
        if welcome is not None:
            welcome(tx, mlist, member)
        added.append(member)
    return added


def _refuse_bad_absence(values: Mapping[str, Value], role: MemberRole, today: date) -> None:
    """Raises ListservError for an `away` that is not a day to come, or of who is never asked."""
    away = str(values.get("away", ""))
    if away and date.fromisoformat(away) <= today:
        raise ListservError(f"away={away}: away is a day after today, {today}")
    if away and role is MemberRole.MEMBER:
        raise ListservError(
            f"away={away}: only moderators and owners decide about posts; for a break say until="
        )


def _refuse_known(mlist: MailingList, address: Address, known: Member | None) -> None:
    if known is not None and known.state is MemberState.ACTIVE:
        raise ListservError(f"{address} is a member of {mlist.address} already")


def _enter(
    tx: Tx,
    mlist: MailingList,
    known: Member | None,
    address: Address,
    values: Mapping[str, Value],
    began: str,
    now: datetime,
) -> Member:
    # Who is suspended never left: an owner stays one.
    role = MemberRole.MEMBER
    if known is not None and known.state is MemberState.SUSPENDED:
        role = known.role
    new = NewMember(
        address=address,
        name=str(values.get("name", known.name if known else "")),
        role=MemberRole(str(values.get("role", role))),
        delivery=Delivery(str(values.get("delivery", mlist.settings.default_delivery))),
    )
    if known is None:
        return members.add(tx, mlist.id, new, began=began, now=now)
    return members.rejoin(tx, known, new, began=began, now=now)


def _also(values: Mapping[str, Value]) -> tuple[Address, ...]:
    return addresses_in(str(values.get("also", "")))


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
    if member is not None and member.state is not MemberState.LEFT:
        return member
    why = f"{address} is not a member of {mlist.address}"
    linked = members.author(tx, mlist.id, address, proven=False)
    if linked is not None:
        why += f"; {linked.address} posts from it"
    raise ListservError(why)


def change_member(
    tx: Tx,
    list_id: int,
    address: str,
    settings: Mapping[str, str],
    *,
    domains: Collection[str],
    by: str,
    now: datetime,
    zone: tzinfo = UTC,
) -> Member:
    """Set some of a member's settings: all of them, or none. What is set here counts as confirmed:
    whoever calls knows that the addresses in `also` are the member's. A break ends when its day
    begins in `zone`."""
    mlist = lists.lock(tx, list_id)
    member = find_member(tx, mlist, address)
    values = read_settings(MEMBER_SETTINGS, settings)
    today = now.astimezone(zone).date()
    refuse_bad_break(values, today)
    _refuse_bad_absence(values, MemberRole(str(values.get("role", member.role))), today)
    Claims(tx, mlist, domains, now).refuse_also(member, _also(values))
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
