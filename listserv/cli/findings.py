"""What `listserv doctor` finds, in plain words."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """GOOD; a NOTE for the operator to know; WRONG: it has to be mended."""

    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is the kind of question, `about` what it was asked of; `next_step` is the one thing
    to do, "" when there is none."""

    check: str
    about: str
    state: State
    says: str
    next_step: str = ""


def good(check: str, about: str, says: str) -> Finding:
    return Finding(check, about, State.GOOD, says)


def note(check: str, about: str, says: str, next_step: str = "") -> Finding:
    return Finding(check, about, State.NOTE, says, next_step)


def wrong(check: str, about: str, says: str, next_step: str) -> Finding:
    return Finding(check, about, State.WRONG, says, next_step)
