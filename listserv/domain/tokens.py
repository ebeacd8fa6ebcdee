"""Tokens: lower-case base32, at most 24 characters, because local parts get lower-cased in the
wild and end at 64 octets.

Tokens of bulk copies are computed, nothing is stored for them: member number (36 bits), mailing
(20 bits) and a 64-bit MAC, 120 bits in all. The purpose is part of the MAC: a return path is no
leave link.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum

MEMBER_BITS = 36
MAILING_BITS = 20
_MAC_BYTES = 8
_BODY_BYTES = (MEMBER_BITS + MAILING_BITS) // 8
_LENGTH = (_BODY_BYTES + _MAC_BYTES) * 8 // 5


class Purpose(Enum):
    """What a computed token is good for. At most 16 bytes (blake2b's person)."""

    BOUNCES = b"bounces"
    LEAVE = b"leave"
    ITEM = b"item"


@dataclass(frozen=True, slots=True)
class CopyToken:
    """Whose copy of which mailing. `mailing` is the mailing's id modulo 2**MAILING_BITS;
    `member` 0 stands for somebody who is no member."""

    member: int
    mailing: int


def copy_token(secret: bytes, purpose: Purpose, member: int, mailing: int) -> str:
    """The 24 characters for one recipient's copy. `secret` is the site's, 32 bytes."""
    if not 0 <= member < 1 << MEMBER_BITS:
        raise ValueError(f"member number {member} has more than {MEMBER_BITS} bits")
    body = (member << MAILING_BITS | mailing & (1 << MAILING_BITS) - 1).to_bytes(_BODY_BYTES, "big")
    return _base32(body + _mac(secret, purpose, body))


def _base32(octets: bytes) -> str:
    """Lower-case base32 of a multiple of 5 octets, two letters at a time: one for each copy."""
    number = int.from_bytes(octets, "big")
    places = range(len(octets) * 8 - 10, -1, -10)
    return "".join([_PAIRS[number >> place & 1023] for place in places])


_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 6
_PAIRS = [a + b for a in _LETTERS for b in _LETTERS]


def read_copy_token(secret: bytes, purpose: Purpose, token: str) -> CopyToken | None:
    """What `copy_token` wrote, or None for anything else, of another purpose or another site."""
    if len(token) != _LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b32decode(token.upper())
    except ValueError:
        return None
    body, mac = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, purpose, body)):
        return None
    number = int.from_bytes(body, "big")
    return CopyToken(number >> MAILING_BITS, number & (1 << MAILING_BITS) - 1)


def _mac(secret: bytes, purpose: Purpose, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_MAC_BYTES, key=secret, person=purpose.value).digest()


def own_message_id(secret: bytes, nonce: bytes, hostname: str) -> str:
    """A Message-ID that `is_own_message_id` knows again without storing it. `nonce` has 10 bytes
    and is used once."""
    mac = hashlib.blake2b(nonce, digest_size=10, key=secret, person=b"message-id").digest()
    left = _base32(nonce + mac)
    return f"<{left}.listserv@{hostname}>"


def is_own_message_id(secret: bytes, message_id: str) -> bool:
    """Whether we issued this Message-ID: then it has been here before."""
    left, dot, _ = message_id.strip("<>").partition(".listserv@")
    if not dot or len(left) != 32 or not left.isascii():
        return False
    try:
        raw = base64.b32decode(left.upper())
    except ValueError:
        return False
    mac = hashlib.blake2b(raw[:10], digest_size=10, key=secret, person=b"message-id").digest()
    return hmac.compare_digest(raw[10:], mac)
