"""A file of members becomes a list's: everybody in it, or nobody when one line is bad."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberRole, MemberState
from listserv.domain.settings import Value, addresses_in
from listserv.flow.links import Claims
from listserv.flow.roster_file import Roster, Row
from listserv.store import events, linked, lists, members
from listserv.store.members import NewMember
from listserv.store.session import Tx

# So many bad lines of an import are shown; all are counted.
SHOWN_LINES = 100
# So many rows of an import are looked up, and told to the progress bar, at once.
_ROWS = 1000


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
    claims = Claims(tx, mlist, domains, now)
    rows = list(roster.rows.values())
    circles = _wrong(rows, lambda row: claims.refuse_circle(row.address))
    refuse_bad_lines(roster.bad + circles)
    has_links = linked.are_there(tx, list_id) or any(row.also for row in rows)
    result = Imported()
    result.left_alone["repeated"] = roster.repeated
    bad: list[tuple[int, str]] = []
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        done = _import_some(tx, mlist, some, claims, revive, overwrite, result, now)
        if has_links:
            taken = claims.linked_among([row.address for row in done])
            lines = {row.address: row.line for row in done}
            bad += [(lines[address], f"{address} {why}") for address, why in taken.items()]
            bad += _wrong(done, lambda row: _link(tx, list_id, row, claims))
        progress(start + len(some))
    refuse_bad_lines(bad)
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


def _wrong(rows: Iterable[Row], do: Callable[[Row], object]) -> list[tuple[int, str]]:
    """The lines of the rows for which this raised ListservError, and what it said."""
    wrong = []
    for row in rows:
        try:
            do(row)
        except ListservError as refused:
            wrong.append((row.line, str(refused)))
    return wrong


def _link(tx: Tx, list_id: int, row: Row, claims: Claims) -> None:
    member = members.by_key(tx, list_id, row.address.key) if row.also else None
    if member is not None:
        claims.refuse_also(member, addresses_in(row.also or ""))
        members.change(tx, member, {"also": row.also or ""})


def _import_some(
    tx: Tx,
    mlist: MailingList,
    rows: Sequence[Row],
    claims: Claims,
    revive: bool,
    overwrite: bool,
    result: Imported,
    now: datetime,
) -> list[Row]:
    """Returns the rows that are as the file says now, but for `also`."""
    known = members.by_keys(tx, mlist.id, [row.address.key for row in rows])
    new, done = [], []
    for row in rows:
        member = known.get(row.address.key)
        if member is not None and member.state is MemberState.ACTIVE:
            if overwrite and _overwrite(tx, member, row):
                result.overwritten += 1
                done.append(row)
            else:
                result.left_alone["member"] += 1
        elif claims.is_banned(row.address):
            result.left_alone["banned"] += 1
        elif member is None:
            new.append(_new(mlist, row, ""))
            done.append(row)
        elif revive and member.state is MemberState.LEFT:
            new_again = _new(mlist, row, member.name)
            back = members.rejoin(tx, member, new_again, began="import", now=now)
            if row.settings:
                members.change(tx, back, row.settings)
            result.revived += 1
            result.entered.append(row.address.key)
            done.append(row)
        else:
            result.left_alone[member.state.value] += 1
    members.add_many(tx, mlist.id, new, began="import", now=now)
    result.added += len(new)
    result.entered.extend(one.address.key for one in new)
    return done


def _new(mlist: MailingList, row: Row, name: str) -> NewMember:
    return NewMember(
        address=row.address,
        name=row.name if row.name is not None else name,
        role=row.role or MemberRole.MEMBER,
        delivery=row.delivery or Delivery(mlist.settings.default_delivery),
        settings=row.settings,
    )


def _overwrite(tx: Tx, member: Member, row: Row) -> bool:
    """Give a member what the file says; whether that changed anything."""
    said = {"name": row.name, "role": row.role, "delivery": row.delivery}
    values: dict[str, Value] = {
        key: value
        for key, value in said.items()
        if value is not None and value != getattr(member, key)
    }
    values |= {
        key: value for key, value in row.settings.items() if value != getattr(member.settings, key)
    }
    if values:
        members.change(tx, member, values)
    return bool(values) or row.also not in {None, member.settings.also}
