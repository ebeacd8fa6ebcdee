"""Who is asked about what waits: of those who may decide, those who are there."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from listserv.domain.members import Member

# The step at which the owners are asked; see flow/escalate.py.
OWNERS = 3
# So much that others have too is shown to somebody at a time, beside what is new: more comes as
# they decide.
ROOM = 10


@dataclass(frozen=True, slots=True)
class People:
    """Those who decide on a list: its active moderators and owners."""

    moderators: Sequence[Member]
    owners: Sequence[Member]


@dataclass(frozen=True, slots=True)
class Circle:
    """Those who are asked about one thing: `first`, and `last` the owners. Nobody in it is away,
    unless everybody is; nor is it their own."""

    first: tuple[Member, ...]
    last: tuple[Member, ...]

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(member.id for member in (*self.first, *self.last))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits: `author` is the number of the member who wrote it, `applicant` the key
    of who asks to join; a stranger's post has neither. `shown` says until when the answers count of
    those who were asked."""

    id: int
    step: int
    author: int | None
    applicant: str
    shown: Mapping[int, datetime]

    def is_own(self, member: Member) -> bool:
        return member.id == self.author or member.address.key == self.applicant


def everybody(people: People, today: date) -> Circle:
    """The circle of what is nobody's own."""
    return circle(people, Waiting(0, 0, None, "", {}), today)


def circle(people: People, one: Waiting, today: date) -> Circle:
    """First the moderators who are there; where there are none, the owners who are. Where nobody is
    there, it is as if nobody were away."""
    moderators = [member for member in people.moderators if not one.is_own(member)]
    owners = [member for member in people.owners if not one.is_own(member)]
    here = {member.id for member in (*moderators, *owners) if not member.is_away(today)}
    if here:
        moderators = [member for member in moderators if member.id in here]
        owners = [member for member in owners if member.id in here]
    return Circle(tuple(moderators or owners), tuple(owners))


def to_ask(
    asked: Circle, shown: Collection[int], step: int, *, in_turn: bool, turn: int
) -> list[Member]:
    """Who of a circle is to be asked at a step, beside those to whom it was shown: first all, or
    `in_turn` one of them, number `turn`; then the others; then the owners."""
    left = [member for member in asked.first if member.id not in shown]
    if step == 1 and in_turn:
        one_has_it = len(left) < len(asked.first)
        return [] if one_has_it or not left else [left[turn % len(left)]]
    if step >= OWNERS:
        left += [m for m in asked.last if m.id not in shown and m not in asked.first]
    return left


def behind(
    waiting: Sequence[Waiting], people: People, *, today: date, now: datetime, in_turn: bool
) -> Iterator[tuple[Waiting, Member]]:
    """To whom what waits is to be shown although nothing is due: because who has it is away by now,
    or gone; because they are moderators, or back, since a short while; because the time for their
    answer is over. Nobody is flooded: of what others have too, and of what strangers wrote, ROOM
    at a time."""
    room = {member.id: ROOM for member in (*people.moderators, *people.owners)}
    for one in waiting:
        for number in room.keys() & one.shown.keys():
            room[number] -= one.shown[number] > now
    for one in waiting:
        asked = circle(people, one, today)
        is_strangers = one.author is None and not one.applicant
        is_nobodys = asked.numbers.isdisjoint(one.shown) and not is_strangers
        still = [number for number, until in one.shown.items() if until > now]
        for member in to_ask(asked, still, one.step, in_turn=in_turn, turn=one.id):
            if is_nobodys or room[member.id] > 0:
                room[member.id] -= 1
                yield one, member
