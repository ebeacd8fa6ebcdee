"""The bytes of an accepted post -> what a digest shows of it.

Total: any bytes that the intake takes give a Rendering, which is safe to show as text (no controls,
nothing that turns the direction of the writing). What cannot be shown is named in `notes`, one
honest line each. Linear in the size of the message; no more than MAX_READ octets of texts are
looked at, and no more than MAX_TEXT of them shown.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from listserv.mail import headers as h
from listserv.mail.alternatives import SHORT, has_page, says_less
from listserv.mail.attached import decoded_size, file_name, shortened, size_in_words
from listserv.mail.calendars import event_line, is_cancelled
from listserv.mail.mailboxes import read_mailboxes
from listserv.mail.mime import MAX_FIELD, Part, decoded, read_structure
from listserv.mail.opaque import signed_content
from listserv.mail.page import page_text
from listserv.mail.parse import MAX_HEADER, MAX_SHORT, read_header, read_to_cc
from listserv.mail.plain import SIGNATURE, clean, cut, unflowed, without_armour
from listserv.mail.references import parents
from listserv.mail.surgery import Header, read_fields
from listserv.mail.text import shown_markup
from listserv.mail.words import decode_words, likely_text, shown

# Octets of all texts of a message that are read, of HTML without what is never shown, and of HTML
# with it: what programs write around a text is large.
MAX_READ = 256 * 1024
MAX_PAGES = 2 * 1024 * 1024
# Octets of a rendered text in UTF-8, and besides of its lines that are marked as quoted: below them
# an answer may stand.
MAX_TEXT = 64 * 1024
MAX_QUOTED = 128 * 1024
# Octets of a signed message in which its text is looked for.
MAX_SIGNED = 2 * 1024 * 1024
# Attachments that are listed; the rest is counted.
MAX_LISTED = 20
# Forwarded messages that are shown, and how deep in one another; others are attachments.
MAX_FORWARDED = 20
MAX_DEPTH = 3
# Before who wrote a forwarded message, when, and its subject.
FORWARDED = "\u2709 "

# Texts for people that are no alternative to themselves.
_AS_PLAIN = frozenset({"text/markdown", "text/x-markdown", "text/x-patch", "text/x-diff"})
# A third way to write what is there as plain text or HTML.
_ALSO = frozenset({"text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext"})
_PACKED = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_PACKED_NAME = "winmail.dat"
_MESSAGES = frozenset({"message/rfc822", "message/global"})
_MAX_CALENDAR = 64 * 1024

_LONGEST_DATE = 60
# A page may say its charset itself (HTML 4.2.5), near its top.
_META = re.compile(rb"<meta\s[^>]{0,100}?charset\s*=\s*[\"']?([a-z0-9_.:-]{1,40})", re.IGNORECASE)
_NEAR_TOP = 2048


class Note(StrEnum):
    """Honest lines about a post: the words are phrases "note.KEY". Some have a value, which stands
    behind the key and a space."""

    CALENDAR = "calendar"  # an event: title and time, "" when they could not be read
    CANCELLED = "cancelled"  # the same, taken back
    CUT = "cut"  # how much text is left out, "1.9 MB"
    ENCRYPTED = "encrypted"
    MORE = "more"  # how many attachments are not listed
    NOTHING = "nothing"  # no text, no attachment
    SEALED = "sealed"  # signed in a way that hides the text from programs that cannot check it
    UNREAD = "unread"  # its structure is broken, or beyond our limits: there may be more
    WINMAIL = "winmail"  # packed by Outlook in a way that others cannot open


@dataclass(frozen=True, slots=True)
class Attachment:
    """`name` is "" where it has none, `octets` are those of the decoded content."""

    name: str
    type: str
    octets: int


@dataclass(frozen=True, slots=True)
class Rendering:
    """`text` has lines ended by "\\n", one for each paragraph where the author's program says which
    lines belong together; quoted lines begin with ">", and a forwarded message begins with a line
    that begins with FORWARDED. `notes` are for `note_phrase`. `parents` are the <msg-id>s of
    References and In-Reply-To, the nearest last; `named` the keys of the addresses in To and Cc."""

    text: str
    attachments: tuple[Attachment, ...]
    notes: tuple[str, ...]
    parents: tuple[str, ...]
    named: tuple[str, ...]


def note_phrase(note: str) -> tuple[str, dict[str, object]]:
    """The key of the phrase for one of `Rendering.notes`, and its values."""
    key, _, value = note.partition(" ")
    return f"note.{key}", {"value": value}


def render(raw: bytes) -> Rendering:
    """What is shown of a message with CR LF (or LF) line ends."""
    defects: list[str] = []
    header, start = read_header(raw, defects)
    reader = _Reader()
    reader.read(raw, header, 0, start, len(raw), MAX_DEPTH)
    if defects:
        reader.note(Note.UNREAD)
    text, left_out = cut("\n\n".join(filter(None, reader.texts)), MAX_TEXT, MAX_QUOTED)
    if left_out + reader.unread:
        reader.note(Note.CUT, size_in_words(left_out + reader.unread))
    if len(reader.attachments) > MAX_LISTED:
        reader.note(Note.MORE, len(reader.attachments) - MAX_LISTED)
    if not (text or reader.attachments or reader.notes):
        reader.note(Note.NOTHING)
    return Rendering(
        text=text,
        attachments=tuple(reader.attachments[:MAX_LISTED]),
        notes=tuple(reader.notes),
        parents=parents(header),
        named=tuple(address.key for address in read_to_cc(header, [])),
    )


class _Reader:
    """What has been found of a message, and how much may still be read. Parts are of `raw`, which
    is the message's bytes or those of one that came encoded in it; `depth` more messages may be
    in it, one in another."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.attachments: list[Attachment] = []
        self.notes: dict[str, None] = {}
        self.left = MAX_READ
        self.left_of_pages = MAX_PAGES
        self.unread = 0
        self.forwarded = 0

    def note(self, note: Note, value: object = "") -> None:
        """A note is there once, whatever its value."""
        if not any(one.partition(" ")[0] == note for one in self.notes):
            self.notes[f"{note} {value}".rstrip()] = None

    def read(self, raw: bytes, header: Header, head: int, start: int, end: int, depth: int) -> None:
        """The message raw[head:end]."""
        structure = read_structure(raw, header, start, head=head, end=end)
        if structure.defects:
            self.note(Note.UNREAD)
        self.part(raw, structure.root, depth)

    def part(self, raw: bytes, part: Part, depth: int) -> None:
        """One part and what is in it."""
        if part.type == "multipart/alternative":
            self.alternative(raw, part, depth)
        elif part.type == "multipart/encrypted":
            self.note(Note.ENCRYPTED)
        elif part.parts:
            for one in self.shown(part):
                self.part(raw, one, depth)
        elif part.is_text or (part.type in _AS_PLAIN and not part.attached):
            self.texts.append(self.text(raw, part))
        elif part.type in _MESSAGES:
            self.message(raw, part, depth)
        elif part.type == "text/calendar":
            self.calendar(raw, part)
        elif part.type.endswith("pkcs7-mime"):
            self.pkcs7(raw, part, depth)
        elif part.type.startswith("multipart/"):
            self.note(Note.UNREAD)
        elif part.is_attachment:
            self.attach(raw, part)

    def shown(self, part: Part) -> Iterable[Part]:
        """The parts of a multipart without signatures and what belongs to an encrypted one."""
        if part.type == "multipart/signed":
            return (*part.parts[:1], *part.parts[2:])
        if any(one.type == "application/pgp-encrypted" for one in part.parts):
            # As Exchange hands on a multipart/encrypted.
            self.note(Note.ENCRYPTED)
            return [one for one in part.parts if one.is_text]
        return part.parts

    def alternative(self, raw: bytes, part: Part, depth: int) -> None:
        """One of the texts, the plain one where it says as much, and what else is in there."""
        pages = [one for one in part.parts if has_page(one)]
        plain = ""
        for one in part.parts:
            if one.is_text and one.type == "text/plain" and not plain:
                plain = self.text(raw, one)
            elif not (one.is_text or one in pages or one.type in _ALSO):
                self.part(raw, one, depth)
        for page in pages[-1:]:
            before, unread = len(self.texts), self.unread
            if len(plain) <= SHORT:
                self.part(raw, page, depth)
                if says_less(plain, "\n\n".join(self.texts[before:])):
                    return
                del self.texts[before:]
                self.unread = unread
            else:
                for one in page.walk():
                    if one.is_attachment:
                        self.part(raw, one, depth)
        self.texts.append(plain)

    def text(self, raw: bytes, part: Part) -> str:
        """A text as it can be shown, as far as it may be read."""
        if part.type == "text/html":
            return self.page(raw, part)
        octets = decoded(raw, part, self.left)
        self.left -= len(octets)
        self.unread += max(0, decoded_size(raw, part) - len(octets)) if not self.left else 0
        text = likely_text(octets, part.charset).removeprefix("\ufeff")
        text, encrypted = without_armour(text)
        if encrypted:
            self.note(Note.ENCRYPTED)
        if part.parameters.get("format", "").lower() == "flowed":
            text = unflowed(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
        return clean(text)

    def page(self, raw: bytes, part: Part) -> str:
        """The same of HTML. Styles and comments, of which there can be much more than text, are not
        counted."""
        octets = decoded(raw, part, self.left_of_pages)
        self.left_of_pages -= len(octets)
        markup = shown_markup(likely_text(octets, _charset_of_page(octets, part)))
        read = markup[: self.left]
        self.left -= len(read)
        self.unread += len(markup) - len(read)
        if not self.left_of_pages:
            self.unread += max(0, decoded_size(raw, part) - len(octets))
        return clean(page_text(read)).replace("\n--\n", f"\n{SIGNATURE}\n")

    def message(self, raw: bytes, part: Part, depth: int) -> None:
        """A forwarded message: who wrote it, when, its subject, its text."""
        head, end = part.start, part.end
        if part.encoding in {"base64", "quoted-printable"}:  # RFC 2046 5.2.1 forbids it
            raw = decoded(raw, part, MAX_READ)
            head, end = 0, len(raw)
        fields, _, start = read_fields(raw, head, min(end, head + MAX_HEADER))
        header = Header(fields)
        words = _described(header) if start < head + MAX_HEADER else ""
        self.forwarded += 1
        if not depth or self.forwarded > MAX_FORWARDED or not words:
            subject = words and decode_words(header.first(h.SUBJECT)[:MAX_SHORT])
            self.attachments.append(Attachment(shortened(subject), part.type, end - head))
            return
        self.texts.append(f"{FORWARDED}{words}")
        self.read(raw, header, head, start, end, depth - 1)

    def calendar(self, raw: bytes, part: Part) -> None:
        text = likely_text(decoded(raw, part, _MAX_CALENDAR), part.charset)
        self.note(Note.CANCELLED if is_cancelled(text) else Note.CALENDAR, event_line(text))

    def pkcs7(self, raw: bytes, part: Part, depth: int) -> None:
        """S/MIME that is not text with a signature beside it (RFC 8551 3.2.2)."""
        if part.parameters.get("smime-type", "").lower() == "certs-only":
            return
        octets = decoded(raw, part, MAX_SIGNED)
        content = signed_content(octets) if depth else None
        if content is None:
            opened = part.parameters.get("smime-type", "").lower() == "signed-data"
            self.note(Note.SEALED if opened else Note.ENCRYPTED)
            return
        if len(octets) == MAX_SIGNED:
            self.note(Note.UNREAD)
        fields, _, start = read_fields(content)
        self.read(content, Header(fields), 0, start, len(content), depth - 1)

    def attach(self, raw: bytes, part: Part) -> None:
        name = file_name(raw, part)
        if part.type in _PACKED or name.lower() == _PACKED_NAME:
            self.note(Note.WINMAIL)
        else:
            kind = shown(part.type)
            self.attachments.append(Attachment(name, kind, decoded_size(raw, part)))


def _charset_of_page(octets: bytes, part: Part) -> str:
    found = None if "charset" in part.parameters else _META.search(octets[:_NEAR_TOP])
    return found[1].decode("ascii") if found else part.charset


def _described(header: Header) -> str:
    """Author, date and subject of a message in one line; "" where it has none of them."""
    found = read_mailboxes(header.first(h.FROM)[:MAX_FIELD]).mailboxes[:1]
    author = "".join(one.name or str(one.address) for one in found)
    origin = ", ".join(filter(None, (author, shown(header.first(h.DATE))[:_LONGEST_DATE])))
    subject = decode_words(header.first(h.SUBJECT)[: 4 * MAX_SHORT])[:MAX_SHORT]
    return ": ".join(filter(None, (origin, subject)))
