"""May this mail act for this address? Asked by all that is done on the word of a mail."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from listserv.domain.address import Address
from listserv.domain.authorship import Authorship, Level, Signature
from listserv.domain.members import Member
from listserv.domain.post import Incoming, Post
from listserv.flow.site import Site
from listserv.mail import headers as h
from listserv.mail.mailboxes import read_mailboxes
from listserv.mail.mime import too_long
from listserv.mail.parse import MAX_HEADER
from listserv.mail.surgery import Header, read_fields
from listserv.policy.authority import COUNTS_FOR, Acting, Use, acting, standing
from listserv.policy.trust import FAMILIAR_FOR, Act, recognised
from listserv.store import members, paths, posts, signatures
from listserv.store.session import Tx

log = logging.getLogger("listserv.authority")


@dataclass(frozen=True, slots=True)
class Presented:
    """A mail as it came to one of our addresses. Its signatures are spent, so this is made once for
    each of them, and asked about everything that the mail wants there."""

    author: Address | None
    authorship: Authorship
    uses: tuple[Use, ...]
    now: datetime


def present(
    tx: Tx,
    incoming: Incoming,
    post: Post,
    authorship: Authorship,
    address_asked: Address,
    now: datetime,
) -> Presented:
    """Spend the signatures of a mail at one of its recipient addresses."""
    fields, _, _ = read_fields(incoming.raw, 0, min(len(incoming.raw), MAX_HEADER))
    header = Header(fields)
    good = (*authorship.aligned, *authorship.unaligned)
    return Presented(
        author=post.author.address if post.author else None,
        authorship=authorship,
        uses=tuple(_use(tx, one, header, address_asked, now) for one in good),
        now=now,
    )


def fingerprint(post: Post, at: Address) -> str:
    """The same for a mail that a sending server delivers again because it lost our answer."""
    what = hashlib.sha256(posts.dedupe_key(post) + post.body_hash)
    return f"{what.hexdigest()} {at.key}"


def _use(tx: Tx, signature: Signature, header: Header, asked: Address, now: datetime) -> Use:
    until = None
    if signature.signed is not None:
        until = datetime.fromtimestamp(signature.signed, UTC) + COUNTS_FOR
    is_new = signatures.use(tx, signature.digest, asked.key, until, now)
    named = {
        mailbox.address.key
        for name in (h.TO, h.CC)
        if name.lower() in signature.names
        for field in header.fields(name)
        if not too_long(field)
        for mailbox in read_mailboxes(field.text).mailboxes
    }
    first = signatures.first(tx, signature.digest)
    return Use(signature, before=not is_new, first=first or now, names_us=asked.key in named)


def believed(tx: Tx, mail: Presented, member: Member | None) -> tuple[Level, str]:
    """How far a mail is believed to be of its author, who is this member or none, and what it lacks
    in words for the log."""
    since = mail.now - FAMILIAR_FOR
    known = paths.familiar(tx, member.id, since) if member is not None else []
    return standing(recognised(mail.authorship, known), mail.uses, known, mail.now)


def allowed(tx: Tx, site: Site, mail: Presented, act: Act, member: Member | None) -> Acting:
    """Whether a mail may do this for a member, or with None for whoever wrote it. A mail of
    somebody else acts for nobody: the member is asked, a moderator's token alone does nothing."""
    level, lacks = believed(tx, mail, member)
    follows = acting(level, act, require_proven_author=site.require_proven_author)
    if member is not None and follows is not Acting.NOTHING and not is_by(tx, mail, member):
        lacks = "it is not from the member"
        follows = Acting.NOTHING if act is Act.MODERATION else Acting.CONFIRM
    who = mail.author.masked if mail.author else "-"
    log.info("mail author=%s level=%s act=%r may=%r%s", who, level, str(act), str(follows),
             f" because {lacks}" if lacks else "")  # fmt: skip
    return follows


def is_by(tx: Tx, mail: Presented, member: Member) -> bool:
    """Whether its From is this member's."""
    if mail.author is None:
        return False
    proven = mail.authorship.level is Level.PROVEN
    author = members.author(tx, member.list_id, mail.author, proven=proven)
    return author is not None and author.id == member.id


def may_act(
    tx: Tx,
    site: Site,
    incoming: Incoming,
    post: Post,
    authorship: Authorship,
    address_asked: Address,
    act: Act,
    member: Member | None,
    now: datetime,
) -> Acting:
    """The answer for a mail that wants one thing at the recipient address `address_asked`; of one
    that wants several, `present` it once and ask `allowed` for each. Whether a program wrote it is
    for the caller to see before: such a mail does nothing."""
    mail = present(tx, incoming, post, authorship, address_asked, now)
    return allowed(tx, site, mail, act, member)
