"""Each transcript tests/dialogues/smtp-*.txt and lmtp-*.txt against a listener.

The intake behind it records, and answers by the recipient's local part (see listening.py).
"""

from pathlib import Path

import pytest

from listserv.smtp.server import Limits, ServerSettings
from tests.dialogue import play
from tests.smtp.listening import House

_DIALOGUES = Path(__file__).parent.parent / "dialogues"
_TRANSCRIPTS = sorted([*_DIALOGUES.glob("smtp-*.txt"), *_DIALOGUES.glob("lmtp-*.txt")])

_SETTINGS = ServerSettings(
    hostname="lists.example.org",
    max_message_bytes=2000,
    trusted_mtas=frozenset({"127.0.0.1"}),
    limits=Limits(header_octets=600, line_octets=300, recipients=3, errors=5, linger_seconds=2),
)


@pytest.mark.parametrize("transcript", _TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_listener_says_what_the_transcript_says(transcript: Path, house: House) -> None:
    text = transcript.read_text()
    assert text.startswith("# "), "the first line says which behaviour the dialogue shows"
    start = house.lmtp if transcript.stem.startswith("lmtp") else house.smtp
    play("127.0.0.1", start(_SETTINGS).port, text)
