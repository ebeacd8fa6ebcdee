"""A moderator answers a notice: a mail to LIST-moderate+TOKEN@.

Three things have to be right: the token, From, which is the moderator's to whom it was sent, at the
level that policy/trust.py wants, and a verb on the first line that they wrote. Where one of them is
missing nothing happens, and the token stays good: nobody else can spend it.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from listserv.domain.address import Address, Recipient, Role
from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.errors import ListservError
from listserv.domain.members import Member, MemberState
from listserv.domain.post import Incoming, Post
from listserv.flow import moderate, moderators, notices
from listserv.flow.authority import Presented, allowed, fingerprint, is_by, present
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.mail.said import said as read_said
from listserv.policy.authority import Acting
from listserv.policy.moderation import Ruling, Unclear, Verb, read_ruling
from listserv.policy.trust import Act
from listserv.store import held, lists, members, moderations, paths, said
from listserv.store.confirmations import Confirmation
from listserv.store.held import Held, HeldState
from listserv.store.moderations import Moderation
from listserv.store.session import Tx

log = logging.getLogger("listserv.moderate")

# The row in flow.confirm.KINDS of a decision that waits for the moderator's yes.
KIND = "ruling"
# Answers of ours that one token gets in a day.
_MOST = 5


def is_known(tx: Tx, meant: Recipient, domain: str) -> bool:
    """Whether an address -moderate+TOKEN is one that we gave, of this list."""
    found = moderations.find(tx, meant.argument)
    mlist = lists.at(tx, meant.name, domain)
    one = held.find(tx, found.held_id) if found else None
    return mlist is not None and one is not None and one.list_id == mlist.id


def reply(
    tx: Tx,
    site: Site,
    incoming: Incoming,
    post: Post,
    meant: Recipient,
    at: Address,
    authorship: Authorship,
    now: datetime,
) -> None:
    """Act on a mail that a person wrote to an address that `is_known`."""
    found = moderations.find(tx, meant.argument)
    member = members.get(tx, found.member_id) if found else None
    if found is None or member is None:
        return
    acting = judged(tx, site, incoming, post, at, authorship, member, now)
    if acting is Acting.NOTHING:
        return
    one = held.get(tx, found.held_id)
    said_ = read_said(incoming.raw)
    ruling = read_ruling(() if said_.below else said_.top)
    log.info("moderation held=%d by=%s says=%s may=%s", one.id, member.address.masked,
             ruling.verb if isinstance(ruling, Ruling) else ruling, acting)  # fmt: skip
    proven = acting is Acting.ACT
    why = _why_not(tx, found, one, member, ruling, now)
    if why:
        times = _MOST if proven else 1
        if said.at_most(tx, "ruling", found.token, times, now):
            answer(tx, site, one, member, found.token, why, now)
    elif isinstance(ruling, Ruling) and proven:
        _carry_out(tx, site, one, member, found.token, ruling, now)
    elif isinstance(ruling, Ruling) and said.once_a_day(tx, "ruling asked", found.token, now):
        _ask(tx, site, one, member, found, ruling, authorship, now)


def judged(
    tx: Tx,
    site: Site,
    incoming: Incoming,
    post: Post,
    at: Address,
    authorship: Authorship,
    member: Member,
    now: datetime,
) -> Acting:
    """How far a mail acts that came to a token of this member's: not at all where they are asked
    about such things no more, where it is not theirs, or came before."""
    if not may_decide(member):
        log.warning("moderation by=%s dropped: they are no moderator any more",
                    member.address.masked)  # fmt: skip
        return Acting.NOTHING
    presented = present(tx, incoming, post, authorship, at, now)
    acting = allowed(tx, site, presented, Act.MODERATION, member)
    if acting is Acting.NOTHING:
        _warn_of_forgery(tx, site, presented, member, now)
    elif not said.once_a_day(tx, "moderation", fingerprint(post, at), now):
        log.info("moderation by=%s dropped: it came before", member.address.masked)
        return Acting.NOTHING
    return acting


def may_decide(member: Member) -> bool:
    """Whether somebody to whom it was shown is still asked about such things."""
    return member.state is MemberState.ACTIVE and member.is_moderator


def _why_not(
    tx: Tx, found: Moderation, one: Held, member: Member, ruling: Ruling | Unclear, now: datetime
) -> str:
    """Why nothing is decided, as the notice knows it."""
    if one.state is not HeldState.HELD:
        return "decided"
    if now >= found.expires:
        return "late"
    if moderators.is_own(one, member):
        return "own"
    return ruling if isinstance(ruling, Unclear) else ""


def answer(
    tx: Tx, site: Site, one: Held, member: Member, token: str, what: str, now: datetime
) -> None:
    """Tell a moderator what became of a reply, or how one decides."""
    mlist = lists.get(tx, one.list_id)
    notices.send(
        tx, site, mlist, "moderator-answer.txt", member.address, now, member=member.id,
        values={
            "what": what, "subject": notices.short(one.subject), "author": one.author,
            "state": one.state, "by": one.decided_by,
            "day": one.decided.astimezone(site.zone).date() if one.decided else None,
            "time": f"{one.decided.astimezone(site.zone):%H:%M}" if one.decided else "",
        },
        answers=True, reply_to=mlist.addresses.of(Role.MODERATE, token),
    )  # fmt: skip


def _warn_of_forgery(tx: Tx, site: Site, mail: Presented, member: Member, now: datetime) -> None:
    """Somebody else writes in a moderator's name, with a token that only they should have."""
    if mail.authorship.level is not Level.CONTRADICTED or not is_by(tx, mail, member):
        return
    if said.once_a_day(tx, "forged ruling", str(member.id), now):
        mlist = lists.get(tx, member.list_id)
        notices.send(
            tx, site, mlist, "moderator-forged.txt", member.address, now, values={},
            member=member.id,
        )  # fmt: skip


def _carry_out(
    tx: Tx, site: Site, one: Held, member: Member, token: str, ruling: Ruling, now: datetime
) -> None:
    try:
        with tx.begin_nested():
            told = DO[ruling.verb](tx, site, one, str(member.address), ruling.words, now)
    except ListservError as wrong:
        log.warning("held=%d %s impossible: %s", one.id, ruling.verb, wrong)
        waits = held.get(tx, one.id).state is HeldState.HELD
        told = "impossible" if waits else "decided"
    if told:
        answer(tx, site, held.get(tx, one.id), member, token, told, now)


def _ask(
    tx: Tx,
    site: Site,
    one: Held,
    member: Member,
    found: Moderation,
    ruling: Ruling,
    authorship: Authorship,
    now: datetime,
) -> None:
    """The moderator is asked whether the reply is theirs; their yes acts, and makes the way that it
    came familiar."""
    mlist = lists.get(tx, one.list_id)
    path = authorship.path
    data = {
        "token": found.token, "verb": ruling.verb, "words": ruling.words,
        "dkim": list(path.dkim), "spf": path.spf,
    }  # fmt: skip
    asked = new_question(
        tx, site, KIND, str(member.address), data, now, list_id=mlist.id, member_id=member.id
    )
    notices.send(
        tx, site, mlist, "moderator-confirm.txt", member.address, now, member=member.id,
        values={
            "verb": ruling.verb, "lines": ruling.words.splitlines(),
            "subject": notices.short(one.subject), "author": one.author,
        },
        reply_to=confirm_address(mlist, asked.token),
    )  # fmt: skip


def confirmed(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """The moderator says yes."""
    found = moderations.find(tx, asked.data["token"])
    member = members.get(tx, asked.member_id) if asked.member_id else None
    if found is None or member is None or not may_decide(member):
        return
    paths.confirm(
        tx, member.id, VerifiedPath(tuple(asked.data["dkim"]), asked.data["spf"]), asked.address,
        now,
    )  # fmt: skip
    one = held.get(tx, found.held_id)
    ruling = Ruling(Verb(asked.data["verb"]), asked.data["words"])
    why = _why_not(tx, found, one, member, ruling, now)
    if why:
        answer(tx, site, one, member, found.token, why, now)
    else:
        _carry_out(tx, site, one, member, found.token, ruling, now)


def _approve(tx: Tx, site: Site, one: Held, by: str, words: str, now: datetime) -> str:
    moderate.approve(tx, site, one.id, by, now)
    return ""


def _reject(tx: Tx, site: Site, one: Held, by: str, words: str, now: datetime) -> str:
    moderate.reject(tx, site, one.id, words, by, now)
    return ""


def _discard(tx: Tx, site: Site, one: Held, by: str, words: str, now: datetime) -> str:
    moderate.discard(tx, one.id, by, now)
    return ""


def _ask_author(tx: Tx, site: Site, one: Held, by: str, words: str, now: datetime) -> str:
    return "" if moderate.ask(tx, site, one.id, words, by, now) else "nobody to ask"


def _later(tx: Tx, site: Site, one: Held, by: str, words: str, now: datetime) -> str:
    moderate.later(tx, one.id, by, now)
    return ""


def _trust(tx: Tx, site: Site, one: Held, by: str, words: str, now: datetime) -> str:
    moderate.approve_and_trust(tx, site, one.id, by, now)
    return ""


# What each verb does; it says what the moderator is told besides, "" for nothing.
DO: Mapping[Verb, Callable[[Tx, Site, Held, str, str, datetime], str]] = {
    Verb.APPROVE: _approve,
    Verb.REJECT: _reject,
    Verb.DISCARD: _discard,
    Verb.ASK: _ask_author,
    Verb.LATER: _later,
    Verb.TRUST: _trust,
}
