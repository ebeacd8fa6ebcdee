"""What goes over a connection to the relay as one, and what becomes of it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from listserv.domain.mailing import Fate


class Transaction(NamedTuple):
    """One message for 1..n recipients; the pipeline divides them where the peer takes fewer.

    `key` comes back with every event. `data` is what dot_stuff made of the message, in chunks
    that each begin a line; the last one ends with CRLF, and the final dot is not there. `dotless`:
    no line begins with a dot, so that these are its octets as well.
    """

    key: object
    sender: str
    recipients: tuple[str, ...]
    data: tuple[bytes, ...]
    utf8: bool = False
    eight_bit: bool = False
    dotless: bool = False


def dot_stuff(data: bytes) -> bytes:
    """Transparency (RFC 5321 4.5.2) for bytes that begin a line. Bare CR or LF is a ValueError:
    some peers would see a line end there, and behind it perhaps a final dot."""
    ends = data.count(b"\r\n")
    if data.count(b"\n") != ends or data.count(b"\r") != ends:
        raise ValueError("the message has a bare CR or LF")
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def is_dotless(data: Sequence[bytes]) -> bool:
    """Whether no line begins with a dot, stuffed or not; each chunk begins a line."""
    return not any(chunk.startswith(b".") or b"\r\n." in chunk for chunk in data)


class Stage(StrEnum):
    """What a reply answered."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "final dot"


class Settled(NamedTuple):
    """The outcome of these recipients. FAILED is a 5xx at RCPT and nothing else."""

    key: object
    recipients: tuple[str, ...]
    fate: Fate
    stage: Stage
    reply: bytes

    @property
    def words(self) -> str:
        """The reply as one line, for example "550 5.1.1 no such user"."""
        return in_words(self.reply)

    @property
    def blames_message(self) -> bool:
        """The message was refused for good, whoever the recipients are."""
        return self.stage in (Stage.DATA, Stage.DOT) and self.reply.startswith(b"5")


class Unfinished(NamedTuple):
    """These recipients have no outcome. After `dot_written` a repeat may be a second copy.
    `goodbye` is the 421 with which the peer cut them off, if it said one."""

    key: object
    recipients: tuple[str, ...]
    dot_written: bool
    goodbye: bytes = b""


class Refused(NamedTuple):
    """5xx or 421 at MAIL: about us. Its recipients come back as Unfinished. `fresh`: the peer has
    accepted no MAIL on this connection before; a 421 to a later one may only end the connection."""

    reply: bytes
    fresh: bool

    @property
    def words(self) -> str:
        """The reply as one line."""
        return in_words(self.reply)


class Closed(NamedTuple):
    """A connection's last event. `words` say why, and are empty when it ended as we asked.
    `answered`: what the peer answered with the 421 that ended it, if it was an answer."""

    words: str
    answered: Stage | None = None


Event: TypeAlias = Settled | Unfinished | Refused | Closed


def in_words(reply: bytes) -> str:
    """A reply as one printable line."""
    text = reply.decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
