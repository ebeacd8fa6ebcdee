"""A message as it came in (Incoming) and as it was read (Post)."""

from dataclasses import dataclass
from enum import StrEnum

from listserv.domain.address import Address


class Transport(StrEnum):
    SMTP = "smtp"
    LMTP = "lmtp"


@dataclass(frozen=True, slots=True)
class Client:
    """Who spoke to us. `address` and `helo` are the real client's: our peer, or what a trusted
    MTA told by XFORWARD. `trusted` is said of our peer."""

    address: str
    helo: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class Incoming:
    """One transaction. `sender` is "" for the null sender; `recipients` are as given, each
    already answered 250; `raw` has CRLF line ends, dots unstuffed."""

    transport: Transport
    client: Client
    sender: str
    recipients: tuple[str, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox of a header: display name (decoded, without control characters), address."""

    name: str
    address: Address


@dataclass(frozen=True, slots=True)
class Post:
    """What the program reads in a message. Made by `mail.parse`, which never raises.

    `authors` are the mailboxes of all From fields, `from_fields` counts the fields: there is one
    author exactly when both are one. `list_ids` are lower-case, without brackets. `body_hash` is
    SHA-256 over the body with trailing blank lines removed. `first_line` is the first non-blank
    line of text that the author wrote, for spotting commands sent to the list. `parents` are the
    <msg-id>s of References and In-Reply-To, each once, the nearest last.
    """

    message_id: str
    from_fields: int
    authors: tuple[Mailbox, ...]
    subject: str
    date: str
    to_cc: tuple[Address, ...]
    list_ids: tuple[str, ...]
    received: int
    auto_submitted: str
    automatic: str
    spam: bool
    has_text: bool
    has_attachment: bool
    first_line: str
    text_lines: int
    size: int
    body_hash: bytes
    defects: tuple[str, ...] = ()
    precedence: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()

    @property
    def author(self) -> Mailbox | None:
        """The one mailbox of the one From field, or None."""
        return self.authors[0] if self.from_fields == len(self.authors) == 1 else None
