"""What an operator does to lists, bans, the queue and the relay. Each function is one transaction
and writes to the event log who did what; `by` is "command line" or an address."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from listserv.domain.address import ascii_lower, parse_address, why_not_a_list_name
from listserv.domain.errors import ListservError
from listserv.domain.lists import LIST_SETTINGS, MailingList, style_settings
from listserv.domain.members import MemberRole, MemberState
from listserv.domain.settings import as_written, line, read_settings
from listserv.flow import quarantine
from listserv.flow.address_input import ban_pattern
from listserv.flow.enrol import add_members
from listserv.policy import from_rewrite
from listserv.rule_files import NO_RULE_FILES, RuleFiles
from listserv.store import bans, digests, events, lists, members, queue, queue_view, site
from listserv.store.session import Tx

# Of the reason for a ban, which only operators read.
_MAX_REASON = 200
# As the log says that a list is held, and that it is no longer.
HELD, FREED = "put the list on hold", "freed the list"


def create_list(
    tx: Tx,
    address: str,
    *,
    domains: Collection[str],
    style: str,
    settings: Mapping[str, str],
    owners: Sequence[str],
    by: str,
    now: datetime,
) -> MailingList:
    """Make a list at `address`, in one of the site's `domains`, with its owners as members."""
    name, domain = _list_address(address, domains)
    _refuse_taken(tx, name, domain)
    chosen = {**style_settings(style), **settings}
    values = read_settings(LIST_SETTINGS, chosen)
    mlist = lists.create(tx, name=name, domain=domain, settings=values, now=now)
    _refuse_contradiction(mlist)
    events.log(tx, mlist.id, by, f"created the list, style {style}", now)
    if owners:
        add_members(
            tx,
            mlist.id,
            owners,
            domains=domains,
            settings={"role": MemberRole.OWNER},
            by=by,
            now=now,
        )
    return mlist


def change_list(
    tx: Tx,
    list_id: int,
    settings: Mapping[str, str],
    *,
    rule_files: RuleFiles = NO_RULE_FILES,
    by: str,
    now: datetime,
) -> MailingList:
    """Set some settings of a list: all of them, or none. A file of content rules is read whole:
    what is wrong in it is refused here, and not when a post comes."""
    values = read_settings(LIST_SETTINGS, settings)
    if values.get("content_rules"):
        rule_files.read(str(values["content_rules"]))
    mlist = lists.change(tx, list_id, values)
    _refuse_contradiction(mlist)
    if "digest_hour" in values:
        digests.look_again(tx, list_id)
    events.log(tx, list_id, by, f"set {as_written(values)}", now)
    return mlist


def rename_list(
    tx: Tx, list_id: int, new: str, *, domains: Collection[str], by: str, now: datetime
) -> MailingList:
    """Give a list another name, or another address. Old addresses and tokens keep working and
    List-Id stays."""
    before = lists.lock(tx, list_id)
    name, domain = _list_address(new if "@" in new else f"{new}@{before.domain}", domains)
    if f"{name}@{domain}" == before.address:
        raise ListservError(f"{before.address}: that is its address already")
    if f"{name}@{domain}" not in lists.former(tx, list_id):
        _refuse_taken(tx, name, domain)
    mlist = lists.rename(tx, list_id, name, domain)
    events.log(tx, list_id, by, f"renamed {before.address} to {mlist.address}", now)
    return mlist


def delete_list(tx: Tx, list_id: int, *, by: str, now: datetime) -> MailingList:
    """Delete a list and everything of it: members, posts, held posts, mailings, log."""
    mlist = lists.lock(tx, list_id)
    lists.delete(tx, list_id)
    events.log(tx, None, by, f"deleted the list {mlist.address}", now)
    return mlist


def hold_list(tx: Tx, list_id: int, on: bool, *, by: str, now: datetime) -> MailingList:
    """Hold every post of a list until a person decides, or no longer. Those on their way stop, and
    go on again when the list is freed."""
    mlist = lists.hold(tx, list_id, on)
    if on:
        queue.hold(tx, list_id)
    else:
        queue.free(tx, list_id, now)
    events.log(tx, list_id, by, HELD if on else FREED, now)
    return mlist


def ban(
    tx: Tx,
    list_id: int | None,
    who: str,
    *,
    until: datetime | None,
    reason: str,
    by: str,
    now: datetime,
) -> str:
    """Ban an address or @domain from a list or (None) from the site; returns the pattern."""
    pattern = ban_pattern(who)
    if until is not None and until <= now:
        raise ListservError(f"{who}: the ban would have ended already")
    try:
        line(_MAX_REASON)(reason)
    except ValueError as wrong:
        raise ListservError(f"the reason of a ban {wrong}") from None
    bans.add(tx, list_id=list_id, pattern=pattern, until=until, reason=reason, now=now)
    events.log(tx, list_id, by, f"banned {pattern}", now)
    return pattern


def unban(tx: Tx, list_id: int | None, who: str, *, by: str, now: datetime) -> str:
    """Lift a ban of a list or (None) of the site; returns the pattern."""
    pattern = ban_pattern(who)
    if not bans.remove(tx, list_id, pattern):
        raise ListservError(f"{pattern} is not banned here; see `listserv ban ls`")
    events.log(tx, list_id, by, f"lifted the ban of {pattern}", now)
    return pattern


def retry_mailing(tx: Tx, mailing_id: int, *, by: str, now: datetime) -> None:
    """Try a mailing now, whatever it waits for: also a paused one or one set aside."""
    row = queue_view.get(tx, mailing_id)
    if not quarantine.resume(tx, mailing_id, now):
        raise _ended(mailing_id)
    events.log(tx, row.list_id, by, f"retried mailing {mailing_id}", now)


def drop_mailing(tx: Tx, mailing_id: int, *, by: str, now: datetime) -> None:
    """Give a mailing up: nobody who has not got it will."""
    row = queue_view.get(tx, mailing_id)
    if not quarantine.give_up(tx, mailing_id, now):
        raise _ended(mailing_id)
    events.log(tx, row.list_id, by, f"gave up mailing {mailing_id}", now)


def _ended(mailing_id: int) -> ListservError:
    return ListservError(f"mailing {mailing_id} is not in the queue; see `listserv queue ls`")


def pause_relay(tx: Tx, *, by: str, now: datetime) -> None:
    """Hand nothing to the relay until `resume_relay`."""
    site.pause(tx, f"paused by {by}")
    events.log(tx, None, by, "paused the relay", now)


def resume_relay(tx: Tx, *, by: str, now: datetime) -> None:
    """Hand mail to the relay again."""
    site.resume(tx)
    events.log(tx, None, by, "resumed the relay", now)


def _refuse_contradiction(mlist: MailingList) -> None:
    """Settings that are fine one by one and not together: nothing of the command is kept."""
    why = from_rewrite.why_not(mlist.settings)
    if why:
        raise ListservError(f"{mlist.address}: {why}")


def _list_address(text: str, domains: Collection[str]) -> tuple[str, str]:
    served = ", ".join(sorted(domains))
    name, at, domain = ascii_lower(text).rpartition("@")
    if not at:
        raise ListservError(f"{text!r} is no list address: it is made of a name, @ and {served}")
    read = parse_address(f"anybody@{domain}")  # an IDN comes in either form
    if read is None or read.domain not in domains:
        where = "(site.domain, [[domain]])"
        raise ListservError(f"{text!r}: this server has lists at {served} only {where}")
    why = why_not_a_list_name(name)
    if why is not None:
        raise ListservError(f"{text!r}: {why}")
    return name, read.domain


def _refuse_taken(tx: Tx, name: str, domain: str) -> None:
    there = lists.at(tx, name, domain)
    address = f"{name}@{domain}"
    if there is not None and there.address == address:
        raise ListservError(f"{address}: there is such a list already")
    if there is not None:
        raise ListservError(f"{address} is a former address of {there.address} and still its own")
    if any(member.state is not MemberState.LEFT for member in members.find(tx, address)):
        raise ListservError(f"{address} is the address of a member: mail would go in circles")
