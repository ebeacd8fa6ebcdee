"""Who gets a copy now: asked for each member when a batch is leased."""

from collections.abc import Set
from typing import Protocol

from listserv.domain.members import Delivery, MemberState
from listserv.policy.reading import comes_as_copy

# Asked for each copy, and a member of an Enum class is found slowly (CPython 3.11).
_ACTIVE = MemberState.ACTIVE


class Candidate(Protocol):
    """A member as of now; `key` is the address's. `cursor` and `digest_from` are as in
    policy/reading.py. `elsewhere`: an earlier list brings them the same post."""

    @property
    def key(self) -> str: ...
    @property
    def state(self) -> MemberState: ...
    @property
    def delivery(self) -> Delivery: ...
    @property
    def cursor(self) -> int: ...
    @property
    def digest_from(self) -> int | None: ...
    @property
    def own_posts(self) -> bool: ...
    @property
    def duplicates(self) -> bool: ...
    @property
    def banned(self) -> bool: ...
    @property
    def elsewhere(self) -> bool: ...


def wants_notice(member: Candidate) -> bool:
    """Whether a mail that the program writes to this member may go out; nomail is about posts."""
    return member.state is _ACTIVE and not member.banned


def wants_copy(member: Candidate, number: int | None, author: str, named: Set[str]) -> bool:
    """Whether this member gets a copy of the post with this acceptance number, by `author`, that
    stands in the To and Cc of `named`, all three as address keys. A digest reader's post waits, so
    no."""
    return (
        wants_notice(member)
        and comes_as_copy(member.delivery, member.digest_from, member.cursor, number)
        and not member.elsewhere
        and (member.own_posts or member.key != author)
        and (member.duplicates or member.key not in named)
    )
