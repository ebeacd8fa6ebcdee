"""Authentication-Results (RFC 8601): what an MTA that we trust found out.

Anybody can write such a field. It counts when the operator named its authserv-id, and it stands
above the topmost Received: the MTA that handed us the mail put it there itself.
"""

import re
from collections.abc import Set
from dataclasses import dataclass

from listserv.domain.address import ascii_lower
from listserv.mail import headers as h
from listserv.mail.surgery import Field

# Of one field, in octets; results of one mail.
_LONGEST = 8192
_MOST = 50

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*+"|[^"(;]++|;', re.DOTALL)
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)
_VALUE = r'("(?:[^"\\]|\\.)*+"|[^\s"]++)'
_HEAD = re.compile(rf"\s*{_VALUE}(?:\s+1)?\s*")
_METHOD = re.compile(r"\s*([a-z][a-z0-9-]*+)\s*(?:/\s*1\s*)?=\s*([a-z]++)(?=\s|$)")
_PROPERTY = re.compile(rf"\s+([a-z][a-z0-9.-]*+)\s*=\s*{_VALUE}")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Result:
    """One finding: ("dkim", "pass", {"header.d": "example.org"}), all in lower case."""

    method: str
    result: str
    properties: dict[str, str]


def believed(fields: tuple[Field, ...], ids: Set[str]) -> tuple[Result, ...]:
    """What the fields above the topmost Received say that bear one of `ids`."""
    results: list[Result] = []
    received = h.RECEIVED.lower()
    for field in fields:
        if field.name == received:
            return tuple(results[:_MOST])
        if field.name == h.AUTHENTICATION_RESULTS.lower() and len(field.raw) <= _LONGEST:
            results += _read(field.text, ids)
    return ()  # no MTA has touched it


def _read(text: str, ids: Set[str]) -> list[Result]:
    """The results in a field's value; of one that has nobody we know on top, none."""
    head, *clauses = _clauses(ascii_lower(text))
    server = _HEAD.fullmatch(head)
    if server is None or _plain(server[1]) not in ids:
        return []
    return [result for clause in clauses if (result := _result(clause)) is not None]


def _clauses(text: str) -> list[str]:
    """What stands between semicolons, comments made a space; what cannot be read ends it all."""
    clauses = [""]
    at = 0
    while at < len(text):
        if text[at] == "(":
            piece, end = " ", _comment_end(text, at)
        else:
            found = _PIECE.match(text, at)
            piece, end = (found[0], found.end()) if found else ("", at)
        if end == at:
            return clauses[:-1] or [""]
        if piece == ";":
            clauses.append("")
        else:
            clauses[-1] += piece
        at = end
    return clauses


def _comment_end(text: str, at: int) -> int:
    """Where the comment at `at` ends; `at` itself when it does not."""
    depth = 0
    for found in _PARENTHESIS.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return at


def _result(clause: str) -> Result | None:
    """`method = result`, then `name = value` as often as you like; None for anything else."""
    method = _METHOD.match(clause)
    if method is None:
        return None
    properties: dict[str, str] = {}
    at = method.end()
    while found := _PROPERTY.match(clause, at):
        properties.setdefault(found[1], _plain(found[2]))
        at = found.end()
    return None if clause[at:].strip() else Result(method[1], method[2], properties)


def _plain(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
