"""A reason for which a post was held is cleared up: the remaining rules decide."""

from dataclasses import replace
from datetime import datetime

from listserv.domain.authorship import Authorship
from listserv.domain.decision import Reason
from listserv.flow import meant
from listserv.flow.accept import send_out
from listserv.flow.facts import gather
from listserv.flow.site import Site
from listserv.mail.parse import parse
from listserv.policy.posting import decide
from listserv.store import events, held, lists, posts
from listserv.store.held import Held, HeldState
from listserv.store.posts import StoredPost
from listserv.store.session import Tx


def cleared(
    tx: Tx,
    site: Site,
    waiting: Held,
    rule: str,
    authorship: Authorship,
    by: str,
    did: str,
    now: datetime,
) -> tuple[Reason, ...]:
    """Its author (`by`, who "did" something by mail) has cleared up that `rule` held a post. It
    goes out when nothing else was in doubt; else moderators see it now. Returns what was."""
    mlist, post = lists.get(tx, waiting.list_id), posts.get(tx, waiting.post_id)
    reasons = _still_against(tx, site, post, waiting, rule, authorship, now)
    posts.amend(tx, post.id, reasons, authorship)
    events.log(tx, mlist.id, by, f"{did} held post {waiting.id}", now)
    if reasons:
        held.wait_until(tx, waiting.id, None)
        return reasons
    held.decide(tx, waiting.id, HeldState.APPROVED, by, "its author confirmed it", now)
    send_out(tx, site, mlist, replace(post, authorship=authorship), now)
    return ()


def _still_against(
    tx: Tx,
    site: Site,
    stored: StoredPost,
    waiting: Held,
    rule: str,
    authorship: Authorship,
    now: datetime,
) -> tuple[Reason, ...]:
    """What the rules said besides when the post came, and what they say of it today."""
    before = {r.rule: r for r in waiting.reasons if r.rule != rule}
    raw = meant.raw(tx, site, stored)
    if raw is None:
        return (*before.values(), Reason("no-text", "its text is gone by retention"))
    post = parse(raw, site.spam_header)
    mlist = lists.get(tx, stored.list_id)
    facts = gather(tx, site, mlist, post, authorship, stored.author, now)
    # The token proved more than the path can: the author is not asked a second time.
    today = decide(replace(facts, require_proven_author=False)).reasons
    return tuple({**before, **{reason.rule: reason for reason in today}}.values())
