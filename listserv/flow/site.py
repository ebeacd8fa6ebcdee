"""What every flow knows of this installation."""

from collections.abc import Callable
from dataclasses import dataclass

from listserv.domain.tokens import own_message_id
from listserv.mail.notices import Templates


@dataclass(frozen=True)
class Site:
    """`secret` signs every token; `nonce` gives that many random bytes; `spam_header` is the field
    ("X-Spam: yes") that a trusted MTA marks spam with."""

    domains: frozenset[str]
    hostname: str
    secret: bytes
    templates: Templates
    spam_header: str
    nonce: Callable[[int], bytes]

    def message_id(self) -> str:
        """A new Message-ID that we know again when it comes back."""
        return own_message_id(self.secret, self.nonce(10), self.hostname)
