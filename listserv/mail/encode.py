"""Bodies that cannot go out as they are: lines over 998 octets (RFC 5322 2.1.1), and octets above
127 where the relay does not offer 8BITMIME (RFC 6152).

The parts concerned, and no others, get another transfer encoding (RFC 2045 6): quoted-printable or
base64, the same content when it is decoded. A multipart has no content of its own and may not be
encoded (RFC 2045 6.4), a signed or encrypted one breaks when a part of it is: there 8-bit octets
stay, and long lines are cut, as Postfix would do after we have signed.
"""

import binascii
import re
from dataclasses import dataclass

from listserv.mail import headers as h
from listserv.mail.headers import LONGEST, structured_line
from listserv.mail.mime import Part, read_structure, too_long
from listserv.mail.surgery import Field, Header, read_fields
from listserv.mail.transfer import base64_lines, broken_base64, quoted_printable
from listserv.mail.wire import wire_field

# Forwarded messages in forwarded messages; what lies deeper is not looked into.
MAX_NESTED = 3

_SEALED = frozenset({"multipart/signed", "multipart/encrypted"})
_MESSAGES = frozenset({"message/rfc822", "message/global"})
# Readers take the content of an unknown encoding as it stands. Not uuencode, which some undo, nor
# what only a reader of comments understands.
_PLAIN = re.compile(r"(?!x-uu|uu)[\w.-]*")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")


def has_long_line(octets: bytes, start: int = 0, end: int | None = None) -> bool:
    """Whether a line of octets[start:end] has more than 998 octets. Only CR LF ends a line."""
    stop = len(octets) if end is None else end
    at = start
    while stop - at > LONGEST:
        # From a line's start look back from the furthest place where it may end: this skips
        # many lines at a step.
        found = octets.rfind(b"\r\n", at, min(at + LONGEST + 2, stop))
        if found < 0:
            return True
        at = found + 2
    return False


def fitted(head: bytes, body: bytes, *, eight_bit: bool) -> tuple[bytes, bytes]:
    """Head (whole fields) and body of a message as they can go out; `eight_bit` says that octets
    above 127 can. What fits already is returned as it is."""
    if (eight_bit or body.isascii()) and not has_long_line(body):
        return head, body
    raw = head + b"\r\n" + body
    new_head, pieces = _Refit(raw, eight_bit, MAX_NESTED).message(0, len(raw), ())
    return new_head, b"".join(pieces)


@dataclass(frozen=True, slots=True)
class _Refit:
    """One message on its way. `nested` counts down with each message inside another. `marks`, in
    the methods, are what the lines begin with that end a part around this one. Bodies are made in
    pieces: a mail may be large and deep, and is joined once."""

    raw: bytes
    eight_bit: bool
    nested: int

    def message(self, head: int, end: int, marks: tuple[bytes, ...]) -> tuple[bytes, list[bytes]]:
        """Header and body of the message raw[head:end]."""
        fields, _, start = read_fields(self.raw, head, end)
        structure = read_structure(self.raw, Header(fields), start, head=head, end=end)
        return self._part(structure.root, marks, whole=True)

    def _fits(self, start: int, end: int) -> bool:
        plain = self.eight_bit or self.raw[start:end].isascii()
        return plain and not has_long_line(self.raw, start, end)

    def _part(
        self, part: Part, marks: tuple[bytes, ...], *, whole: bool
    ) -> tuple[bytes, list[bytes]]:
        """Its header and its body; `whole` for that of a message."""
        fields, _, start = read_fields(self.raw, part.head, part.end)
        header = Header(fields)
        encoding = ""
        if part.type in _SEALED or not _is_readable(header):
            body = [self._cut(start, part.end)]
        elif part.parts:
            body = self._children(part, marks)
        elif _may_be_encoded(part):
            body = [self.raw[start : part.end]]
            if not self._fits(start, part.end):
                encoding, body[0] = _encoded(part, body[0], marks)
        elif part.type in _MESSAGES and self.nested:
            body = self._forwarded(start, part.end, marks)
        else:
            body = [self._cut(start, part.end)]
        says_8bit = part.encoding in {"8bit", "binary"} and not encoding
        if says_8bit and not self.eight_bit and all(piece.isascii() for piece in body):
            encoding = "7bit"
        return _header(fields, header, encoding, whole), body

    def _children(self, part: Part, marks: tuple[bytes, ...]) -> list[bytes]:
        """The parts of a multipart, and what stands between them: the delimiter lines (RFC 2046
        5.1.1), and text that no reader shows."""
        boundary = part.parameters.get("boundary", "").encode("utf-8", "surrogateescape")
        inside = (*marks, b"--" + boundary)
        pieces = []
        at = part.start
        for child in part.parts:
            pieces.append(self._cut(at, child.head))
            if self._fits(child.head, child.end):
                pieces.append(self.raw[child.head : child.end])
            else:
                head, body = self._part(child, inside, whole=False)
                pieces += [head, b"\r\n", *body]
            at = child.end
        return [*pieces, self._cut(at, part.end)]

    def _forwarded(self, start: int, end: int, marks: tuple[bytes, ...]) -> list[bytes]:
        """A message that is a part of this one, part by part."""
        if self._fits(start, end):
            return [self.raw[start:end]]
        if self.raw.startswith(b"From ", start):  # an mbox line
            start = self.raw.find(b"\n", start, end) + 1 or end
        inner = _Refit(self.raw, self.eight_bit, self.nested - 1)
        head, body = inner.message(start, end, marks)
        return [head, b"\r\n", *body]

    def _cut(self, start: int, end: int) -> bytes:
        """Long lines in pieces. Each but the first begins with a space, so that none is a
        delimiter or a header field."""
        octets = self.raw[start:end]
        if not has_long_line(octets):
            return octets
        lines: list[bytes] = []
        for line in octets.split(b"\r\n"):
            lines.append(line[:LONGEST])
            step = LONGEST - 1
            lines += [b" " + line[at : at + step] for at in range(LONGEST, len(line), step)]
        return b"\r\n".join(lines)


def _may_be_encoded(part: Part) -> bool:
    """RFC 2045 6.4: not what is made of parts, unless it is encoded already."""
    if part.encoding in {"base64", "quoted-printable"}:
        return True
    composite = part.type.startswith(("multipart/", "message/"))
    return not composite and _PLAIN.fullmatch(part.encoding) is not None


def _is_readable(header: Header) -> bool:
    """Whether what the part says about itself was looked at."""
    fields = (header.chosen(h.CONTENT_TYPE), header.chosen(h.CONTENT_TRANSFER_ENCODING))
    return not any(field is not None and too_long(field) for field in fields)


def _encoded(part: Part, octets: bytes, marks: tuple[bytes, ...]) -> tuple[str, bytes]:
    """The encoding of a single part and its body in it."""
    if part.encoding == "base64":
        return "base64", broken_base64(_NOT_BASE64.sub(b"", octets))
    if part.encoding == "quoted-printable":
        octets = binascii.a2b_qp(octets)
    coded = base64_lines(octets)
    if part.type.startswith("text/"):
        quoted = quoted_printable(octets)
        # A line that a soft break or decoding has begun must not end a part.
        ends = any(quoted.startswith(mark) or b"\n" + mark in quoted for mark in marks)
        if len(quoted) <= len(coded) and not ends:
            return "quoted-printable", quoted
    return "base64", coded


def _header(fields: tuple[Field, ...], header: Header, encoding: str, whole: bool) -> bytes:
    """The part's header, which names `encoding` unless that is ""."""
    if not encoding:
        return b"".join(_line(field) for field in fields)
    name = h.CONTENT_TRANSFER_ENCODING
    chosen = header.chosen(name)
    named = structured_line(name, encoding)
    lines = [
        named if field is chosen else _line(field)
        for field in fields
        if field is chosen or field.name != name.lower()
    ]
    if chosen is None:
        lines.append(named)
    if whole and not header.fields(h.MIME_VERSION):
        lines.append(structured_line(h.MIME_VERSION, "1.0"))
    return b"".join(lines)


def _line(field: Field) -> bytes:
    if field.raw.endswith(b"\r\n") and not has_long_line(field.raw):
        return field.raw
    return wire_field(field.raw)
