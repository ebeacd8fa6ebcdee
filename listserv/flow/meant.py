"""A stored post as its author meant it: where it answers an item of a digest, or a whole one, that
stands in its row (domain.answer.Answer), and its bytes are as they came."""

from functools import partial

from listserv.domain.answer import Answer
from listserv.domain.tokens import is_own_message_id, own_message_id
from listserv.flow.facts import own_keys
from listserv.flow.site import Site
from listserv.mail.mending import Mending, mended
from listserv.mail.parse import parse
from listserv.mail.references import references
from listserv.mail.rendering import render
from listserv.store import lists, posts, queue, renderings
from listserv.store.posts import StoredPost
from listserv.store.session import Tx


def raw(tx: Tx, site: Site, post: StoredPost) -> bytes | None:
    """The bytes of which its copies are made, and what is shown of it; None when they are gone."""
    came = posts.raw(tx, post.id)
    return None if came is None else of(tx, site, post, came)


def of(tx: Tx, site: Site, post: StoredPost, came: bytes) -> bytes:
    """The same of the bytes as they came."""
    keys = own_keys(tx, lists.get(tx, post.list_id))
    is_ours = partial(is_own_message_id, site.secret)
    return mended(came, _mending(post.answers, post.subject, came), keys, is_ours)


def _mending(answers: Answer | None, subject: str, came: bytes) -> Mending | None:
    if answers is None:
        return None
    text = None
    if answers.cut:
        cut = {at for first, end in answers.cut for at in range(first, end)}
        lines = render(came).text.split("\n")
        text = "\n".join(line for at, line in enumerate(lines) if at not in cut)
    return Mending(answers.references, subject if answers.renamed else None, text)


def conversation(tx: Tx, site: Site, post: StoredPost) -> tuple[str, ...]:
    """The Message-IDs that an answer to an accepted post names, that of its copies last."""
    if post.answers is not None:
        before = post.answers.references
    else:
        shown = renderings.of_posts(tx, [post.id]).get(post.id)
        came = posts.raw(tx, post.id) if shown is None else None
        before = parse(came).parents if came is not None else ()
        before = shown.rendering.parents if shown is not None else before
    return references(before, message_id(tx, site, post))


def message_id(tx: Tx, site: Site, post: StoredPost) -> str:
    """The Message-ID of a post's copies, "" when that is not known any more."""
    if post.message_id:
        return post.message_id
    mailing = queue.of_post(tx, post.id)
    if mailing is None:
        return ""
    return own_message_id(site.secret, mailing.to_bytes(10, "big"), site.hostname)
