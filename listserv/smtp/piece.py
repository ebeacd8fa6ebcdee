"""A transaction on the wire: what of it is written, what was answered, how its octets go out."""

from enum import Enum
from typing import Final

from listserv.domain.transaction import Stage, Transaction

# What is larger waits for 354: it would be sent for nothing where all recipients are refused.
_ONE_FLIGHT: Final = 65_536


class Way(Enum):
    """How a message goes out. TRIAL and WHOLE are CHUNKING (RFC 3030): its octets as they are, so
    that many that BDAT names, and no final dot."""

    DATA = "DATA, and the message after 354"
    TRIAL = "BDAT with the first line, and the rest after a yes"
    WHOLE = "BDAT LAST with the whole message, in one flight with its envelope"


# For each copy, and a member of an Enum class is found slowly (CPython 3.11).
DATA: Final = Way.DATA
TRIAL: Final = Way.TRIAL
WHOLE: Final = Way.WHOLE


def may_be_chunked(transaction: Transaction) -> bool:
    """Whether BDAT may carry it: what has doubled dots is not as it is."""
    data = transaction.data
    return transaction.dotless and b"\n" in data[0] and sum(map(len, data)) <= _ONE_FLIGHT


class Piece:
    """A transaction with the recipients that it has on the wire. `at` tells which reply comes next:
    -1 RSET, 0 MAIL, k the k-th RCPT, and `opened` DATA or the first BDAT, then the end. `is_whole`
    when all of it is put out, and `behind` it so many octets of the next one."""

    __slots__ = (
        "accepted",
        "at",
        "behind",
        "is_whole",
        "mail_refused",
        "opened",
        "options",
        "recipients",
        "surplus",
        "transaction",
        "way",
    )

    def __init__(
        self,
        transaction: Transaction,
        recipients: tuple[str, ...],
        options: str,
        way: Way,
        reset: bool,
    ) -> None:
        self.transaction = transaction
        self.recipients = recipients
        self.options = options
        self.way = way
        self.at = -1 if reset else 0
        self.opened = len(recipients) + 1
        self.is_whole = False
        self.behind = 0
        self.mail_refused = False
        self.accepted: list[str] = []
        # Recipients too many for this transaction, each with what the peer said to it.
        self.surplus: tuple[tuple[str, bytes], ...] = ()

    @property
    def owes(self) -> int:
        """How many replies the peer owes to what is written of it, with PIPELINING."""
        return max(self.opened + 1 - self.at, 1)

    @property
    def asks(self) -> Stage | None:
        """What the next reply answers; None for RSET."""
        if self.at <= 0:
            return Stage.MAIL if self.at == 0 else None
        if self.at < self.opened:
            return Stage.RCPT
        return Stage.DOT if self.is_whole else Stage.DATA

    @property
    def undecided(self) -> tuple[str, ...]:
        """The recipients whose outcome is open: accepted, or not answered yet."""
        if self.mail_refused:
            return ()
        return (*self.accepted, *self.recipients[max(self.at - 1, 0) :])

    def envelope(self) -> bytes:
        """Up to DATA or the line of BDAT."""
        opening = "DATA" if self.way is DATA else self._bdat()
        rcpts = ">\r\nRCPT TO:<".join(self.recipients)
        sender = self.transaction.sender
        text = f"MAIL FROM:<{sender}>{self.options}\r\nRCPT TO:<{rcpts}>\r\n{opening}\r\n"
        return (f"RSET\r\n{text}" if self.at < 0 else text).encode()

    def with_envelope(self) -> tuple[bytes, ...]:
        """What of the message goes out behind the envelope, before the peer says anything."""
        if self.way is WHOLE:
            return self.transaction.data
        return (self.transaction.data[0][: self._first_line()],) if self.way is TRIAL else ()

    def rest(self) -> tuple[bytes, ...]:
        """What goes out of the message when the peer has said go on."""
        data = self.transaction.data
        if self.way is DATA:
            # RFC 2920 3.1: nobody is there, and it must have its dot all the same.
            return (*data, b".\r\n") if self.accepted else (b".\r\n",)
        begun = self._first_line()
        left = sum(map(len, data)) - begun
        return (b"BDAT %d LAST\r\n" % left, data[0][begun:], *data[1:])

    def _bdat(self) -> str:
        if self.way is TRIAL:
            return f"BDAT {self._first_line()}"
        return f"BDAT {sum(map(len, self.transaction.data))} LAST"

    def _first_line(self) -> int:
        return self.transaction.data[0].index(b"\n") + 1
