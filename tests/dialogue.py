r"""Plays a transcript of an SMTP conversation against a server: the tests in tests/dialogues.

    # A comment; the first says which behaviour the dialogue shows.
    C: TEXT       is sent, with CR LF. \r \n \0 \xNN and \\ mean what they mean in Python; a
                  backslash at the end leaves CR LF out. Lines that follow each other go out in
                  one segment, as a pipelining client sends them. $NAME is what `names` has for it.
    S: PATTERN    the server's next line. * stands for any text.
    S: [closed]   the server has closed the connection.

Any other line is handed to `otherwise`, for example "mail to ann@example.org: author-held.txt".
"""

import re
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType

_NAME = re.compile(r"\$([a-z]+)")
_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|[rn0\\])")
_MEANS = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"\\": b"\\"}


def octets(text: str) -> bytes:
    """What a C: line sends."""
    line = text.encode()
    line = line[:-1] if line.endswith(b"\\") else line + b"\r\n"
    return _ESCAPE.sub(lambda e: _MEANS.get(e[1]) or bytes([int(e[1][1:], 16)]), line)


def matches(pattern: str, line: str) -> bool:
    """Whether a server's line is as an S: line wants it."""
    wanted = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(wanted, line) is not None


def play(
    host: str,
    port: int,
    transcript: str,
    *,
    otherwise: Callable[[str], None] | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
    seconds: float = 15.0,
) -> None:
    """Play `transcript`; AssertionError names the line that went otherwise, and what came.
    `otherwise` may add to `names`."""
    connection = socket.create_connection((host, port), seconds)
    with connection as client, client.makefile("rb") as answers:
        pending = b""
        for number, line in enumerate(transcript.splitlines(), 1):
            kind, text = line[:2], line[3:]
            if kind == "C:":
                pending += octets(_NAME.sub(lambda found: names[found[1]], text))
                continue
            if pending:
                client.sendall(pending)
                pending = b""
            if kind == "S:":
                try:
                    got = answers.readline()
                except ConnectionResetError:
                    got = b""
                shown = got.decode("latin-1").removesuffix("\r\n") if got else "[closed]"
                assert matches(text, shown), f"line {number}: {text!r} wanted, {shown!r} came"
                assert not got or got.endswith(b"\r\n"), f"line {number}: {got!r} lacks CR LF"
            elif line and not line.startswith("#"):
                assert otherwise is not None, f"line {number}: what is {line!r}?"
                otherwise(line)
        assert not pending, "the transcript ends before the server's answer"
