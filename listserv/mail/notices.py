"""The program's own mail: a template's words in a frame of headers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Protocol

from listserv.domain.address import Address
from listserv.domain.languages import ENGLISH
from listserv.mail import headers as h
from listserv.mail.headers import header_line, structured_line
from listserv.mail.mailboxes import write_mailbox
from listserv.mail.transfer import quoted_printable

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_MARK = "Subject:"
_ATTACHED = (
    b"Content-Type: message/rfc822\r\n"
    b'Content-Disposition: attachment; filename="message.eml"\r\n\r\n'
)
# RFC 5322 2.1.1 with room for CR LF
_LONGEST_LINE = 990


class Templates(Protocol):
    """Where words come from, in a language of domain/languages.py: a whole text (of a mail
    `Subject: ...`, an empty line, the text), and a word or a sentence by its key."""

    def render(self, name: str, values: Mapping[str, object], language: str = ENGLISH) -> str: ...

    def phrase(self, key: str, values: Mapping[str, object], language: str = ENGLISH) -> str: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """Who writes to whom. `answers` says that a mail of theirs caused this one; `message_id` and
    `in_reply_to` are "<...>"; `date` is timezone-aware."""

    sender_name: str
    sender: str
    to: Address
    reply_to: str | None
    message_id: str
    date: datetime
    in_reply_to: str = ""
    answers: bool = False


def write_notice(
    templates: Templates,
    name: str,
    frame: Frame,
    values: Mapping[str, object],
    language: str = ENGLISH,
    attached: bytes | None = None,
) -> bytes:
    """A whole message, lines ended by CR LF: text/plain in UTF-8, marked as automatic; with another
    message, in 7 bits, `attached` to it."""
    subject, text = _read(templates.render(name, values, language), name)
    encoding, body = _body(text)
    lines = [
        structured_line(h.FROM, write_mailbox(frame.sender_name, frame.sender)),
        structured_line(h.TO, str(frame.to)),
        *([structured_line(h.REPLY_TO, frame.reply_to)] if frame.reply_to else []),
        header_line(h.SUBJECT, subject),
        structured_line(h.DATE, format_datetime(frame.date)),
        structured_line(h.MESSAGE_ID, frame.message_id),
        *_thread(frame.in_reply_to),
        structured_line(h.AUTO_SUBMITTED, "auto-replied" if frame.answers else "auto-generated"),
        structured_line(h.X_AUTO_RESPONSE_SUPPRESS, h.SUPPRESS),
        structured_line(h.MIME_VERSION, "1.0"),
    ]
    described = [
        structured_line(h.CONTENT_TYPE, "text/plain; charset=utf-8"),
        structured_line(h.CONTENT_TRANSFER_ENCODING, encoding),
    ]
    if attached is None:
        return b"".join([*lines, *described]) + b"\r\n" + body
    # Out of what nobody can know before: no line of the post is the boundary.
    boundary = "=_" + "".join(c for c in frame.message_id if c.isalnum())[:60]
    mark = f"--{boundary}".encode("ascii")
    lines.append(structured_line(h.CONTENT_TYPE, f'multipart/mixed; boundary="{boundary}"'))
    first = b"".join([mark, b"\r\n", *described, b"\r\n", body, b"\r\n"])
    message = b"".join([mark, b"\r\n", _ATTACHED, attached, b"\r\n", mark, b"--\r\n"])
    return b"".join(lines) + b"\r\n" + first + message


def _read(rendered: str, name: str) -> tuple[str, str]:
    """Subject and text. All up to the first empty line is the subject: a line break that came
    with a value makes no header field."""
    head, blank, text = rendered.replace("\r\n", "\n").partition("\n\n")
    if not blank or not head.startswith(_MARK):
        raise ValueError(f"template {name} begins with Subject: and an empty line")
    return head.removeprefix(_MARK), text


def _thread(in_reply_to: str) -> list[bytes]:
    if not in_reply_to:
        return []
    return [structured_line(h.IN_REPLY_TO, in_reply_to), structured_line(h.REFERENCES, in_reply_to)]


def _body(text: str) -> tuple[str, bytes]:
    """Transfer encoding and body."""
    text = _CONTROLS.sub("", text.replace("\r", "\n")).strip("\n")
    lines = [line.rstrip() if line != "-- " else line for line in text.split("\n")]
    if text.isascii() and max(map(len, lines)) <= _LONGEST_LINE:
        return "7bit", "".join(f"{line}\r\n" for line in lines).encode("ascii")
    return "quoted-printable", quoted_printable(
        "".join(f"{ln}\r\n" for ln in lines).encode("utf-8")
    )
