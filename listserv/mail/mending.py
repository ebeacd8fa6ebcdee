"""An answer to a digest, as its author meant it: the message's bytes with another subject, another
thread and less quoted text. What was authenticated stays as it was stored; this is made of it
wherever the post is shown or sent.

Of a body that changes, all texts for people become one text/plain; attachments stay byte for byte.
The digest itself, where a program has attached it, and the signature of what has changed stay
away.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from listserv.mail import headers as h
from listserv.mail.headers import header_line, structured_line
from listserv.mail.mime import Part, read_structure
from listserv.mail.surgery import Field, Header, read_fields, split
from listserv.mail.transfer import quoted_printable

# Bounded pieces, and no start within a longer one: linear.
_ITEM_ADDRESS = re.compile(
    rb"(?<![a-z0-9._-])([a-z0-9._-]{1,30})\+re-[a-z2-7]{1,24}(@[a-z0-9.-]{1,255})", re.IGNORECASE
)
_THREAD = frozenset({"in-reply-to", "references", "thread-topic", "thread-index"})


@dataclass(frozen=True, slots=True)
class Mending:
    """`references` are the Message-IDs of the conversation, the one that is answered last, none for
    a new one; `subject` is instead of the author's, None leaves it; `text` ("\\n" lines) is instead
    of the body's texts, None leaves the body."""

    references: tuple[str, ...]
    subject: str | None
    text: str | None


def mended(
    raw: bytes,
    mending: Mending | None,
    posting: Collection[str],
    is_digest: Callable[[str], bool],
) -> bytes:
    """The message `raw` with the mending, if any. In To and Cc an address LIST+re-TOKEN becomes
    that of the list where it is one of `posting` (lower-case). `is_digest` knows the Message-ID
    of a digest of ours."""
    message = split(raw)
    lines = [_to_the_list(field, posting) for field in message.fields]
    if mending is None:
        return b"".join((*lines, message.blank, message.body))
    dropped = _THREAD if mending.subject is None else _THREAD | {"subject"}
    added, body, of_body = [*_new_fields(mending)], message.body, ""
    if mending.text is not None:
        root = read_structure(raw, Header(message.fields), len(raw) - len(body)).root
        if any(part.is_text for part in root.walk()):
            says, body = _body(raw, root, mending.text, is_digest)
            added.append(says)
            dropped, of_body = dropped | {"mime-version"}, "content-"
    kept = (
        line if line.endswith(b"\n") else line + b"\r\n"
        for field, line in zip(message.fields, lines, strict=True)
        if field.name not in dropped and not (of_body and field.name.startswith(of_body))
    )
    return b"".join((*kept, *added, message.blank or b"\r\n", body))


def _to_the_list(field: Field, posting: Collection[str]) -> bytes:
    if field.name not in {"to", "cc"} or b"+re-" not in field.raw.lower():
        return field.raw

    def plain(found: re.Match[bytes]) -> bytes:
        address = found[1] + found[2]
        return address if address.decode("ascii").lower() in posting else found[0]

    return _ITEM_ADDRESS.sub(plain, field.raw)


def _new_fields(mending: Mending) -> Iterator[bytes]:
    if mending.references:
        yield structured_line(h.IN_REPLY_TO, mending.references[-1])
        yield structured_line(h.REFERENCES, " ".join(mending.references))
    if mending.subject is not None:
        yield header_line(h.SUBJECT, mending.subject)


def _body(
    raw: bytes, root: Part, text: str, is_digest: Callable[[str], bool]
) -> tuple[bytes, bytes]:
    """The fields of a body that is `text` and the attachments, and that body."""
    version = structured_line(h.MIME_VERSION, "1.0")
    words = text.rstrip("\n").replace("\n", "\r\n") + "\r\n"
    plain = (
        structured_line(h.CONTENT_TYPE, "text/plain; charset=utf-8")
        + structured_line(h.CONTENT_TRANSFER_ENCODING, "quoted-printable"),
        quoted_printable(words.encode("utf-8", "replace")),
    )
    attached = [raw[part.head : part.end] for part in _attachments(raw, root, is_digest)]
    if not attached:
        return version + plain[0], plain[1]
    # Nobody can write a text that has its own hash in it.
    boundary = f"=_{hashlib.sha256(raw).hexdigest()[:40]}"
    mark = f"--{boundary}".encode("ascii")
    pieces = [b"\r\n".join(plain), *attached]
    inside = (mark + b"\r\n" + piece + b"\r\n" for piece in pieces)
    says = structured_line(h.CONTENT_TYPE, f'multipart/mixed; boundary="{boundary}"')
    return version + says, b"".join((*inside, mark, b"--\r\n"))


def _attachments(raw: bytes, part: Part, is_digest: Callable[[str], bool]) -> Iterator[Part]:
    if part.parts:
        for one in part.parts:
            yield from _attachments(raw, one, is_digest)
    elif part.is_attachment and not part.type.startswith("multipart/"):
        if part.type != "message/rfc822" or not _is_digest(raw, part, is_digest):
            yield part


def _is_digest(raw: bytes, part: Part, is_digest: Callable[[str], bool]) -> bool:
    fields, _, _ = read_fields(raw, part.start, part.end)
    return is_digest(Header(fields).first(h.MESSAGE_ID))
