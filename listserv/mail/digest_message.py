"""A part of a digest's issue as a whole message, but for what each recipient has of their own."""

from datetime import datetime
from email.utils import format_datetime

from listserv.domain.lists import MailingList
from listserv.mail import headers as h
from listserv.mail.headers import header_line, structured_line
from listserv.mail.issue import Part
from listserv.mail.mailboxes import write_mailbox
from listserv.mail.outgoing import list_fields


def digest_message(mlist: MailingList, part: Part, message_id: str, now: datetime) -> bytes:
    """Lines end with CR LF. It comes from the list and goes to it, and so does an answer: which
    post that is about is found out there. `message_id` is "<...>", `now` aware."""
    mailbox = write_mailbox(mlist.title, mlist.address)
    lines = [
        structured_line(h.FROM, mailbox),
        structured_line(h.TO, mailbox),
        header_line(h.SUBJECT, part.subject),
        structured_line(h.DATE, format_datetime(now)),
        structured_line(h.MESSAGE_ID, message_id),
        *list_fields(mlist),
        part.fields,
    ]
    return b"".join(lines) + b"\r\n" + part.body
