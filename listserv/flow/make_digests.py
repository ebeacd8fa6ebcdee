"""Digests: who is due, what they get, and its way into the queue.

In three steps, so that nobody waits for the second one: `due` or `of_list` reads whom a turn looks
after and what they are to get, `build` makes the issues without any transaction, `write` queues
them and moves the cursors. A reader who has changed in between is left for the next turn.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, MemberState
from listserv.domain.tokens import own_message_id
from listserv.flow import renderings
from listserv.flow.site import Site
from listserv.mail import digest as mail
from listserv.mail.digest_message import digest_message
from listserv.mail.footer import footer_text
from listserv.mail.issue import Issue, Item, Part, Words
from listserv.policy import digests as policy
from listserv.store import digests, lists
from listserv.store import site as site_store
from listserv.store.digests import IssuePart, Reader, Settled, Waiting
from listserv.store.members import LOOK_NOW
from listserv.store.session import Tx

log = logging.getLogger("listserv.digests")

# Members a turn.
PAGE = 2000
# No member's turn is later after their slot than that; who is due later has many posts waiting.
_LATEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Content:
    """What an issue shows, the same for all who share it: posts, by their ids in order, in which
    format and language, on which day."""

    posts: tuple[int, ...]
    format: str
    language: str
    day: date

    @property
    def key(self) -> bytes:
        return digests.issue_key(self.posts, self.format, self.language, self.day.isoformat())


class Ask(Enum):
    """What is asked for: what is due; what is due then, also of readers for whom nobody has worked
    that out yet; all that waits, while the next digest comes when it would have come anyway."""

    DUE = "due"
    DUE_THEN = "due then"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Plan:
    """One turn. `settled` is where its readers stand afterwards, `readers` are member numbers by
    what they get, `issues` what has to be built for that."""

    mlist: MailingList
    settled: Sequence[Settled]
    readers: Mapping[Content, Sequence[int]]
    issues: Mapping[Content, Issue]


def due(tx: Tx, site: Site, now: datetime) -> Plan | None:
    """A turn for up to a page of members of one list who are due."""
    found = digests.list_due(tx, now)
    if found is None:
        return None
    readers = digests.due(tx, found, now, PAGE)
    return _Turn(tx, site, lists.get(tx, found), now, Ask.DUE).plan(readers)


def of_list(tx: Tx, site: Site, list_id: int, after: int, now: datetime, ask: Ask) -> Plan | None:
    """A turn for the digest readers of a list above the member number `after`; None when there are
    none left."""
    readers = digests.readers(tx, list_id, after, PAGE)
    return _Turn(tx, site, lists.get(tx, list_id), now, ask).plan(readers) if readers else None


def preview(tx: Tx, site: Site, mlist: MailingList, member_id: int, now: datetime) -> Plan:
    """A turn for one member, with everything to be built."""
    turn = _Turn(tx, site, mlist, now, Ask.ALL)
    plan = turn.plan([digests.reader(tx, member_id)])
    return replace(plan, issues={content: turn.issue(content) for content in plan.readers})


def heed_settings(tx: Tx, site: Site) -> None:
    """Where the site's hour or zone is another than when this was asked last, everybody's next
    digest is worked out anew."""
    if site_store.remember(tx, _SETTINGS, f"{site.digest_hour} {site.zone}"):
        digests.look_again(tx)


# The name of what is remembered.
_SETTINGS = "digest settings"


@dataclass(frozen=True)
class _Turn:
    tx: Tx
    site: Site
    mlist: MailingList
    now: datetime
    ask: Ask
    _known_slots: dict[tuple[str, str, str], tuple[datetime, datetime]] = field(
        default_factory=dict
    )
    _known_numbers: dict[datetime, int] = field(default_factory=dict)

    def plan(self, readers: Sequence[Reader]) -> Plan:
        ranges: dict[tuple[int, int], list[Reader]] = {}
        settled = []
        last = digests.last_number(self.tx, self.mlist.id)
        for reader in readers:
            reading = reader.reading
            owed = (reading.owed_from, reading.owed_to)
            if owed[0] is not None and owed[1] is not None and reader.state is _ACTIVE:
                ranges.setdefault((owed[0], owed[1]), []).append(reader)
            cursor, next_due = reading.cursor, None
            if reading.delivery is Delivery.DIGEST:
                upto, next_due = self._upto(reader, last)
                if reader.state is _ACTIVE and upto > cursor:
                    ranges.setdefault((cursor, upto), []).append(reader)
                    cursor = upto
            settled.append(Settled(reader, cursor, None, next_due))
        by_content: dict[Content, list[int]] = {}
        for (after, upto), some in ranges.items():
            for content, member in self._contents(after, upto, some):
                by_content.setdefault(content, []).append(member)
        missing = [c for c in by_content if not digests.find(self.tx, self.mlist.id, c.key)]
        issues = {content: self.issue(content) for content in missing}
        return Plan(self.mlist, settled, by_content, issues)

    def _upto(self, reader: Reader, last: int) -> tuple[int, datetime | None]:
        """The number of the last post of a reader's digest (their cursor: they get none now), and
        when to look again."""
        if self.ask is Ask.ALL:
            return last, reader.due
        (slot, following), late = self._slots(reader), policy.spread(reader.id)
        again = following + late
        is_new = reader.due is None or reader.due <= LOOK_NOW
        if is_new and self.ask is Ask.DUE:
            is_near = slot + late > self.now
            return reader.reading.cursor, slot + late if is_near else again
        if reader.due is not None and reader.due > self.now:
            return reader.reading.cursor, reader.due
        if not is_new and reader.due is not None and reader.due > slot + _LATEST:
            return last, again
        return self._number_by(slot), again

    def _slots(self, reader: Reader) -> tuple[datetime, datetime]:
        """The last slot and the next one: the same for all who have set the same."""
        own = reader.settings
        key = own.digest_hour, own.digest_days, own.timezone
        if key not in self._known_slots:
            schedule = policy.schedule(
                own, self.mlist.settings, self.site.digest_hour, self.site.zone
            )
            last, following = (
                f(schedule, self.now) for f in (policy.latest_slot, policy.next_slot)
            )
            self._known_slots[key] = last, following
        return self._known_slots[key]

    def _number_by(self, slot: datetime) -> int:
        if slot not in self._known_numbers:
            number = digests.last_number(self.tx, self.mlist.id, by=slot)
            self._known_numbers[slot] = number
        return self._known_numbers[slot]

    def _contents(
        self, after: int, upto: int, readers: Sequence[Reader]
    ) -> Iterator[tuple[Content, int]]:
        """What each of these readers gets of the posts above `after` up to `upto`, if anything."""
        tx, posts = self.tx, digests.between(self.tx, self.mlist.id, after, upto)
        ids = [post.id for post in posts]
        elsewhere = digests.reached_elsewhere(tx, ids, [reader.id for reader in readers])
        picky = any(not reader.settings.duplicates for reader in readers)
        named = renderings.named(tx, self.site, ids) if picky else {}
        day = self.site.today(self.now)
        for reader in readers:
            own = reader.settings
            wanted = tuple(
                post.id
                for post in posts
                if (own.own_posts or not _is_by(post, reader))
                and (own.duplicates or reader.key not in named.get(post.id, ()))
                and reader.id not in elsewhere.get(post.id, ())
            )
            if wanted:
                language = own.language or self.mlist.settings.language
                yield Content(wanted, own.format, language, day), reader.id

    def issue(self, content: Content) -> Issue:
        """An issue that is to be built."""
        mlist, site = self.mlist, self.site
        raws = {}
        items = []
        for item, copy in renderings.items(
            self.tx, site, mlist, content.posts, with_copies=content.format == "mime"
        ):
            items.append(item)
            if copy is not None:
                raws[item.number] = copy
        return Issue(
            title=mlist.title,
            post=mlist.address,
            request=mlist.addresses.request,
            leave=mlist.addresses.of(Role.LEAVE),
            list_id=mlist.list_id,
            day=content.day,
            format=content.format,
            items=tuple(items),
            raws=raws,
            prefix=mlist.settings.subject_prefix,
            footer=footer_text(mlist),
        )


_ACTIVE = MemberState.ACTIVE


def _is_by(post: Waiting, reader: Reader) -> bool:
    return post.member_id == reader.id or post.author_key == reader.key


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
            digests.send(tx, mlist.id, part, sorted(members), site.mode, site.burst_bytes, now)
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
    found = digests.find(tx, mlist.id, content.key)
    if found or content not in built:
        return found
    issue_id = digests.begin(tx, mlist.id, content.key, now)
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
        kept.append(digests.add_part(tx, row, message_id, raw, now))
    return kept
