"""Somebody answered a whole digest, and nothing in it says which post: they are asked, and the
number of one, or NEW, lets the remaining rules decide."""

from dataclasses import replace
from datetime import datetime

from listserv.domain.address import parse_address
from listserv.domain.answer import Answer
from listserv.domain.decision import Decision, Verdict
from listserv.domain.members import MemberState
from listserv.flow import answers, author_told, notices, release
from listserv.flow.facts import author_of
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.mail.parse import parse
from listserv.policy.confirming import Moment, read_choice
from listserv.policy.posting import UNPROVEN_AUTHOR, WHOLE_DIGEST, Facts
from listserv.policy.trust import AUTHOR_FIRST, is_believed
from listserv.store import held, lists, posts, said
from listserv.store.confirmations import Confirmation
from listserv.store.held import Held, HeldState
from listserv.store.issues import IssuePart
from listserv.store.posts import StoredPost
from listserv.store.session import Tx

# Its row in flow.confirm.KINDS.
KIND = "which"
# So many such questions go to a member in a day; later answers are for the moderators.
_MOST = 5
# Of a digest's posts, those that the question shows.
_SHOWN = 40
_HOURS = AUTHOR_FIRST.total_seconds() // 3600


def wait(
    tx: Tx,
    site: Site,
    facts: Facts,
    decision: Decision,
    held_id: int,
    now: datetime,
    *,
    answerable: bool,
) -> None:
    """Ask the author of a post that was just held for this, unless it is not even known that they
    wrote it: then that is asked first."""
    rules = {reason.rule for reason in decision.reasons}
    if decision.verdict is not Verdict.HOLD or not answerable or WHOLE_DIGEST not in rules:
        return
    if UNPROVEN_AUTHOR not in rules and is_believed(facts.authorship.level):
        ask(tx, site, held.get(tx, held_id), now)


def ask(tx: Tx, site: Site, waiting: Held, now: datetime) -> None:
    """Ask the author of a held post, who is known to be a member. Where nobody can be asked, it
    stays as it is: for the moderators, at once."""
    stored = posts.get(tx, waiting.post_id)
    member = author_of(tx, stored)
    mlist = lists.get(tx, waiting.list_id)
    part = _part(tx, site, stored)
    if member is None or member.state is not MemberState.ACTIVE or part is None:
        return
    if not answers.items_of(tx, mlist, part):
        return
    if not said.at_most(tx, "which", f"{mlist.id} {member.id}", _MOST, now):
        return
    question = new_question(
        tx, site, KIND, str(member.address), {"held": waiting.id}, now,
        list_id=mlist.id, member_id=member.id,
    )  # fmt: skip
    _tell(tx, site, question, "ask", now)
    held.wait_until(tx, waiting.id, now + AUTHOR_FIRST)


def _part(tx: Tx, site: Site, stored: StoredPost) -> IssuePart | None:
    raw = posts.raw(tx, stored.id)
    if raw is None:
        return None
    return answers.digest_of(tx, site, lists.get(tx, stored.list_id), parse(raw))


def read(tx: Tx, site: Site, asked: Confirmation, line: str) -> Confirmation | None:
    """The question with the choice that a reply's first line makes; None when that is none: words,
    or a number that the digest does not have."""
    choice = read_choice(line)
    if choice is None or (choice.number and _offered(tx, site, asked, choice.number) is None):
        return None
    return replace(asked, data={**asked.data, "number": choice.number, "subject": choice.subject})


def _offered(tx: Tx, site: Site, asked: Confirmation, number: int) -> int | None:
    one = held.find(tx, asked.data["held"])
    part = _part(tx, site, posts.get(tx, one.post_id)) if one is not None else None
    return dict(part.posts).get(number) if part is not None else None


def confirmed(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """The author has said which post they answer, or that it is a new one."""
    one = held.find(tx, asked.data["held"])
    if one is None or one.state is not HeldState.HELD:
        _tell(tx, site, asked, "late", now)
        return
    stored, mlist = posts.get(tx, one.post_id), lists.get(tx, one.list_id)
    raw, part = posts.raw(tx, stored.id), _part(tx, site, stored)
    meant = None
    if asked.data["number"] and raw is not None and part is not None:
        post = dict(part.posts)[asked.data["number"]]
        meant = answers.chosen(tx, site, mlist, raw, part, post)
    if meant is None:  # a new one, without the digest, as it was understood when it came
        subject = asked.data["subject"] or stored.subject
        meant = answers.Meant(stored.answers or Answer(renamed=True), subject)
    posts.answer(tx, stored.id, meant.answer, meant.subject)
    left = release.cleared(
        tx, site, one, WHOLE_DIGEST, one.authorship, asked.address, "said what is answered by", now
    )
    if left:
        author_told.waits(tx, site, mlist, held.get(tx, one.id), now)


def answer(tx: Tx, site: Site, asked: Confirmation, moment: Moment, now: datetime) -> None:
    """What is said to another choice, or to one that is too late."""
    if moment is not Moment.FIRST:
        _tell(tx, site, asked, "late", now)


def unclear(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    """What is said to words that are no choice."""
    _tell(tx, site, asked, "unclear", now)


def _tell(tx: Tx, site: Site, asked: Confirmation, what: str, now: datetime) -> None:
    to = parse_address(asked.address)
    one = held.find(tx, asked.data["held"])
    if to is None or one is None:
        return
    mlist = lists.get(tx, one.list_id)
    part = _part(tx, site, posts.get(tx, one.post_id)) if what != "late" else None
    there = {post.id: post for post in answers.items_of(tx, mlist, part)} if part else {}
    rows = [
        (number, notices.short(there[post].subject))
        for number, post in (part.posts if part else ())
        if post in there
    ]
    notices.send(
        tx, site, mlist, "author-which-post.txt", to, now,
        values={"what": what, "posts": rows[:_SHOWN], "more": max(0, len(rows) - _SHOWN),
                "hours": int(_HOURS)},
        member=asked.member_id or 0, answers=what != "ask",
        reply_to=None if what == "late" else confirm_address(mlist, asked.token),
    )  # fmt: skip
