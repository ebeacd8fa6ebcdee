"""A post is accepted: by the rules, by a moderator, or when its author has answered for it."""

from datetime import datetime

from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.flow import receipts, renderings
from listserv.flow.facts import author_of
from listserv.flow.site import Site
from listserv.store import lists, members, posts, queue
from listserv.store.posts import StoredPost
from listserv.store.session import Tx


def send_out(tx: Tx, site: Site, mlist: MailingList, post: StoredPost, now: datetime) -> int:
    """Accept a stored post: its number, and what follows. Returns the mailing."""
    posts.accept(tx, post.id, lists.next_number(tx, mlist.id), now)
    return follow_up(tx, site, mlist, post, author_of(tx, post), now)


def follow_up(
    tx: Tx, site: Site, mlist: MailingList, post: StoredPost, author: Member | None, now: datetime
) -> int:
    """What follows when a post has its number: its author's count and receipt, what digests will
    show of it, its mailing. Returns the mailing."""
    if author is not None:
        members.count_post(tx, author.id)
    renderings.keep(tx, site, mlist, post)
    receipts.send(tx, site, mlist, post, author, now)
    return queue.add_post(
        tx, list_id=mlist.id, post_id=post.id, subject=post.subject, mode=site.mode, now=now
    )
