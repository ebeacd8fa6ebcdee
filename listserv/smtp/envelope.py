"""The arguments of MAIL and RCPT (RFC 5321 4.1.1.2 and 4.1.1.3): a path and its parameters.

The `email` package is never asked: it decodes encoded words inside addresses, CR LF included.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from listserv.domain.address import ascii_lower, parse_address
from listserv.domain.replies import BAD_ADDRESS, Reply
from listserv.smtp.replies import NEEDS_SMTPUTF8, PARAMETER_UNKNOWN, SYNTAX

# A quoted local part may hold > and spaces; nothing else may.
_PATH = re.compile(r' ?<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>(?: +(.*))?')
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[^?]*\?")


@dataclass(frozen=True, slots=True)
class Path:
    """`text` is what stood between < and >, unchanged; parameters have upper-case names, and ""
    where no value was given."""

    text: str
    parameters: Mapping[str, str]


def read_path(argument: str, keyword: str) -> Path | Reply:
    """Read `FROM:<...> PARAMETERS` or `TO:<...> PARAMETERS`; a Reply is the refusal. The address
    is not judged yet."""
    if argument[: len(keyword)].upper() != keyword:
        return SYNTAX
    found = _PATH.fullmatch(argument, len(keyword))
    if found is None:
        return SYNTAX
    parameters: dict[str, str] = {}
    for word in (found[2] or "").split():
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None or parameter[1].upper() in parameters:
            return SYNTAX
        parameters[parameter[1].upper()] = parameter[2] or ""
    return Path(found[1], parameters)


def refused_address(text: str, *, utf8: bool) -> Reply | None:
    """Why `text` cannot be an envelope address. `utf8`: SMTPUTF8 was asked for (RFC 6531 3.4)."""
    if parse_address(text) is None or _ENCODED_WORD.search(text):
        return BAD_ADDRESS
    return None if utf8 or text.isascii() else NEEDS_SMTPUTF8


@dataclass(frozen=True, slots=True)
class MailFrom:
    """A MAIL command, understood. `sender` is "" for the null sender; `size` 0 when not told."""

    sender: str
    size: int
    utf8: bool


def read_mail(argument: str, *, any_sender: bool = False) -> MailFrom | Reply:
    """Read the argument of MAIL, or say how to refuse it. With `any_sender` an address that cannot
    be read is taken as it was keyed: it counts as one that is not null."""
    path = read_path(argument, "FROM:")
    if isinstance(path, Reply):
        return path
    given = dict(path.parameters)
    size, body, utf8 = (
        given.pop("SIZE", "0"),
        given.pop("BODY", "7BIT"),
        given.pop("SMTPUTF8", None),
    )
    if given:
        return PARAMETER_UNKNOWN
    # RFC 1870: at most 20 digits.
    if not re.fullmatch("[0-9]{1,20}", size) or body.upper() not in {"7BIT", "8BITMIME"} or utf8:
        return SYNTAX
    judged = path.text and not any_sender
    refusal = refused_address(path.text, utf8=utf8 is not None) if judged else None
    return refusal or MailFrom(path.text, int(size), utf8 is not None)


def read_rcpt(
    argument: str, *, utf8: bool, domain: str, any_recipient: bool = False
) -> str | Reply:
    """The address of a RCPT command, or its refusal. A bare <postmaster> must be taken (RFC 5321
    4.5.1): it gets `domain`. With `any_recipient` an address that cannot be read is taken as it
    was keyed."""
    path = read_path(argument, "TO:")
    if isinstance(path, Reply):
        return path
    if path.parameters:
        return PARAMETER_UNKNOWN
    if ascii_lower(path.text) == "postmaster":
        return f"{path.text}@{domain}"
    if any_recipient:
        return path.text
    return refused_address(path.text, utf8=utf8) or path.text
