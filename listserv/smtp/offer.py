"""What the peer of a connection announced in its answer to EHLO."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Offer:
    """What the peer announced. `size`: the largest message in octets, None where nothing is fixed;
    `max_transactions`: how many it takes in one connection."""

    pipelining: bool = False
    eight_bit: bool = False
    utf8: bool = False
    chunking: bool = False
    size: int | None = None
    max_recipients: int = 100
    max_transactions: int | None = None

    @classmethod
    def read(cls, extensions: Mapping[str, str], max_recipients: int) -> "Offer":
        """From EHLO's keywords in lower case with their parameters. Of `max_recipients` and what
        LIMITS says (RFC 9422) the smaller holds."""
        words = extensions.get("limits", "").upper().split()
        limits = {name: number for name, _, number in (word.partition("=") for word in words)}
        theirs = _number(limits.get("RCPTMAX", "")) or max_recipients
        return cls(
            pipelining="pipelining" in extensions,
            eight_bit="8bitmime" in extensions,
            utf8="smtputf8" in extensions,
            chunking="chunking" in extensions,
            size=_number(extensions.get("size", "")),
            max_recipients=max(1, min(theirs, max_recipients)),
            max_transactions=_number(limits.get("MAILMAX", "")),
        )

    def cannot_take(self, data: Sequence[bytes]) -> bytes:
        """Why a message, dots stuffed, need not even be begun: a reply; or nothing."""
        if (not data or data[-1][-2:] != b"\r\n") and b"".join(data)[-2:] != b"\r\n":
            return b"554 5.6.0 the message does not end with CRLF"
        if self.size is not None and sum(map(len, data)) > self.size < _octets(data):
            return b"552 5.3.4 larger than the %d octets that the relay takes" % self.size
        return b""

    def cannot_name(self, address: str) -> bytes:
        """Why no command can hold an address: a reply; or nothing. A line end in it would begin a
        command of its own."""
        if not address.isprintable():
            return b"553 5.1.3 the address has a control character"
        if not (self.utf8 or address.isascii()):
            return b"550 5.6.7 the relay does not take SMTPUTF8 addresses"
        return b""


def _octets(data: Sequence[bytes]) -> int:
    """The size of the message before its dots were stuffed: what SIZE counts (RFC 1870 5)."""
    whole = b"\r\n" + b"".join(data)
    return len(whole) - 2 - whole.count(b"\r\n..")


def _number(text: str) -> int | None:
    """A number above 0, or None. "SIZE 0" means that no size is fixed (RFC 1870 4)."""
    return int(text) or None if _NUMBER.fullmatch(text) else None
