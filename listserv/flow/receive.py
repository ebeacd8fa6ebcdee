"""A message comes in: what is decided, and everything that follows from it, in one transaction that
is committed before the client hears 250."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from listserv.domain.address import Role, posting_key
from listserv.domain.authorship import UNCHECKED, Authorship, Level
from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.lists import MailingList
from listserv.domain.post import Incoming, Post, Transport
from listserv.domain.replies import ACCEPTED, DNS_SILENT, TOO_MUCH_TODAY, Reply
from listserv.flow import (
    answers,
    author_first,
    author_told,
    bounce,
    complaint,
    confirm,
    content,
    escalate,
    moderator_reply,
    notices,
    obey,
    role_mail,
    suspended,
    urgent,
    which_post,
)
from listserv.flow.accept import follow_up
from listserv.flow.answers import Meant
from listserv.flow.facts import gather, own_keys
from listserv.flow.recipient import Aside, Posting, target
from listserv.flow.site import Site
from listserv.mail.scrub import text_without_tokens, without_tokens
from listserv.policy.answer import Settled, settle
from listserv.policy.confirming import is_answerable
from listserv.policy.posting import Facts, decide
from listserv.policy.trust import is_believed
from listserv.store import counters, deferrals, held, lists, posts, said
from listserv.store.held import BY_RULE, Held, HeldState
from listserv.store.session import Tx

log = logging.getLogger("listserv.receive")

_HOUR = timedelta(hours=1)
# So long a message is put off whose domain's DNS does not answer, and what is said of it then.
_PATIENCE = timedelta(minutes=30)
DNS_DID_NOT_ANSWER = "its domain's DNS did not answer"
# Holds of which the owners are told, once in an hour, and the counter that remembers it.
_TELL_OWNERS = {"rate-author", "rate-list"}
_TOLD = "owners told"
# Mail that acts on the word of its author: what a program wrote does nothing there.
_BY_AUTHORITY = {
    **dict.fromkeys(obey.ROLES, obey.commands),
    Role.MODERATE: moderator_reply.reply,
}
# The very message that the list accepted or held before: 250, and nothing happens twice.
DUPLICATE = Decision(Verdict.ACCEPT, (Reason("duplicate", "it came in before"),))


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
    if complaint.take(tx, site, incoming, post, now):
        return tuple(ACCEPTED for _ in incoming.recipients)
    targets = [target(tx, site, address, now) for address in incoming.recipients]
    posted = [one for one in targets if isinstance(one, Posting)]
    asked = _reading_order(tx, post, [one.mlist for one in posted])
    items = {one.mlist.id: one.item for one in posted if one.item is not None}
    asides = list(dict.fromkeys(one for one in targets if isinstance(one, Aside)))
    if incoming.transport is Transport.SMTP and _are_full(tx, targets, now):
        return tuple(TOO_MUCH_TODAY for _ in targets)
    waits = asked or any(aside.meant.role in _BY_AUTHORITY for aside in asides)
    if waits and site.require_proven_author and authorship.temporary:
        if _is_early(tx, post, now):
            return tuple(DNS_SILENT for _ in targets)
        authorship = replace(authorship, reasons=(DNS_DID_NOT_ANSWER,), temporary=False)
    answerable = is_answerable(post, incoming.sender, post.precedence)
    for aside in asides:
        _take_aside(tx, site, incoming, post, aside, authorship, now, answerable=answerable)
    if asked:
        incoming, post, authorship = _without_tokens(site, incoming, post, authorship)
    cases = [
        _case(tx, site, incoming, post, mlist, items.get(mlist.id), authorship, now)
        for mlist in asked
    ]
    raw_id: int | None = None
    replies = {}
    settled = _settled(tx, site, incoming.transport, cases, now, answerable=answerable)
    for case, one in zip(cases, settled, strict=True):
        replies[case.mlist.id] = one.reply
        if _is_stored(one.decision):
            raw_id = raw_id or posts.keep_raw(tx, incoming.raw, now)
        told = bool(case.facts.content.rules) and urgent.tell(
            tx, site, case.facts, one.decision, incoming.raw, now, answerable=answerable
        )
        _carry_out(tx, site, case, one.decision, raw_id, now, answerable=answerable, urgent=told)
        # Whoever needs help now has no use for words about mail.
        if answerable and not told and one.decision is not DUPLICATE:
            _tell_suspended(tx, site, case.facts, now)
    return tuple(replies[t.mlist.id] if isinstance(t, Posting) else ACCEPTED for t in targets)


def _without_tokens(
    site: Site, incoming: Incoming, post: Post, authorship: Authorship
) -> tuple[Incoming, Post, Authorship]:
    """A post as it is kept: nobody who reads it gets a token that acts for somebody else. Where one
    stood in it, no signature of its author's proves anything about a copy any more."""
    clean = without_tokens(incoming.raw, site.names)
    if clean is incoming.raw:
        return incoming, post, authorship
    log.info("a token of ours is cut out of a post of %d octets", post.size)
    subject = text_without_tokens(post.subject, site.names)
    return (
        replace(incoming, raw=clean),
        replace(post, subject=subject),
        replace(authorship, aligned=()),
    )


def _take_aside(
    tx: Tx,
    site: Site,
    incoming: Incoming,
    post: Post,
    aside: Aside,
    authorship: Authorship,
    now: datetime,
    *,
    answerable: bool,
) -> None:
    meant, domain = aside.meant, aside.address.domain
    if meant.role in _BY_AUTHORITY and answerable:
        act = _BY_AUTHORITY[meant.role]
        act(tx, site, incoming, post, meant, aside.address, authorship, now)
    elif meant.role in _BY_AUTHORITY:
        log.warning("dropped: mail for %s, a program sent it", aside.address.untokened)
    elif meant.role in bounce.ROLES:
        bounce.take(tx, site, incoming.raw, meant, aside.address, now)
    elif meant.role not in role_mail.ROLES:
        raw = incoming.raw
        instead = confirm.reply(tx, site, meant.argument, raw, now, answerable=answerable)
        if instead is not None:
            obey.commands(tx, site, incoming, post, instead, aside.address, authorship, now)
    elif role_mail.has_room(tx, meant, domain, now):
        role_mail.forward(tx, site, incoming, post, meant, domain, now)
    else:
        log.warning("dropped: mail for %s at %s, too much today", meant.role, domain)


def _are_full(tx: Tx, targets: Sequence[Posting | Aside | None], now: datetime) -> bool:
    """Whether it is only for addresses that complaints come to, and they had enough of other mail
    today."""
    return all(
        isinstance(one, Aside)
        and one.meant.role in role_mail.READ_FIRST
        and not role_mail.has_room(tx, one.meant, one.address.domain, now)
        for one in targets
    )


def _is_early(tx: Tx, post: Post, now: datetime) -> bool:
    """Whether a message about whose domain the DNS says nothing is put off once more."""
    key = hashlib.sha256(post.message_id.encode("utf-8", "surrogatepass")).digest()
    return now - deferrals.since(tx, key if post.message_id else post.body_hash, now) < _PATIENCE


def _settled(
    tx: Tx,
    site: Site,
    transport: Transport,
    cases: Sequence["_Case"],
    now: datetime,
    *,
    answerable: bool,
) -> Sequence[Settled]:
    """What becomes of the message on each list. A refusal that the client cannot hear is mailed to
    an author who is known to be the author, once a day; otherwise the post is kept."""
    decisions = [case.decision for case in cases]
    answerable = answerable and all(case.facts.post.author for case in cases)
    believed = [answerable and is_believed(case.facts.authorship.level) for case in cases]
    settled = settle(transport, decisions, believed)
    refused = [case for case, one in zip(cases, settled, strict=True) if one.tell]
    author = refused[0].facts.author or refused[0].facts.post.author if refused else None
    if author is None:
        return settled
    if not said.once_a_day(tx, "refusal", author.address.key, now):
        return settle(transport, decisions, [False] * len(cases))
    told = [(case.mlist, case.decision) for case in refused]
    post, reader = cases[0].facts.post, refused[0].facts.author
    notices.refused(tx, site, told, author.address, post, now, reader)
    return settled


def _reading_order(tx: Tx, post: Post, targets: Sequence[MailingList]) -> list[MailingList]:
    """Each list once, those that To and Cc name first, in that order."""
    once = {mlist.id: mlist for mlist in targets}
    if len(once) < 2:
        return list(once.values())
    named = [posting_key(address) for address in post.to_cc]

    def place(mlist: MailingList) -> int:
        return min((named.index(k) for k in own_keys(tx, mlist) if k in named), default=len(named))

    return sorted(once.values(), key=place)


def _case(
    tx: Tx,
    site: Site,
    incoming: Incoming,
    post: Post,
    mlist: MailingList,
    item: int | None,
    authorship: Authorship,
    now: datetime,
) -> "_Case":
    before = posts.echo(tx, mlist.id, post, now)
    author = post.author
    facts = gather(tx, site, mlist, post, authorship, incoming.sender, now)
    by_list, by_author = posts.count_since(
        tx,
        mlist.id,
        author.address.key if author else "",
        facts.author.id if facts.author else None,
        now - _HOUR,
    )
    answer = None if before.same else answers.read(tx, site, mlist, post, incoming.raw, item)
    if answer is not None and not answer.says:
        facts = replace(facts, post=replace(post, has_text=False))
    facts = replace(
        facts,
        answers_digest=answer is not None and answer.asks is not None,
        transport=incoming.transport,
        trusted_peer=incoming.client.trusted,
        null_sender=not incoming.sender,
        same_id_other_body=before.other_body,
        author_posts_last_hour=by_author if author else 0,
        list_posts_last_hour=by_list,
    )
    if before.same:
        return _Case(facts, DUPLICATE)
    if mlist.settings.content_rules:
        return _Case(*content.decided(site, facts, incoming.raw), answer)
    return _Case(facts, decide(facts), answer)


@dataclass(frozen=True, slots=True)
class _Case:
    """One message for one list, what was decided about it, and what it answers."""

    facts: Facts
    decision: Decision
    meant: Meant | None = None

    @property
    def mlist(self) -> MailingList:
        return self.facts.mlist


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
    case: _Case,
    decision: Decision,
    raw_id: int | None,
    now: datetime,
    *,
    answerable: bool,
    urgent: bool,
) -> None:
    """`urgent`: the moderators have been told so."""
    facts, mlist = case.facts, case.mlist
    _log(facts, decision)
    counters.count(tx, mlist.id, decision.verdict, now)
    if not _is_stored(decision):
        return
    is_accepted = decision.verdict is Verdict.ACCEPT
    stored = posts.add(
        tx, list_id=mlist.id, raw_id=raw_id, post=facts.post, decision=decision,
        authorship=facts.authorship, now=now, member_id=facts.author.id if facts.author else None,
        number=lists.next_number(tx, mlist.id) if is_accepted else None,
        answers=case.meant.answer if case.meant else None,
        subject=case.meant.subject if case.meant else None,
    )  # fmt: skip
    if is_accepted:
        follow_up(tx, site, mlist, stored, facts.author, now)
        return
    is_held = decision.verdict is Verdict.HOLD
    held_id = held.add(
        tx,
        list_id=mlist.id,
        post_id=stored.id,
        state=HeldState.HELD if is_held else HeldState.DISCARDED,
        by="" if is_held else BY_RULE,
        now=now,
    )
    author_first.wait(tx, site, facts, decision, held_id, now, answerable=answerable)
    which_post.wait(tx, site, facts, decision, held_id, now, answerable=answerable)
    if is_held:
        one = held.get(tx, held_id)
        _show(tx, site, mlist, one, now, answerable=answerable, urgent=urgent)
    if any(reason.rule in _TELL_OWNERS for reason in decision.reasons):
        _tell_owners_once(tx, site, mlist, now)


def _tell_suspended(tx: Tx, site: Site, facts: Facts, now: datetime) -> None:
    """To an author who gets no mail, at the address on file: why, and how it comes again."""
    level, author = facts.authorship.level, facts.post.author
    if facts.author is None or author is None or level is Level.CONTRADICTED:
        return
    writer = author.address if is_believed(level) else None
    suspended.tell(tx, site, facts.mlist, facts.author, writer, now)


def _show(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    one: Held,
    now: datetime,
    *,
    answerable: bool,
    urgent: bool,
) -> None:
    """To those who decide, unless its own author is asked first; and to the author that it is."""
    if one.due is not None and one.due > now:
        return
    escalate.advance(tx, site, one, now, urgent=urgent)
    if answerable:
        author_told.waits(tx, site, mlist, one, now)


def _tell_owners_once(tx: Tx, site: Site, mlist: MailingList, now: datetime) -> None:
    if not counters.total(tx, _TOLD, now - _HOUR, mlist.id):
        counters.count(tx, mlist.id, _TOLD, now)
        notices.owners_of_busy_list(tx, site, mlist, now)


def _log(facts: Facts, decision: Decision) -> None:
    author = facts.post.author
    log.info(
        "post list=%s author=%s authorship=%s size=%d verdict=%s because=%s",
        facts.mlist.address,
        author.address.masked if author else "-",
        facts.authorship.level,
        facts.post.size,
        decision.verdict,
        ",".join(reason.rule for reason in decision.reasons) or "-",
    )
