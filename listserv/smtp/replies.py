"""What the protocol itself answers: PROTOCOL_REPLIES, a table. What a mail's fate is answered
with stands in domain/replies.py."""

import re

from listserv.domain.replies import Reply

OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Sender ok")
FAREWELL = Reply(221, "2.0.0", "Bye")
NO_SUCH_COMMAND = Reply(500, "5.5.1", "No such command")
NOT_HERE = Reply(502, "5.5.1", "That command does nothing here")
LINE_UNREADABLE = Reply(500, "5.5.2", "A command is one line of text that ends in CR LF")
COMMAND_TOO_LONG = Reply(500, "5.5.6", "The command line is too long")
SYNTAX = Reply(501, "5.5.4", "The command's argument cannot be read")
GREET_FIRST = Reply(503, "5.5.1", "Say hello first")
SENDER_FIRST = Reply(503, "5.5.1", "Name the sender first")
RECIPIENT_FIRST = Reply(503, "5.5.1", "No recipient was accepted")
IN_TRANSACTION = Reply(503, "5.5.1", "A transaction has begun already")
PARAMETER_UNKNOWN = Reply(555, "5.5.4", "A parameter is not offered here")
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "An address with other than ASCII letters needs SMTPUTF8")
NOT_TRUSTED = Reply(550, "5.7.0", "This host may not use that command")
TLS_ON = Reply(503, "5.5.1", "TLS is on already")
CLOSING = Reply(421, "4.3.2", "Closing down, please try again later")

PROTOCOL_REPLIES: tuple[Reply, ...] = (
    OK, SENDER_OK, FAREWELL, NO_SUCH_COMMAND, NOT_HERE, LINE_UNREADABLE, COMMAND_TOO_LONG, SYNTAX,
    GREET_FIRST, SENDER_FIRST, RECIPIENT_FIRST, IN_TRANSACTION, PARAMETER_UNKNOWN, NEEDS_SMTPUTF8,
    NOT_TRUSTED, TLS_ON, CLOSING,
)  # fmt: skip

# RFC 5321 4.5.3.1.5, CR LF included.
_LONGEST = 510
_UNFIT = re.compile("[^ -~]")


def plain(line: str) -> str:
    """A reply line as it may be sent: printable ASCII. Anything else would fail after the mail
    was stored, or be a second reply."""
    line = line[:_LONGEST]
    return line if line.isascii() and line.isprintable() else _UNFIT.sub("?", line)
