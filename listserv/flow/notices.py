"""The mails the program itself writes, queued in the transaction of what they tell about."""

from datetime import datetime

from listserv.domain.address import Address, parse_address
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Lane
from listserv.domain.members import Member, MemberState
from listserv.flow.site import Site
from listserv.mail.notices import Frame, write_notice
from listserv.store import members, queue
from listserv.store.held import Held
from listserv.store.session import Tx


def welcome(tx: Tx, site: Site, mlist: MailingList, member: Member, now: datetime) -> None:
    """To a member whom an operator added with --welcome."""
    _send(
        tx, site, mlist, "member-welcome.txt", member.address, now,
        values={"name": member.name, "delivery": member.delivery},
        member=member.id, lane=Lane.BULK,
    )  # fmt: skip


def rejected(
    tx: Tx, site: Site, mlist: MailingList, post: Held, message_id: str, reason: str, now: datetime
) -> None:
    """To the author of a held post that a person rejected: their reason, not the post's text."""
    author = parse_address(post.author)
    if author is None:
        return
    member = members.by_key(tx, mlist.id, author.key)
    _send(
        tx, site, mlist, "author-rejected.txt", author, now,
        values={"subject": post.subject, "reason": reason},
        member=member.id if member and member.state is MemberState.ACTIVE else 0,
        in_reply_to=message_id,
    )  # fmt: skip


def owners_of_busy_list(tx: Tx, site: Site, mlist: MailingList, now: datetime) -> None:
    """To the owners, once: posts come in so fast that they are held."""
    for owner in members.owners(tx, mlist.id):
        _send(
            tx, site, mlist, "owner-list-busy.txt", owner.address, now,
            values={}, member=owner.id,
        )  # fmt: skip


def _send(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    template: str,
    to: Address,
    now: datetime,
    *,
    values: dict[str, object],
    member: int = 0,
    in_reply_to: str = "",
    lane: Lane = Lane.NOTICE,
) -> None:
    frame = Frame(
        sender_name=mlist.title,
        sender=mlist.addresses.request,
        to=to,
        reply_to=mlist.addresses.owner,
        message_id=site.message_id(),
        date=now,
        in_reply_to=in_reply_to,
        answers=bool(in_reply_to),
    )
    shared = {"title": mlist.title, "address": mlist.address, "owner": mlist.addresses.owner}
    raw = write_notice(site.templates, template, frame, {**shared, **values})
    subject = template.removesuffix(".txt").replace("-", " ")
    queue.add_notice(
        tx, list_id=mlist.id, raw=raw, subject=subject, member=member, address=str(to), now=now,
        lane=lane,
    )  # fmt: skip
