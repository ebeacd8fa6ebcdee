"""What a person reads of a message: its text, as lines that are safe to show.

Where a message has a text twice, as plain text and as HTML, readers see one of them. Whoever
decides about it sees the plain one, and the other too where it says something else: where of the
words in it more than one in ten, or more than 30, do not stand in the plain text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from listserv.mail.attached import file_name
from listserv.mail.mime import Part, decoded, read_structure
from listserv.mail.page import page_text
from listserv.mail.surgery import Header, read_fields
from listserv.mail.text import html_to_text, shown_markup
from listserv.mail.words import decode_text, shown

# More are in no mail that a person wrote: texts, and octets of all of them, markup included.
_MOST_TEXTS = 40
_MOST_OCTETS = 512 * 1024
# Of ten words of the other text, and of all of them, so many may be missing in the first.
_IN_TEN, _MOST_MISSING = 1, 30

# A paragraph that is longer goes on in the next line.
_LONGEST_LINE = 1000
# Pictures of somebody else's server that are named, of one page.
_MOST_PICTURES = 10

# What only Outlook reads of a page, but for its own settings.
_FOR_OUTLOOK = re.compile(
    r"<xml>.*?(?:</xml>|\Z)|<!--\[if[^\]<>]{0,100}\]>(?:<!-->)?|<!\[endif\]-->",
    re.IGNORECASE | re.DOTALL,
)
_REMOTE = re.compile(
    r"(?:\b(?:src|background)\s*=\s*[\"']?|\burl\(\s*[\"']?)\s*((?:https?:)?//[^\s\"'()<>]{1,300})",
    re.IGNORECASE,
)
# A letter of a writing without spaces is a word of its own.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
# Nobody sees it; newsletters are full of it.
_NO_WIDTH = re.compile(r"[\u00ad\u034f\u200b-\u200f\u2060\ufeff]+")


@dataclass(frozen=True, slots=True)
class Readable:
    """`lines` are at most as many as were asked for, `more` says how many there are besides;
    `others` and `more_others` are the same of the HTML that says something else, beside plain
    text; `attachments` are (name or "", type, octets as they came)."""

    lines: tuple[str, ...]
    more: int
    attachments: tuple[tuple[str, str, int], ...]
    others: tuple[str, ...] = ()
    more_others: int = 0


def readable(raw: bytes, most: int) -> Readable:
    """All texts of a message: where it has one twice the plain one, else HTML as text. Never
    raises."""
    fields, _, start = read_fields(raw)
    root = read_structure(raw, Header(fields), start).root
    reading = _Reading(raw)
    text = "\n".join(reading.texts(root))
    other = [one for one in reading.others if _says_more(one, text) or reading.is_cut]
    attached = tuple(
        (file_name(raw, part), shown(part.type), part.end - part.start)
        for part in root.walk()
        if part.is_attachment
    )
    lines, others = _lines(text), _lines("\n".join(other))
    return Readable(
        tuple(lines[:most]), max(0, len(lines) - most), attached,
        tuple(others[:most]), max(0, len(others) - most),
    )  # fmt: skip


def _lines(text: str) -> Sequence[str]:
    found: list[str] = []
    for line in map(shown, text.strip().splitlines()):
        found += [line[at : at + _LONGEST_LINE] for at in range(0, len(line) or 1, _LONGEST_LINE)]
    return found


@dataclass(slots=True)
class _Reading:
    """One message. `others` are the texts that stand beside a plain one; `is_cut`: there was more
    text than is read."""

    raw: bytes
    left: int = _MOST_OCTETS
    count: int = 0
    others: list[str] = field(default_factory=list)
    is_cut: bool = False

    def texts(self, part: Part) -> Iterator[str]:
        """What is read of a part and of all below it."""
        if part.type == "multipart/alternative":
            for one in part.parts:
                if one.type == "text/plain" and (text := self._text(one)):
                    yield text
                    beside = (each for each in part.walk() if each is not one)
                    self.others += filter(None, map(self._text, beside))
                    return
        if text := self._text(part):
            yield text
        for one in part.parts:
            yield from self.texts(one)

    def _text(self, part: Part) -> str:
        """Of a part that is text; "" for any other."""
        if not part.is_text or self.count == _MOST_TEXTS:
            return ""
        octets = decoded(self.raw, part, self.left)
        self.is_cut |= len(octets) == self.left
        self.left -= len(octets)
        self.count += bool(octets)
        text = decode_text(octets, part.charset)
        return (_page(text) if part.type == "text/html" else text).strip()


def _page(markup: str) -> str:
    """With where its links go and its pictures are. What is hidden, or for Outlook alone, is shown
    where it is many words: somebody will see it."""
    page = page_text(shown_markup(markup))
    everything = html_to_text(_FOR_OUTLOOK.sub("", markup))
    pictures = [f"<{found[1]}>" for found in islice(_REMOTE.finditer(markup), _MOST_PICTURES)]
    text = everything if _says_more(everything, page) else page
    return "\n".join([text, *dict.fromkeys(pictures)])


def _says_more(other: str, text: str) -> bool:
    """Whether a text says what does not stand in the first one."""
    words = _words(other)
    missing = (words - _words(text)).total()
    return missing * 10 > words.total() * _IN_TEN or missing > _MOST_MISSING


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(_NO_WIDTH.sub("", text).casefold()))
