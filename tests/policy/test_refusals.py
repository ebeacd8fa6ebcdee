"""Whose fault a refusal is."""

import pytest

from listserv.policy.refusals import (
    SAME_IN_A_ROW,
    SAME_MAILING,
    Watch,
    is_throttling,
    same_words,
)

NO_RELAY = "554 5.7.1 <{}>: Relay access denied"
UNKNOWN = "550 5.1.1 <{}>: Recipient address rejected: User unknown"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("421 4.3.2 closing", True),
        ("421-4.7.28 unusual rate of mail", True),
        ("450 4.7.28 too much mail", True),
        ("451 4.7.1 Rate limited, slow down", True),
        ("452 4.7.0 Too many connections", True),
        ("450 4.2.1 mailbox is receiving mail at a rate", True),
        ("451 throttled", True),
        ("451 4.7.1 greylisted", False),
        ("452 4.2.2 mailbox full", False),
        ("451 4.3.0 separate problem", False),
        ("450 4.2.0 try again", False),
    ],
)
def test_words_that_ask_us_to_be_slower(words: str, expected: bool) -> None:
    assert is_throttling(words) is expected


def test_words_are_the_same_whomever_they_name() -> None:
    assert same_words(NO_RELAY.format("Ann@x.org"), "ann@x.org") == same_words(
        NO_RELAY.format("ben@y.org"), "ben@y.org"
    )
    assert same_words(UNKNOWN.format("ann@x.org"), "ann@x.org") != same_words(
        UNKNOWN.format("ben@y.org"), "ben@y.org"
    )


def refuse(watch: Watch[int], words: str, count: int) -> list[tuple[list[int], bool]]:
    people = [f"m{n}@example.org" for n in range(count)]
    return [watch.refused(n, who, words.format(who)) for n, who in enumerate(people)]


def test_the_same_refusal_for_twenty_in_a_row_is_about_us_and_counts_for_nobody() -> None:
    watch = Watch[int]()
    answers = refuse(watch, NO_RELAY, SAME_IN_A_ROW)

    assert answers == [([], False)] * (SAME_IN_A_ROW - 1) + [([], True)]
    assert watch.answered() == []


def test_a_refusal_counts_once_the_relay_takes_another_copy() -> None:
    watch = Watch[int]()
    refuse(watch, NO_RELAY, SAME_IN_A_ROW - 1)

    assert watch.answered() == list(range(SAME_IN_A_ROW - 1))
    assert watch.answered() == []


def test_refusals_in_other_words_show_that_the_relay_tells_people_apart() -> None:
    watch = Watch[int]()
    assert watch.refused(1, "ann@x.org", "550 5.7.1 no") == ([], False)
    assert watch.refused(2, "ben@y.org", "550 5.2.1 disabled") == ([1], False)
    assert watch.answered() == [2]


def test_many_unknown_people_in_a_row_are_unknown_people() -> None:
    watch = Watch[int]()
    assert not any(paused for _, paused in refuse(watch, UNKNOWN, 3 * SAME_IN_A_ROW))


def test_a_relay_that_calls_everybody_unknown_in_the_same_words_is_wrong() -> None:
    watch = Watch[int]()
    assert refuse(watch, "550 5.1.1 User unknown", SAME_IN_A_ROW)[-1] == ([], True)


def test_what_was_kept_back_is_forgotten_when_the_relay_is_paused_for_another_reason() -> None:
    watch = Watch[int]()
    refuse(watch, NO_RELAY, 5)
    watch.forget()

    assert watch.answered() == []


def test_a_mailing_whose_content_is_refused_three_times_is_paused() -> None:
    watch = Watch[int]()
    assert [watch.refused_content(7) for _ in range(SAME_MAILING)] == [False, False, True]
    assert watch.refused_content(8) is False
    assert watch.refused_content(7) is False
