"""What we answer on the wire: REPLIES, a table, and the value that carries one answer.

Our own fault is 4xx, only the sender's is 5xx (promise 8). Texts are ASCII: an SMTP reply that is
not would fail after the mail was stored.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply (RFC 5321 4.2) with its enhanced status code (RFC 3463)."""

    code: int
    status: str
    text: str

    @property
    def line(self) -> str:
        """One line as sent, without CRLF."""
        return f"{self.code} {self.status} {self.text}"

    @property
    def accepted(self) -> bool:
        return self.code < 400


ACCEPTED = Reply(250, "2.0.0", "Message accepted")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient ok")
# One fixed text for every address we do not have, so that asking tells nothing more.
UNKNOWN = Reply(550, "5.1.1", "There is no such address here")
BAD_ADDRESS = Reply(553, "5.1.3", "That is not an address we can read")
NO_RELAY = Reply(550, "5.7.1", "We do not relay mail for that domain")
OUR_FAULT = Reply(451, "4.3.0", "A fault on our side, please try again later")
STORAGE = Reply(452, "4.3.1", "No room to store mail right now, please try again later")
DNS_SILENT = Reply(
    451, "4.4.3", "The DNS of the From address did not answer, please try again later"
)
TOO_MUCH_TODAY = Reply(
    452, "4.7.1", "This address has had very much mail today, please try again tomorrow"
)
TOO_BUSY = Reply(421, "4.3.2", "Too many connections, please try again later")
TOO_LONG_WAITED = Reply(421, "4.4.2", "Waited too long, closing")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors, closing")
TOO_BIG = Reply(552, "5.3.4", "The message is larger than this server takes")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients, send the rest in another message")
BARE_LINE_END = Reply(550, "5.6.11", "Bare CR, bare LF or NUL in the message; lines end in CR LF")
HEADER_TOO_BIG = Reply(552, "5.3.4", "The header of the message is larger than this server takes")
LINE_TOO_LONG = Reply(550, "5.6.0", "The message has a line that is longer than this server takes")

REPLIES: tuple[Reply, ...] = (
    ACCEPTED, RECIPIENT_OK, UNKNOWN, BAD_ADDRESS, NO_RELAY, OUR_FAULT, STORAGE,
    DNS_SILENT, TOO_MUCH_TODAY, TOO_BUSY, TOO_LONG_WAITED, TOO_MANY_ERRORS, TOO_BIG,
    TOO_MANY_RECIPIENTS, BARE_LINE_END, HEADER_TOO_BIG, LINE_TOO_LONG,
)  # fmt: skip
