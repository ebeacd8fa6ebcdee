"""The key of a DKIM signature, out of the DNS (RFC 6376 3.6.1)."""

import base64
import binascii
import re
from collections.abc import Iterable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from dkim.util import InvalidTagValueList, parse_tag_value

# RFC 8301 3.2.
KEY_BITS = range(1024, 4097)

# What is wrong with a signature's key, to follow "its signature of example.org".
NO_KEY = "has no key in the DNS of that domain"
WEAK = "is of a kind that proves nothing any more"
SHORT_KEY = "is made with a key of less than 1024 bits"
LONG_KEY = "is made with a key that nobody has to read"

_WHITE = re.compile(rb"\s+")


def read_key(records: Iterable[str], signature: dict[bytes, bytes]) -> rsa.RSAPublicKey | str:
    """The public key for a signature, or what is wrong. RFC 6376 3.6.2.2 leaves open what several
    records mean: here that there is no key."""
    keys = [tags for record in records if (tags := _key_tags(record)) is not None]
    if len(keys) != 1:
        return NO_KEY
    (tags,) = keys
    if not tags[b"p"] or tags.get(b"k", b"rsa") != b"rsa":
        return NO_KEY
    if b"sha256" not in _list(tags.get(b"h", b"sha256")):
        return WEAK
    if not {b"*", b"email"}.intersection(_list(tags.get(b"s", b"*"))):
        return NO_KEY
    identity = signature.get(b"i", b"@" + signature[b"d"]).rpartition(b"@")[2]
    if b"s" in _list(tags.get(b"t", b"")) and identity.lower() != signature[b"d"].lower():
        return NO_KEY
    return _load_key(octets_of(tags[b"p"]))


def _load_key(der: bytes) -> rsa.RSAPublicKey | str:
    try:
        key = load_der_public_key(der)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return NO_KEY
    if not isinstance(key, rsa.RSAPublicKey):
        return NO_KEY
    if key.key_size < KEY_BITS.start:
        return SHORT_KEY
    if key.key_size not in KEY_BITS or key.public_numbers().e >= 2**32:
        return LONG_KEY
    return key


def _key_tags(record: str) -> dict[bytes, bytes] | None:
    """The tags of a key record; None for anything else that stands at that name."""
    try:
        tags: dict[bytes, bytes] = parse_tag_value(record.encode("latin-1"))
    except InvalidTagValueList:
        return None
    return tags if tags.get(b"v", b"DKIM1") == b"DKIM1" and b"p" in tags else None


def _list(tag: bytes) -> list[bytes]:
    return _WHITE.sub(b"", tag).split(b":")


def octets_of(tag: bytes) -> bytes:
    """What base64 in a tag says, b"" when it is none; white space does not count."""
    try:
        return base64.b64decode(_WHITE.sub(b"", tag))
    except binascii.Error:
        return b""
