"""Lists, messages and copies for the tests of mail/."""

import email
import email.message
import re
from datetime import UTC, datetime

from listserv.domain.lists import ListSettings, MailingList
from listserv.mail.outgoing import ListCopy, list_copy
from listserv.mail.parse import parse

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
HOSTNAME = "mx.lists.example.org"
OUR_ID = "<ours@lists.example.org>"


def a_list(name: str = "support", **settings: object) -> MailingList:
    """support@lists.example.org."""
    return MailingList(
        id=1,
        name=name,
        domain="lists.example.org",
        list_id=f"{name}.lists.example.org",
        created=NOW,
        on_hold=False,
        settings=ListSettings(**settings),  # type: ignore[arg-type]
        stored={},
    )


def crlf(text: str) -> bytes:
    """Text as it goes over the wire."""
    return text.replace("\n", "\r\n").encode("utf-8")


def a_post(*fields: str, body: str = "Hello all.\n", ann: bool = True) -> bytes:
    """A post of Ann's (or of nobody's) with these header fields."""
    own = ["From: Ann Lee <ann@example.org>", "To: support@lists.example.org"] if ann else []
    return crlf("\n".join([*own, *fields]) + "\n\n" + body)


def copy_of(
    raw: bytes, mlist: MailingList | None = None, *, eight_bit: bool = True, **settings: object
) -> ListCopy:
    """The copy that a list with these settings makes."""
    return list_copy(
        raw,
        parse(raw),
        mlist or a_list(**settings),  # type: ignore[arg-type]
        now=NOW,
        hostname=HOSTNAME,
        message_id=OUR_ID,
        eight_bit=eight_bit,
    )


def read(raw: bytes) -> email.message.Message:
    """What another reader sees: the email package, on whole messages that are not hostile."""
    return email.message_from_bytes(raw)


def values(head: bytes, name: str) -> list[str]:
    """The unfolded values of a header field, as another reader sees them."""
    message = email.message_from_bytes(head)
    return [str(value).replace("\r\n", "").replace("\n", "") for value in message.get_all(name, [])]


_LINE = re.compile(rb"([!-9;-~]+)[ \t]*:[^\r\n\0]*\r\n((?:[ \t]+[^ \t\r\n\0][^\r\n\0]*\r\n)*)")


def fields_of(head: bytes) -> list[tuple[str, bytes]]:
    """(lower-case name, whole field) of a header that must be beyond doubt: CR LF only, no empty
    continuation, nothing between the fields."""
    found = []
    at = 0
    while at < len(head):
        line = _LINE.match(head, at)
        assert line, head[at : at + 200]
        found.append((line[1].decode("ascii").lower(), line[0]))
        at = line.end()
    return found


def nested(depth: int) -> bytes:
    """A multipart in a multipart in a multipart ..."""
    head = "".join(
        f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth)
    )
    return crlf(head + "\nhello\n")
