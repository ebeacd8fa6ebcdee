"""Reports of other mail systems about our mail: who was not reached, and why.

Those of RFC 3464 and 6533 are read here, others guessed. Never raises, for any bytes. Linear: a
report's own words stand at its beginning, so that no more than MAX_READ octets are looked at,
whatever it returns behind them.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from listserv.domain.address import Address, parse_address
from listserv.mail.guessed import Guess, guess
from listserv.mail.mime import Part, decoded, read_structure, too_long
from listserv.mail.report_text import ForPeople, code_in, one_line, read_for_people, status_in
from listserv.mail.surgery import Field, Header, read_fields

# Octets of a message; of its header; of a delivery status, of which there is one.
MAX_READ = 256 * 1024
MAX_HEADER = 100 * 1024
MAX_STATUS = 128 * 1024
_MOST_PARTS = 10
# People of whom one report tells; a transaction of ours has at most `relay.max_rcpt`.
MAX_FAILURES = 1000

_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_LINE_END = re.compile(rb"\r++\n")
_BARE_CR = re.compile(rb"\r(?!\n)")
_BLANK = re.compile(rb"(?:[ \t]*\n)++")
_FIRST_WORD = re.compile(r"[a-z]+")
# RFC 6533 3: EmbeddedUnicodeChar of utf-8-addr-xtext and utf-8-addr-unitext.
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_ADDRESS_TYPES = frozenset({"rfc822", "utf-8", "smtp"})
_BRACKETED = re.compile(r"<([^<>]*+)>")
_COMMENT = re.compile(r"\([^()]*+\)")
# "smtp; 550 ..." (RFC 3464 2.1.2)
_TYPE = re.compile(r"\A\s*[A-Za-z0-9-]{1,30}\s*;")

_FINAL = "final-recipient"
_OF_RECIPIENT = frozenset({_FINAL, "original-recipient", "action"})
# A group has a dozen.
_MAX_FIELDS = 50


class Action(StrEnum):
    """What became of the copy (RFC 3464 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report says of one recipient. `recipient` is as the reporting system names them, None
    where it does not; `status` is "5.1.1" (RFC 3463) or ""; `words` are one printable line of the
    refusing system's words, at most report_text.MAX_WORDS characters."""

    recipient: Address | None
    action: Action
    status: str
    words: str


# OpenSMTPD says "error"; others leave the ending away.
_ACTIONS = {
    **{action.value: action for action in Action},
    "fail": Action.FAILED,
    "failure": Action.FAILED,
    "error": Action.FAILED,
    "delay": Action.DELAYED,
}
_BY_CLASS = {"5": Action.FAILED, "4": Action.DELAYED}


def read_report(raw: bytes) -> tuple[Failure, ...]:
    """What a message reports, in its order; () when it is no report."""
    raw = plain_lines(raw[:MAX_READ])
    fields, _, start = read_fields(raw, 0, min(len(raw), MAX_HEADER))
    root = read_structure(raw, Header(fields), start).root
    text = read_for_people(raw, root)
    found = list(islice(_by_standard(raw, root), MAX_FAILURES))
    if not found:
        found = _guessed(guess(fields, raw[start:], root), text)
    return tuple(_with_words(failure, text) for failure in found)


def _guessed(guesses: Sequence[Guess] | None, text: ForPeople) -> list[Failure]:
    """What is likely a report and names nobody still says by its code what became of the copy."""
    if guesses is None:
        return []
    action = _BY_CLASS.get(code_in(text.about(""))[:1])
    if not guesses and action is not None:
        return [Failure(None, action, "", "")]
    actions = {True: Action.FAILED, False: Action.DELAYED}
    return [Failure(parse_address(g.address), actions[g.failed], "", "") for g in guesses]


def plain_lines(raw: bytes) -> bytes:
    """Each line ended by LF, whatever ends it: CR LF, LF, a bare CR or, by a known mistake, CR CR
    LF."""
    if _BARE_CR.search(raw):
        raw = _LINE_END.sub(b"\n", raw)
        return raw.replace(b"\r", b"\n")
    return raw.replace(b"\r\n", b"\n")


def _by_standard(raw: bytes, root: Part) -> Iterator[Failure]:
    parts = (part for part in root.walk() if part.type in _STATUS_TYPES)
    for part in islice(parts, _MOST_PARTS):
        status = plain_lines(decoded(raw, part, MAX_STATUS))
        yield from filter(None, map(_failure, _groups(status)))


def _with_words(failure: Failure, text: ForPeople) -> Failure:
    """In the words for people, where the fields for programs have none."""
    if failure.words:
        return failure
    words = text.about(str(failure.recipient or ""))
    return replace(failure, words=words, status=failure.status or status_in(words))


def _groups(status: bytes) -> Iterator[Header]:
    """The fields of each group, the message's own too. What is neither a field nor blank is passed
    over; some write no blank line between groups, and then a second Final-Recipient begins one."""
    at = 0
    while at < len(status):
        fields, end, _ = read_fields(status, at)
        group: list[Field] = []
        for field in fields:
            if field.name == _FINAL and any(known.name == _FINAL for known in group):
                yield Header(tuple(group))
                group = []
            if not too_long(field) and len(group) < _MAX_FIELDS:
                group.append(field)
        yield Header(tuple(group))
        blank = _BLANK.match(status, end)
        at = blank.end() if blank else (status.find(b"\n", end) + 1 or len(status))


def _failure(group: Header) -> Failure | None:
    """None for the fields of the message itself, and for a group that says nothing."""
    if not any(name in _OF_RECIPIENT for name in group.names):
        return None
    words = one_line(_TYPE.sub("", group.first("Diagnostic-Code")))
    status = status_in(group.first("Status")) or status_in(words)
    word = _FIRST_WORD.match(group.first("Action").lower())
    action = _ACTIONS.get(word[0]) if word else None
    action = action or _BY_CLASS.get(status[:1])
    if action is None:
        return None
    named = map(_recipient, (*group.all("Original-Recipient"), *group.all(_FINAL)))
    return Failure(next(filter(None, named), None), action, status, words)


def _recipient(value: str) -> Address | None:
    """The address behind "rfc822;" or "utf-8;" (RFC 3464 2.3.1, RFC 6533 3); None for one of
    another kind of mail, and for what is none."""
    typed = _TYPE.match(value)
    kind = typed[0][:-1].strip().lower() if typed else ""
    if kind and kind not in _ADDRESS_TYPES:
        return None
    text = value[typed.end() :] if typed else value
    if kind == "utf-8":
        text = _EMBEDDED.sub(_embedded, text)
    bracketed = _BRACKETED.search(text)
    return parse_address((bracketed[1] if bracketed else _COMMENT.sub("", text)).strip())


def _embedded(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number <= sys.maxunicode else ""
