"""What content rules want said about a post, in the transaction in which it came in: to all
moderators at once, and to its author."""

import hashlib
import logging
from datetime import datetime
from functools import partial

from listserv.domain.authorship import Level
from listserv.domain.decision import Decision, Verdict
from listserv.domain.lists import MailingList
from listserv.domain.members import MemberState
from listserv.flow import notices
from listserv.flow.moderators import by_language, moderators
from listserv.flow.site import Site
from listserv.mail.held_copy import held_copy
from listserv.mail.readable import readable
from listserv.policy.content_rules import fill_in
from listserv.policy.posting import Facts
from listserv.policy.trust import is_believed
from listserv.store import said
from listserv.store.session import Tx

log = logging.getLogger("listserv.rules")

# Of the text of a post in the mail itself; the whole is attached.
_LINES = 60
# Posts in a day of which a list's moderators are told although nothing says who wrote them: whoever
# forges addresses could fill all their mailboxes.
_UNPROVEN_A_DAY = 10


def tell(
    tx: Tx,
    site: Site,
    facts: Facts,
    decision: Decision,
    raw: bytes,
    now: datetime,
    *,
    answerable: bool,
) -> bool:
    """Tell the moderators and answer the author, as the rules that apply to an accepted or held
    post ask for. Returns whether the moderators have heard that it is urgent."""
    answered = answerable and _answer(tx, site, facts, now)
    log.info(
        "post list=%s content rules: %s; answered=%s",
        facts.mlist.address,
        ", ".join(rule.name for rule in facts.content.rules),
        "yes" if answered else "no",
    )
    if not any(rule.tells for rule in facts.content.rules):
        return False
    told = _tell_moderators(tx, site, facts, decision, raw, now, answered=answered)
    return told and any(rule.urgent for rule in facts.content.rules)


def _tell_moderators(
    tx: Tx,
    site: Site,
    facts: Facts,
    decision: Decision,
    raw: bytes,
    now: datetime,
    *,
    answered: bool,
) -> bool:
    """Whether they are told: not of everything that nothing proves."""
    mlist, post, rules = facts.mlist, facts.post, facts.content.rules
    proven = facts.author is not None and is_believed(facts.authorship.level)
    if not proven and not said.at_most(tx, "urgent", str(mlist.id), _UNPROVEN_A_DAY, now):
        log.error("post list=%s urgent, but nobody is told: too many today", mlist.address)
        return False
    told = [rule for rule in rules if rule.tells]
    words = [rule.tell or rule.hold or rule.name for rule in told]
    author = facts.author.address if facts.author else post.author and post.author.address
    notes = ["held" if decision.verdict is Verdict.HOLD else "out"]
    notes += ["unproven"] * (not proven) + ["answered"] * answered
    text = readable(raw, _LINES)
    values = {
        "urgent": any(rule.urgent for rule in told), "rules": list(dict.fromkeys(words)),
        "author": str(author or ""), "subject": post.subject,
        "lines": text.lines, "more": text.more,
        "others": text.others, "more_others": text.more_others,
    }  # fmt: skip
    for language, readers in by_language(mlist, moderators(tx, mlist, site.today(now))).items():
        attached = held_copy(raw, partial(_left_out, site, language))
        noted = [site.templates.phrase(f"urgent.{one}", {}, language) for one in notes]
        for reader in readers:
            notices.send(
                tx, site, mlist, "moderator-urgent.txt", reader.address, now,
                values={**values, "notes": noted}, member=reader.id, language=language,
                attached=attached,
            )  # fmt: skip
    return True


def _left_out(site: Site, language: str, kind: str, size: int) -> str:
    return notices.left_out(site, kind, size, language)


def _answer(tx: Tx, site: Site, facts: Facts, now: datetime) -> bool:
    """Whether the author gets an answer now. It goes to the address on file, each text once a day;
    not where the author's domain says that somebody else wrote the post, nor to spam."""
    author, mlist, content = facts.author, facts.mlist, facts.content
    files = dict.fromkeys(rule.answer for rule in content.rules if rule.answer)
    if author is None or author.state is not MemberState.ACTIVE:
        return False
    if facts.authorship.level is Level.CONTRADICTED:
        return False
    if facts.trusted_peer and facts.post.spam:
        return False
    sent = False
    for name in files:
        if said.once_a_day(tx, _said(mlist, name), author.address.key, now):
            sent = True
            values = {
                "name": author.name or str(author.address),
                "title": mlist.title,
                "owner": mlist.addresses.owner,
            }
            notices.send(
                tx, site, mlist, "author-content-answer.txt", author.address, now,
                values={"text": fill_in(content.answers[name], values).strip()},
                member=author.id, answers=True,
            )  # fmt: skip
    return sent


def _said(mlist: MailingList, name: str) -> str:
    """Which answer it is, in 20 characters."""
    return "answer " + hashlib.sha256(f"{mlist.id} {name}".encode()).hexdigest()[:13]
