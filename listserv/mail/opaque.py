"""S/MIME signed-data (RFC 5652 5.1) -> the message that was signed. Its signature is not checked:
that is not what a digest is read for.

Reads BER as far as such a message has it, lengths indefinite or not; anything else is None.
"""

_SEQUENCE, _SET, _INTEGER, _OID, _CONTENT = 0x30, 0x31, 0x02, 0x06, 0xA0
_OCTETS, _OCTETS_IN_PIECES = 0x04, 0x24
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_INDEFINITE = 0x80
# More octets than this no length has.
_LONGEST_LENGTH = 5


def signed_content(der: bytes) -> bytes | None:
    """The content of a SignedData, or of its beginning; None where there is none to be read."""
    reader = _Reader(der)
    try:
        reader.enter(_SEQUENCE)
        if reader.value(_OID) != _SIGNED_DATA:
            return None
        reader.enter(_CONTENT)
        reader.enter(_SEQUENCE)
        reader.value(_INTEGER)
        reader.value(_SET)
        reader.enter(_SEQUENCE)
        reader.value(_OID)
        reader.enter(_CONTENT)
        if reader.tag() == _OCTETS:
            return reader.value(_OCTETS)
        end = reader.enter(_OCTETS_IN_PIECES)
        pieces = []
        while reader.at < end and reader.tag() == _OCTETS:
            pieces.append(reader.value(_OCTETS))
        return b"".join(pieces)
    except _Odd:
        return None


class _Odd(Exception):
    """Not what is wanted here."""


class _Reader:
    def __init__(self, der: bytes) -> None:
        self.der = der
        self.at = 0

    def tag(self) -> int:
        """The kind of what comes next; 0 at the end."""
        return self.der[self.at] if self.at < len(self.der) else 0

    def enter(self, tag: int) -> int:
        """Go to the first thing in what comes next; where that ends, as far as is known."""
        if self.tag() != tag:
            raise _Odd
        self.at += 1
        first = self.tag()
        self.at += 1
        if first == _INDEFINITE:
            return len(self.der)
        length = first
        if first > _INDEFINITE:
            count = first - _INDEFINITE
            if count > _LONGEST_LENGTH:
                raise _Odd
            length = int.from_bytes(self.der[self.at : self.at + count], "big")
            self.at += count
        return min(len(self.der), self.at + length)

    def value(self, tag: int) -> bytes:
        """All of what comes next. Its length has to be known: this is no place to count."""
        if self.der[self.at + 1 : self.at + 2] == bytes((_INDEFINITE,)):
            raise _Odd
        end = self.enter(tag)
        value = self.der[self.at : end]
        self.at = max(self.at, end)
        return value
