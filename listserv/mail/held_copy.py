"""A held message as its moderators get it, attached to a notice: what its author wrote, in 7 bits,
without what tells of their connection, without large attachments, and HTML only as source.

Of the author's MIME nothing goes along but contents: every field that says what a part is, and
every delimiter line, is written anew, so that all readers see the parts that we have seen.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from listserv.mail import headers as h
from listserv.mail.encode import fitted
from listserv.mail.headers import header_line, structured_line
from listserv.mail.mime import PLAIN_ENCODINGS, Part, read_parameters, read_structure, too_long
from listserv.mail.parse import MAX_SHORT
from listserv.mail.role_copy import is_too_large, replacement
from listserv.mail.surgery import Field, Header, read_fields
from listserv.mail.wire import wire_field
from listserv.mail.words import decode_words

_KEPT = frozenset(
    {"from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references"}
)
_ENCODINGS = PLAIN_ENCODINGS | {"quoted-printable", "base64"}
_TEXTS = frozenset({"text/plain", "text/html"})
# What a reader may show as HTML, or has HTML in it, whatever it is called.
_ACTIVE_TYPE = re.compile(r"html|xml\Z|message/")
_ACTIVE_NAME = re.compile(r"\.(?:\w*html?|\w*xht|svgz?|mhtml|mht|xml|xsl|eml|msg|hta)\Z", re.I)
_TYPE = re.compile(r"[a-z0-9][\w.+-]*/[a-z0-9][\w.+-]*", re.ASCII)
_CHARSET = re.compile(r"[\w.:-]{1,40}", re.ASCII)
_NOT_IN_A_NAME = re.compile(r"[^\w.() -]+", re.ASCII)
_LONGEST_NAME = 60
_NOT_ASCII = re.compile(rb"[^\x00-\x7f]+")
_LINE_END = re.compile(rb"\r\n|\r|\n")


def held_copy(raw: bytes, left_out: Callable[[str, int], str]) -> bytes:
    """The whole message; `left_out` words the line in the place of what does not go along."""
    fields, _, start = read_fields(raw)
    header = Header(fields)
    lines = [
        _field(field)
        for field in fields
        if field.name in _KEPT and header.chosen(field.name) is field
    ]
    lines.append(structured_line(h.MIME_VERSION, "1.0"))
    root = read_structure(raw, header, start).root
    # Nobody can write a text that has its own hash in it: no line of it is a boundary.
    copy = _Copy(raw, left_out, hashlib.sha256(raw).hexdigest()[:40], count())
    own, _, body = copy.part(root).partition(b"\r\n\r\n")
    head, body = fitted(b"".join([*lines, own, b"\r\n"]), body, eight_bit=False)
    return head + b"\r\n" + body


def _field(field: Field) -> bytes:
    """In ASCII; who puts other octets there does not say what they mean."""
    if field.raw.isascii():
        return wire_field(field.raw)
    if field.name == h.SUBJECT.lower():
        return header_line(h.SUBJECT, decode_words(field.text[: 4 * MAX_SHORT])[:MAX_SHORT])
    return wire_field(_NOT_ASCII.sub(b"?", field.raw))


@dataclass(frozen=True, slots=True)
class _Copy:
    """One message on its way. `numbers` tell its multiparts apart."""

    raw: bytes
    left_out: Callable[[str, int], str]
    digest: str
    numbers: Iterator[int]

    def part(self, part: Part) -> bytes:
        """Its header, an empty line and its body, the last line ended."""
        if part.parts:
            return self._parts(part)
        name = self._name(part)
        if _stays_out(part, name):
            return replacement(part, self.left_out)
        body = _LINE_END.sub(b"\r\n", self.raw[part.start : part.end].replace(b"\0", b""))
        if part.type in _TEXTS:
            charset = part.charset if _CHARSET.fullmatch(part.charset) else "utf-8"
            lines = [structured_line(h.CONTENT_TYPE, f"text/plain; charset={charset}")]
        else:
            kind = part.type if _TYPE.fullmatch(part.type) else "application/octet-stream"
            file = f'attachment; filename="{name}"' if name else "attachment"
            lines = [
                structured_line(h.CONTENT_TYPE, kind),
                structured_line(h.CONTENT_DISPOSITION, file),
            ]
        if part.encoding:
            lines.append(structured_line(h.CONTENT_TRANSFER_ENCODING, part.encoding))
        return b"".join([*lines, b"\r\n", body, b"" if body.endswith(b"\r\n") else b"\r\n"])

    def _parts(self, part: Part) -> bytes:
        boundary = f"=_{self.digest}.{next(self.numbers):03}"
        mark = f"--{boundary}".encode("ascii")
        says = structured_line(h.CONTENT_TYPE, f'multipart/mixed; boundary="{boundary}"')
        inside = (mark + b"\r\n" + self.part(one) for one in part.parts)
        return b"".join([says, b"\r\n", *inside, mark, b"--\r\n"])

    def _name(self, part: Part) -> str:
        """What a part is called, in plain ASCII; its end, which says what opens it, is kept."""
        fields, _, _ = read_fields(self.raw, part.head, part.start)
        field = Header(fields).chosen(h.CONTENT_DISPOSITION)
        says = {} if field is None or too_long(field) else read_parameters(field.text)
        name = says.get("filename") or part.parameters.get("name", "")
        plain = _NOT_IN_A_NAME.sub("_", decode_words(name[: 4 * _LONGEST_NAME]))
        return plain[-_LONGEST_NAME:].strip(" .")


def _stays_out(part: Part, name: str) -> bool:
    """A large attachment; what may be shown as HTML; what nobody could read."""
    if is_too_large(part) or part.encoding not in _ENCODINGS or part.type.startswith("multipart/"):
        return True
    named = bool(_ACTIVE_NAME.search(name))
    return part.type not in _TEXTS and (named or bool(_ACTIVE_TYPE.search(part.type)))
