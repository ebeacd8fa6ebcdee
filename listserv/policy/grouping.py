"""Which recipients share a transaction with the relay, and in what order transactions go.

A provider that is asked for much at once slows all of it down, so providers take turns.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TypeAlias

# Positions in a batch.
Group: TypeAlias = tuple[int, ...]


def one_by_one(targets: Mapping[int, str]) -> list[Group]:
    """A transaction for each. `targets` are addresses by position."""
    return _in_turn([(at,) for at in places] for places in by_domain(targets).values())


def together(targets: Mapping[int, str], at_most: int, *, mixed: bool) -> list[Group]:
    """Up to `at_most` in a transaction. A domain fills transactions of its own; with `mixed` what
    is left of each shares the last ones with others, in one piece, so that a message that goes to
    many domains is not handed over once for each."""
    own = []
    rests = []
    for places in by_domain(targets).values():
        groups = [places[at : at + at_most] for at in range(0, len(places), at_most)]
        if mixed and len(groups[-1]) < at_most:
            rests.append(groups.pop())
        own.append(groups)
    return _in_turn([*own, _packed(rests, at_most)])


def by_domain(targets: Mapping[int, str]) -> dict[str, Group]:
    """The positions of each domain's addresses."""
    found: dict[str, list[int]] = {}
    for at, address in targets.items():
        found.setdefault(address.rpartition("@")[2], []).append(at)
    return {domain: tuple(places) for domain, places in found.items()}


def _packed(rests: Sequence[Group], at_most: int) -> list[Group]:
    """The largest first, each where it still fits."""
    packed: list[Group] = []
    for rest in sorted(rests, key=len, reverse=True):
        fits = (at for at, group in enumerate(packed) if len(group) + len(rest) <= at_most)
        at = next(fits, None)
        if at is None:
            packed.append(rest)
        else:
            packed[at] += rest
    return packed


def _in_turn(queues: Iterable[Sequence[Group]]) -> list[Group]:
    return [group for turn in zip_longest(*queues) for group in turn if group is not None]
