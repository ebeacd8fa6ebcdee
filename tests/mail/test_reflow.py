"""Which lines a program has broken, and which their author."""

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.reflow import broken_at, unbroken

STORY = (
    "My husband finished round 3 on Thursday and he sleeps eighteen hours a day. He gets up for"
    " soup, says three words and goes back to bed. The nurse on the phone said that is normal,"
    " but nobody told us that it would be like this."
)
KEPT = {
    "verses": "So much depends upon the red box of the pills that stands there\nby it\nwith water",
    "an address": "The meeting is in the hall behind St. Mary's church, so:\n12 Mill Lane\nYork",
    "a list": "- dexamethasone 4 mg in the mornings, with food, and not late\n- ondansetron 8 mg",
    "numbers": "1. Ring the ward and ask for the blood count of the last day\n2) Walk every day",
    "a list without marks": "Monday: the blood test at the clinic in Mill Lane\nTuesday: scan",
    "entries": "Hemoglobin was 13.5 g per dl, normal is 12 to 16 for women I think\n"
    "Leukocytes were 4500 per ul, normal range is from 4000 up to 10000\n"
    "Thrombocytes were 180000 per ul, normal range is 150000 and higher\n"
    "Creatinine was 0.9 mg per dl, which the doctor said is quite okay",
    "columns": "Monday    blood test, clinic    9:00    bring the card, a list\nTuesday   scan",
    "short lines": "I am fine.\nWe are fine.\nAll are fine, and so is the cat, thank you.",
    "long lines": f"{STORY}\nAnn",
    "an indented line": "    dexamethasone 4 mg in the mornings, the others later\n  then rest",
    "a link": "https://www.cancer.example.org/living-with/fatigue/managing-your-energy\nhelped me",
    "Chinese": "\u8336" * 35 + "\n" + "\u8336" * 35 + "\n\u8336",
}  # fmt: skip


def read(lines: list[str]) -> list[str]:
    return unbroken(lines, broken_at(lines))


@pytest.mark.parametrize("width", [65, 72, 78])
def test_a_paragraph_that_a_program_has_broken_is_one_line(width: int) -> None:
    wrapped = textwrap.wrap(STORY, width)
    assert len(wrapped) > 2
    lines = ["Hello all,", "", *wrapped, "", *wrapped[:1], "", "Ann", "12 Mill Lane"]
    assert read(lines) == [
        "Hello all,", "", STORY, "", wrapped[0], "", "Ann", "12 Mill Lane",
    ]  # fmt: skip


def test_words_with_capitals_are_words() -> None:
    told = (
        "Die Krankenschwester am Telefon sagte, die Blutwerte seien in Ordnung, aber der Oberarzt"
        " will die Computertomographie am Dienstag wiederholen, weil die Aufnahme unscharf war."
    )
    assert read(textwrap.wrap(told, 72)) == [told]


@pytest.mark.parametrize("name", KEPT)
def test_what_its_author_has_arranged_stays(name: str) -> None:
    lines = KEPT[name].split("\n")
    assert read(lines) == lines


@given(st.lists(st.text(max_size=90).map(lambda text: re.sub(r"\s", " ", text))))
def test_only_white_space_changes(lines: list[str]) -> None:
    assert "".join("".join(read(lines)).split()) == "".join("".join(lines).split())
