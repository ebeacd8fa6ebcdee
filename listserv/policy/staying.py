"""Whose mail was stopped by one click is asked whether they LEAVE or STAY: what a reply says."""

import re
from datetime import timedelta
from enum import StrEnum

# Of the question, in flow.confirm.KINDS.
KIND = "one-click"
# Who says nothing for so long has left.
SILENCE = timedelta(days=7)

_WORDS = re.compile(r"[^\W_]+")
_LEAVE = frozenset(
    {"leave", "unsubscribe", "unsub", "signoff", "verlassen", "abmelden", "austreten"}
)
_STAY = frozenset({"stay", "bleiben", "bleibe"})
# What may stand around one of these; any other word makes it another wish: "leave of absence".
_AROUND = frozenset(
    {"please", "thanks", "thank", "you", "no", "i", "want", "would", "like", "to", "will", "ll",
     "me", "the", "this", "list", "here", "for", "good", "bitte", "danke", "nein", "ich",
     "möchte", "mich", "die", "diese", "liste", "hier", "dabei", "ganz"}
)  # fmt: skip
# Of a line, in characters.
_READ = 1000


class Staying(StrEnum):
    """What they want."""

    LEAVE = "leave"
    STAY = "stay"


def read_staying(first_line: str) -> Staying | None:
    """What a reply's first line says; None where it is not plain. "No, I want to stay" is."""
    said = set(_WORDS.findall(first_line[:_READ].lower())) - _AROUND
    if not said or "?" in first_line:
        return None
    if said <= _STAY:
        return Staying.STAY
    return Staying.LEAVE if said <= _LEAVE else None
