"""The parts of a message (RFC 2045, 2046) as byte ranges, and what is text in them.

Reads structure only as far as it is harmless: depth, number of parts and field lengths have
limits, and what lies beyond is one opaque part with a defect. Linear in the size of the message
per level of depth; copies nothing but header fields and the first MAX_TEXT octets of a text.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from listserv.mail import headers as h
from listserv.mail.surgery import Field, Header, read_fields
from listserv.mail.words import decode_base64, decode_text

# Real mail stays far below; bombs of 21 kB have 400 levels (threats row 18).
MAX_DEPTH = 20
MAX_PARTS = 200
# Octets of a field that is read by grammar.
MAX_FIELD = 8 * 1024
# Octets of text that anything looks at.
MAX_TEXT = 16 * 1024

SIGNED_OR_ENCRYPTED = frozenset(
    {
        "multipart/signed",
        "multipart/encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
    }
)
_SIGNATURES = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_READABLE = frozenset({"text/plain", "text/html"})
PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})

_TYPE = re.compile(r"\s*([^\s;/\"]{1,100})/([^\s;/\"]{1,100})")
_PARAMETER = re.compile(r';\s*+([^\s;="]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"|[^\s;"]*+)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# Longer than any boundary (RFC 2046 5.1.1: 70) and what may follow it on its line.
_MAX_TAIL = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A part whose header begins at raw[head] and whose body is raw[start:end]. `type` is
    lower-case; `parts` are a multipart's; `encoding` is the transfer encoding, "" when none is
    named."""

    type: str
    parameters: Mapping[str, str]
    encoding: str
    attached: bool
    head: int
    start: int
    end: int
    parts: tuple["Part", ...] = ()

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "") or "us-ascii"

    @property
    def is_text(self) -> bool:
        """Text for people to read in place."""
        encoded = self.encoding in PLAIN_ENCODINGS or self.encoding in {
            "quoted-printable",
            "base64",
        }
        return self.type in _READABLE and encoded and not self.attached

    @property
    def is_attachment(self) -> bool:
        """Neither text nor the signature of one."""
        return not (self.is_text or self.parts or self.type in _SIGNATURES)

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in order."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True, slots=True)
class Structure:
    """The tree of parts, and what could not be read of it."""

    root: Part
    defects: tuple[str, ...]


def read_structure(
    raw: bytes, header: Header, start: int, *, head: int = 0, end: int | None = None
) -> Structure:
    """The parts of the message raw[head:end] whose header was read and whose body begins at
    `start`."""
    reader = _Reader(raw)
    stop = len(raw) if end is None else end
    root = reader.read(header, head, start, stop, "text/plain", 0)
    return Structure(root, tuple(dict.fromkeys(reader.defects)))


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.count = 0
        self.defects: list[str] = []

    def read(
        self, header: Header, head: int, start: int, end: int, default: str, depth: int
    ) -> Part:
        kind, parameters = self._content_type(header, default)
        disposition = _first_word(self._structured(header, h.CONTENT_DISPOSITION))
        encoding = _first_word(self._structured(header, h.CONTENT_TRANSFER_ENCODING))
        named = "name" in parameters
        attached = disposition == "attachment" or (named and disposition != "inline")
        parts: tuple[Part, ...] = ()
        if kind.startswith("multipart/"):
            parts = self._parts(kind, parameters.get("boundary", ""), start, end, depth)
        return Part(kind, parameters, encoding, attached, head, start, end, parts)

    def _parts(
        self, kind: str, boundary: str, start: int, end: int, depth: int
    ) -> tuple[Part, ...]:
        if depth == MAX_DEPTH:
            self.defects.append(f"parts are nested deeper than {MAX_DEPTH}")
            return ()
        default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        parts: list[Part] = []
        for first, last in _between(self.raw, boundary, start, end):
            if self.count == MAX_PARTS:
                self.defects.append(f"it has more than {MAX_PARTS} parts")
                break
            self.count += 1
            fields, _, body = read_fields(self.raw, first, last)
            parts.append(self.read(Header(fields), first, body, last, default, depth + 1))
        if not parts:
            self.defects.append("a multipart has no parts")
        return tuple(parts)

    def _content_type(self, header: Header, default: str) -> tuple[str, dict[str, str]]:
        value = self._structured(header, h.CONTENT_TYPE)
        if value is None:
            return "application/octet-stream", {}
        found = _TYPE.match(value)
        if not found:
            # RFC 2045 5.2: a type that says nothing is the default.
            return ("text/plain" if value else default), {}
        return f"{found[1]}/{found[2]}".lower(), read_parameters(value)

    def _structured(self, header: Header, name: str) -> str | None:
        """A field's value; None, with a defect, when it is too long to be looked at."""
        field = header.chosen(name)
        if field is None:
            return ""
        if too_long(field):
            self.defects.append(long_field(name))
            return None
        return field.text


def too_long(field: Field) -> bool:
    """Whether a field is longer than what is read by grammar."""
    return len(field.raw) > MAX_FIELD


def long_field(name: str) -> str:
    """The defect that `too_long` is."""
    return f"{name} is longer than {MAX_FIELD // 1024} kB"


def read_parameters(value: str) -> dict[str, str]:
    """The parameters of a Content-Type or Content-Disposition. Pieces of RFC 2231 are joined in
    the order in which they stand, whatever number they claim; the first of a plain name wins."""
    parameters: dict[str, str] = {}
    for name, given in _PARAMETER.findall(value):
        name, star, section = name.lower().partition("*")
        text = _ESCAPED.sub(r"\1", given[1:-1]) if given.startswith('"') else given
        if star and section in {"", "0*"}:
            text = text.rpartition("'")[2]  # charset'language'text
        if star:
            parameters[name] = parameters.get(name, "") + text
        else:
            parameters.setdefault(name, text)
    return parameters


def _first_word(value: str | None) -> str:
    return (value or "").partition(";")[0].strip().lower()


def _between(raw: bytes, boundary: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, end) of what stands between the delimiter lines of a multipart (RFC 2046 5.1.1).
    The line end before a delimiter belongs to it; a missing close delimiter is forgiven."""
    if not boundary:
        return
    mark = b"--" + boundary.encode("utf-8", "surrogateescape")
    first = -1
    at = raw.find(mark, start, end)
    while at >= 0:
        after = at + len(mark)
        tail = raw[after : min(after + _MAX_TAIL, end)].partition(b"\n")
        closes = tail[0].rstrip()
        if (at == start or raw[at - 1] == 0x0A) and closes in {b"", b"--"}:
            if first >= 0:
                yield first, max(first, _without_line_end(raw, at))
            if closes:
                return
            first = after + len(tail[0]) + len(tail[1])
        at = raw.find(mark, after, end)
    if first >= 0:
        yield first, end


def _without_line_end(raw: bytes, at: int) -> int:
    return at - 2 if raw[at - 2 : at] == b"\r\n" else at - 1


def decoded(raw: bytes, part: Part, limit: int = MAX_TEXT) -> bytes:
    """The first `limit` octets of a part, transfer encoding undone as far as it is readable."""
    if part.encoding == "base64":
        return decode_base64(raw[part.start : min(part.end, part.start + 2 * limit)])[:limit]
    if part.encoding == "quoted-printable":
        # An octet takes at most three characters.
        return binascii.a2b_qp(raw[part.start : min(part.end, part.start + 3 * limit)])[:limit]
    return raw[part.start : min(part.end, part.start + limit)]


def text_of(raw: bytes, part: Part) -> str:
    """The beginning of a text part, as text."""
    return decode_text(decoded(raw, part), part.charset)
