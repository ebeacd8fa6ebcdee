"""What can be taken back of a change, and what of it is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.undoing import difference, taken_back

ON = {"delivery": "mail", "kept": None, "until": None, "away_since": None}
OFF = {"delivery": "nomail", "kept": "mail", "until": None, "away_since": 7}
FIELDS = st.dictionaries(st.sampled_from([*ON, "name", "role", "state"]), st.integers(0, 2))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"name": "B", "role": "owner"}, {"name": "A"}),
        ({"name": "B", "role": "member"}, {"name": "A"}),
        ({"name": "C", "role": "owner"}, None),
        ({"name": "A", "role": "member"}, {}),
        ({"role": "owner"}, None),
    ],
)
def test_only_what_was_changed_and_only_while_it_is_as_it_was_left(
    now: dict[str, str], expected: dict[str, str] | None
) -> None:
    was, became = difference({"name": "A", "role": "owner"}, {"name": "B", "role": "owner"})
    assert taken_back(now, was, became) == expected


def test_how_mail_comes_is_one_thing() -> None:
    """A break that began since would go on with mail on."""
    was, became = difference(ON, OFF)
    assert taken_back({**OFF, "until": "2026-12-01"}, was, became) is None
    assert taken_back(OFF, was, became) == ON
    assert "until" in difference(ON, {**ON, "delivery": "digest"})[0]


@given(FIELDS, FIELDS)
def test_a_change_is_always_taken_back_at_once(
    before: dict[str, int], after: dict[str, int]
) -> None:
    values = taken_back(after, *difference(before, after))
    assert values is not None
    restored = {**after, **values}
    assert all(restored.get(name) == before.get(name) for name in {**before, **after})


def test_who_came_back_is_out_again_whatever_they_have_set_since() -> None:
    was, became = difference(
        {**OFF, "state": "left", "joined": "1"}, {**ON, "state": "active", "joined": "2"}
    )
    assert taken_back({**OFF, "state": "active", "joined": "2"}, was, became) == was
    assert taken_back({**ON, "state": "suspended", "joined": "2"}, was, became) is None
    assert taken_back({**ON, "state": "active", "joined": "3"}, was, became) is None
