"""Who is asked for: the answer to RCPT, and what an address means when its mail is there."""

import logging
from dataclasses import dataclass
from datetime import datetime

from listserv.domain.address import (
    MAX_LOCAL,
    Address,
    Recipient,
    Role,
    list_in,
    parse_address,
    read_local,
)
from listserv.domain.lists import MailingList
from listserv.domain.post import Transport
from listserv.domain.replies import (
    BAD_ADDRESS,
    NO_RELAY,
    RECIPIENT_OK,
    TOO_MUCH_TODAY,
    UNKNOWN,
    Reply,
)
from listserv.domain.tokens import Purpose, read_copy_token, read_item_token
from listserv.flow import bounce, confirm, moderator_reply, obey, role_mail
from listserv.flow.site import Site
from listserv.store import counters, lists
from listserv.store.session import Tx

log = logging.getLogger("listserv.receive")


def answer(tx: Tx, site: Site, address: str, transport: Transport, now: datetime) -> Reply:
    """The answer to RCPT. Over LMTP what is ours but means nothing, or nothing yet, is taken here
    and dropped later: a refusal would make the MTA in front of us bounce it to a forged sender."""
    read = parse_address(address)
    domain = read.domain if read else address.rpartition("@")[2].lower()
    if domain not in site.domains:
        return NO_RELAY if read else BAD_ADDRESS

    def is_list(name: str) -> bool:
        return lists.at(tx, name, domain) is not None

    meant = read_local(read.local, is_list) if read else None
    reply = _reply_for(tx, site, meant, domain) if read else BAD_ADDRESS
    judged = role_mail.ROLES - role_mail.READ_FIRST
    if meant is not None and meant.role in judged and transport is Transport.SMTP:
        return reply if role_mail.has_room(tx, meant, domain, now) else TOO_MUCH_TODAY
    if reply.accepted or transport is Transport.SMTP:
        return reply
    # An address that nobody can read may be a list's all the same: "town+x y", or one too long.
    local = address.rpartition("@")[0].strip('"')[:MAX_LOCAL]
    return RECIPIENT_OK if meant or list_in(local, is_list) else reply


def _reply_for(tx: Tx, site: Site, meant: Recipient | None, domain: str) -> Reply:
    match meant:
        case Recipient(Role.POST | Role.ITEM):
            return RECIPIENT_OK
        case Recipient(role) if role in role_mail.ROLES:
            return RECIPIENT_OK
        case Recipient(Role.CONFIRM | Role.ROBOT_CONFIRM):
            return RECIPIENT_OK if confirm.is_known(tx, meant, domain) else UNKNOWN
        case Recipient(Role.BOUNCES | Role.ROBOT_BOUNCES, _, token):
            known = read_copy_token(site.secret, Purpose.BOUNCES, token)
            return RECIPIENT_OK if known else UNKNOWN
        case Recipient(Role.LEAVE_TOKEN):
            return RECIPIENT_OK if obey.of_leave_token(tx, site, meant, domain) else UNKNOWN
        case Recipient(Role.MODERATE):
            is_ours = moderator_reply.is_known(tx, meant, domain)
            return RECIPIENT_OK if is_ours else UNKNOWN
        case Recipient(role) if role in obey.ROLES:
            return RECIPIENT_OK
        case _:
            return UNKNOWN


@dataclass(frozen=True, slots=True)
class Posting:
    """A list to post to, and the number of the post that is answered where the address says one."""

    mlist: MailingList
    item: int | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """A recipient that is no list to post to: a question's address, a role, a return path, or
    commands."""

    meant: Recipient
    address: Address


_ASIDE = (
    role_mail.ROLES | obey.ROLES | bounce.ROLES | {Role.CONFIRM, Role.ROBOT_CONFIRM, Role.MODERATE}
)


def target(tx: Tx, site: Site, address: str, now: datetime) -> Posting | Aside | None:
    """The list that a recipient address posts to, or what else takes mail. An item's token only
    says what is answered: where it is worth nothing, the mail is a post all the same. None: a
    sub-address that means nothing; it is only counted."""
    read = parse_address(address)
    if read is None:
        return None
    found: MailingList | None = None

    def is_list(name: str) -> bool:
        nonlocal found
        found = lists.at(tx, name, read.domain)
        return found is not None

    meant = read_local(read.local, is_list)
    if meant is not None and meant.role in {Role.POST, Role.ITEM} and found is not None:
        return Posting(found, read_item_token(site.secret, meant.argument))
    if meant is None or meant.role not in role_mail.ROLES:
        counters.count(tx, 0, meant.role if meant else "unknown address", now)
    if meant is None or not _reply_for(tx, site, meant, read.domain).accepted:
        log.warning("dropped: mail for %s, which takes none", read.untokened)
        return None
    return Aside(meant, read) if meant.role in _ASIDE else None
