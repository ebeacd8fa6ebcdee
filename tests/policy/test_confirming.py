"""A reply to a question: a person's yes, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.post import Post
from listserv.policy.confirming import Choice, Word, is_answerable, read_choice, read_reply
from tests.policy.facts import a_post

SAID = [
    ("yes", Word.YES),
    ("Yes", Word.YES),
    ("YES!", Word.YES),
    ("Yes, that was me.", Word.YES),
    ("“Yes”", Word.YES),
    ("  * yes", Word.YES),
    ("ok", Word.YES),
    ("OK.", Word.YES),
    ("Okay, thanks", Word.YES),
    ("confirm", Word.YES),
    ("Confirm: I wrote it", Word.YES),
    ("Yesterday I did", Word.UNCLEAR),
    ("yesno", Word.UNCLEAR),
    ("okra", Word.UNCLEAR),
    ("confirmation wanted?", Word.UNCLEAR),
    ("Sure, yes", Word.UNCLEAR),
    ("I did not write this, is it ok?", Word.UNCLEAR),
    ("What is this?", Word.UNCLEAR),
    ("", Word.UNCLEAR),
    ("!!!", Word.UNCLEAR),
    ("\u202eyes", Word.YES),
    ("cancel", Word.CANCEL),
    ("*Cancel*, please.", Word.CANCEL),
    ("Zurückziehen, danke!", Word.CANCEL),
    ("cancel my membership", Word.UNCLEAR),
    ("Cancel the subscription, please", Word.UNCLEAR),
    ("cancel?", Word.UNCLEAR),
    ("Please cancel", Word.UNCLEAR),
    ("cancel cancellation", Word.UNCLEAR),
    ("no", Word.NOTHING),
    ("No, yes would be a lie", Word.NOTHING),
]


@pytest.mark.parametrize(("line", "word"), SAID)
def test_the_first_word_that_a_person_wrote_decides(line: str, word: Word) -> None:
    assert read_reply(line, answerable=True) is word


@pytest.mark.parametrize(("line", "word"), SAID)
def test_a_programs_mail_says_nothing_whatever_it_says(line: str, word: Word) -> None:
    assert read_reply(line, answerable=False) is Word.NOTHING


PROGRAMS: list[tuple[Post, str, list[str]]] = [
    (a_post(), "", []),
    (a_post(automatic="it is a bounce"), "ann@example.org", []),
    (a_post(auto_submitted="auto-replied"), "ann@example.org", []),
    (a_post(auto_submitted="auto-generated"), "ann@example.org", []),
    (a_post(auto_submitted="x-whatever"), "ann@example.org", []),
    (a_post(list_ids=("other.example",)), "ann@example.org", []),
    (a_post(), "ann@example.org", ["bulk"]),
    (a_post(), "ann@example.org", [" Junk "]),
    (a_post(), "ann@example.org", ["list"]),
    (a_post(), "ann@example.org", ["normal", "auto_reply"]),
]
PEOPLE: list[tuple[Post, str, list[str]]] = [
    (a_post(), "ann@example.org", []),
    (a_post(auto_submitted="no"), "ann@example.org", []),
    (a_post(), "ann@example.org", ["first-class", "special-delivery"]),
]


@pytest.mark.parametrize(("post", "sender", "precedence"), PROGRAMS)
def test_a_programs_mail_causes_no_mail_of_ours(
    post: Post, sender: str, precedence: list[str]
) -> None:
    assert not is_answerable(post, sender, precedence)


@pytest.mark.parametrize(("post", "sender", "precedence"), PEOPLE)
def test_a_persons_mail_may_be_answered(post: Post, sender: str, precedence: list[str]) -> None:
    assert is_answerable(post, sender, precedence)


@given(st.text(max_size=300))
def test_any_line_is_read(line: str) -> None:
    assert read_reply(line, answerable=True) in Word
    assert read_reply(f"yes {line}", answerable=True) is Word.YES


CHOICES: list[tuple[str, Choice | None]] = [
    ("3", Choice(3)),
    ("3.", Choice(3)),
    ("#3", Choice(3)),
    ("  3 / 12", Choice(3)),
    ("3/12", Choice(3)),
    ("No. 3", Choice(3)),
    ("Nr. 3, danke", Choice(3)),
    ("post 12 please!", Choice(12)),
    ("Number 0", None),
    ("12345", None),
    ("3 and 4", None),
    ("2 years ago I had one", None),
    ("new", Choice(0)),
    ("NEW: A walk on Sunday?", Choice(0, "A walk on Sunday?")),
    ("„neu“ Wer schwimmt?", Choice(0, "Wer schwimmt?")),
    ("news", None),
    ("new-born", None),
    ("yes", None),
    ("", None),
]


@pytest.mark.parametrize(("line", "choice"), CHOICES)
def test_a_number_alone_or_new_is_a_choice(line: str, choice: Choice | None) -> None:
    assert read_choice(line) == choice


@given(st.text(max_size=3000))
def test_any_line_is_read_as_a_choice_or_none(line: str) -> None:
    choice = read_choice(line)
    assert choice is None or 0 <= choice.number <= 9999
