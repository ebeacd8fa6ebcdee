"""What a report says in text for people, and one line of it about one recipient."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from listserv.mail.mime import Part, text_of
from listserv.mail.text import html_to_text
from listserv.mail.words import decode_words

MAX_WORDS = 500
# Lines about one recipient: their address, and what the refusing system said.
_MOST_LINES = 10
# A report's text in several languages has half of this.
_MOST_TEXT = 200

# Behind these lines stands the message that comes back.
_RETURNED = re.compile(
    r"-{3,}.{0,40}(?:original|returned|copy of|below this line|message header|unsent).{0,80}"
    r"|.{0,30}\b(?:is a|here is) copy of.{0,60}|original message follows.?",
    re.IGNORECASE,
)
# What is said of the message, before what became of it.
_ECHO = re.compile(r"\s*(?:to|cc|from|date|sent|subject|message-id):", re.IGNORECASE)
_NEXT = re.compile(r"\s*<?[^\s<>@]{1,64}@[^\s<>@]+>?:")
_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\w.@-])(?:4[25][0-2]|5[05][0-4])(?=[ -])")


def status_in(text: str) -> str:
    """The first enhanced status code (RFC 3463) in a text, "" when there is none."""
    found = _ENHANCED.search(text)
    return found[0] if found else ""


def code_in(text: str) -> str:
    """The first enhanced status code, or else the first reply code of SMTP."""
    found = _ENHANCED.search(text) or _REPLY.search(text)
    return found[0] if found else ""


def one_line(text: str) -> str:
    """The beginning of a text: printable, at most MAX_WORDS characters, encoded words read."""
    line = " ".join(decode_words(text[: 4 * MAX_WORDS]).split())
    return "".join(filter(str.isprintable, line))[:MAX_WORDS].strip()


@dataclass(frozen=True, slots=True)
class ForPeople:
    """The lines of a report's first text, without the message that it returns."""

    lines: tuple[str, ...]

    def about(self, address: str) -> str:
        """What stands with an address, up to an empty line; where it does not, the first lines
        with a code in them."""
        key = address.lower()
        for number, line in enumerate(self.lines):
            if key and key in line.lower() and not _ECHO.match(line):
                return one_line("\n".join(_paragraph(self.lines[number : number + _MOST_LINES])))
        coded = (line for line in self.lines if code_in(line))
        return one_line("\n".join(islice(coded, _MOST_LINES)))


def read_for_people(raw: bytes, root: Part) -> ForPeople:
    """The first text that says anything."""
    for part in root.walk():
        if part.type not in {"text/plain", "text/html"}:
            continue
        text = text_of(raw, part)
        text = html_to_text(text) if part.type == "text/html" else text
        lines = [line[:MAX_WORDS] for line in text.splitlines()[:_MOST_TEXT]]
        end = next((n for n, line in enumerate(lines) if _RETURNED.fullmatch(line.strip())), None)
        if any(line.strip() for line in lines[:end]):
            return ForPeople(tuple(lines[:end]))
    return ForPeople(())


def _paragraph(lines: Sequence[str]) -> list[str]:
    """Up to the first empty line, or the next address, behind words."""
    kept: list[str] = []
    for line in lines:
        blank = not line.strip(" \t-=*_")
        if (blank or _NEXT.match(line)) and _say_something(kept):
            break
        if not blank:
            kept.append(line)
    return kept


def _say_something(lines: list[str]) -> bool:
    """Whether there is more than an address and what announces something."""
    words = [word for line in lines for word in line.split() if "@" not in word]
    return len(words) > 2 and not words[-1].endswith(":")
