"""Mailboxes of a header field: read by a strict, linear reader of RFC 5322 3.4, and written.

Our own, because the email package disagrees with itself from one Python to the next about who
`a@b <c@d>` is (CVE-2023-27043). What is not plainly one reading is `odd`, and nobody's.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from listserv.domain.address import Address, parse_address
from listserv.domain.post import Mailbox
from listserv.mail.words import decode_words, encode_words

# A display name that we show or write; longer ones are cut.
MAX_NAME = 100

_TOKEN = re.compile(
    r"""
    (?P<space>\s++)
  | (?P<quoted>"(?:[^"\\]|\\.)*+")
  | (?P<angle><(?:[^<>"\\]|"(?:[^"\\]|\\.)*+")*+>)
  | (?P<special>[,;:@])
  | (?P<atom>[^\s()<>@,;:\\"]++)
    """,
    re.VERBOSE | re.DOTALL,
)
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a field of addresses says. `odd`: something in it could not be read, or could be read
    in two ways. `groups`: it has group syntax (`friends: a@b, c@d;`)."""

    mailboxes: tuple[Mailbox, ...]
    odd: bool
    groups: bool


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def read_mailboxes(value: str) -> Reading:
    """Read the unfolded value of From, To, Cc or Reply-To. Linear, never raises."""
    tokens, whole = _tokens(value)
    mailboxes: list[Mailbox] = []
    odd, groups = not whole, False
    item: list[_Token] = []
    for token in [*tokens, _Token("special", ",", len(value), len(value))]:
        if token.text == ":" and token.kind == "special":
            groups = True
            item = []
        elif token.kind == "special" and token.text in ",;":
            mailbox = _mailbox(value, item)
            if mailbox is not None:
                mailboxes.append(mailbox)
            elif any(part.kind != "comment" for part in item):
                odd = True
            item = []
        else:
            item.append(token)
    return Reading(tuple(mailboxes), odd, groups)


def _tokens(value: str) -> tuple[list[_Token], bool]:
    """The tokens without white space, and whether the value was readable to its end."""
    tokens: list[_Token] = []
    at = 0
    while at < len(value):
        if value[at] == "(":
            end = _comment_end(value, at)
            kind = "comment"
        else:
            found = _TOKEN.match(value, at)
            end = found.end() if found else at
            kind = str(found.lastgroup) if found else ""
        if end == at:
            return tokens, False
        if kind != "space":
            tokens.append(_Token(kind, value[at:end], at, end))
        at = end
    return tokens, True


def _comment_end(value: str, at: int) -> int:
    """Where the comment at `at` ends; `at` itself when it does not. Counts, so that nesting
    costs nothing (the email package recurses)."""
    depth = 0
    for found in _PARENTHESIS.finditer(value, at):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return at


def _mailbox(value: str, item: list[_Token]) -> Mailbox | None:
    """name-addr or addr-spec; None for anything else, an empty item included."""
    comments = [token.text[1:-1] for token in item if token.kind == "comment"]
    words = [token for token in item if token.kind != "comment"]
    if not words:
        return None
    if words[-1].kind == "angle":
        phrase = words[:-1]
        if any(token.kind not in {"atom", "quoted"} for token in phrase):
            return None
        name = " ".join(_unquoted(token) for token in phrase)
        address = _address(words[-1].text[1:-1].strip())
    else:
        name = comments[-1] if comments else ""
        address = _address(value[words[0].start : words[-1].end])
    return Mailbox(decode_words(name)[:MAX_NAME], address) if address else None


def _address(text: str) -> Address | None:
    # An encoded word inside an address is nobody's address, but some readers decode it.
    return None if "=?" in text else parse_address(text)


def _unquoted(token: _Token) -> str:
    return _ESCAPED.sub(r"\1", token.text[1:-1]) if token.kind == "quoted" else token.text


def write_mailbox(name: str, address: str) -> str:
    """`"Name" <address>` in wire form; `name` in encoded words when it is not plain ASCII."""
    return f"{write_phrase(name)} <{address}>" if name else address


def write_phrase(text: str) -> str:
    """A display name for the wire: a quoted string, or encoded words."""
    if text.isascii() and text.isprintable() and "=?" not in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return " ".join(encode_words(text))
