"""Conversations: what a message says it answers (RFC 5322 3.6.4), and what it is to say."""

import re
from collections.abc import Sequence

from listserv.mail import headers as h
from listserv.mail.surgery import Header

# Of what a message says it answers, so many identifiers are read, the nearest ones.
MAX_PARENTS = 50
# Of a long conversation References names its beginning and what came last: so every program finds
# the thread, and the field stays within a few lines.
MAX_REFERENCES = 20

# Printable ASCII; longer ones are nobody's.
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}+>")
# Octets of a field in which they are looked for, at its end.
_LOOKED_AT = 16 * 1024


def parents(header: Header) -> tuple[str, ...]:
    """The <msg-id>s of References and In-Reply-To, each once, the nearest last."""
    found: dict[str, None] = {}
    for name in (h.REFERENCES, h.IN_REPLY_TO):
        for one in _MESSAGE_ID.findall(header.first(name)[-_LOOKED_AT:]):
            found.setdefault(one)
    return tuple(found)[-MAX_PARENTS:]


def references(before: Sequence[str], message_id: str) -> tuple[str, ...]:
    """What an answer to the message says, of which `before` are the parents: at most
    MAX_REFERENCES, the message itself last; nothing when that has no <msg-id>."""
    if not _MESSAGE_ID.fullmatch(message_id):
        return ()
    chain = [one for one in before if one != message_id]
    if len(chain) >= MAX_REFERENCES:
        chain = [chain[0], *chain[2 - MAX_REFERENCES :]]
    return (*chain, message_id)
