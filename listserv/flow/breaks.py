"""Breaks: a member gets no mail until a day comes, and then as before."""

from collections.abc import Mapping
from datetime import date, datetime

from listserv.domain.errors import ListservError
from listserv.domain.members import Delivery, Member, MemberState
from listserv.domain.settings import Value
from listserv.flow import catch_up
from listserv.flow.site import Site
from listserv.store import events, lists, members
from listserv.store.session import Tx

# So many breaks end in one transaction: mail that comes in waits no longer than for these.
_PAGE = 100
# Who did it, in a list's log.
_BY = "listserv"


def refuse_bad_break(values: Mapping[str, Value], today: date) -> None:
    """Raises ListservError for member settings whose `until` is not a day to come, or that say how
    mail comes until then."""
    until, delivery = values.get("until"), values.get("delivery", Delivery.NOMAIL)
    if not until:
        return
    if date.fromisoformat(str(until)) <= today:
        raise ListservError(f"until={until}: until is a day after today, {today}")
    if delivery != Delivery.NOMAIL:
        raise ListservError(
            f"until={until} and delivery={delivery}: no mail comes until then; say one of them"
        )


def end_breaks(tx: Tx, site: Site, now: datetime) -> int:
    """End the breaks whose day has come, up to a page of one list; returns how many, 0 when there
    is nothing left to do. Mail comes as it came before, and the member is told and offered what
    they missed; who is suspended is not."""
    today = now.astimezone(site.zone).date()
    first = members.back_by(tx, today, 1)
    if not first:
        return 0
    # Locked before it is asked again: they may have come back, or left, at this moment.
    list_id = lists.lock(tx, first[0].list_id).id
    due = members.back_by(tx, today, _PAGE, list_id=list_id)
    for member in due:
        _end(tx, site, member, now)
    return len(due)


def _end(tx: Tx, site: Site, member: Member, now: datetime) -> None:
    mlist = lists.get(tx, member.list_id)
    back = members.receive(tx, member, member.kept)
    events.log(tx, mlist.id, _BY, f"ended the break of {back.address}", now)
    if back.state is MemberState.ACTIVE:
        catch_up.day_has_come(tx, site, mlist, member, back, now)
