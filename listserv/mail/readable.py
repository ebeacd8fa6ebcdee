"""What a person reads of a message: its text, as lines that are safe to show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from listserv.mail.mime import Part, read_structure, text_of
from listserv.mail.surgery import Header, read_fields
from listserv.mail.text import html_to_text
from listserv.mail.words import decode_words, shown

_LONGEST_NAME = 60
# More are in no mail that a person wrote.
_MOST_TEXTS = 40


@dataclass(frozen=True, slots=True)
class Readable:
    """`lines` are at most as many as were asked for, `more` says how many there are besides;
    `attachments` are (name or "", type, octets as they came)."""

    lines: tuple[str, ...]
    more: int
    attachments: tuple[tuple[str, str, int], ...]


def readable(raw: bytes, most: int) -> Readable:
    """All texts of a message: where it has one twice the plain one, else HTML as text. Never
    raises."""
    fields, _, start = read_fields(raw)
    root = read_structure(raw, Header(fields), start).root
    text = "\n".join(islice(_texts(raw, root), _MOST_TEXTS))
    lines: Sequence[str] = [shown(line) for line in text.strip().splitlines()]
    attached = tuple(
        (_name(part.parameters.get("name", "")), shown(part.type), part.end - part.start)
        for part in root.walk()
        if part.is_attachment
    )
    return Readable(tuple(lines[:most]), max(0, len(lines) - most), attached)


def _texts(raw: bytes, part: Part) -> Iterator[str]:
    if part.type == "multipart/alternative":
        for one in part.parts:
            if one.is_text and one.type == "text/plain" and (text := text_of(raw, one)).strip():
                yield text.strip()
                return
    if part.is_text:
        text = text_of(raw, part)
        yield (html_to_text(text) if part.type == "text/html" else text).strip()
    for one in part.parts:
        yield from _texts(raw, one)


def _name(name: str) -> str:
    return shown(decode_words(name[: 4 * _LONGEST_NAME]))[:_LONGEST_NAME]
