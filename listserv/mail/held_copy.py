"""A held message as its moderators get it, attached to a notice: what its author wrote, in 7 bits,
without what tells of their connection, without large attachments, and HTML only as source."""

from collections.abc import Callable, Iterator

from listserv.mail import headers as h
from listserv.mail.encode import fitted
from listserv.mail.headers import structured_line
from listserv.mail.mime import Part, read_structure
from listserv.mail.role_copy import is_too_large, replacement
from listserv.mail.surgery import Header, read_fields
from listserv.mail.wire import wire_field

_KEPT = frozenset(
    {"from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references"}
)


def held_copy(raw: bytes, left_out: Callable[[str, int], str]) -> bytes:
    """The whole message; `left_out` words the line in the place of what does not go along."""
    fields, _, start = read_fields(raw)
    header = Header(fields)
    lines = [
        wire_field(field.raw)
        for field in fields
        if field.name in _KEPT and header.chosen(field.name) is field
    ]
    root = read_structure(raw, header, start).root
    if _stays_out(root):
        head, _, body = replacement(root, left_out).partition(b"\r\n\r\n")
        return b"".join(lines) + head + b"\r\n\r\n" + body
    lines.append(b"MIME-Version: 1.0\r\n")
    lines += _described(raw, root)
    whole = b"".join(_body(raw, start, root, left_out))
    head, body = fitted(b"".join(lines), whole, eight_bit=False)
    return head + b"\r\n" + body + (b"" if body.endswith(b"\r\n") else b"\r\n")


def _stays_out(part: Part) -> bool:
    """A large attachment; or a message in the message, which may have HTML of its own."""
    return is_too_large(part) or part.type.startswith("message/")


def _body(
    raw: bytes, start: int, root: Part, left_out: Callable[[str, int], str]
) -> Iterator[bytes]:
    at = start
    for part in root.walk():
        if part is root or part.head < at:
            continue
        if _stays_out(part):
            yield raw[at : part.head]
            yield replacement(part, left_out)
            at = part.end
        elif part.type == "text/html":
            yield raw[at : part.head]
            yield from _described(raw, part)
            yield b"\r\n"
            at = part.start
    yield raw[at:]


def _described(raw: bytes, part: Part) -> Iterator[bytes]:
    """The Content fields of a part. HTML is called plain text, so that no reader shows it."""
    fields, _, _ = read_fields(raw, part.head, part.start)
    header = Header(fields)
    for field in fields:
        if not field.name.startswith("content-") or header.chosen(field.name) is not field:
            continue
        if field.name == h.CONTENT_TYPE.lower() and part.type == "text/html":
            charset = part.charset if _is_token(part.charset) else "utf-8"
            yield structured_line(h.CONTENT_TYPE, f"text/plain; charset={charset}")
        else:
            yield wire_field(field.raw)


def _is_token(charset: str) -> bool:
    return bool(charset) and charset.isascii() and all(c.isalnum() or c in "-_.:" for c in charset)
