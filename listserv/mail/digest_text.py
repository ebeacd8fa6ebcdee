"""An issue as plain text in the shape of RFC 1153, in UTF-8.

A line may be as long as its author's paragraph: mail programs wrap it to the width of the screen,
and on a telephone lines of 72 characters would be broken twice. Nothing that an author wrote is
taken for the line between two posts or for the header of one, by a reader of RFC 1153 nor by
formail -ds: a space in front hides it.
"""

import re
from collections.abc import Iterable
from email.utils import format_datetime

from listserv.mail.digest_body import Paragraph, Voice, in_short
from listserv.mail.issue import Item, Place, Words

# RFC 1153: in front of the first post, and behind each.
PREAMBLE_ENDS = "-" * 70
POST_ENDS = "-" * 30

_LONGEST = 300
# Readers take somewhat fewer hyphens too, and anything that looks like the end of the issue.
_SEPARATOR = re.compile(r"-{20,}$|End of .*Digest", re.IGNORECASE)
# What formail may take for the beginning of a message where two stand below an empty line; it knows
# some hundred names.
_FIELD = re.compile(r"From |[a-z][\w-]*[ \t]*:(?!//)", re.IGNORECASE | re.ASCII)
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,"]')


def item_head(item: Item, place: Place, *, continued: bool, words: Words) -> str:
    """The header of a post."""
    subject = in_short(item.subject, _LONGEST) or words.phrase("item.untitled")
    if continued:
        subject = words.phrase("item.continued", what=subject)
    lines = [
        f"Message: {place}",
        f"Date: {_date(item)}",
        f"From: {_mailbox(item)}",
        f"Subject: {subject}",
    ]
    return "\n".join(line.rstrip() for line in lines)


def _date(item: Item) -> str:
    """Without the seconds (RFC 5322 3.3), which say nothing to a reader."""
    written = format_datetime(item.at)
    return f"{written[:-9]} {written[-5:]}"


def _mailbox(item: Item) -> str:
    name = in_short(item.author, _LONGEST)
    if not item.address:
        return name
    if _SPECIAL.search(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{item.address}>"


def paragraph_text(paragraph: Paragraph) -> str:
    lines = paragraph.text.split("\n")
    if paragraph.voice is Voice.OURS:
        return "\n".join(f"[{line}]" for line in lines)
    if paragraph.voice is Voice.QUOTED:
        return "\n".join(f"> {line}".rstrip() for line in lines)
    escaped = [f" {line}" if _SEPARATOR.match(line) else line for line in lines]
    if len(lines) > 1 and _FIELD.match(lines[0]) and (_FIELD.match(lines[1]) or lines[1][0] == " "):
        escaped[0] = f" {lines[0]}"
    return "\n".join(escaped)


def item_tail(item: Item, words: Words) -> str:
    """Where answers go."""
    lines = [f"{words.phrase('item.reply')}: {item.reply_to}"]
    if item.address:
        name = in_short(item.author, _LONGEST)
        lines.append(f"{words.phrase('item.write', name=name)}: {item.address}")
    return "\n".join(lines)


def posts_text(items: Iterable[str], title: str) -> str:
    """The posts of a part, from the line in front of them to the one behind (RFC 1153)."""
    end = f"End of {in_short(title, _LONGEST)} Digest"
    between = f"\n\n{POST_ENDS}\n\n"
    return f"{PREAMBLE_ENDS}\n\n{between.join([*items, end])}\n{'*' * len(end)}"
