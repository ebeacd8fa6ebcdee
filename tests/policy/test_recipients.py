"""Who gets a copy now, and who gets a notice."""

from dataclasses import dataclass, replace

import pytest

from listserv.domain.members import Delivery, MemberState
from listserv.policy.recipients import wants_copy, wants_notice

ANN_KEY = "ann@example.org"


@dataclass(frozen=True)
class Reader:
    key: str = ANN_KEY
    state: MemberState = MemberState.ACTIVE
    delivery: Delivery = Delivery.MAIL
    cursor: int = 0
    digest_from: int | None = None
    own_posts: bool = True
    duplicates: bool = True
    banned: bool = False
    elsewhere: bool = False


ANN = Reader()
BOB_KEY = "bob@example.net"

# by what is said of the member: the member, the author, who stands in To and Cc, gets a copy
COPIES = {
    "a reader": (ANN, BOB_KEY, set(), True),
    "a reader of a post without an author": (ANN, "", set(), True),
    "the author": (ANN, ANN_KEY, set(), True),
    "the author, own_posts=no": (replace(ANN, own_posts=False), ANN_KEY, set(), False),
    "own_posts=no, another's post": (replace(ANN, own_posts=False), BOB_KEY, set(), True),
    "named in To or Cc": (ANN, BOB_KEY, {ANN_KEY}, True),
    "named, duplicates=no": (replace(ANN, duplicates=False), BOB_KEY, {ANN_KEY}, False),
    "duplicates=no, another is named": (replace(ANN, duplicates=False), "", {BOB_KEY}, True),
    "author and named, own_posts=no": (
        replace(ANN, own_posts=False), ANN_KEY, {ANN_KEY}, False,
    ),
    "author and named, duplicates=no": (
        replace(ANN, duplicates=False), ANN_KEY, {ANN_KEY}, False,
    ),
    "a digest reader": (replace(ANN, delivery=Delivery.DIGEST), BOB_KEY, set(), False),
    "who read digests when it was accepted": (
        replace(ANN, digest_from=6, cursor=7), BOB_KEY, set(), False,
    ),
    "who read digests before that": (replace(ANN, digest_from=4, cursor=6), BOB_KEY, set(), True),
    "who reads digests since then": (
        replace(ANN, delivery=Delivery.DIGEST, digest_from=7), BOB_KEY, set(), True,
    ),
    "nomail": (replace(ANN, delivery=Delivery.NOMAIL), BOB_KEY, set(), False),
    "suspended": (replace(ANN, state=MemberState.SUSPENDED), BOB_KEY, set(), False),
    "has left": (replace(ANN, state=MemberState.LEFT), BOB_KEY, set(), False),
    "banned": (replace(ANN, banned=True), BOB_KEY, set(), False),
    "gets it from an earlier list": (replace(ANN, elsewhere=True), BOB_KEY, set(), False),
}  # fmt: skip

NOTICES = {
    "a reader": (ANN, True),
    "a digest reader": (replace(ANN, delivery=Delivery.DIGEST), True),
    "an owner who wants no posts": (replace(ANN, delivery=Delivery.NOMAIL), True),
    "who gets the post from an earlier list": (replace(ANN, elsewhere=True), True),
    "suspended": (replace(ANN, state=MemberState.SUSPENDED), False),
    "has left": (replace(ANN, state=MemberState.LEFT), False),
    "banned": (replace(ANN, banned=True), False),
}


@pytest.mark.parametrize(("member", "author", "named", "gets"), COPIES.values(), ids=COPIES.keys())
def test_who_gets_a_copy(member: Reader, author: str, named: set[str], gets: bool) -> None:
    assert wants_copy(member, 7, author, named) is gets


@pytest.mark.parametrize(("member", "gets"), NOTICES.values(), ids=NOTICES.keys())
def test_who_gets_a_notice(member: Reader, gets: bool) -> None:
    assert wants_notice(member) is gets


@pytest.mark.parametrize("state", [MemberState.LEFT, MemberState.SUSPENDED])
@pytest.mark.parametrize("delivery", Delivery)
def test_who_has_left_or_is_suspended_gets_nothing_whatever_they_have_set(
    state: MemberState, delivery: Delivery
) -> None:
    member = replace(ANN, state=state, delivery=delivery)
    assert not wants_copy(member, 7, BOB_KEY, set()) and not wants_notice(member)
