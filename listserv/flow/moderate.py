"""A person decides about a held post or a request to join. Each decision is taken once; a second
one hears who decided and when."""

from datetime import datetime, timedelta

from listserv.domain.authorship import Level
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import MemberState
from listserv.flow import graduation, notices, requests
from listserv.flow.accept import send_out
from listserv.flow.facts import author_of
from listserv.flow.site import Site
from listserv.mail.scrub import text_without_tokens
from listserv.policy.trust import vouched_for
from listserv.store import events, held, lists, members, paths, posts
from listserv.store.held import Held, HeldState
from listserv.store.posts import StoredPost
from listserv.store.session import Tx


def approve(
    tx: Tx,
    site: Site,
    held_id: int,
    by: str,
    now: datetime,
    *,
    trust: bool = False,
    free: bool = False,
) -> Held:
    """The post goes out, or the applicant is a member. With `trust` the way that a post came is
    familiar from now on: mail of this member that comes the same way is theirs. With `free` nobody
    is asked whether to go on reading the author's posts: the caller decides it. Raises
    ListservError when it was decided before, a post's text is gone, there is nothing to trust, or
    the applicant cannot be a member."""
    decided = held.decide(tx, held_id, HeldState.APPROVED, by, "", now)
    if decided.request is not None:
        if trust:
            raise ListservError(f"{decided.called}: there is no post to trust; approve it without")
        requests.admit(tx, site, decided, decided.request, by, now)
        return decided
    post = posts.get(tx, decided.post_id)
    if post.raw_id is None:
        raise ListservError(f"held post {held_id}: its text is gone by retention; discard it")
    if trust:
        _make_familiar(tx, decided, post, by, now)
        post = posts.get(tx, decided.post_id)
    mlist = lists.get(tx, decided.list_id)
    send_out(tx, site, mlist, post, now)
    if not free:
        graduation.approved(tx, site, mlist, decided, author_of(tx, post), now)
    trusted = ", and trusts the way it came" if trust else ""
    events.log(tx, decided.list_id, by, f"approved held post {held_id}{trusted}", now)
    return decided


def _make_familiar(tx: Tx, decided: Held, post: StoredPost, by: str, now: datetime) -> None:
    member = author_of(tx, post)
    level, path = post.authorship.level, post.authorship.path
    if member is None or member.state is MemberState.LEFT:
        why = "its author is no member"
    elif level is not Level.UNPROVEN:
        why = f"its author is {level} in any case"
    elif not path:
        why = "nothing of the way it came was verified, so it would not be known again"
    else:
        paths.confirm(tx, member.id, path, by, now)
        posts.amend(tx, post.id, post.reasons, vouched_for(post.authorship, "a moderator"))
        return
    raise ListservError(
        f"held post {decided.id}: there is nothing to trust: {why}; approve it without trust"
    )


def reject(tx: Tx, site: Site, held_id: int, reason: str, by: str, now: datetime) -> Held:
    """The post does not go out and its author, or the applicant, hears why. Raises ListservError
    when it was decided before, when a post's author's domain says that somebody else wrote it, or
    when the applicant is a member."""
    reason = text_without_tokens(reason, site.names)
    decided = held.decide(tx, held_id, HeldState.REJECTED, by, reason, now)
    if decided.request is not None:
        requests.refuse(tx, site, decided, decided.request, reason, by, now)
        return decided
    post = posts.get(tx, decided.post_id)
    if post.authorship.level is Level.CONTRADICTED:
        raise ListservError(
            f"held post {held_id}: its author's domain says that it is forged, so they cannot be"
            " told; discard it"
        )
    mlist = lists.get(tx, decided.list_id)
    notices.rejected(tx, site, mlist, decided, post.message_id, reason, now)
    events.log(tx, decided.list_id, by, f"rejected held post {held_id}", now)
    return decided


def ask(tx: Tx, site: Site, held_id: int, words: str, by: str, now: datetime) -> bool:
    """Put a question to the author, or the applicant; it stays held, and nobody else is asked for
    the time that a decision may take. False when nobody can be asked. Raises ListservError when it
    was decided before."""
    one = held.waiting(tx, held_id)
    mlist = lists.get(tx, one.list_id)
    words = text_without_tokens(words, site.names)
    if not notices.asked_by_moderator(tx, site, mlist, one, words, now):
        return False
    _put_off(tx, one, mlist, now)
    events.log(tx, one.list_id, by, f"asked the author of {one.called}", now)
    return True


def later(tx: Tx, held_id: int, by: str, now: datetime) -> None:
    """It stays held, and nobody else is asked for the time that a decision may take. Raises
    ListservError when it was decided before."""
    one = held.waiting(tx, held_id)
    _put_off(tx, one, lists.get(tx, one.list_id), now)
    events.log(tx, one.list_id, by, f"put off {one.called}", now)


def _put_off(tx: Tx, one: Held, mlist: MailingList, now: datetime) -> None:
    settings = mlist.settings
    due = now + timedelta(hours=settings.held_deadline)
    held.put_off(tx, one.id, min(due, one.since + timedelta(days=settings.held_expiry)))


def approve_and_trust(tx: Tx, site: Site, held_id: int, by: str, now: datetime) -> Held:
    """Approve, and stop moderating the author; the way that the post came is familiar from now on
    where it was not known. Raises ListservError as `approve` does."""
    one = held.get(tx, held_id)
    if one.request is not None:
        return approve(tx, site, held_id, by, now)
    post = posts.get(tx, one.post_id)
    member = author_of(tx, post)
    unproven = post.authorship.level is Level.UNPROVEN and bool(post.authorship.path)
    known = member is not None and member.state is not MemberState.LEFT
    decided = approve(tx, site, held_id, by, now, trust=unproven and known, free=True)
    member = author_of(tx, post)
    if member is not None and known:
        mlist = lists.get(tx, one.list_id)
        members.graduate(tx, member, mlist.settings.new_member_posts)
        events.log(tx, mlist.id, by, f"no longer moderates {member.address}", now)
    return decided


def discard(tx: Tx, held_id: int, by: str, now: datetime) -> Held:
    """The post does not go out, or the applicant does not come in, and nobody is told."""
    decided = held.decide(tx, held_id, HeldState.DISCARDED, by, "", now)
    events.log(tx, decided.list_id, by, f"discarded {decided.called}", now)
    return decided
