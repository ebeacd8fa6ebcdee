"""What a digest shows of a post."""

from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.rendering import Note, note_phrase, render
from listserv.resources import read_phrases, templates_dir
from tests.mail.clients import CLIENTS, as_sent


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_person_wrote_is_there_whatever_program_sent_it(client: str) -> None:
    assert "Thank you all" in render(as_sent(client, "Thank you all")).text.split("\n")


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_are_rendered_and_safe_to_show(raw: bytes) -> None:
    text = render(raw).text
    assert not {"Cc", "Cs", "Zl", "Zp"} & {category(char) for char in text.replace("\n", "")}


def test_every_note_has_words() -> None:
    phrases = read_phrases(templates_dir())
    assert {f"note.{note}" for note in Note} == {key for key in phrases if key[:5] == "note."}
    assert note_phrase("cut 1.9 MB") == ("note.cut", {"value": "1.9 MB"})
