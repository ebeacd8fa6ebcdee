"""Tokens: lower-case base32, at most 24 characters, because local parts get lower-cased in the
wild and end at 64 octets.

Tokens of bulk copies are computed, nothing is stored for them: member number (36 bits), mailing
(20 bits) and a 64-bit MAC, 120 bits in all. The purpose is part of the MAC: a return path is no
leave link.

A web token, in the address of a page, is 32 characters: there is room for a MAC of 104 bits.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

MEMBER_BITS = 36
MAILING_BITS = 20
_MAC_BYTES = 8
_BODY_BYTES = (MEMBER_BITS + MAILING_BITS) // 8
RANDOM_TOKEN_BYTES = 15
RANDOM_LENGTH = 22
TOKEN_LENGTH = (_BODY_BYTES + _MAC_BYTES) * 8 // 5
_WEB_MAC_BYTES = 13
WEB_LENGTH = (_BODY_BYTES + _WEB_MAC_BYTES) * 8 // 5


class Purpose(Enum):
    """What a computed token is good for. At most 16 bytes (blake2b's person)."""

    BOUNCES = b"bounces"
    LEAVE = b"leave"
    ITEM = b"item"
    ONE_CLICK = b"one-click"


@dataclass(frozen=True, slots=True)
class CopyToken:
    """Whose copy of which mailing. `mailing` is the mailing's id modulo 2**MAILING_BITS;
    `member` 0 stands for somebody who is no member."""

    member: int
    mailing: int


def copy_token(secret: bytes, purpose: Purpose, member: int, mailing: int) -> str:
    """The 24 characters for one recipient's copy. `secret` is the site's, 32 bytes."""
    return copy_tokens(secret, purpose, (member,), mailing)[0]


def copy_tokens(secret: bytes, purpose: Purpose, members: Sequence[int], mailing: int) -> list[str]:
    """The tokens of several recipients' copies, in their order. ValueError for a member number
    that has more than MEMBER_BITS."""
    return _tokens(_empty_mac(secret, purpose), members, mailing)


def web_tokens(secret: bytes, members: Sequence[int], mailing: int) -> list[str]:
    """The WEB_LENGTH characters by which each recipient of a copy leaves in one click; raises as
    `copy_tokens` does."""
    return _tokens(_empty_mac(secret, Purpose.ONE_CLICK, _WEB_MAC_BYTES), members, mailing)


def _tokens(empty: "hashlib.blake2b", members: Sequence[int], mailing: int) -> list[str]:
    """`empty` is the MAC of nothing yet."""
    if members and not 0 <= min(members) <= max(members) < 1 << MEMBER_BITS:
        raise ValueError(f"a member number has more than {MEMBER_BITS} bits: {max(members)}")
    low = mailing & (1 << MAILING_BITS) - 1
    octets = bytearray()
    for member in members:
        body = (member << MAILING_BITS | low).to_bytes(_BODY_BYTES, "big")
        mac = empty.copy()
        mac.update(body)
        octets += body + mac.digest()
    text, length = _base32(octets), (_BODY_BYTES + empty.digest_size) * 8 // 5
    return [text[at : at + length] for at in range(0, len(text), length)]


def _base32(octets: bytes | bytearray) -> str:
    """Lower-case base32 (RFC 4648 6) of a multiple of 5 octets. One for each copy, so all letters
    are spread at once: 40 bits to 64, by halves, in one long number."""
    count = len(octets) // 5
    spread = bytearray(8 * count)
    for at in range(5):
        spread[at + 3 :: 8] = octets[at::5]
    number = int.from_bytes(spread, "big")
    for high, low, places in _HALVES:
        upper, lower = int.from_bytes(high * count, "big"), int.from_bytes(low * count, "big")
        number = (number & upper) << places | number & lower
    return number.to_bytes(8 * count, "big").translate(_LETTERS).decode("ascii")


# Of each 8 octets the bits that move, those that stay, and how far.
_HALVES = tuple(
    (bytes.fromhex(high), bytes.fromhex(low), places)
    for high, low, places in (
        ("000000fffff00000", "00000000000fffff", 12),
        ("000ffc00000ffc00", "000003ff000003ff", 6),
        ("03e003e003e003e0", "001f001f001f001f", 3),
    )
)
_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567".ljust(256)


def read_copy_token(secret: bytes, purpose: Purpose, token: str) -> CopyToken | None:
    """What `copy_token` wrote, or None for anything else, of another purpose or another site."""
    if len(token) != TOKEN_LENGTH:
        return None
    return _read(_empty_mac(secret, purpose), token)


def read_web_token(secret: bytes, token: str) -> CopyToken | None:
    """What `web_tokens` wrote, or None for anything else."""
    if len(token) != WEB_LENGTH:
        return None
    return _read(_empty_mac(secret, Purpose.ONE_CLICK, _WEB_MAC_BYTES), token)


def _read(mac: "hashlib.blake2b", token: str) -> CopyToken | None:
    if not token.isascii():
        return None
    try:
        raw = base64.b32decode(token.upper())
    except ValueError:
        return None
    body = raw[:_BODY_BYTES]
    mac.update(body)
    if not hmac.compare_digest(raw[_BODY_BYTES:], mac.digest()):
        return None
    number = int.from_bytes(body, "big")
    return CopyToken(number >> MAILING_BITS, number & (1 << MAILING_BITS) - 1)


def item_token(secret: bytes, post_id: int) -> str:
    """Names one post in the address under which a digest's reader answers it. The same for all
    readers, and it grants nothing: who knows it may post what they may post anyway."""
    return copy_token(secret, Purpose.ITEM, post_id, 0)


def read_item_token(secret: bytes, token: str) -> int | None:
    """The post that `item_token` named, or None for anything else."""
    found = read_copy_token(secret, Purpose.ITEM, token)
    return found.member if found is not None and found.mailing == 0 else None


def _empty_mac(secret: bytes, purpose: Purpose, size: int = _MAC_BYTES) -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=size, key=secret, person=purpose.value)


def random_token(octets: bytes) -> str:
    """22 characters, 110 bits, out of RANDOM_TOKEN_BYTES random octets: of a question that is
    stored, and answered by whoever knows the token."""
    if len(octets) != RANDOM_TOKEN_BYTES:
        raise ValueError(f"a random token is made of {RANDOM_TOKEN_BYTES} octets")
    return _base32(octets)[-RANDOM_LENGTH:]


def link_token(octets: bytes) -> str:
    """24 characters, 120 bits, out of RANDOM_TOKEN_BYTES random octets: of a link that is stored,
    and opens something for whoever has it."""
    if len(octets) != RANDOM_TOKEN_BYTES:
        raise ValueError(f"a link's token is made of {RANDOM_TOKEN_BYTES} octets")
    return _base32(octets)


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
