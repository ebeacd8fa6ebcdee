"""A post in a digest as blocks: what its author wrote, what they quote in it, and lines of ours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from listserv.mail.attached import size_in_words
from listserv.mail.issue import Item, Words
from listserv.mail.plain import clean
from listserv.mail.rendering import Attachment, Note, note_phrase
from listserv.mail.words import shown

# Characters of a block. A longer one is cut at a line or a space, so that parts can be filled.
MAX_BLOCK = 4000

_LONGEST_NAME = 80
_QUOTE = re.compile(r"> ?")
_KINDS = {
    "image": "kind.image",
    "audio": "kind.audio",
    "video": "kind.video",
    "application/pdf": "kind.pdf",
    "message/rfc822": "kind.mail",
    "text/calendar": "kind.calendar",
}


class Kind(Enum):
    OWN = "own"
    QUOTED = "quoted"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class Block:
    """`text` has at most MAX_BLOCK characters in lines without blank ones at its ends; a QUOTED one
    is without the mark > in front of each."""

    kind: Kind
    text: str


def blocks(item: Item, words: Words) -> list[Block]:
    """All of an item, in the order of reading."""
    rendering = item.rendering
    if rendering is None:
        return [Block(Kind.OURS, words.phrase("item.unreadable"))]
    # How many more attachments there are stands below them, all else above.
    notes = sorted(rendering.notes, key=lambda note: note.startswith(Note.MORE))
    below = len(notes) - sum(note.startswith(Note.MORE) for note in notes)
    ours = [_noted(note, words) for note in notes]
    ours[below:below] = [_attached(attachment, words) for attachment in rendering.attachments]
    return [*written(rendering.text), *_cut(Kind.OURS, ours)]


def _noted(note: str, words: Words) -> str:
    key, values = note_phrase(note)
    return words.phrase(key, **values)


def written(text: str) -> Iterator[Block]:
    """Paragraphs, each of one kind."""
    for paragraph in clean(text).split("\n\n"):
        lines: list[str] = []
        kind = Kind.OWN
        for line in paragraph.split("\n"):
            if (kind is Kind.QUOTED) is not line.startswith(">"):
                yield from _cut(kind, lines)
                lines, kind = [], Kind.OWN if kind is Kind.QUOTED else Kind.QUOTED
            lines.append(_QUOTE.sub("", line, count=1) if kind is Kind.QUOTED else line)
        yield from _cut(kind, lines)


def _cut(kind: Kind, lines: list[str]) -> Iterator[Block]:
    text = "\n".join(lines)
    at = 0
    while len(text) - at > MAX_BLOCK:
        room = at + 1, at + MAX_BLOCK
        end = next((end for mark in "\n " if (end := text.rfind(mark, *room)) > 0), room[1])
        yield from _block(kind, text[at:end])
        at = end
    yield from _block(kind, text[at:])


def _block(kind: Kind, text: str) -> Iterator[Block]:
    """None for white space; an indented first line stays so."""
    text = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    if text:
        yield Block(kind, text)


def _attached(attachment: Attachment, words: Words) -> str:
    kind = attachment.type.lower()
    key = _KINDS.get(kind) or _KINDS.get(kind.partition("/")[0])
    return words.phrase(
        "item.attached",
        name=_short(attachment.name),
        type=words.phrase(key) if key else _short(kind),
        size=size_in_words(attachment.octets),
    )


def _short(text: str) -> str:
    return in_short(text, _LONGEST_NAME)


def in_short(text: str, most: int) -> str:
    """One line of at most so many characters that can be shown."""
    line = " ".join(shown(text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
