"""Digests: the issues, and their way into the queue.

In three steps, so that nobody waits for the second one: flow/due_digests.py reads whom a turn looks
after and what they are to get, `build` makes the issues without any transaction, `write` queues
them and moves the cursors. A reader who has changed in between is left for the next turn.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from listserv.domain.lists import MailingList
from listserv.domain.tokens import own_message_id
from listserv.flow.due_digests import Content, Plan
from listserv.flow.site import Site
from listserv.mail import digest as mail
from listserv.mail.digest_message import digest_message
from listserv.mail.issue import Issue, Item, Part, Words
from listserv.store import digests, issues, lists
from listserv.store import site as site_store
from listserv.store.digests import Settled
from listserv.store.issues import IssuePart
from listserv.store.session import Tx

log = logging.getLogger("listserv.digests")


def heed_settings(tx: Tx, site: Site) -> None:
    """Where the site's hour or zone is another than when this was asked last, everybody's next
    digest is worked out anew."""
    if site_store.remember(tx, _SETTINGS, f"{site.digest_hour} {site.zone}"):
        digests.look_again(tx)


# The name of what is remembered.
_SETTINGS = "digest settings"


def build(site: Site, plan: Plan) -> dict[Content, tuple[Part, ...]]:
    """The mails of the issues that a turn needs. A post that cannot be shown costs the others
    nothing: the digest says so in its place. What cannot be built even so is left out."""
    built = {}
    for content, issue in plan.issues.items():
        words = Words(site.templates, content.language)
        try:
            built[content] = mail.build(issue, words)
        except Exception:
            log.exception("a digest of %s could not be built", plan.mlist.address)
            try:
                built[content] = mail.build(_without_unshowable(issue, words), words)
            except Exception:
                log.exception("a digest of %s waits", plan.mlist.address)
    return built


def _without_unshowable(issue: Issue, words: Words) -> Issue:
    def shown(items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            try:
                mail.build(replace(issue, items=(item,)), words)
            except Exception:
                log.exception("post %d of %s cannot be shown", item.number, issue.post)
                yield replace(item, rendering=None)
            else:
                yield item

    return replace(issue, items=tuple(shown(issue.items)))


def write(
    tx: Tx, site: Site, plan: Plan, built: Mapping[Content, tuple[Part, ...]], now: datetime
) -> int:
    """Queue what a turn has made and move its readers' cursors; returns how many members get
    something. Whoever has changed since waits for the next turn, and so do those whose issue could
    not be built, for an hour."""
    mlist = lists.lock(tx, plan.mlist.id)
    present = digests.stands(tx, [one.seen.id for one in plan.settled])
    same = {
        one.seen.id: one
        for one in plan.settled
        if present.get(one.seen.id) == digests.stand(one.seen)
    }
    served: set[int] = set()
    for content, readers in plan.readers.items():
        members = [number for number in readers if number in same]
        if not members:
            continue
        parts = _parts(tx, site, mlist, content, plan, built, now)
        if not parts:
            for number in members:
                same[number] = _later(same[number], now)
            continue
        for part in parts:
            issues.send(tx, mlist.id, part, sorted(members), site.mode, site.burst_bytes, now)
        served.update(members)
    digests.settle(tx, same.values())
    return len(served)


def _later(one: Settled, now: datetime) -> Settled:
    seen = one.seen.reading
    owed = None
    if seen.owed_from is not None and seen.owed_to is not None:
        owed = (seen.owed_from, seen.owed_to)
    return Settled(one.seen, seen.cursor, owed, now + timedelta(hours=1))


def _parts(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    content: Content,
    plan: Plan,
    built: Mapping[Content, tuple[Part, ...]],
    now: datetime,
) -> list[IssuePart]:
    """The mails of an issue, each kept once."""
    found = issues.find(tx, mlist.id, content.key)
    if found or content not in built:
        return found
    issue_id = issues.begin(tx, mlist.id, content.key, now)
    items = plan.issues[content].items
    ids = {item.number: post for item, post in zip(items, content.posts, strict=True)}
    places: dict[int, int] = {}  # as they are numbered for the reader, who counts over all parts
    kept = []
    for at, part in enumerate(built[content], 1):
        for number in part.numbers:
            places.setdefault(number, len(places) + 1)
        shows = tuple((places[number], ids[number]) for number in part.numbers)
        nonce = b"D" + issue_id.to_bytes(7, "big") + at.to_bytes(2, "big")
        message_id = own_message_id(site.secret, nonce, site.hostname)
        row = IssuePart(issue_id, at, part.subject, shows, None)
        raw = digest_message(mlist, part, message_id, now)
        kept.append(issues.add_part(tx, row, message_id, raw, now))
    return kept
