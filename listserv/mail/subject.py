"""The list's subject prefix: put once, and not again on replies that carry it."""

import re

from listserv.mail.headers import FOLD, SUBJECT, header_line
from listserv.mail.surgery import Field
from listserv.mail.words import decode_words, shown

_NO_SUBJECT = "(no subject)"
# Re: Fwd: AW: Antwort: 回复: Re[2]: and prefixes of other lists may stand before ours.
_BEFORE = re.compile(
    r"\s*(?:[^\W\d_]{1,10}\s?(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?\s?[:\uff1a]|\[[^\]]{1,40}\])"
)
# White space between encoded words is none (RFC 2047 6.2).
_ENCODED_SPACE = b" =?utf-8?q?_?="
# Of a subject, in characters, where the prefix is looked for.
_LOOKED_AT = 2000


def has_prefix(subject: str, prefix: str) -> bool:
    """Whether a decoded subject carries the prefix: in front, or behind reply marks."""
    wanted, at = _plain(prefix).casefold(), 0
    subject = _plain(subject[:_LOOKED_AT]).casefold()
    while not subject[at:].lstrip().startswith(wanted):
        before = _BEFORE.match(subject, at)
        if before is None:
            return False
        at = before.end()
    return True


def _plain(text: str) -> str:
    """As header_line writes it."""
    return " ".join(shown(text).split())


def with_prefix(raw: bytes, prefix: str) -> bytes:
    """The Subject field `raw` with the prefix in front, the rest byte for byte."""
    field = Field("subject", raw)
    if has_prefix(decode_words(field.text[:_LOOKED_AT]), prefix):
        return raw
    rest = field.value.lstrip(b" \t\r\n")
    if not rest:
        return header_line(SUBJECT, f"{prefix} {_NO_SUBJECT}")
    head = header_line(SUBJECT, prefix).removesuffix(b"\r\n")
    if head.endswith(b"?=") and rest.startswith(b"=?"):
        head += _ENCODED_SPACE
    first_line = rest.partition(b"\r\n")[0]
    fits = len(head.rpartition(b"\n")[2]) + 1 + len(first_line) <= FOLD
    return head + (b" " if fits else b"\r\n ") + rest
