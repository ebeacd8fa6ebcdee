"""Who is due for a digest, and what each of them gets: read in one turn, and written by
flow/make_digests.py. Changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, MemberState
from listserv.flow import renderings
from listserv.flow.site import Site
from listserv.mail.footer import footer_text
from listserv.mail.issue import Issue
from listserv.policy import digests as policy
from listserv.store import digests, issues, lists
from listserv.store.digests import Reader, Settled, Waiting
from listserv.store.members import LOOK_NOW
from listserv.store.session import Tx

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
        return issues.key_of(self.posts, self.format, self.language, self.day.isoformat())


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


def due(tx: Tx, site: Site, list_id: int, now: datetime) -> Plan:
    """A turn for up to a page of members of a list who are due."""
    readers = digests.due(tx, list_id, now, PAGE)
    return _Turn(tx, site, lists.get(tx, list_id), now, Ask.DUE).plan(readers)


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
            for content, who in self._contents(after, upto, some):
                by_content.setdefault(content, []).extend(who)
        missing = [c for c in by_content if not issues.find(self.tx, self.mlist.id, c.key)]
        new = {content: self.issue(content) for content in missing}
        return Plan(self.mlist, settled, by_content, new)

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
    ) -> Iterator[tuple[Content, list[int]]]:
        """What these readers get of the posts above `after` up to `upto`, and who gets that."""
        posts = digests.between(self.tx, self.mlist.id, after, upto)
        left_out = self._left_out(posts, readers)
        alike: dict[tuple[frozenset[int], str, str], list[int]] = {}
        for reader in readers:
            own = reader.settings
            language = own.language or self.mlist.settings.language
            key = left_out.get(reader.id, _NOTHING), own.format, language
            alike.setdefault(key, []).append(reader.id)
        day = self.site.today(self.now)
        for (without, form, language), members in alike.items():
            if wanted := tuple(post.id for post in posts if post.id not in without):
                yield Content(wanted, form, language, day), members

    def _left_out(
        self, posts: Sequence[Waiting], readers: Sequence[Reader]
    ) -> dict[int, frozenset[int]]:
        """Posts, by their ids, that some of these readers do not get, by member number."""
        ids = [post.id for post in posts]
        members = [reader.id for reader in readers]
        out: dict[int, set[int]] = {}
        for post, have in digests.reached_elsewhere(self.tx, ids, members).items():
            for member in have:
                out.setdefault(member, set()).add(post)
        choosy = [r for r in readers if not (r.settings.own_posts and r.settings.duplicates)]
        spare = any(not reader.settings.duplicates for reader in choosy)
        named = renderings.named(self.tx, self.site, ids) if spare else {}
        for reader in choosy:
            out.setdefault(reader.id, set()).update(
                post.id
                for post in posts
                if (not reader.settings.own_posts and _is_by(post, reader))
                or (not reader.settings.duplicates and reader.key in named.get(post.id, ()))
            )
        return {member: frozenset(some) for member, some in out.items()}

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
_NOTHING: frozenset[int] = frozenset()


def _is_by(post: Waiting, reader: Reader) -> bool:
    return post.member_id == reader.id or post.author_key == reader.key
