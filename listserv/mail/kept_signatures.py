"""The author's DKIM signatures in a copy: those that our edits left whole.

Which of them were good when the post came in is known from then (the d= of those that verified);
here it is only asked whether what they sign is still the same, field by field and octet by octet.
"""

import base64
import binascii
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from listserv.mail import headers as h
from listserv.mail.surgery import Field, Header

# A copy may wait as long in our queue (policy/retries.py): until then the signature has to last.
LASTING_SECONDS = 5 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Whole:
    """A signature that is as good as it came; `digest` is that of `domain.authorship.Signature`."""

    field: Field
    digest: bytes


def untouched(
    before: Sequence[Field], after: Sequence[Field], verified: Collection[str], seconds: int
) -> Iterator[Whole]:
    """The signatures among the fields `before` that sign nothing which the fields `after`, all of
    a copy but signatures, say otherwise, whose d= is one of `verified` (lower-case A-labels), and
    that do not expire while a copy made at `seconds` since 1970 may be on its way. The body is the
    same."""
    old, new = Header(tuple(before)), Header(tuple(after))
    for field in old.fields(h.DKIM_SIGNATURE):
        tags = _tags(field.text)
        if (
            tags.get("d", "").lower() in verified
            and _lasts(tags.get("x", ""), seconds)
            and _signs_the_same(tags.get("h", ""), old, new)
        ):
            yield Whole(field, _digest(tags.get("b", "")))


def _lasts(expires: str, seconds: int) -> bool:
    if not expires:
        return True
    # At most 12 digits (RFC 6376 3.5).
    is_number = expires.isascii() and expires.isdigit() and len(expires) <= 12
    return is_number and int(expires) >= seconds + LASTING_SECONDS


def _signs_the_same(names: str, old: Header, new: Header) -> bool:
    """Whether h= chooses the same fields: of several of a name the last first, and none where there
    are no more (RFC 6376 5.4.2)."""
    listed = [name.strip().lower() for name in names.split(":")]
    for name in set(listed):
        if name == h.DKIM_SIGNATURE.lower():
            return False  # it signs another signature, of which we may keep fewer, and add ours
        count = listed.count(name)
        if _last(old, name, count) != _last(new, name, count):
            return False
    return True


def _last(header: Header, name: str, count: int) -> list[bytes]:
    return [field.raw for field in header.fields(name)[-count:]]


def _digest(signature: str) -> bytes:
    try:
        return hashlib.sha256(base64.b64decode(signature)).digest()
    except (binascii.Error, ValueError):
        return b""


def _tags(text: str) -> dict[str, str]:
    """The tag list of RFC 6376 3.2, white space inside values removed."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs}
