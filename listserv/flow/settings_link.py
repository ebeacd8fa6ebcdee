"""A link to the page of one membership's settings: mailed to the address on file when somebody asks
for it, good for a day, as often as wanted, until the membership ends or moves to another address.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.tokens import RANDOM_TOKEN_BYTES, link_token
from listserv.flow.question import new_question
from listserv.flow.site import Site
from listserv.flow.wish import Result, Wish, not_done
from listserv.store import confirmations, lists, members
from listserv.store.session import Tx

# Kept as questions are, and counted with those that nobody has answered; no row of
# flow.confirm.KINDS: no mail answers it.
KIND = "preferences"
GOOD_FOR = timedelta(hours=24)
# Below a site's URL.
_PATH = "s"


def wished(wish: Wish) -> Result:
    """PREFERENCES."""
    tx, site, mlist, member = wish.tx, wish.site, wish.list, wish.member
    if member is None or member.address.key != wish.writer.address.key:
        return not_done("member")
    if mlist.domain not in site.urls:
        return not_done("page", request=mlist.addresses.request)
    return wish.done(link=new_link(tx, site, mlist, member, wish.now))


def new_link(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    member: Member,
    now: datetime,
    *,
    mailbox: str = "",
    asker: str = "",
) -> str:
    """The URL, which whoever asks for it mails to the member in the same transaction. `mailbox` and
    `asker` as in `new_question`. The list's domain has a URL: KeyError."""
    token = link_token(site.nonce(RANDOM_TOKEN_BYTES))
    new_question(
        tx, site, KIND, str(member.address), {}, now, token=token,
        list_id=mlist.id, member_id=member.id, mailbox=mailbox, asker=asker,
    )  # fmt: skip
    return f"{site.urls[mlist.domain]}/{_PATH}/{token}"


def opened(tx: Tx, token: str, now: datetime) -> tuple[MailingList, Member] | None:
    """Whose settings on which list a link is for; None for one that is not good, or no more."""
    asked = confirmations.find(tx, token)
    if asked is None or asked.kind != KIND or now >= asked.created + GOOD_FOR:
        return None
    member = members.get(tx, asked.member_id) if asked.member_id is not None else None
    if member is None or member.state is MemberState.LEFT or str(member.address) != asked.address:
        return None
    with suppress(ListservError):  # deleted at this moment
        return lists.get(tx, member.list_id), member
    return None


def used(tx: Tx, token: str, now: datetime) -> None:
    """Somebody has done something by a link: the mail with it has arrived, and counts no more among
    those that nobody has answered."""
    confirmations.confirm(tx, token, now)


def none_there(tx: Tx, site: Site, address: Address, asker: str, now: datetime) -> None:
    """Note that `asker` wanted links for an address that has no memberships: it counts on their
    account alone, and nobody is written to."""
    new_question(
        tx, site, KIND, str(address), {}, now, token=link_token(site.nonce(RANDOM_TOKEN_BYTES)),
        mailbox=f"nobody {address.key}", asker=asker,
    )  # fmt: skip
