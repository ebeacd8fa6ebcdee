"""What the posting rules are told about one post for one list, out of the database."""

from datetime import datetime

from listserv.domain.address import parse_address, posting_key
from listserv.domain.authorship import Authorship, Level
from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.domain.post import Post
from listserv.domain.tokens import is_own_message_id
from listserv.flow.site import Site
from listserv.policy.posting import Facts
from listserv.policy.trust import FAMILIAR_FOR, recognised
from listserv.store import bans, lists, members, paths
from listserv.store.posts import StoredPost
from listserv.store.session import Tx


def gather(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    post: Post,
    authorship: Authorship,
    sender: str,
    now: datetime,
) -> Facts:
    """The facts of the post itself, the list and the author as they are now. `sender` is the
    envelope sender. How it came, and what came before, is the caller's to add."""
    author = post.author
    member = _member(tx, mlist, post, authorship)
    if member is not None:
        authorship = recognised(authorship, paths.familiar(tx, member.id, now - FAMILIAR_FOR))
    writers = (author and author.address, parse_address(sender), member and member.address)
    return Facts(
        post=post,
        mlist=mlist,
        author=member,
        authorship=authorship,
        require_proven_author=site.require_proven_author,
        banned=any(bans.is_banned(tx, mlist.id, one, now) for one in {*writers} if one),
        ours=is_own_message_id(site.secret, post.message_id),
        addressed=_is_addressed(tx, mlist, post),
    )


def _is_addressed(tx: Tx, mlist: MailingList, post: Post) -> bool:
    """Whether To or Cc names the list, or an address that it had."""
    named = {posting_key(address) for address in post.to_cc}
    return mlist.address in named or not named.isdisjoint(own_keys(tx, mlist))


def _member(tx: Tx, mlist: MailingList, post: Post, authorship: Authorship) -> Member | None:
    """The member who is the author, unless they have left."""
    if post.author is None:
        return None
    proven = authorship.level is Level.PROVEN
    return members.author(tx, mlist.id, post.author.address, proven=proven)


def author_of(tx: Tx, post: StoredPost) -> Member | None:
    """The member who is the author of a stored post: who was found when it came in, whatever their
    state, or who joined since."""
    if post.member_id is not None:
        return members.get(tx, post.member_id)
    address = parse_address(post.author)
    if address is None:
        return None
    proven = post.authorship.level is Level.PROVEN
    return members.author(tx, post.list_id, address, proven=proven)


def own_keys(tx: Tx, mlist: MailingList) -> set[str]:
    """The addresses that a list has and had."""
    return {mlist.address, *lists.former(tx, mlist.id)}
