"""Who gets a copy now: asked for each member when a batch is leased."""

from collections.abc import Set
from typing import Protocol

from listserv.domain.members import Delivery, MemberState

# Asked for each copy, and a member of an Enum class is found slowly (CPython 3.11).
_ACTIVE, _MAIL = MemberState.ACTIVE, Delivery.MAIL


class Candidate(Protocol):
    """A member as of now; `key` is the address's. `elsewhere`: an earlier list brings them the
    same post."""

    @property
    def key(self) -> str: ...
    @property
    def state(self) -> MemberState: ...
    @property
    def delivery(self) -> Delivery: ...
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


def wants_copy(member: Candidate, author: str, named: Set[str]) -> bool:
    """Whether this member gets a copy of a post by `author` that stands in the To and Cc of
    `named`, all three as address keys. A digest reader's post waits, so no."""
    return (
        wants_notice(member)
        and member.delivery is _MAIL
        and not member.elsewhere
        and (member.own_posts or member.key != author)
        and (member.duplicates or member.key not in named)
    )
