"""A post in a digest as paragraphs: what its author wrote, what they quote, and lines of ours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from listserv.mail.attached import shortened, size_in_words
from listserv.mail.issue import Item, Words
from listserv.mail.plain import clean
from listserv.mail.quotes import Block, Kind, fold_quotes
from listserv.mail.reflow import broken_at, unbroken
from listserv.mail.rendering import Attachment, Note, note_phrase
from listserv.mail.words import shown

# Characters. A longer one is cut at a line or a space, so that parts can be filled.
MAX_PARAGRAPH = 4000

_LONGEST_NAME, _LONGEST_PATH = 80, 300
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_KINDS = {
    "image": "kind.image",
    "audio": "kind.audio",
    "video": "kind.video",
    "text": "kind.text",
    "text/calendar": "kind.calendar",
    "message/rfc822": "kind.mail",
    "application/pdf": "kind.pdf",
    "application/zip": "kind.zip",
    "application/msword": "kind.document",
    "application/rtf": "kind.document",
    "application/vnd.ms-excel": "kind.table",
    "application/vnd.ms-powerpoint": "kind.slides",
    f"{_OFFICE}.wordprocessingml.document": "kind.document",
    f"{_OFFICE}.spreadsheetml.sheet": "kind.table",
    f"{_OFFICE}.presentationml.presentation": "kind.slides",
    f"{_OPEN}.text": "kind.document",
    f"{_OPEN}.spreadsheet": "kind.table",
    f"{_OPEN}.presentation": "kind.slides",
}


class Voice(Enum):
    """Whose words a paragraph is."""

    OWN = "own"
    QUOTED = "quoted"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`text` has at most MAX_PARAGRAPH characters, in lines without blank ones; a QUOTED one is
    without the mark > in front of each."""

    voice: Voice
    text: str


def paragraphs(
    item: Item, words: Words, *, answer: bool, footer: str = "", original: str = ""
) -> list[Paragraph]:
    """All of an item, in the order of reading. `answer`: its subject says that it answers;
    `footer` is the list's own, which nobody needs to read again; `original` the text that it
    answers, as far as it is known."""
    rendering = item.rendering
    if rendering is None:
        return [Paragraph(Voice.OURS, words.phrase("item.unreadable"))]
    # How many more attachments there are stands below them, all else above.
    notes = sorted(rendering.notes, key=lambda note: note.startswith(Note.MORE))
    below = len(notes) - sum(note.startswith(Note.MORE) for note in notes)
    ours = [_noted(note, words) for note in notes]
    ours[below:below] = [_attached(attachment, words) for attachment in rendering.attachments]
    blocks = fold_quotes(clean(rendering.text), answer=answer, footer=footer, original=original)
    width = broken_at(line for block in blocks if block.kind is Kind.OWN for line in block.lines)
    said = [one for block in blocks for one in _folded(block, width, words)]
    return [*said, *_cut(Voice.OURS, ours)]


def goes_on(part: int, words: Words) -> Paragraph:
    """Stands where a post is cut."""
    return Paragraph(Voice.OURS, words.phrase("item.cut", part=part))


def _folded(block: Block, width: int, words: Words) -> Iterator[Paragraph]:
    own = block.kind is Kind.OWN
    yield from written(unbroken(block.lines, width) if own else block.lines)
    if block.count:
        key = "item.signature" if block.kind is Kind.SIGNATURE else "item.quoted"
        values = {"name": _short(block.of), "lines": block.count}
        yield Paragraph(Voice.OURS, words.phrase(key, **values))


def written(lines: Iterable[str]) -> Iterator[Paragraph]:
    """Paragraphs, each of one voice; blank lines are between them only."""
    own: list[str] = []
    voice = Voice.OWN
    for line in lines:
        marked = line.startswith(">")
        content = line[1:].removeprefix(" ") if marked else line
        of_line = Voice.QUOTED if marked else Voice.OWN
        if not content.strip() or of_line is not voice:
            yield from _cut(voice, own)
            own, voice = [], of_line
        if content.strip():
            own.append(content.rstrip())
    yield from _cut(voice, own)


def _cut(voice: Voice, lines: list[str]) -> Iterator[Paragraph]:
    text = "\n".join(lines)
    at = 0
    while len(text) - at > MAX_PARAGRAPH:
        room = at + 1, at + MAX_PARAGRAPH
        end = next((end for mark in "\n " if (end := text.rfind(mark, *room)) > 0), room[1])
        yield Paragraph(voice, text[at:end].strip("\n"))
        at = end + (text[end] == " ")
    if lines:
        yield Paragraph(voice, text[at:].strip("\n"))


def _noted(note: str, words: Words) -> str:
    key, values = note_phrase(note)
    return words.phrase(key, **values)


def _attached(attachment: Attachment, words: Words) -> str:
    kind = attachment.type.lower()
    key = _KINDS.get(kind) or _KINDS.get(kind.partition("/")[0])
    return words.phrase(
        "item.attached",
        name=shortened(in_short(attachment.name, _LONGEST_PATH)),
        type=words.phrase(key) if key else _short(kind),
        size=size_in_words(attachment.octets),
    )


def _short(text: str) -> str:
    return in_short(text, _LONGEST_NAME)


def in_short(text: str, most: int) -> str:
    """One line of at most so many characters that can be shown."""
    line = " ".join(shown(text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
