"""What digests show of a post: made when it is accepted, so that a digest is joined and not read;
or made then, of what was accepted while nobody read digests."""

import logging
from collections.abc import Iterator, Sequence

from listserv.domain.address import Role, parse_address
from listserv.domain.lists import MailingList
from listserv.domain.tokens import item_token
from listserv.flow import meant
from listserv.flow.site import Site
from listserv.mail.issue import Item
from listserv.mail.outgoing import author_name, list_copy
from listserv.mail.parse import parse
from listserv.mail.rendering import render
from listserv.store import posts, renderings
from listserv.store.posts import StoredPost
from listserv.store.renderings import Kept
from listserv.store.session import Tx

log = logging.getLogger("listserv.digests")


def keep(tx: Tx, site: Site, mlist: MailingList, post: StoredPost) -> None:
    """Keep what digests will show of a post that was just accepted, where somebody may read it."""
    if renderings.wanted(tx, mlist.id):
        made = _made(tx, site, post)
        if made is not None:
            renderings.keep(tx, post.id, made)


def named(tx: Tx, site: Site, ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Who stands in To and Cc of posts, as address keys."""
    return {post: frozenset(kept.rendering.named) for post, kept in shown(tx, site, ids).items()}


def items(
    tx: Tx, site: Site, mlist: MailingList, ids: Sequence[int], *, with_copies: bool
) -> Iterator[tuple[Item, bytes | None]]:
    """The posts of these ids as a digest shows them, in their order, and with `with_copies` their
    copies as members get them, where they are left."""
    known = shown(tx, site, ids)
    for post_id in ids:
        post = posts.get(tx, post_id)
        assert post.number is not None and post.accepted is not None, "it was accepted"
        kept = known.get(post_id)
        address = parse_address(post.author)
        item = Item(
            number=post.number,
            message_id=meant.message_id(tx, site, post),
            subject=post.subject,
            author=kept.author if kept is not None else (address.local if address else post.author),
            address=post.author,
            reply_to=mlist.addresses.of(Role.ITEM, item_token(site.secret, post_id)),
            at=post.accepted.astimezone(site.zone),
            rendering=kept.rendering if kept is not None else None,
        )
        yield item, _copy(tx, site, mlist, post, item.message_id) if with_copies else None


def shown(tx: Tx, site: Site, ids: Sequence[int]) -> dict[int, Kept]:
    """What digests show of posts, by id; those are missing of which nothing is left."""
    found = renderings.of_posts(tx, ids)
    for post_id in ids:
        if post_id not in found and (made := _made(tx, site, posts.get(tx, post_id))) is not None:
            found[post_id] = made
    return found


def _made(tx: Tx, site: Site, post: StoredPost) -> Kept | None:
    """None when its bytes are gone, or a fault of ours is in the way: the post goes out all the
    same, and the digest says that it has one which it cannot show."""
    raw = meant.raw(tx, site, post)
    if raw is None:
        return None
    try:
        return Kept(author_name(parse(raw)), render(raw))
    except Exception:
        log.exception("post=%d cannot be shown in a digest", post.id)
        return None


def _copy(
    tx: Tx, site: Site, mlist: MailingList, post: StoredPost, message_id: str
) -> bytes | None:
    raw = meant.raw(tx, site, post)
    if raw is None or post.accepted is None:
        return None
    copy = list_copy(
        raw,
        parse(raw),
        mlist,
        now=post.accepted,
        hostname=site.hostname,
        message_id=message_id,
        eight_bit=False,
    )
    return copy.head + b"\r\n" + copy.body
