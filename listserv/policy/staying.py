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
_NOT = frozenset({"not", "don", "dont", "never", "nicht", "kein", "keine", "nie", "or", "oder"})
# What may stand before the word that counts.
_BEFORE = frozenset(
    {"please", "bitte", "no", "nein", "i", "ich", "want", "would", "like", "to", "will", "ll",
     "möchte"}
)  # fmt: skip
# Of a line, in characters.
_READ = 1000


class Staying(StrEnum):
    """What they want."""

    LEAVE = "leave"
    STAY = "stay"


def read_staying(first_line: str) -> Staying | None:
    """What a reply's first line says; None where it is not plain. "No, I want to stay" is."""
    words = _WORDS.findall(first_line[:_READ].lower())
    said = set(words)
    if "?" in first_line or said & _NOT or (said & _LEAVE and said & _STAY):
        return None
    first = next((word for word in words if word not in _BEFORE), "")
    if first in _STAY:
        return Staying.STAY
    return Staying.LEAVE if first in _LEAVE else None
