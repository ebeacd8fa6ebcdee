"""A message's bytes -> Post. Never raises, for any bytes.

Grammar is read by our own linear readers with limits (mime.MAX_*), not by email.policy.default,
which is quadratic on hostile headers. What lies beyond a limit is not read and named in
`Post.defects`; a post without defects has been understood whole.
"""

import hashlib
import re
from collections.abc import Sequence

from listserv.domain.address import Address, ascii_lower
from listserv.domain.post import Mailbox, Post
from listserv.mail import headers as h
from listserv.mail.automatic import Seen, auto_submitted, why_automatic
from listserv.mail.mailboxes import read_mailboxes
from listserv.mail.mime import (
    MAX_TEXT,
    Part,
    Structure,
    long_field,
    read_structure,
    text_of,
    too_long,
)
from listserv.mail.references import parents
from listserv.mail.surgery import Field, Header, read_fields
from listserv.mail.text import Written, html_to_text, written
from listserv.mail.words import decode_words, shown

# Postfix's header_size_limit.
MAX_HEADER = 100 * 1024
# Of a subject or another short text that is kept.
MAX_SHORT = 998

_MESSAGE_ID = re.compile(r"<[^<>\s]++>")
_LIST_ID = re.compile(r"<\s*([^<>\s]++)\s*>")
_WHITE = b" \t\r\n"


def parse(raw: bytes, spam_header: str = "X-Spam: yes") -> Post:
    """Read a message with CR LF (or LF) line ends. `spam_header` is the configured "Name: value"
    of a filter; X-Spam-Flag: YES is always read too. Whether it is believed, policy says."""
    defects: list[str] = []
    header, start = read_header(raw, defects)
    authors = _authors(header, defects)
    subject = decode_words(header.first(h.SUBJECT)[: 4 * MAX_SHORT])[:MAX_SHORT]
    structure = read_structure(raw, header, start)
    own, has_text = _author_text(raw, structure)
    submitted = auto_submitted(header)
    seen = Seen(
        header=header,
        auto_submitted=submitted,
        type=structure.root.type,
        subject=subject,
        locals=tuple(ascii_lower(author.address.local) for author in authors),
    )
    return Post(
        message_id=_message_id(header),
        from_fields=len(header.fields(h.FROM)),
        authors=authors,
        subject=subject,
        date=shown(header.first(h.DATE))[:MAX_SHORT],
        to_cc=read_to_cc(header, defects),
        list_ids=tuple(_list_id(value) for value in header.all(h.LIST_ID)),
        received=len(header.fields(h.RECEIVED)),
        auto_submitted=submitted,
        automatic=why_automatic(seen),
        spam=_is_spam(header, spam_header),
        has_text=has_text,
        has_attachment=any(part.is_attachment for part in structure.root.walk()),
        first_line=own.first_line,
        text_lines=own.lines,
        size=len(raw),
        body_hash=_body_hash(raw, start),
        defects=(*dict.fromkeys(defects), *structure.defects),
        precedence=tuple(header.all(h.PRECEDENCE)),
        parents=parents(header),
    )


def read_header(raw: bytes, defects: list[str]) -> tuple[Header, int]:
    """The header, and where the body begins. Of one that is too long the beginning is read, and
    the defect noted."""
    fields, end, body = read_fields(raw, 0, min(len(raw), MAX_HEADER))
    if body == MAX_HEADER < len(raw):
        defects.append(f"its header is longer than {MAX_HEADER // 1024} kB")
        blank = raw.find(b"\r\n\r\n", end)
        return Header(fields[:-1]), len(raw) if blank < 0 else blank + 4
    return Header(fields), body


def _authors(header: Header, defects: list[str]) -> tuple[Mailbox, ...]:
    """The mailboxes of all From fields; none of a field that is odd, a group or too long."""
    authors: list[Mailbox] = []
    for field in header.fields(h.FROM):
        reading = read_mailboxes(_short(field, h.FROM, defects))
        if not (reading.odd or reading.groups):
            authors.extend(reading.mailboxes)
    return tuple(authors)


def read_to_cc(header: Header, defects: list[str]) -> tuple[Address, ...]:
    """What can be read of To and Cc, each address once."""
    addresses: dict[str, Address] = {}
    for name in (h.TO, h.CC):
        for field in header.fields(name):
            for mailbox in read_mailboxes(_short(field, name, defects)).mailboxes:
                addresses.setdefault(mailbox.address.key, mailbox.address)
    return tuple(addresses.values())


def _short(field: Field, name: str, defects: list[str]) -> str:
    """The text of a field that is read by grammar; "" with a defect when it is too long."""
    if too_long(field):
        defects.append(long_field(name))
        return ""
    return field.text


def _message_id(header: Header) -> str:
    """The <msg-id>, or whatever stands there instead of one."""
    value = header.first(h.MESSAGE_ID)[:MAX_SHORT]
    found = _MESSAGE_ID.search(value)
    return shown(found[0] if found else value)


def _list_id(value: str) -> str:
    value = value[:MAX_SHORT]
    found = _LIST_ID.search(value)
    return ascii_lower(shown(found[1] if found else value))


def _is_spam(header: Header, spam_header: str) -> bool:
    name, _, wanted = spam_header.partition(":")
    return _says(header.all(name.strip()), wanted.strip()) or _says(
        header.all(h.X_SPAM_FLAG), "yes"
    )


def _says(values: Sequence[str], wanted: str) -> bool:
    """Whether a value is the wanted one, alone or before more ("Yes, score=9")."""
    if not values:
        return False
    begins = re.compile(rf"{re.escape(wanted)}(?!\w)", re.IGNORECASE)
    return any(begins.match(value) for value in values)


def _author_text(raw: bytes, structure: Structure) -> tuple[Written, bool]:
    """The author's own lines in the first part that has any text, and whether one has. Where the
    structure could not be read, nobody may say that there is nothing."""
    for part in structure.root.walk():
        if not part.is_text:
            continue
        text = _plain_text(raw, part)
        if text.strip():
            return _shown_lines(written(text)), True
    unread = bool(structure.defects) and bool(raw[structure.root.start :][:MAX_TEXT].strip())
    return Written("", 0), unread


def _plain_text(raw: bytes, part: Part) -> str:
    text = text_of(raw, part)
    return html_to_text(text) if part.type == "text/html" else text


def _shown_lines(own: Written) -> Written:
    return Written(shown(own.first_line), own.lines)


def _body_hash(raw: bytes, start: int) -> bytes:
    """SHA-256 of the body without white space at its end: MTAs add and take blank lines there."""
    end = len(raw)
    while end > start:
        tail = raw[max(start, end - 4096) : end]
        kept = len(tail.rstrip(_WHITE))
        end -= len(tail) - kept
        if kept:
            break
    return hashlib.sha256(memoryview(raw)[start:end]).digest()
