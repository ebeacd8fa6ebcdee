"""Transfer encodings (RFC 2045 6.7 and 6.8), written. Whole lines, each ended as it was."""

import binascii

_BASE64_LINE = 76


def quoted_printable(octets: bytes) -> bytes:
    """Lines stay lines and readable; a bare CR or LF is no line end and is written as =XX."""
    lines = (binascii.b2a_qp(line, istext=False) for line in octets.split(b"\r\n"))
    # A soft line break comes out with a bare LF, and there is no other.
    return b"\r\n".join(lines).replace(b"=\n", b"=\r\n")


def base64_lines(octets: bytes) -> bytes:
    """Lines of 76 characters."""
    return broken_base64(binascii.b2a_base64(octets, newline=False))


def broken_base64(text: bytes) -> bytes:
    """Base64 without white space, in lines of 76 characters."""
    lines = (text[at : at + _BASE64_LINE] for at in range(0, len(text), _BASE64_LINE))
    return b"".join(line + b"\r\n" for line in lines)
