"""An author's header field as it may go out: its own bytes, but for what another reader could take
for something else, and for lines that are too long."""

import re

from listserv.mail.headers import LONGEST, SUBJECT, header_line
from listserv.mail.surgery import Field
from listserv.mail.words import decode_words

# No line end, but a reader may think so. VT and FF are white space to some DKIM verifiers only.
_BARE = re.compile(rb"\r(?!\n)|[\0\v\f]|(?<!\r)\n")
_EMPTY_FOLD = re.compile(rb"\r\n[ \t]+(?=\r\n)")
# Obsolete (RFC 5322 4.5.8), and dkimpy refuses to verify a message that has it.
_BEFORE_COLON = re.compile(rb"\A([!-9;-~]+)[ \t]+:")
_SPACE = re.compile(rb"[ \t]+")
# Behind these some white space may be added (addresses, identifiers, parameters).
_MARKS = (b",", b";", b">")
# A longer name is nobody's, and a name cannot be folded.
_MAX_NAME = 100


def wire_field(raw: bytes) -> bytes:
    """The whole field: CR LF only, no blank line in its folds, no line over 998 octets (RFC 5322
    2.1.1); b"" for one that cannot be written."""
    if not raw.endswith(b"\n"):
        raw += b"\r\n"
    raw = _BARE.sub(lambda found: b"\r\n" if found[0] == b"\n" else b" ", raw)
    raw = _EMPTY_FOLD.sub(b"", raw)
    return _folded(_BEFORE_COLON.sub(rb"\1:", raw))


def _folded(raw: bytes) -> bytes:
    """Folded where white space is, else where some may be added. A Subject without any goes into
    encoded words; any other is cut, as Postfix would do when we have signed already."""
    lines = raw.removesuffix(b"\r\n").split(b"\r\n")
    if max(map(len, lines)) <= LONGEST:
        return raw
    name, _, value = raw.partition(b":")
    if len(name) > _MAX_NAME:
        return b""
    field = Field(name.decode("ascii").lower(), raw)
    if field.name == SUBJECT.lower() and max(map(len, value.split()), default=0) >= LONGEST:
        return header_line(SUBJECT, decode_words(field.text))
    # No fold before the first word: some readers take the field for empty.
    pieces = _cut(lines[0], len(name) + 2)
    for line in lines[1:]:
        pieces += _cut(line, 1)
    return b"\r\n".join(pieces) + b"\r\n"


def _cut(line: bytes, start: int) -> list[bytes]:
    """A line in pieces, all but the first beginning with a space. The first `start` octets stay
    together."""
    if len(line) <= LONGEST:
        return [line]
    line = _SPACE.sub(b" ", line).rstrip(b" ")
    pieces = []
    while len(line) > LONGEST:
        at = line.rfind(b" ", start, LONGEST + 1)
        if at < 0:
            at = max(line.rfind(mark, start, LONGEST) for mark in _MARKS) + 1 or LONGEST
        pieces.append(line[:at])
        line = b" " + line[at:].removeprefix(b" ")
        start = 1
    return [*pieces, line]
