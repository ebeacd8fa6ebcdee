"""Mail to the people behind a list or a domain (-owner, postmaster, abuse, fbl): it goes on to them
as a mailing of ours."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from listserv.domain.address import Address, Recipient, Role, read_local
from listserv.domain.languages import ENGLISH
from listserv.domain.lists import MailingList
from listserv.domain.post import Incoming, Post
from listserv.domain.tokens import is_own_message_id
from listserv.flow.notices import left_out
from listserv.flow.site import Site
from listserv.mail.role_copy import Envelope, role_copy
from listserv.mail.scrub import text_without_tokens, without_tokens
from listserv.policy.posting import MAX_RECEIVED
from listserv.store import counters, lists, members, queue
from listserv.store.session import Tx

log = logging.getLogger("listserv.receive")

ROLES = frozenset({Role.OWNER, Role.POSTMASTER, Role.ABUSE, Role.FBL})
# Complaints come to these too, which need no person: whether there is room for other mail is said
# when it has been read.
READ_FIRST = frozenset({Role.ABUSE, Role.FBL})
# For each role address; a person cannot read more, and what floods it is no mail for a person.
MOST_A_DAY = 50

_A_DAY = timedelta(days=1)


def has_room(tx: Tx, meant: Recipient, domain: str, now: datetime) -> bool:
    """Whether the address may take another mail today."""
    mlist = lists.at(tx, meant.name, domain) if meant.role is Role.OWNER else None
    return counters.total(tx, _counter(meant.role), now - _A_DAY, _list_id(mlist)) < MOST_A_DAY


def forward(
    tx: Tx, site: Site, incoming: Incoming, post: Post, meant: Recipient, domain: str, now: datetime
) -> None:
    """Send it on, or drop it and say why in the log."""
    mlist = lists.at(tx, meant.name, domain) if meant.role is Role.OWNER else None
    role = mlist.addresses.owner if mlist is not None else f"{meant.role}@{domain}"
    why = _why_not(site, incoming, post, meant.role)
    if why:
        log.warning("dropped: mail for %s, %s", role, why)
        return
    readers = people(tx, site, mlist, domain)
    if not readers:
        log.error("dropped: mail for %s: nobody is behind it, see site.operator", role)
        return
    counters.count(tx, _list_id(mlist), _counter(meant.role), now)
    raw = incoming.raw
    if mlist is not None:  # an operator may need to know whose token it was
        raw = without_tokens(raw, site.names)
        post = replace(post, subject=text_without_tokens(post.subject, site.names))
    language = mlist.settings.language if mlist is not None else ENGLISH
    title = _title(site, mlist, meant.role, domain)
    for member, address in readers:
        envelope = Envelope(role, title, site.message_id(), now)
        copy = role_copy(
            raw, post, envelope, lambda kind, size: left_out(site, kind, size, language)
        )
        queue.add_notice(
            tx, list_id=mlist.id if mlist is not None else None, raw=copy,
            subject=f"mail to {meant.role}", member=member, address=str(address), now=now,
        )  # fmt: skip


def _why_not(site: Site, incoming: Incoming, post: Post, role: Role) -> str:
    """Robots write to postmaster and abuse by right; owners are people's to write to."""
    if is_own_message_id(site.secret, post.message_id) or post.received > MAX_RECEIVED:
        return "it goes in a circle"
    if incoming.client.trusted and post.spam:
        return "spam"
    if role is Role.OWNER and (post.automatic or not incoming.sender):
        return "an automatic reply"
    return ""


def people(tx: Tx, site: Site, mlist: MailingList | None, domain: str) -> list[tuple[int, Address]]:
    """The owners, with their member numbers; for a domain, or a list without owners, its
    operator."""
    owners = members.owners(tx, mlist.id) if mlist is not None else []
    if owners:
        return [(owner.id, owner.address) for owner in owners]
    operator = operator_of(tx, site, domain)
    return [(0, operator)] if operator is not None else []


def operator_of(tx: Tx, site: Site, domain: str) -> Address | None:
    """Who looks after a domain, unless that is an address that we send on ourselves."""
    operator = site.operators.get(domain)
    if operator is None or (operator.domain in site.domains and _means_a_role(tx, operator)):
        return None
    return operator


def _means_a_role(tx: Tx, address: Address) -> bool:
    meant = read_local(address.local, lambda name: lists.at(tx, name, address.domain) is not None)
    return meant is not None and meant.role in ROLES


def _title(site: Site, mlist: MailingList | None, role: Role, domain: str) -> str:
    if mlist is not None:
        return mlist.title
    return site.templates.phrase("sender.role", {"role": role, "domain": domain})


def _counter(role: Role) -> str:
    return f"mail to {role}"


def _list_id(mlist: MailingList | None) -> int:
    return mlist.id if mlist is not None else 0
