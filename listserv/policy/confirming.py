"""What a reply to a question of ours says: yes, or nothing that we can act on."""

import re
from collections.abc import Iterable
from enum import StrEnum

from listserv.domain.post import Post

# The first word that a person wrote, after quotation marks and the like.
_FIRST_WORD = re.compile(r"[\W_]*(\w+)")
_YES = frozenset({"yes", "ok", "okay", "confirm"})
# Old vacation programs mark their answers with this alone.
_ROBOTS = frozenset({"bulk", "junk", "list", "auto_reply"})


class Word(StrEnum):
    """NOTHING: a program wrote it, or a person who says no."""

    YES = "yes"
    UNCLEAR = "unclear"
    NOTHING = "nothing"


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
    return Word.NOTHING if word == "no" else Word.UNCLEAR
