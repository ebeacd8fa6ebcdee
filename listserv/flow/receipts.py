"""ack=yes: the author of a post hears that it went out, at the address on file."""

from datetime import datetime

from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import notices
from listserv.flow.site import Site
from listserv.mail import headers as h
from listserv.mail.parse import MAX_HEADER, parse
from listserv.mail.surgery import Header, read_fields
from listserv.policy.confirming import is_answerable
from listserv.policy.trust import is_believed
from listserv.store import posts
from listserv.store.posts import StoredPost
from listserv.store.session import Tx


def send(
    tx: Tx, site: Site, mlist: MailingList, post: StoredPost, author: Member | None, now: datetime
) -> None:
    """Send a receipt for an accepted post to its author, who wants one. Not where nobody vouches
    that they wrote it: it would be news about a stranger's mail. Not to a program either."""
    if author is None or not author.settings.ack or author.state is not MemberState.ACTIVE:
        return
    if is_believed(post.authorship.level) and _is_by_a_person(tx, post):
        notices.receipt(tx, site, mlist, author, post, now)


def _is_by_a_person(tx: Tx, post: StoredPost) -> bool:
    raw = posts.raw(tx, post.id)
    if raw is None:
        return False
    fields, _, _ = read_fields(raw, 0, min(len(raw), MAX_HEADER))
    # Without a return address it would not have been accepted.
    return is_answerable(parse(raw), post.author, Header(fields).all(h.PRECEDENCE))
