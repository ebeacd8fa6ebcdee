r"""A message between DATA and the final dot, octet by octet: no I/O.

The one end is CR LF . CR LF. A bare CR, a bare LF or a NUL is refused wherever it stands, because
other programs take some of them for line ends, and so for the end of the message (SMTP smuggling).
"""

import re

from listserv.domain.replies import (
    BARE_LINE_END,
    HEADER_TOO_BIG,
    LINE_TOO_LONG,
    TOO_BIG,
    Reply,
)

_END = b"\r\n.\r\n"
_CR = 0x0D
_BARE = re.compile(rb"\r[^\n]|[^\r]\n|\0")


class DataBlock:
    """Feed it what comes; `flaw` says how to refuse the message, None while nothing is wrong.
    After a flaw nothing is kept, and reading goes on only to find the end."""

    def __init__(self, *, largest: int, longest_line: int, largest_header: int) -> None:
        self.flaw: Reply | None = None
        self._largest = largest
        self._longest_line = longest_line
        self._largest_header = largest_header
        # As if a line had ended before: the first line may be the final dot.
        self._octets = bytearray(b"\r\n")
        self._line = 2
        self._dots = 0

    def feed(self, chunk: bytes) -> bytes | None:
        """None when more must come, else what stood behind the end in `chunk`."""
        before = len(self._octets)
        self._octets += chunk
        end = self._octets.find(_END, max(0, before - len(_END) + 1))
        behind = len(self._octets) if end < 0 else end + len(_END)
        if self._has_bare(before, behind):
            self.flaw = BARE_LINE_END
        if end < 0:
            self._measure(before)
            return None
        rest = bytes(self._octets[behind:])
        del self._octets[end + 2 :]
        self._measure(before)
        return rest

    def _has_bare(self, before: int, behind: int) -> bool:
        octets = self._octets
        # Counting takes no time. Only where it does not add up, or the chunk begins or ends within
        # a pair, is each octet looked at: pairs begin at `before` - 1 or later, and a CR at the
        # very end waits for its LF.
        pairs = octets.count(b"\r\n", before, behind)
        if (
            octets.count(b"\r", before, behind) == pairs == octets.count(b"\n", before, behind)
            and octets[before - 1] != _CR
            and octets.find(b"\0", before, behind) < 0
        ):
            return False
        return _BARE.search(octets, before - 1, behind) is not None

    def refuse(self, flaw: Reply) -> None:
        """Refuse the message for a reason of the caller's, unless one is known already."""
        self.flaw = self.flaw or flaw
        self._forget()

    def message(self) -> bytes | Reply:
        """The whole message after its end, dots unstuffed (RFC 5321 4.5.2), or its refusal."""
        if self.flaw is None:
            raw = bytes(memoryview(self._unstuffed())[2:])
            self.flaw = self._judge(raw)
            if self.flaw is None:
                return raw
        self._forget()
        return self.flaw

    def _unstuffed(self) -> bytearray:
        return self._octets.replace(b"\r\n.", b"\r\n") if self._dots else self._octets

    def _judge(self, raw: bytes) -> Reply | None:
        if len(raw) > self._largest:
            return TOO_BIG
        if raw.startswith(b"\r\n") or len(raw) <= self._largest_header:
            return None
        blank = raw.find(b"\r\n\r\n", 0, self._largest_header + 2)
        return HEADER_TOO_BIG if blank < 0 else None

    def _measure(self, before: int) -> None:
        """Whether what came is small enough to be kept, so that no client fills our memory."""
        if self.flaw is None:
            self._dots += self._octets.count(b"\r\n.", max(0, before - 2))
            # The end may have come in part, and is no part of the message: see _judge.
            if len(self._octets) - 2 - self._dots > self._largest + len(_END):
                self.flaw = TOO_BIG
            elif not self._lines_fit():
                self.flaw = LINE_TOO_LONG
        if self.flaw is not None:
            self._forget()

    def _lines_fit(self) -> bool:
        # From a line's start look back from the furthest place where it may end: this skips
        # many lines at a step.
        while len(self._octets) - self._line > self._longest_line:
            end = self._octets.rfind(b"\n", self._line, self._line + self._longest_line)
            if end < 0:
                return False
            self._line = end + 1
        return True

    def _forget(self) -> None:
        del self._octets[: -len(_END) + 1]
