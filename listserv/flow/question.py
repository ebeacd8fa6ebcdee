"""A question is mailed to somebody: its token stands in the address to which they reply."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from listserv.domain.address import Role, parse_address, robot_address
from listserv.domain.lists import MailingList
from listserv.domain.tokens import RANDOM_TOKEN_BYTES, random_token
from listserv.flow import notices
from listserv.flow.site import Site
from listserv.policy.confirming import Moment
from listserv.store import confirmations, lists
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

# So long an answer counts.
OPEN_FOR = timedelta(days=14)


def new_question(
    tx: Tx,
    site: Site,
    kind: str,
    address: str,
    data: Mapping[str, Any],
    now: datetime,
    *,
    list_id: int | None = None,
    member_id: int | None = None,
    open_for: timedelta = OPEN_FOR,
    mailbox: str = "",
    asker: str = "",
    token: str = "",
) -> Confirmation:
    """Store a question of a kind in flow.confirm.KINDS that goes to `address`; whoever asks mails
    it in the same transaction, with the reply address -confirm+TOKEN. With a `mailbox` it counts
    as one that `asker` has caused there. `token` is that of a link, which nobody replies to."""
    question = Confirmation(
        token=token or random_token(site.nonce(RANDOM_TOKEN_BYTES)),
        kind=kind,
        list_id=list_id,
        member_id=member_id,
        address=address,
        data=data,
        created=now,
        expires=now + open_for,
        confirmed=None,
        replies=0,
        mailbox=mailbox,
        asker=asker,
    )
    confirmations.add(tx, question)
    return question


def again(tx: Tx, site: Site, asked: Confirmation, moment: Moment, now: datetime) -> None:
    """What is said to another yes, or to one that is too late; the first has its own answer."""
    if moment is not Moment.FIRST:
        _tell(tx, site, asked, moment, now)


def unclear(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """What is said to words that are no answer: how to say yes."""
    _tell(tx, site, asked, "unclear", now)


def _tell(tx: Tx, site: Site, asked: Confirmation, what: str, now: datetime) -> None:
    to = parse_address(asked.address)
    if to is None:
        return
    origin = origin_of(tx, asked)
    reply_to = confirm_address(origin, asked.token) if what == "unclear" else None
    notices.send(
        tx, site, origin, "person-confirmed.txt", to, now, values={"what": what}, answers=True,
        reply_to=reply_to,
    )  # fmt: skip


def origin_of(tx: Tx, asked: Confirmation) -> MailingList | str:
    """Who asked: a list, or the robot of a domain."""
    if asked.list_id is not None:
        return lists.get(tx, asked.list_id)
    return str(asked.data["domain"])


def confirm_address(origin: MailingList | str, token: str) -> str:
    """Where a question of a list, or of a domain's robot, is answered."""
    if isinstance(origin, MailingList):
        return origin.addresses.of(Role.CONFIRM, token)
    return robot_address(Role.ROBOT_CONFIRM, origin, token)


def page_url(site: Site, origin: MailingList | str, token: str) -> str:
    """Where it can be answered with a button; "" where there are no pages."""
    domain = origin if isinstance(origin, str) else origin.domain
    url = site.urls.get(domain)
    return f"{url}/c/{token}" if url else ""


def commands_address(origin: MailingList | str) -> str:
    """Where commands go."""
    if isinstance(origin, MailingList):
        return origin.addresses.request
    return robot_address(Role.ROBOT, origin)
