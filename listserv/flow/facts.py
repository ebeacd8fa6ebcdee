"""What the posting rules are told about one post for one list, out of the database."""

from datetime import datetime

from listserv.domain.address import parse_address
from listserv.domain.authorship import Authorship
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.post import Post
from listserv.domain.tokens import is_own_message_id
from listserv.flow.site import Site
from listserv.policy.posting import Facts
from listserv.policy.trust import FAMILIAR_FOR, recognised
from listserv.store import bans, lists, members, paths
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
    member = _member(tx, mlist, post)
    if member is not None:
        authorship = recognised(authorship, paths.familiar(tx, member.id, now - FAMILIAR_FOR))
    writers = {address for address in (author and author.address, parse_address(sender)) if address}
    return Facts(
        post=post,
        mlist=mlist,
        author=member,
        authorship=authorship,
        require_proven_author=site.require_proven_author,
        banned=any(bans.is_banned(tx, mlist.id, address, now) for address in writers),
        ours=is_own_message_id(site.secret, post.message_id),
        addressed=not own_keys(tx, mlist).isdisjoint(address.key for address in post.to_cc),
    )


def _member(tx: Tx, mlist: MailingList, post: Post) -> Member | None:
    """The member who is the author, unless they have left."""
    if post.author is None:
        return None
    member = members.by_key(tx, mlist.id, post.author.address.key)
    return None if member is None or member.state is MemberState.LEFT else member


def own_keys(tx: Tx, mlist: MailingList) -> set[str]:
    """The addresses that a list has and had."""
    return {mlist.address, *lists.former(tx, mlist.id)}
