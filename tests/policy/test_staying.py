"""LEAVE or STAY: what the first line of a reply says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.staying import Staying, read_staying

LINES: dict[str, Staying | None] = {
    "LEAVE": Staying.LEAVE,
    "leave.": Staying.LEAVE,
    "*Leave*": Staying.LEAVE,
    "> LEAVE": Staying.LEAVE,
    "Please unsubscribe me": Staying.LEAVE,
    "leave, thank you": Staying.LEAVE,
    "SIGNOFF": Staying.LEAVE,
    "Abmelden bitte": Staying.LEAVE,
    "bitte verlassen": Staying.LEAVE,
    "STAY": Staying.STAY,
    "stay!": Staying.STAY,
    "I want to stay, please": Staying.STAY,
    "No, I stay": Staying.STAY,
    "Nein, ich bleibe": Staying.STAY,
    "BLEIBEN": Staying.STAY,
    "ich möchte bleiben": Staying.STAY,
    "": None,
    "yes": None,
    "no": None,
    "I want to leave.": Staying.LEAVE,
    'You have unsubscribed from "Stay well" with one click.': None,
    "Sie haben „Bleiben“ mit einem Klick abbestellt.": None,
    "stay?": None,
    "stay safe!": None,
    "Leave of absence until 3 June": None,
    "Annual leave": None,
    "leave LEAVE leave": Staying.LEAVE,
    "I want to leave the list for good, thank you": Staying.LEAVE,
    "Ich möchte hier bleiben, danke": Staying.STAY,
    "please, thank you": None,
    "leave?": None,
    "Leave or stay?": None,
    "LEAVE / STAY": None,
    "I do not want to stay": None,
    "don't leave": None,
    "Please do not leave me out": None,
    "nicht bleiben": None,
    "BLEIBEN oder ABMELDEN": None,
    "stayed": None,
    "unsubscribed by mistake": None,
    "leaveme": None,
    "please " * 600 + "stay": None,
}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:30])
def test_a_line_says_one_thing_or_nothing(line: str) -> None:
    assert read_staying(line) is LINES[line]


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    read_staying(text)
