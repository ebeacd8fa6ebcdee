"""What the peer of a connection announced in its answer to EHLO."""

import re
from collections.abc import Mapping
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
            size=_number(extensions.get("size", "")),
            max_recipients=max(1, min(theirs, max_recipients)),
            max_transactions=_number(limits.get("MAILMAX", "")),
        )


def _number(text: str) -> int | None:
    """A number above 0, or None. "SIZE 0" means that no size is fixed (RFC 1870 4)."""
    return int(text) or None if _NUMBER.fullmatch(text) else None
