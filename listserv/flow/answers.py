"""What a post answers that came to LIST+re-TOKEN@, or as a reply to a whole digest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from listserv.domain.answer import Answer
from listserv.domain.lists import MailingList
from listserv.domain.post import Post
from listserv.domain.tokens import is_own_message_id, item_token
from listserv.flow import meant, renderings
from listserv.flow.site import Site
from listserv.mail.answered import Answered, answered
from listserv.mail.digest_words import Quotable
from listserv.mail.parse import parse
from listserv.mail.rendering import render
from listserv.mail.said import bare_subject
from listserv.mail.searched import wording
from listserv.store import issues, posts
from listserv.store.issues import IssuePart
from listserv.store.posts import StoredPost
from listserv.store.session import Tx

# Of somebody's first words, where they have to stand for a subject.
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Meant:
    """What is known of an answer, and its subject. `asks` is the digest's mail that it answers
    where nothing says which post of it: its author is to be asked. `says` anything: there is more
    in it than the digest."""

    answer: Answer
    subject: str
    asks: IssuePart | None = None
    says: bool = True


def read(
    tx: Tx, site: Site, mlist: MailingList, post: Post, raw: bytes, item: int | None
) -> Meant | None:
    """What a post to the list answers, by the item whose address it came to (its post's id, of
    whatever list) and by the digest that it replies to; None for an ordinary post."""
    named = posts.accepted(tx, mlist.id, [item]).get(item) if item is not None else None
    part = digest_of(tx, site, mlist, post)
    if part is not None:
        return _to_digest(tx, site, mlist, post, raw, part, named)
    if named is None:
        return None
    return _to_post(tx, site, named, post.subject, renamed=not bare_subject(post.subject), cut=())


def chosen(
    tx: Tx, site: Site, mlist: MailingList, raw: bytes, part: IssuePart, post_id: int
) -> Meant | None:
    """The same when its author has said which post of the digest's mail they answer; None when the
    list does not have it any more."""
    order = items_of(tx, mlist, part)
    at = next((at for at, one in enumerate(order) if one.id == post_id), None)
    if at is None:
        return None
    found = _answered(tx, site, mlist, raw, part, order, at)
    return _to_post(tx, site, order[at], "", renamed=True, cut=found.cut)


def brief(text: str) -> str:
    """The beginning of a text, whole words, as a subject."""
    words = " ".join(text.split())
    if len(words) <= _LONGEST:
        return words
    return f"{words[:_LONGEST].rpartition(' ')[0] or words[: _LONGEST - 1]}…"


def digest_of(tx: Tx, site: Site, mlist: MailingList, post: Post) -> IssuePart | None:
    """The digest's mail that a post replies to: by its Message-ID, or where a program has lost
    or replaced that by the subject. That of another list's digest is nothing here."""
    ours = [one for one in post.parents if is_own_message_id(site.secret, one)]
    found = issues.of_mail(tx, mlist.id, ours) if ours else None
    if found is not None:
        return found
    bare = bare_subject(post.subject)
    # One reads the issues of the list: only for what may be one.
    is_reply = bare != " ".join(post.subject.split()) and mlist.title in bare
    return issues.titled(tx, mlist.id, bare) if is_reply else None


def _to_digest(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    post: Post,
    raw: bytes,
    part: IssuePart,
    named: StoredPost | None,
) -> Meant:
    order = items_of(tx, mlist, part)
    if named is not None and named.id not in {one.id for one in order}:
        order.append(named)
    at = next((at for at, one in enumerate(order) if named and one.id == named.id), None)
    found = _answered(tx, site, mlist, raw, part, order, at)
    bare = bare_subject(post.subject)
    renamed = bare in {"", bare_subject(part.subject)}
    if found.item is not None:
        item = order[found.item]
        whole = _to_post(tx, site, item, post.subject, renamed=renamed, cut=found.cut)
        return replace(whole, says=found.says)
    answer = Answer(renamed=renamed, cut=found.cut)
    if renamed:
        return Meant(answer, brief(post.first_line), part, found.says)
    # A subject of their own, and nothing quoted: somebody began a conversation from the digest.
    return Meant(answer, post.subject, None, found.says)


def _to_post(
    tx: Tx,
    site: Site,
    item: StoredPost,
    subject: str,
    *,
    renamed: bool,
    cut: tuple[tuple[int, int], ...],
) -> Meant:
    answer = Answer(item.id, meant.conversation(tx, site, item), renamed, cut)
    return Meant(answer, f"Re: {bare_subject(item.subject)}".rstrip() if renamed else subject)


def items_of(tx: Tx, mlist: MailingList, part: IssuePart) -> list[StoredPost]:
    """The posts in a digest's mail that the list still has, in their order."""
    order = list(dict.fromkeys(post for _, post in part.posts))
    known = posts.accepted(tx, mlist.id, order)
    return [known[post] for post in order if post in known]


def _answered(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    raw: bytes,
    part: IssuePart,
    items: Sequence[StoredPost],
    at: int | None,
) -> Answered:
    shown = renderings.shown(tx, site, [one.id for one in items])
    quotable = [
        Quotable(
            subject=one.subject,
            author=shown[one.id].author if one.id in shown else one.author,
            text=shown[one.id].rendering.text if one.id in shown else "",
            mark=item_token(site.secret, one.id),
        )
        for one in items
    ]
    sent = posts.mail(tx, part.message) if part.message is not None else None
    frame = wording(sent, parse(sent)).body if sent is not None else ""
    return answered(render(raw).text, quotable, mlist.title, at, frame)
