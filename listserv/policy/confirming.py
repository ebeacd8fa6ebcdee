"""What a reply to a question of ours says: yes, or nothing that we can act on."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from listserv.domain.post import Post

# The first word that a person wrote, after quotation marks and the like.
_FIRST_WORD = re.compile(r"[\W_]*(\w+)")
_WORDS = re.compile(r"[^\W_]+")
_YES = frozenset({"yes", "ok", "okay", "confirm", "ja", "jawohl", "oui"})
_NO = frozenset({"no", "nein", "non", "nothing", "nichts"})
_DIGEST = frozenset({"digest", "sammelmail"})
_UNDO = frozenset({"undo", "rückgängig"})
_CANCEL = frozenset({"cancel", "zurückziehen"})
# With what it may stand; "cancel my membership" is another wish.
_COURTESY = frozenset({"please", "thanks", "thank", "you", "bitte", "danke"})
# Old vacation programs mark their answers with this alone.
_ROBOTS = frozenset({"bulk", "junk", "list", "auto_reply"})


class Word(StrEnum):
    """NOTHING: a program wrote it, or a person who says no. CHOICE is read by `read_choice`."""

    YES = "yes"
    UNDO = "undo"
    CANCEL = "cancel"
    CHOICE = "choice"
    DIGEST = "digest"
    UNCLEAR = "unclear"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several things that were offered, by its `number`; 0 for none of them, perhaps with a
    `subject` for what it is instead."""

    number: int
    subject: str = ""


class Moment(StrEnum):
    """When a yes came: the first one in time, another one, the first one too late."""

    FIRST = "first"
    AGAIN = "again"
    LATE = "late"


def is_answerable(post: Post, sender: str, precedence: Iterable[str]) -> bool:
    """Whether a mail may cause one of ours (RFC 3834 2): not if a program wrote it or passed it on.
    `sender` is its envelope sender, `precedence` are the values of its Precedence fields."""
    words = {value.strip().lower() for value in precedence}
    return (
        bool(sender)
        and not post.automatic
        and post.auto_submitted in {"", "no"}
        and not post.list_ids
        and _ROBOTS.isdisjoint(words)
    )


def read_reply(first_line: str, *, answerable: bool) -> Word:
    """What a mail to a question's address says, by the first line of what was written above or
    below the quotation; nothing, unless the mail is answerable at all."""
    if not answerable:
        return Word.NOTHING
    found = _FIRST_WORD.match(first_line)
    word = found[1].lower() if found else ""
    if word in _YES:
        return Word.YES
    if word in _UNDO:
        return Word.UNDO
    if word in _CANCEL:
        said = set(_WORDS.findall(first_line.lower())) - _COURTESY
        return Word.CANCEL if said == {word} and "?" not in first_line else Word.UNCLEAR
    if word in _DIGEST:
        return Word.DIGEST
    return Word.NOTHING if word in _NO else Word.UNCLEAR


_NUMBER = re.compile(
    r"[\W_]*(?:(?:number|no|nr|nummer|post|beitrag)\b[\W_]*)?(\d{1,4})(?:\s?/\s?\d{1,4})?"
    r"[\W_]*(?:please|thanks|thank you|bitte|danke)?[\W_]*",
    re.IGNORECASE,
)
_NEW = re.compile(r"[\W_]*(?:new|neu)(?![\w-])[\W_]*(.*)", re.IGNORECASE)
_LONGEST_SUBJECT = 120


def read_choice(first_line: str) -> Choice | None:
    """Which of the things that were offered a reply names in its first line: by its number and
    nothing else, or NEW and perhaps a subject."""
    line = first_line[:1000]
    number = _NUMBER.fullmatch(line)
    if number is not None:
        return Choice(int(number[1])) if int(number[1]) else None
    new = _NEW.match(line)
    return Choice(0, new[1].strip()[:_LONGEST_SUBJECT]) if new is not None else None


# Questions to a mailbox that nobody has answered: more of them would let anybody who knows an
# address fill it with our mail. One person asks for few others; a site for as many as a list gets
# in its busiest hour.
_MAILBOX_A_DAY = 1
_MAILBOX_A_MONTH = 3
_ASKER_A_DAY = 20
_SITE_AN_HOUR = 300


@dataclass(frozen=True, slots=True)
class Unanswered:
    """How many questions nobody has answered: to a mailbox within a day and within 30 days, on one
    account within a day, and in all within an hour."""

    mailbox_day: int
    mailbox_month: int
    asker_day: int
    site_hour: int


def may_ask(waiting: Unanswered) -> bool:
    """Whether somebody whose mail proves nothing may have another question sent."""
    return (
        waiting.mailbox_day < _MAILBOX_A_DAY
        and waiting.mailbox_month < _MAILBOX_A_MONTH
        and waiting.asker_day < _ASKER_A_DAY
        and waiting.site_hour < _SITE_AN_HOUR
    )
