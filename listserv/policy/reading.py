"""Which posts come to a member by digest and which as copies: no post by neither, none by both,
however often they switch. All numbers are acceptance numbers of one list."""

from dataclasses import dataclass, replace

from listserv.domain.members import Delivery


@dataclass(frozen=True, slots=True)
class Reading:
    """How a member's posts come.

    While they read digests the next one has the posts above `cursor`, and copies come of those up
    to `digest_from` only: of what was on its way when they switched. While they get copies, none
    come of the posts above `digest_from` up to `cursor`: those came by digest, or in a break. The
    posts above `owed_from` up to `owed_to` come once more as a digest, whatever the delivery: what
    had waited when a digest reader switched, or what a break's end was answered with.
    """

    delivery: Delivery
    cursor: int
    digest_from: int | None = None
    owed_from: int | None = None
    owed_to: int | None = None


def switched(was: Reading, delivery: Delivery, last: int, away_since: int | None) -> Reading:
    """What a switch makes of it, when the list has accepted `last` posts. `away_since` is the
    number of the last post before a break that this ends."""
    now = replace(was, delivery=delivery)
    if delivery is was.delivery:
        return now
    if was.delivery is Delivery.DIGEST and was.cursor < last:
        now = owing(now, was.cursor, last)
    if delivery is Delivery.DIGEST:
        now = replace(now, digest_from=last)
    elif was.delivery is Delivery.NOMAIL and away_since is not None:
        now = replace(now, digest_from=away_since)
    return replace(now, cursor=last)


def owing(was: Reading, after: int, upto: int) -> Reading:
    """The same, and the posts above `after` up to `upto` once as a digest."""
    if was.owed_from is not None and was.owed_to is not None:
        after, upto = min(after, was.owed_from), max(upto, was.owed_to)
    return replace(was, owed_from=after, owed_to=upto)


def comes_as_copy(
    delivery: Delivery, digest_from: int | None, cursor: int, number: int | None
) -> bool:
    """Whether the post of this number goes to a member as a copy; see Reading."""
    if delivery is _MAIL:
        return digest_from is None or number is None or not digest_from < number <= cursor
    return (
        delivery is _DIGEST
        and digest_from is not None
        and number is not None
        and number <= digest_from
    )


# Asked for each copy, and a member of an Enum class is found slowly (CPython 3.11).
_MAIL, _DIGEST = Delivery.MAIL, Delivery.DIGEST
