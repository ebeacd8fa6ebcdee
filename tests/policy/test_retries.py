"""When a mailing is tried again, and when it is given up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.retries import GIVE_UP, LONGEST, next_attempt

MADE = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UNIFORM = st.floats(0, 1)


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 240), (8, 240), (10**9, 240)],
)
def test_the_delay_doubles_from_5_minutes_to_4_hours(attempts: int, minutes: int) -> None:
    now = MADE + timedelta(hours=1)
    assert next_attempt(MADE, attempts, now, 0.5) == now + minutes * MINUTE


@pytest.mark.parametrize(("jitter", "minutes"), [(0.0, 4), (0.5, 5), (1.0, 6)])
def test_jitter_moves_an_attempt_by_up_to_a_fifth(jitter: float, minutes: int) -> None:
    assert next_attempt(MADE, 1, MADE, jitter) == MADE + minutes * MINUTE


@pytest.mark.parametrize(
    ("age", "tried_again"),
    [
        (timedelta(0), True),
        (timedelta(days=5) - timedelta(seconds=1), True),
        (timedelta(days=5), False),
        (timedelta(days=500), False),
    ],
)
def test_after_five_days_it_is_given_up(age: timedelta, tried_again: bool) -> None:
    assert (next_attempt(MADE, 30, MADE + age, 0.5) is not None) is tried_again


def test_a_batch_that_was_never_counted_waits_like_after_the_first_attempt() -> None:
    assert next_attempt(MADE, 0, MADE, 0.5) == MADE + 5 * MINUTE


def test_a_clock_that_was_set_back_does_not_stop_the_retries() -> None:
    now = MADE - timedelta(days=30)
    assert next_attempt(MADE, 1, now, 0.5) == now + 5 * MINUTE


@given(
    st.integers(0, 10**6),
    st.timedeltas(timedelta(days=-10), GIVE_UP),
    UNIFORM,
)
def test_an_attempt_is_always_later(attempts: int, age: timedelta, jitter: float) -> None:
    now = MADE + age
    due = next_attempt(MADE, attempts, now, jitter)
    if due is None:
        assert age >= GIVE_UP
    else:
        assert now + 4 * MINUTE <= due <= now + LONGEST * 1.2


@given(st.integers(1, 20), UNIFORM)
def test_waiting_never_gets_shorter_from_one_attempt_to_the_next(
    attempts: int, jitter: float
) -> None:
    one, other = (next_attempt(MADE, n, MADE, jitter) for n in (attempts, attempts + 1))
    assert one is not None and other is not None and one <= other


@given(st.lists(UNIFORM, min_size=60, max_size=60))
def test_a_mailing_is_tried_for_five_days_and_then_comes_to_an_end(jitters: list[float]) -> None:
    now, attempts = MADE, 1
    while (due := next_attempt(MADE, attempts, now, jitters[attempts % 60])) is not None:
        assert due > now
        now, attempts = due, attempts + 1
    assert GIVE_UP <= now - MADE <= GIVE_UP + LONGEST * 1.2
    assert 28 <= attempts <= 46
