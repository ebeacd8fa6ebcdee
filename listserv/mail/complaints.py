"""Complaints (ARF, RFC 5965): a provider passes on that a reader called our mail unwanted, with the
header of the copy, by which we know whose it was.

Never raises, for any bytes. What is no report by its type and its parts is none, whatever it says:
who forwards a mail by hand, to ask about it, does not complain.
"""

import re
from dataclasses import dataclass

from listserv.domain.tokens import TOKEN_LENGTH, WEB_LENGTH
from listserv.mail import headers as h
from listserv.mail.mime import decoded, read_structure, too_long
from listserv.mail.reports import MAX_HEADER, MAX_READ, plain_lines
from listserv.mail.surgery import Header, read_fields

_REPORT = "feedback-report"
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global"})
# Octets of the header of the copy that comes back, and of what the provider says about it.
_MAX_RETURNED = 64 * 1024
# As many tokens are looked at; a copy has three.
_MOST_TOKENS = 20
# RFC 5965 7.3 and, as "opt-out", its drafts. A report that something is no spam (RFC 6430), or that
# a signature failed (RFC 6591), stops nothing.
UNWANTED = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})

_TOKEN = re.compile(
    rf"(?<![a-z2-7])(?:[a-z2-7]{{{TOKEN_LENGTH}}}|[a-z2-7]{{{WEB_LENGTH}}})(?![a-z2-7])"
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """`feedback` is the type, lower-case. What may be tokens of ours in the return path of the
    copy, and in its List-Unsubscribe, as they stand there."""

    feedback: str
    return_path: tuple[str, ...]
    unsubscribe: tuple[str, ...]

    @property
    def is_unwanted(self) -> bool:
        return self.feedback in UNWANTED


def read_complaint(raw: bytes) -> Complaint | None:
    """What a message complains about; None when it is no complaint."""
    if _REPORT.encode() not in raw[:MAX_HEADER].lower():
        return None
    raw = plain_lines(raw[:MAX_READ])
    fields, _, start = read_fields(raw, 0, min(len(raw), MAX_HEADER))
    root = read_structure(raw, Header(fields), start).root
    if root.type != "multipart/report" or len(root.parts) < 3:
        return None
    if root.parameters.get("report-type", "").lower() != _REPORT:
        return None
    _, about, copy = root.parts[:3]
    if about.type != f"message/{_REPORT}" or copy.type not in _RETURNED:
        return None
    says, returned = (_header(decoded(raw, part, _MAX_RETURNED)) for part in (about, copy))
    return Complaint(
        says.first("Feedback-Type").lower(),
        _tokens(*returned.all(h.RETURN_PATH), *says.all("Original-Mail-From")),
        _tokens(*returned.all(h.LIST_UNSUBSCRIBE)),
    )


def _header(octets: bytes) -> Header:
    fields, _, _ = read_fields(plain_lines(octets))
    return Header(tuple(field for field in fields if not too_long(field)))


def _tokens(*values: str) -> tuple[str, ...]:
    """Whatever stands around them: who passes mail on rewrites a return path."""
    found = (token for value in values for token in _TOKEN.findall(value.lower()))
    return tuple(dict.fromkeys(found))[:_MOST_TOKENS]
