"""The body of a digest, as mail: one text, text beside HTML (RFC 2046 5.1.4), or messages in a
multipart/digest (5.1.5). A boundary comes from what is inside: nobody can know it before."""

import hashlib
from collections.abc import Sequence

from listserv.mail import headers as h
from listserv.mail.encode import has_long_line
from listserv.mail.headers import structured_line
from listserv.mail.transfer import base64_lines, quoted_printable

# Header lines, and the body that they describe.
Entity = tuple[bytes, bytes]

_VERSION = structured_line(h.MIME_VERSION, "1.0")


def text_entity(kind: str, text: str) -> Entity:
    """A text of type text/`kind` in UTF-8; its lines end in LF."""
    octets = text.strip("\n").replace("\n", "\r\n").encode("utf-8") + b"\r\n"
    encoding, body = _encoded(octets)
    described = structured_line(h.CONTENT_TYPE, f"text/{kind}; charset=utf-8")
    return described + structured_line(h.CONTENT_TRANSFER_ENCODING, encoding), body


def _encoded(octets: bytes) -> tuple[str, bytes]:
    if octets.isascii() and not has_long_line(octets):
        return "7bit", octets
    quoted = quoted_printable(octets)
    coded = base64_lines(octets)
    return ("quoted-printable", quoted) if len(quoted) <= len(coded) else ("base64", coded)


def alternative(text: str, page: str) -> Entity:
    return _multipart("alternative", [text_entity("plain", text), text_entity("html", page)])


def digest(masthead: str, messages: Sequence[bytes]) -> Entity:
    """Messages, whole ones with CR LF lines, under a text."""
    inside = _multipart("digest", [(_described(message), message) for message in messages])
    return _multipart("mixed", [text_entity("plain", masthead), inside])


def _described(message: bytes) -> bytes:
    """The header of a part: of a message in ASCII what is understood (RFC 2046 5.1.5)."""
    if message.isascii():
        return b""
    kind = structured_line(h.CONTENT_TYPE, "message/rfc822")
    return kind + structured_line(h.CONTENT_TRANSFER_ENCODING, "8bit")


def versioned(entity: Entity) -> Entity:
    """As the body of a message (RFC 2045 4)."""
    return _VERSION + entity[0], entity[1]


def _multipart(kind: str, entities: Sequence[Entity]) -> Entity:
    hashed = hashlib.sha256()
    for head, body in entities:
        hashed.update(head)
        hashed.update(body)
    # In no line of quoted-printable or base64.
    boundary = f"=_{hashed.hexdigest()[:40]}"
    mark = f"--{boundary}".encode("ascii")
    pieces: list[bytes] = []
    for head, body in entities:
        pieces += [mark, b"\r\n", head, b"\r\n", body, b"\r\n"]
    pieces += [mark, b"--\r\n"]
    plain = all(body.isascii() for _, body in entities)
    described = structured_line(h.CONTENT_TYPE, f'multipart/{kind}; boundary="{boundary}"')
    encoding = structured_line(h.CONTENT_TRANSFER_ENCODING, "7bit" if plain else "8bit")
    return described + encoding, b"".join(pieces)
