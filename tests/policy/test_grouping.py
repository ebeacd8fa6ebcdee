"""Who shares a transaction: everybody once, few transactions, no provider all at once."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.grouping import Group, one_by_one, together


def people(text: str) -> dict[int, str]:
    """A letter for each recipient's domain."""
    return {at: f"m{at}@{letter}.example" for at, letter in enumerate(text)}


def domains(groups: Sequence[Group], text: str) -> list[str]:
    """The letters of each group's recipients."""
    return ["".join(text[at] for at in group) for group in groups]


@pytest.mark.parametrize(
    ("text", "mixed", "expected"),
    [
        ("", True, []),
        ("a", True, ["a"]),
        ("abc", True, ["abc"]),
        ("abc", False, ["a", "b", "c"]),
        ("aaaab", True, ["aaa", "ab"]),
        ("aaaaaabbb", True, ["aaa", "bbb", "aaa"]),  # full ones, in turn
        ("aabbc", True, ["aac", "bb"]),  # a rest stays in one piece
        ("aabbc", False, ["aa", "bb", "c"]),
        ("aaaabbbbcd", True, ["aaa", "bbb", "abc", "d"]),
    ],
)  # fmt: skip
def test_what_is_left_of_each_domain_shares_transactions(
    text: str, mixed: bool, expected: list[str]
) -> None:
    assert domains(together(people(text), 3, mixed=mixed), text) == expected


def test_providers_take_turns() -> None:
    assert domains(one_by_one(people("aaabbc")), "aaabbc") == ["a", "b", "c", "a", "b", "a"]


@given(st.text("abcdefgh", max_size=60), st.integers(1, 9), st.booleans())
def test_everybody_is_in_one_transaction_and_no_domain_in_more_than_it_needs(
    text: str, at_most: int, mixed: bool
) -> None:
    groups = together(people(text), at_most, mixed=mixed)

    assert sorted(at for group in groups for at in group) == list(range(len(text)))
    assert all(0 < len(group) <= at_most for group in groups)
    for letter, members in Counter(text).items():
        holding = [group for group in domains(groups, text) if letter in group]
        assert len(holding) == -(-members // at_most)
    if mixed:  # no two that would fit into one
        smallest = sorted(map(len, groups))[:2]
        assert len(groups) < 2 or sum(smallest) > at_most
