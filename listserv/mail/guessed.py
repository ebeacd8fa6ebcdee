"""Reports in no standard's form, read by flufl.bounce.

It knows the forms of many mail systems, and takes a mail that happens to contain their words for a
report. So it is asked only about mail that is likely one, and gets no more than a piece of it.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes

from flufl.bounce import all_failures

from listserv.mail import headers as h
from listserv.mail.mime import MAX_FIELD, Part, too_long
from listserv.mail.surgery import Field, Header
from listserv.mail.words import decode_words

# What it gets of a message: it goes through each line some sixty times, and some of its patterns
# take a line's length squared. Octets, lines of the body, octets of a line.
MAX_HEADER = 32 * 1024
MAX_LINES = 1000
MAX_LINE = 500
# The email package takes a step for each part that a line is within, and calls itself for each.
_MOST_PARTS = 40
# It logs what it cannot read with a traceback, and each attempt beside.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)

_SYSTEM = re.compile(
    r"mailer-?daemon|mdaemon|post-?master|<>|mail (?:delivery|administrator)"
    r"|delivery (?:system|subsystem)|system administrator",
    re.IGNORECASE,
)
_UNDELIVERED = re.compile(
    r"undeliver|non-?deliver|not (?:be )?delivered|returned mail|returning message|mail failed"
    r"|mail error|deliver(?:y|ing)\b.{0,40}\b(?:fail|status|problem|report|delay|warning|error)"
    r"|fail(?:ed|ure)\b.{0,20}\b(?:delivery|mail|notice|notification)|delivery failed",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"(?:re|aw|sv|auto(?:matic)?|out of office|abwesen\w*)\b[^a-z]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guess:
    """An address as it is written in the report, and whether it is given up."""

    address: str
    failed: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    header: Header
    root: Part
    subject: str

    @property
    def is_answer(self) -> bool:
        """A person's program answers for them, whatever it quotes."""
        marked = any(self.header.fields(name) for name in h.AUTOREPLY_MARKS)
        words = (*self.header.all(h.PRECEDENCE), *self.header.all(h.X_PRECEDENCE))
        return marked or any(word.lower() == "auto_reply" for word in words)


# What a mail must have one of to be likely a report.
LIKELY: tuple[tuple[str, Callable[[_Seen], bool]], ...] = (
    ("it names who was not reached", lambda s: bool(s.header.fields(h.X_FAILED_RECIPIENTS))),
    ("a mail system wrote it", lambda s: bool(_SYSTEM.search(s.header.first(h.FROM)[:MAX_FIELD]))),
    ("it has no author", lambda s: not s.header.first(h.FROM)),
    ("it says that it is a report",
     lambda s: s.root.parameters.get("report-type", "").lower() == "delivery-status"),
    ("its subject says so",
     lambda s: bool(_UNDELIVERED.search(s.subject)) and not _ANSWER.match(s.subject)),
    ("its subject ends so", lambda s: s.subject.endswith("(delivery failed)")),
)  # fmt: skip


def guess(fields: Sequence[Field], body: bytes, root: Part) -> tuple[Guess, ...] | None:
    """Who is not reached, by a message with LF line ends; None when it is likely no report."""
    header = Header(tuple(fields))
    seen = _Seen(header, root, decode_words(header.first(h.SUBJECT)[:MAX_FIELD]))
    if seen.is_answer or not any(applies(seen) for _, applies in LIKELY):
        return None
    delayed, failed = _failures(_short(fields) + b"\n" + _cut(body))
    return tuple(
        Guess(address.decode("ascii", "replace"), failed=address in failed)
        for address in sorted({*delayed, *failed})
    )


def _short(fields: Sequence[Field]) -> bytes:
    """The first fields, without the long ones."""
    kept, left = bytearray(), MAX_HEADER
    for field in fields:
        left -= min(len(field.raw), MAX_FIELD)
        if left < 0:
            break
        kept += b"" if too_long(field) else field.raw
    return bytes(kept)


def _cut(body: bytes) -> bytes:
    lines = body[: MAX_LINES * MAX_LINE].split(b"\n", MAX_LINES)[:MAX_LINES]
    cut = b"\n".join(line[:MAX_LINE] for line in lines)
    return cut if cut.lower().count(b"content-type") <= _MOST_PARTS else b""


def _failures(raw: bytes) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Nothing where it stumbles: over mail without From, over addresses that are none, ..."""
    message = message_from_bytes(raw)
    if "From" not in message:
        message["From"] = "<>"
    try:
        return all_failures(message)
    except Exception:
        return frozenset(), frozenset()
