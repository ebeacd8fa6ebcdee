"""The pieces of an issue, laid out over parts that stay below a limit in each of their forms.

A post that does not fit into a part of its own is cut between two blocks and goes on in the next
one. Nothing is left out: what a part holds is bounded by the sizes of its pieces alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# Octets of a part. Gmail cuts a page off at 102 kB, and what is below is not seen (with the way to
# stop the digest).
MAX_HTML = 80_000
MAX_TEXT = 150_000
# Of the format mime: what mailboxes and relays take. A larger post goes alone.
MAX_MIME = 1_000_000

# A long post begins in a part that has this share of its room left, otherwise in the next one.
_ROOM_TO_BEGIN = 0.25


@dataclass(frozen=True, slots=True)
class Size:
    """Octets of something, as text and as HTML."""

    text: int = 0
    html: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(self.text + other.text, self.html + other.html)

    def fits(self, room: "Size") -> bool:
        return self.text <= room.text and self.html <= room.html


@dataclass(frozen=True, slots=True)
class Post:
    """What a post takes: `frame` wherever it appears, and each of its blocks."""

    frame: Size
    blocks: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """blocks[start:end] of post number `post` of conversation number `conversation`."""

    conversation: int
    post: int
    start: int
    end: int


@dataclass(slots=True)
class _Part:
    room: Size
    slices: list[Slice] = field(default_factory=list)
    used: Size = Size()

    def cost(self, heading: Size, conversation: int) -> Size:
        """A conversation is announced once in a part."""
        there = self.slices and self.slices[-1].conversation == conversation
        return Size() if there else heading

    def takes(self, more: Size) -> bool:
        return (self.used + more).fits(self.room)

    @property
    def is_open(self) -> bool:
        """Whether it is worth while to begin a long post here."""
        share = 1 - _ROOM_TO_BEGIN
        return self.used.fits(Size(int(self.room.text * share), int(self.room.html * share)))


def laid_out(conversations: Iterable[tuple[Size, Sequence[Post]]], room: Size) -> list[list[Slice]]:
    """The parts of an issue, none empty. A conversation is what its heading takes, and its posts;
    `room` is what a part has beside its frame. Linear."""
    parts = [_Part(room)]
    for number, (heading, posts) in enumerate(conversations):
        for place, post in enumerate(posts):
            _lay(parts, number, heading, place, post)
    return [part.slices for part in parts]


def _lay(parts: list[_Part], conversation: int, heading: Size, place: int, post: Post) -> None:
    whole = sum(post.blocks, post.frame)
    begun = parts[-1].cost(heading, conversation) + whole
    if not parts[-1].takes(begun) and parts[-1].slices:
        alone = (heading + whole).fits(parts[-1].room)
        if alone or not parts[-1].is_open:
            parts.append(_Part(parts[-1].room))
    start = at = 0
    cost = parts[-1].cost(heading, conversation) + post.frame
    while at < len(post.blocks):
        more = cost + post.blocks[at]
        # One block goes into an empty part whatever it takes.
        if parts[-1].takes(more) or (at == start and not parts[-1].slices):
            cost = more
            at += 1
            continue
        if at > start:
            _add(parts[-1], Slice(conversation, place, start, at), cost)
        parts.append(_Part(parts[-1].room))
        start, cost = at, heading + post.frame
    _add(parts[-1], Slice(conversation, place, start, at), cost)


def _add(part: _Part, piece: Slice, cost: Size) -> None:
    part.slices.append(piece)
    part.used += cost
