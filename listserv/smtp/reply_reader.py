"""Bytes from the peer become whole replies (RFC 5321 4.2)."""

import re
from typing import Final

# RFC 5321 4.5.3.1.5: 512 octets with the CRLF; what a reply of many lines may hold is our limit.
_MAX_LINE: Final = 510
_MAX_REPLY: Final = 16 * _MAX_LINE
_LINE: Final = re.compile(rb"[2-5][0-9][0-9](?:[ -][^\r\n]{0,506})?")
# What nearly always comes: whole replies of one line each.
_PLAIN: Final = re.compile(rb"(?:[2-5][0-9][0-9](?: [^\r\n]{0,506}+)?+\r\n)++")


class ReplyReader:
    """`garbage` is what came and can be no reply; nothing is to be read after it."""

    def __init__(self) -> None:
        self.garbage: bytes | None = None
        self._partial = b""  # of a line
        self._lines: list[bytes] = []  # of a reply

    def feed(self, data: bytes) -> list[bytes]:
        """The replies that are whole now, in one line each: code, space, the texts of all lines."""
        if not self._partial and not self._lines and _PLAIN.fullmatch(data):
            return data[:-2].split(b"\r\n")
        replies: list[bytes] = []
        *whole, self._partial = (self._partial + data).split(b"\r\n")
        for line in whole:
            self._lines.append(line)
            if not self._goes_on(line):
                self.garbage = line[:_MAX_LINE]
                return replies
            if line[3:4] != b"-":
                lines, self._lines = self._lines, []
                texts = [text for one in lines if (text := one[4:])]
                replies.append(line if len(lines) == 1 else b" ".join([line[:3], *texts]))
        # A CR may wait for its LF.
        if len(self._partial) > _MAX_LINE + 1 or b"\n" in self._partial:
            self.garbage = self._partial[:_MAX_LINE]
        return replies

    def _goes_on(self, line: bytes) -> bool:
        """Whether the last line is a line of a reply, and of the same as the lines before it."""
        return (
            _LINE.fullmatch(line) is not None
            and line[:3] == self._lines[0][:3]
            and sum(map(len, self._lines)) <= _MAX_REPLY
        )
