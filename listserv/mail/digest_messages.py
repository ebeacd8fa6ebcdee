"""A digest of whole messages: multipart/digest (RFC 2046 5.1.5) under the contents."""

from collections.abc import Iterator
from email.utils import format_datetime

from listserv.mail import headers as h
from listserv.mail.digest_body import paragraphs
from listserv.mail.digest_frame import Frame
from listserv.mail.digest_mime import digest, text_entity, versioned
from listserv.mail.digest_parts import MAX_MIME
from listserv.mail.digest_text import paragraph_text
from listserv.mail.headers import header_line, structured_line
from listserv.mail.issue import Item, Part, Words
from listserv.mail.mailboxes import write_mailbox, write_phrase
from listserv.mail.threads import is_answer

# A post of a conversation number, as a message.
_Message = tuple[int, Item, bytes]


def message_parts(frame: Frame) -> tuple[Part, ...]:
    """A post without its message is there as text."""
    parts = list(_filled(_messages(frame)))
    made: list[Part] = []
    for number, messages in enumerate(parts, 1):
        rows = [frame.row(thread) for thread in dict.fromkeys(thread for thread, _, _ in messages)]
        subject, masthead = frame.text(rows, "", (number, len(parts)))
        entity = digest(masthead, [raw for _, _, raw in messages])
        made.append(
            Part(subject, *versioned(entity), tuple(item.number for _, item, _ in messages))
        )
    return tuple(made)


def _messages(frame: Frame) -> Iterator[_Message]:
    for number, thread in enumerate(frame.threads):
        for item in thread.items:
            raw = frame.issue.raws.get(item.number)
            yield number, item, _stand_in(item, frame.words) if raw is None else raw


def _filled(messages: Iterator[_Message]) -> Iterator[list[_Message]]:
    """Parts of at most MAX_MIME octets, or of one message."""
    part: list[_Message] = []
    octets = 0
    for message in messages:
        if part and octets + len(message[2]) > MAX_MIME:
            yield part
            part, octets = [], 0
        part.append(message)
        octets += len(message[2])
    yield part


def _stand_in(item: Item, words: Words) -> bytes:
    author = write_mailbox(item.author, item.address) if item.address else write_phrase(item.author)
    head = [
        structured_line(h.DATE, format_datetime(item.at)),
        structured_line(h.FROM, author),
        structured_line(h.REPLY_TO, item.reply_to),
        header_line(h.SUBJECT, item.subject),
        structured_line(h.MESSAGE_ID, item.message_id),
    ]
    said = paragraphs(item, words, answer=is_answer(item))
    text = "\n\n".join(map(paragraph_text, said))
    described, body = versioned(text_entity("plain", text))
    return b"".join(head) + described + b"\r\n" + body
