"""A member's post whose author is not proven waits for that author first: they are asked at the
address on file, and a yes lets the remaining rules decide."""

from datetime import datetime

from listserv.domain.address import Role
from listserv.domain.decision import Decision, Verdict
from listserv.domain.members import MemberState
from listserv.flow import notices, release, which_post
from listserv.flow.question import new_question
from listserv.flow.site import Site
from listserv.policy.confirming import Moment
from listserv.policy.posting import UNPROVEN_AUTHOR, WHOLE_DIGEST, Facts
from listserv.policy.trust import AUTHOR_FIRST, same_path, vouched_for
from listserv.store import held, members, paths, said
from listserv.store.confirmations import Confirmation
from listserv.store.held import Held
from listserv.store.session import Tx

# Its row in flow.confirm.KINDS.
KIND = "post"
# Nobody is asked about what a filter takes for spam: it would come to who is forged.
_SPAM = "spam-member"


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
    """Ask the author of a post that was just held for not being proven, once a day and list. The
    post waits for them as well where they were asked already about one that came the same way.
    Where nobody can be asked, it stays as it is: for the moderators, at once."""
    member = facts.author
    rules = {reason.rule for reason in decision.reasons}
    if decision.verdict is not Verdict.HOLD or UNPROVEN_AUTHOR not in rules or member is None:
        return
    if not answerable or _SPAM in rules or member.state is not MemberState.ACTIVE:
        return
    mlist, post = facts.mlist, facts.post
    if said.once_a_day(tx, "ask", f"{mlist.id} {member.id}", now):
        question = new_question(
            tx, site, KIND, str(member.address), {"held": held_id}, now,
            list_id=mlist.id, member_id=member.id,
        )  # fmt: skip
        reply_to = mlist.addresses.of(Role.CONFIRM, question.token)
        learns = bool(facts.authorship.path)
        notices.ask_author(tx, site, mlist, member, post.subject, reply_to, learns, now)
    elif not _is_asked_already(tx, facts, held_id, now):
        return
    held.wait_until(tx, held_id, now + AUTHOR_FIRST)


def _is_asked_already(tx: Tx, facts: Facts, held_id: int, now: datetime) -> bool:
    assert facts.author is not None
    return any(
        other.id != held_id
        and other.due is not None
        and other.due > now
        and same_path(facts.authorship.path, other.authorship.path)
        for other in held.of_member(tx, facts.mlist.id, facts.author.id)
    )


def confirmed(tx: Tx, site: Site, question: Confirmation, now: datetime) -> None:
    """The author says yes: the way that the post came is familiar from now on, and this post and
    later ones of theirs that came the same way are released, as far as the rules allow."""
    one = _held(tx, question)
    if one is None:
        return
    member = members.get(tx, question.member_id) if question.member_id else None
    if member is None:
        return
    if member.state is not MemberState.LEFT:
        paths.confirm(tx, member.id, one.authorship.path, question.address, now)
    same = [
        other
        for other in held.of_member(tx, one.list_id, member.id)
        if other.id == one.id
        or (other.id > one.id and same_path(other.authorship.path, one.authorship.path))
    ]
    for waiting in same:
        if any(reason.rule == UNPROVEN_AUTHOR for reason in waiting.reasons):
            _release(tx, site, waiting, question.address, now)


def _release(tx: Tx, site: Site, waiting: Held, by: str, now: datetime) -> None:
    """Send a post out when nothing but its author was in doubt. Who answered a whole digest is
    asked about that next; else moderators see it now."""
    authorship = vouched_for(waiting.authorship, "its author")
    left = release.cleared(
        tx, site, waiting, UNPROVEN_AUTHOR, authorship, by, "confirmed having written", now
    )
    if any(reason.rule == WHOLE_DIGEST for reason in left):
        which_post.ask(tx, site, held.get(tx, waiting.id), now)


def answer(tx: Tx, site: Site, question: Confirmation, moment: Moment, now: datetime) -> None:
    """Tell the address on file what has become of the post."""
    one = _held(tx, question)
    if one is not None:
        notices.author_confirmed(tx, site, question, one, moment, now)


def unclear(tx: Tx, site: Site, question: Confirmation, now: datetime) -> None:
    """Tell the address on file how to say yes."""
    one = _held(tx, question)
    if one is not None:
        notices.author_unclear(tx, site, question, one, now)


def _held(tx: Tx, question: Confirmation) -> Held | None:
    """The post that was asked about, unless it is forgotten by now."""
    return held.find(tx, question.data["held"])
