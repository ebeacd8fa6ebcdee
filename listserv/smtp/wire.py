"""Lines and blocks from one client. Several commands may come in one segment (RFC 2920), and a
message's last block may hold the next command: what was read too much is kept for the next."""

import asyncio

_BLOCK = 65_536


class HungUp(Exception):
    """The client has said its last word."""


class LineTooLong(Exception):
    """A command line beyond the limit; it has been read to its end and forgotten."""


class Wire:
    """What comes from one client, in order."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._kept = bytearray()

    async def line(self, longest: int) -> bytes:
        """One line through its LF, of at most `longest` octets; else LineTooLong or HungUp."""
        if self._kept:
            # Who says much at once does not keep the others waiting.
            await asyncio.sleep(0)
        searched, too_long = 0, False
        while (end := self._kept.find(b"\n", searched)) < 0:
            if len(self._kept) > longest:
                too_long = True
                self._kept.clear()
            searched = len(self._kept)
            self._kept += await self._more()
        line = bytes(self._kept[: end + 1])
        del self._kept[: end + 1]
        if too_long or len(line) > longest:
            raise LineTooLong
        return line

    async def block(self) -> bytes:
        """Whatever has come, at least one octet; HungUp when nothing more will."""
        if not self._kept:
            return await self._more()
        block = bytes(self._kept)
        self._kept.clear()
        return block

    def put_back(self, octets: bytes) -> None:
        """Give back the end of the last block."""
        self._kept[:0] = octets

    def forget(self) -> None:
        """Drop what was read too much: said before TLS, it is nobody's word (RFC 3207 6)."""
        self._kept.clear()

    async def _more(self) -> bytes:
        more = await self._reader.read(_BLOCK)
        if not more:
            raise HungUp
        return more
