"""Requests to join a list with subscription=approve: they wait as held posts do, for the same
people."""

from dataclasses import replace
from datetime import datetime

from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import JoinRequest, Member, MemberState
from listserv.flow import notices
from listserv.flow.enrol import add_members
from listserv.flow.site import Site
from listserv.mail.scrub import text_without_tokens
from listserv.store import events, held, lists, members
from listserv.store.held import Held
from listserv.store.session import Tx

# Of a name, and of what an applicant says of themselves; characters.
_LONGEST_NAME = 80
_MOST_WORDS = 500


def ask(tx: Tx, site: Site, mlist: MailingList, request: JoinRequest, now: datetime) -> bool:
    """Keep a request until somebody decides; False when the same address asks already. The caller
    has seen to it that whoever asks has the address, is no member and is not banned."""
    lists.lock(tx, mlist.id)
    if held.open_request(tx, mlist.id, request.address.key) is not None:
        return False
    lines = map(_printable, text_without_tokens(request.words, site.names).splitlines())
    kept = replace(
        request,
        name=_printable(request.name)[:_LONGEST_NAME].rstrip(),
        words="\n".join(line for line in lines if line)[:_MOST_WORDS].rstrip(),
    )
    held.add_request(tx, list_id=mlist.id, request=kept, now=now)
    events.log(tx, mlist.id, str(request.address), "asked to join", now)
    return True


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " * c.isspace() for c in text).strip()


def admit(
    tx: Tx, site: Site, decided: Held, request: JoinRequest, by: str, now: datetime
) -> Member:
    """Make an applicant a member and welcome them. Raises ListservError when they have become one,
    or cannot be one."""
    settings = {**request.settings, "delivery": str(request.delivery)}
    given = {"name": request.name, "language": request.language}

    def welcome(tx: Tx, mlist: MailingList, member: Member) -> None:
        notices.welcome(tx, site, mlist, member, now, joined=True)

    try:
        (member,) = add_members(
            tx, decided.list_id, [str(request.address)], domains=site.domains,
            settings=settings | {key: value for key, value in given.items() if value},
            by=by, now=now, welcome=welcome, zone=site.zone,
            began=f"{request.began}, approved by {by}",
        )  # fmt: skip
    except ListservError as wrong:
        raise ListservError(f"{decided.called}: {wrong}; discard the request") from None
    events.log(tx, decided.list_id, by, f"approved {decided.called} of {member.address}", now)
    return member


def refuse(
    tx: Tx, site: Site, decided: Held, request: JoinRequest, reason: str, by: str, now: datetime
) -> None:
    """Tell an applicant why they are not a member. Raises ListservError when they have become
    one."""
    mlist = lists.lock(tx, decided.list_id)
    member = members.by_key(tx, mlist.id, request.address.key)
    if member is not None and member.state is MemberState.ACTIVE:
        is_in = f"{member.address} is a member of {mlist.address} already"
        raise ListservError(f"{decided.called}: {is_in}; discard the request")
    notices.not_admitted(tx, site, mlist, request, reason, now)
    events.log(tx, mlist.id, by, f"rejected {decided.called} of {request.address}", now)
