"""A message -> what rules about texts look at: all that a person reads of it, without what it
quotes. Linear in the beginning of its texts; never raises, for any bytes."""

import re

from listserv.domain.post import Post
from listserv.domain.wording import Wording
from listserv.mail.mime import decoded, read_structure
from listserv.mail.parse import read_header
from listserv.mail.said import is_header_block
from listserv.mail.text import html_to_text
from listserv.mail.words import likely_text

# Octets of text, of all parts together: more than anybody writes, and what programs put around it.
MAX_SEARCHED = 256 * 1024

# Between two parts no sentence goes on.
_NEXT_PART = "\n.\n"
_ADDRESS = re.compile(r"\bhttps?://[^\s<>]|\bwww\.[a-z0-9]", re.IGNORECASE)
_ANCHOR = re.compile(r"<a\s[^<>]*?\bhref\s*=\s*[\"']?\s*(?:https?:)?//", re.IGNORECASE)
_ANSWER = re.compile(
    r"(?:\[[^\]]{1,40}\]\s*)?(?:re|aw|sv|antw|antwort|rif|ris|res|vs|odp|ynt|回复|答复)"
    r"\s?(?:\[\d{1,3}\])?\s?[:\uff1a]",
    re.IGNORECASE,
)
_QUOTATION = re.compile(r"<(/?)blockquote\b", re.IGNORECASE)


def wording(raw: bytes, post: Post) -> Wording:
    """What is searched of a message; `post` is `raw` read."""
    header, start = read_header(raw, [])
    texts: list[str] = []
    left, linked = MAX_SEARCHED, False
    is_answer = bool(_ANSWER.match(post.subject))
    for part in read_structure(raw, header, start).root.walk():
        if part.is_text and left > 0:
            octets = decoded(raw, part, left)
            left -= len(octets)
            text = likely_text(octets, part.charset)
            if part.type == "text/html":
                linked = linked or bool(_ANCHOR.search(_unquoted_html(text)))
                text = html_to_text(text)
            texts.append(_unquoted(text, is_answer))
    body = _NEXT_PART.join(texts)
    linked = linked or any(map(_ADDRESS.search, (post.subject, body)))
    return Wording(post.subject, body, linked, post.has_attachment)


def _unquoted(text: str, is_answer: bool) -> str:
    """The lines that are not marked as quoted; of an answer down to the block that Outlook puts
    over what it quotes. In a mail that is passed on, what is below that block is news."""
    lines = [line.strip() for line in text.splitlines()]
    own: list[str] = []
    for at, line in enumerate(lines):
        if is_answer and is_header_block(lines, at):
            break
        if not line.startswith(">"):
            own.append(line)
    return "\n".join(own)


def _unquoted_html(markup: str) -> str:
    """The markup outside of <blockquote>."""
    pieces: list[str] = []
    depth = at = 0
    for tag in _QUOTATION.finditer(markup):
        if depth == 0:
            pieces.append(markup[at : tag.start()])
        depth = max(0, depth - 1) if tag[1] else depth + 1
        at = tag.end()
    if depth == 0:
        pieces.append(markup[at:])
    return "".join(pieces)
