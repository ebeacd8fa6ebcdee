"""Mail to a role address (owners, postmaster, abuse) as it goes on to the people behind it: our
own message, so that DMARC passes, with the writer in Reply-To and the writer's text as it came."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from listserv.domain.post import Post
from listserv.mail import headers as h
from listserv.mail.encode import fitted
from listserv.mail.headers import Becomes, header_line, outgoing_row, structured_line
from listserv.mail.mailboxes import MAX_NAME, write_mailbox
from listserv.mail.mime import Part, read_structure
from listserv.mail.surgery import Header, read_fields
from listserv.mail.transfer import quoted_printable
from listserv.mail.wire import wire_field
from listserv.mail.words import shown

# Larger attachments do not go on: whoever looks after a list reads on a telephone too.
LARGEST_ATTACHMENT = 100_000

_KEPT = frozenset({"in-reply-to", "references", "mime-version"})
_LEFT_OUT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "


@dataclass(frozen=True, slots=True)
class Envelope:
    """`role` is the address that was written to, `title` whose it is; `message_id` is "<...>";
    `date` is timezone-aware."""

    role: str
    title: str
    message_id: str
    date: datetime


def role_copy(
    raw: bytes, post: Post, envelope: Envelope, left_out: Callable[[str, int], str]
) -> bytes:
    """The whole message in 7 bits, but for what is signed or encrypted. `left_out` words the line
    in the place of an attachment of this type and so many octets."""
    fields, _, start = read_fields(raw)
    header = Header(fields)
    writer = post.author
    name = (writer.name or writer.address.local)[:MAX_NAME] if writer else ""
    name = f"{name} via {envelope.title}" if name and "@" not in name else envelope.title
    lines = [
        structured_line(h.FROM, write_mailbox(name, envelope.role)),
        structured_line(h.TO, envelope.role),
        *([structured_line(h.REPLY_TO, str(writer.address))] if writer else []),
        header_line(h.SUBJECT, post.subject or "(no subject)"),
        structured_line(h.DATE, format_datetime(envelope.date)),
        structured_line(h.MESSAGE_ID, envelope.message_id),
        structured_line(h.PRECEDENCE, "list"),
        structured_line(h.X_AUTO_RESPONSE_SUPPRESS, h.SUPPRESS),
    ]
    seen: set[str] = set()
    for field in fields:
        stays = field.name in _KEPT or field.name.startswith("content-")
        stays = stays and outgoing_row(field.name).author is Becomes.FIRST
        if stays and field.name not in seen and header.chosen(field.name) is field:
            seen.add(field.name)
            lines.append(wire_field(field.raw))
    root = read_structure(raw, header, start).root
    if is_too_large(root):  # the message is nothing but that attachment
        lines = [line for line in lines if not line.lower().startswith(b"content-")]
        head, _, body = replacement(root, left_out).partition(b"\r\n\r\n")
        return b"".join(lines) + head + b"\r\n\r\n" + body
    body = b"".join(_cut(raw, start, root, left_out))
    head, body = fitted(b"".join(lines), body, eight_bit=False)
    return head + b"\r\n" + body + (b"" if body.endswith(b"\r\n") else b"\r\n")


def _cut(
    raw: bytes, start: int, root: Part, left_out: Callable[[str, int], str]
) -> Iterator[bytes]:
    """The body in pieces, large attachments replaced."""
    at = start
    for part in root.walk():
        if part is not root and part.head >= at and is_too_large(part):
            yield raw[at : part.head]
            yield replacement(part, left_out)
            at = part.end
    yield raw[at:]


def is_too_large(part: Part) -> bool:
    """Whether a part is an attachment that does not go on."""
    return part.is_attachment and part.end - part.start > LARGEST_ATTACHMENT


def replacement(part: Part, left_out: Callable[[str, int], str]) -> bytes:
    """A part of its own, header and body, that says what stood here."""
    words = left_out(shown(part.type), part.end - part.start).strip().replace("\n", "\r\n") + "\r\n"
    if words.isascii():
        return _LEFT_OUT + b"7bit\r\n\r\n" + words.encode("ascii")
    return _LEFT_OUT + b"quoted-printable\r\n\r\n" + quoted_printable(words.encode("utf-8"))
