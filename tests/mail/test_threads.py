"""Which posts of a day are one conversation."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from listserv.mail.threads import bare_title, conversations, is_answer
from tests.mail.digest_day import TOWN, item

# What is sent: (subject, numbers or Message-IDs that it answers), numbered from 1; and what becomes
# of it: the numbers of each conversation, those that began before behind the others.
CASES: Mapping[str, tuple[list[tuple[str, list[int | str]]], list[list[int]]]] = {
    "an answer names what it answers": ([("A", []), ("B", []), ("Re: x", [1])], [[1, 3], [2]]),
    "of two the nearest counts": ([("A", []), ("B", []), ("C", [1, 2])], [[1], [2, 3]]),
    "a new subject stays in the conversation": ([("A", []), ("B (was: A)", [1])], [[1, 2]]),
    "two answers to one that is not here": ([("Re: A", ["<o@x>"]), ("AW: b", ["<o@x>"])], [[1, 2]]),
    "an answer through a post that is not here": (
        [("A", []), ("Re: A", [1, "<away@x>"]), ("Re: B", ["<away@x>"])], [[1, 2, 3]],
    ),
    "an answer accepted before its question": ([("Re: A", [2]), ("A", [])], [[1, 2]]),
    "an answer without references goes by its subject": ([("A b", []), ("RE:  a B", [])], [[1, 2]]),
    "an answer that names what nobody has": ([("A", []), ("Re: A", ["<o@x>"])], [[1, 2]]),
    "to the latest of that subject": ([("A", []), ("A", []), ("Re: A", [])], [[1], [2, 3]]),
    "two that answer nothing stay two": ([("Question", []), ("Question", [])], [[1], [2]]),
    "a forward answers nothing": ([("A", []), ("Fwd: A", [])], [[1], [2]]),
    "no subject is no subject in common": ([("", []), ("Re:", []), ("Re: ", [])], [[1], [2], [3]]),
    "tags keep apart, the list's prefix does not": (
        [("[Town] A", []), ("[OT] A", []), ("Re: [town] A", [])], [[1, 3], [2]],
    ),
    "what goes on comes after what is new": (
        [("Re: A", ["<o@x>"]), ("B", []), ("Re: C", []), ("D", [])], [[2], [4], [1], [3]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_conversations(case: str) -> None:
    sent, expected = CASES[case]
    items = [
        item(number, subject, "Ann", "", answers=answers)
        for number, (subject, answers) in enumerate(sent, 1)
    ]
    found = conversations(items, "[Town]")
    assert [[one.number for one in thread.items] for thread in found] == expected


def test_an_item_that_could_not_be_rendered_goes_by_its_subject() -> None:
    unread = replace(item(2, "Re: A", "Ben", ""), rendering=None)
    found = conversations([item(1, "A", "Ann", ""), unread])
    assert [len(thread.items) for thread in found] == [2]


def test_posts_are_in_one_conversation_each_and_in_order() -> None:
    found = conversations(TOWN, "[Town]")
    numbers = [[one.number for one in thread.items] for thread in found]
    assert numbers == [[2, 4, 6, 9], [5, 8, 11], [7], [10, 12], [1, 3]]
    assert [thread.goes_on for thread in found] == [False, False, False, False, True]
    assert found[-1].title == "Good news from Dorothy"


@pytest.mark.parametrize(
    ("subject", "title", "answers"),
    [
        ("Re: AW: [Town] Re[2]: Tea", "Tea", True),
        ("[town] Tea", "Tea", False),
        ("[Else] Re: [OT] Tea", "[OT] Tea", True),
        ("[OT] Tea: now", "[OT] Tea: now", False),
        ("Fwd: Tea", "Tea", False),
        ("Re: Fwd: Tea", "Tea", True),
        ("Fwd: Re: Tea", "Tea", False),
        ("Research: a trial", "Research: a trial", False),
        ("回复\uff1a茶", "茶", True),
        ("Tea\r\nBcc: x@y.test", "Tea Bcc: x@y.test", False),
        ("\u202eTea\u2066 \x00x", "Tea x", False),
        ("Re: " * 3000, "", True),
        ("[Town]", "", False),
        ("", "", False),
    ],
)  # fmt: skip
def test_the_title_is_the_subject_without_marks(subject: str, title: str, answers: bool) -> None:
    assert bare_title(subject, "[Town]") == title
    assert is_answer(item(1, subject, "Ann", ""), "[Town]") is answers
    forwards = subject.startswith("Fwd")
    assert is_answer(item(2, subject, "Ann", "", answers=[1]), "[Town]") is not forwards


def test_many_posts_that_name_many_others_are_threaded_at_once() -> None:
    names = [f"<{number}@y.test>" for number in range(50)]
    items = [item(number, f"S {number}", "Ann", "", answers=names) for number in range(3000)]
    assert len(conversations(items)) == 1
