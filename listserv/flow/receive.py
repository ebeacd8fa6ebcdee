"""A message comes in: who is asked for, what is decided, and everything that follows from it, in
one transaction that is committed before the client hears 250."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from listserv.domain.address import MAX_LOCAL, Recipient, Role, list_in, parse_address, read_local
from listserv.domain.authorship import UNCHECKED, Authorship
from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.lists import MailingList
from listserv.domain.members import MemberState
from listserv.domain.post import Incoming, Post, Transport
from listserv.domain.replies import (
    ACCEPTED,
    BAD_ADDRESS,
    NO_RELAY,
    NOT_YET,
    RECIPIENT_OK,
    UNKNOWN,
    Reply,
)
from listserv.domain.tokens import Purpose, is_own_message_id, read_copy_token
from listserv.flow import notices
from listserv.flow.site import Site
from listserv.policy.answer import settle
from listserv.policy.posting import Facts, decide
from listserv.store import bans, counters, held, lists, members, posts, queue
from listserv.store.held import BY_RULE, HeldState
from listserv.store.posts import StoredPost
from listserv.store.session import Tx

log = logging.getLogger("listserv.receive")

_HOUR = timedelta(hours=1)
# Holds of which the owners are told, once in an hour, and the counter that remembers it.
_TELL_OWNERS = {"rate-author", "rate-list"}
_TOLD = "owners told"
# The very message that the list accepted or held before: 250, and nothing happens twice.
DUPLICATE = Decision(Verdict.ACCEPT, (Reason("duplicate", "it came in before"),))


def recipient(tx: Tx, site: Site, address: str, transport: Transport) -> Reply:
    """The answer to RCPT. Over LMTP what is ours but means nothing, or nothing yet, is taken here
    and dropped later: a refusal would make the MTA in front of us bounce it to a forged sender."""
    read = parse_address(address)
    domain = read.domain if read else address.rpartition("@")[2].lower()
    if domain not in site.domains:
        return NO_RELAY if read else BAD_ADDRESS

    def is_list(name: str) -> bool:
        return lists.at(tx, name, domain) is not None

    meant = read_local(read.local, is_list) if read else None
    reply = _reply_for(site, meant) if read else BAD_ADDRESS
    if reply.accepted or transport is Transport.SMTP:
        return reply
    # An address that nobody can read may be a list's all the same: "town+x y", or one too long.
    local = address.rpartition("@")[0].strip('"')[:MAX_LOCAL]
    return RECIPIENT_OK if meant or list_in(local, is_list) else reply


def _reply_for(site: Site, meant: Recipient | None) -> Reply:
    match meant:
        case Recipient(Role.POST):
            return RECIPIENT_OK
        case Recipient(Role.BOUNCES | Role.ROBOT_BOUNCES, _, token):
            known = read_copy_token(site.secret, Purpose.BOUNCES, token)
            return RECIPIENT_OK if known else UNKNOWN
        case Recipient(Role.MODERATE | Role.CONFIRM | Role.LEAVE_TOKEN | Role.ITEM | Role.ALIAS):
            return UNKNOWN
        case Recipient():
            return NOT_YET
        case None:
            return UNKNOWN


def message(
    tx: Tx,
    site: Site,
    incoming: Incoming,
    post: Post,
    now: datetime,
    authorship: Authorship = UNCHECKED,
) -> tuple[Reply, ...]:
    """The answer to the final dot, one reply for each recipient. `post` is `incoming.raw` read.

    Lists are asked in the order in which To and Cc name them: who reads several of them gets the
    copy of the first.
    """
    targets = [_target(tx, site, address, now) for address in incoming.recipients]
    asked = _reading_order(tx, post, [mlist for mlist in targets if mlist is not None])
    decisions = [_decision(tx, site, incoming, post, mlist, now) for mlist in asked]
    settled = settle(incoming.transport, decisions)
    raw_id: int | None = None
    replies = {}
    for mlist, one in zip(asked, settled, strict=True):
        replies[mlist.id] = one.reply
        if _is_stored(one.decision):
            raw_id = raw_id or posts.keep_raw(tx, incoming.raw, now)
        _carry_out(tx, site, mlist, post, one.decision, authorship, raw_id, now)
    return tuple(replies[mlist.id] if mlist is not None else ACCEPTED for mlist in targets)


def _target(tx: Tx, site: Site, address: str, now: datetime) -> MailingList | None:
    """The list that a recipient address posts to. None: a bounce, or a sub-address that means
    nothing; both are only counted."""
    read = parse_address(address)
    if read is None:
        return None
    meant = read_local(read.local, lambda name: lists.at(tx, name, read.domain) is not None)
    if meant is not None and meant.role is Role.POST:
        return lists.at(tx, meant.name, read.domain)
    if meant is None or not _reply_for(site, meant).accepted:
        log.warning("dropped: mail for %s, which takes none", read)
    counters.count(tx, 0, meant.role if meant else "unknown address", now)
    return None


def _reading_order(tx: Tx, post: Post, targets: Sequence[MailingList]) -> list[MailingList]:
    """Each list once, those that To and Cc name first, in that order."""
    named = [address.key for address in post.to_cc]

    def place(mlist: MailingList) -> int:
        return min((named.index(k) for k in _own_keys(tx, mlist) if k in named), default=len(named))

    return sorted({mlist.id: mlist for mlist in targets}.values(), key=place)


def _own_keys(tx: Tx, mlist: MailingList) -> set[str]:
    return {mlist.address, *lists.former(tx, mlist.id)}


def _decision(
    tx: Tx, site: Site, incoming: Incoming, post: Post, mlist: MailingList, now: datetime
) -> Decision:
    before = posts.echo(tx, mlist.id, post, now)
    if before.same:
        return DUPLICATE
    author = post.author
    member = members.by_key(tx, mlist.id, author.address.key) if author else None
    if member is not None and member.state is MemberState.LEFT:
        member = None
    sender = parse_address(incoming.sender)
    writers = {address for address in (author and author.address, sender) if address}
    return decide(
        Facts(
            post=post,
            mlist=mlist,
            author=member,
            transport=incoming.transport,
            trusted_peer=incoming.client.trusted,
            null_sender=not incoming.sender,
            banned=any(bans.is_banned(tx, mlist.id, address, now) for address in writers),
            ours=is_own_message_id(site.secret, post.message_id),
            addressed=not _own_keys(tx, mlist).isdisjoint(a.key for a in post.to_cc),
            same_id_other_body=before.other_body,
            author_posts_last_hour=(
                posts.count_since(tx, mlist.id, now - _HOUR, author.address.key) if author else 0
            ),
            list_posts_last_hour=posts.count_since(tx, mlist.id, now - _HOUR),
        )
    )


def _is_stored(decision: Decision) -> bool:
    """Whether the bytes are kept. What was refused is the sender's to keep."""
    match decision.verdict:
        case Verdict.ACCEPT:
            return decision is not DUPLICATE
        case Verdict.HOLD:
            return True
        case Verdict.DISCARD:
            return decision.keep
        case Verdict.REJECT:
            return False


def _carry_out(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    post: Post,
    decision: Decision,
    authorship: Authorship,
    raw_id: int | None,
    now: datetime,
) -> None:
    _log(mlist, post, decision)
    counters.count(tx, mlist.id, decision.verdict, now)
    if not _is_stored(decision):
        return
    post_id = posts.add(
        tx, list_id=mlist.id, raw_id=raw_id, post=post, decision=decision, authorship=authorship,
        now=now,
    )  # fmt: skip
    if decision.verdict is Verdict.ACCEPT:
        send_out(tx, site, mlist, posts.get(tx, post_id), now)
        return
    is_held = decision.verdict is Verdict.HOLD
    held.add(
        tx,
        list_id=mlist.id,
        post_id=post_id,
        state=HeldState.HELD if is_held else HeldState.DISCARDED,
        by="" if is_held else BY_RULE,
        now=now,
    )
    if any(reason.rule in _TELL_OWNERS for reason in decision.reasons):
        _tell_owners_once(tx, site, mlist, now)


def send_out(tx: Tx, site: Site, mlist: MailingList, post: StoredPost, now: datetime) -> int:
    """Accept a stored post: its number, its author's count, its mailing. Returns the mailing."""
    posts.accept(tx, post.id, lists.next_number(tx, mlist.id), now)
    author = members.by_key(tx, mlist.id, post.author_key)
    if author is not None:
        members.count_post(tx, author.id)
    return queue.add_post(
        tx, list_id=mlist.id, post_id=post.id, subject=post.subject, mode=site.mode, now=now
    )


def _tell_owners_once(tx: Tx, site: Site, mlist: MailingList, now: datetime) -> None:
    if not counters.total(tx, _TOLD, now - _HOUR, mlist.id):
        counters.count(tx, mlist.id, _TOLD, now)
        notices.owners_of_busy_list(tx, site, mlist, now)


def _log(mlist: MailingList, post: Post, decision: Decision) -> None:
    author = post.author
    log.info(
        "post list=%s author=%s size=%d verdict=%s because=%s",
        mlist.address,
        author.address.masked if author else "-",
        post.size,
        decision.verdict,
        ",".join(reason.rule for reason in decision.reasons) or "-",
    )
