"""A person decides about a held post. Each decision is taken once; a second one hears who decided
and when."""

from datetime import datetime

from listserv.domain.errors import ListservError
from listserv.flow import notices
from listserv.flow.receive import send_out
from listserv.flow.site import Site
from listserv.store import events, held, lists, posts
from listserv.store.held import Held, HeldState
from listserv.store.session import Tx


def approve(tx: Tx, site: Site, held_id: int, by: str, now: datetime) -> Held:
    """The post goes out. Raises ListservError when it was decided before or its text is gone."""
    decided = held.decide(tx, held_id, HeldState.APPROVED, by, "", now)
    post = posts.get(tx, decided.post_id)
    if post.raw_id is None:
        raise ListservError(f"held post {held_id}: its text is gone by retention; discard it")
    send_out(tx, site, lists.get(tx, decided.list_id), post, now)
    events.log(tx, decided.list_id, by, f"approved held post {held_id}", now)
    return decided


def reject(tx: Tx, site: Site, held_id: int, reason: str, by: str, now: datetime) -> Held:
    """The post does not go out and its author hears why."""
    decided = held.decide(tx, held_id, HeldState.REJECTED, by, reason, now)
    post = posts.get(tx, decided.post_id)
    mlist = lists.get(tx, decided.list_id)
    notices.rejected(tx, site, mlist, decided, post.message_id, reason, now)
    events.log(tx, decided.list_id, by, f"rejected held post {held_id}", now)
    return decided


def discard(tx: Tx, held_id: int, by: str, now: datetime) -> Held:
    """The post does not go out and nobody is told."""
    decided = held.decide(tx, held_id, HeldState.DISCARDED, by, "", now)
    events.log(tx, decided.list_id, by, f"discarded held post {held_id}", now)
    return decided
