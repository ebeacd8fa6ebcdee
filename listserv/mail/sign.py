"""DKIM signatures (RFC 6376, 8301): RSA-SHA256, relaxed/relaxed, for many copies of one message.

The body is hashed once per message, and the header fields that all copies share once more; a copy
costs the hash of its own fields and one RSA operation, in which other threads run.

Every signed name is listed in h= once more than it is present, so that no field of that name can
be added (RFC 6376 5.4.2, 8.15); nothing is left out at the end of the body (no l=).
"""

import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from listserv.domain.errors import ListservError
from listserv.mail import headers as h
from listserv.mail.surgery import Field, Header, read_fields

# RFC 8301 3.2: receivers verify up to 4096 bits.
KEY_BITS = range(2048, 4097)
# x= after t=. Longer than anything waits in a queue (five days in ours).
LIFETIME_SECONDS = 14 * 24 * 3600

# Present or not.
SIGNED = (
    h.FROM, h.TO, h.CC, h.SUBJECT, h.DATE, h.MESSAGE_ID, h.REPLY_TO, h.IN_REPLY_TO, h.REFERENCES,
    h.MIME_VERSION, h.CONTENT_TYPE, h.CONTENT_TRANSFER_ENCODING, h.LIST_ID, h.LIST_HELP,
    h.LIST_UNSUBSCRIBE, h.LIST_UNSUBSCRIBE_POST, h.LIST_SUBSCRIBE, h.LIST_POST, h.LIST_OWNER,
    h.LIST_ARCHIVE,
)  # fmt: skip
# When present, in the same way. A ; in a name could not be listed (RFC 6376 3.2), and an author may
# invent thousands of names.
_SIGNED_TOO = re.compile(r"(content|list)-[a-z0-9-]{1,40}")
_MOST_OTHERS = 20

_PADDING: Final = padding.PKCS1v15()
_DIGEST: Final = utils.Prehashed(hashes.SHA256())
# RFC 6376 3.1; dots between the labels.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,250}[a-z0-9])?", re.IGNORECASE)
_SPACE = re.compile(rb"[ \t]+")
_LINE_END = re.compile(rb"\r?\n")
_SPACES = re.compile(rb"\t[ \t]*| [ \t]+")
# Of a body, canonicalised at a time.
_SLICE = 256 * 1024
# Characters of base64 and of h= on a line.
_LINE = 72


def read_key(pem: bytes, name: str) -> rsa.RSAPrivateKey:
    """The private key in a PEM file; `name` is the file's, for the complaint."""
    wanted = "a DKIM key is an RSA private key of 2048 to 4096 bits in PEM, without a password"
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, UnsupportedAlgorithm):
        raise ListservError(f"{name}: {wanted}; there is none in it") from None
    except TypeError:
        raise ListservError(f"{name}: {wanted}; this one has a password") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ListservError(f"{name}: {wanted}; this one is not RSA")
    if key.key_size not in KEY_BITS:
        raise ListservError(f"{name}: {wanted}; this one has {key.key_size} bits")
    return key


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: d= (the domain of From), s=, and the private key that belongs to the record
    SELECTOR._domainkey.DOMAIN."""

    domain: str
    selector: str
    key: rsa.RSAPrivateKey

    def __post_init__(self) -> None:
        for what, name in (("domain", self.domain), ("selector", self.selector)):
            if not _NAME.fullmatch(name):
                raise ListservError(f"{name!r} cannot be a DKIM {what}")

    def prepare(
        self, head: bytes, body: Sequence[bytes], now: datetime, form: "Form | None" = None
    ) -> "Prepared":
        """What all copies share: `head` is whole header fields, the body comes in pieces of any
        size, `now` is the time of the signatures. `form` is what each copy has for itself; a field
        of it that is in `head` too is a ValueError."""
        header = Header(read_fields(head)[0])
        form = form or Form()
        if any(header.fields(name) for name in form.names):
            raise ValueError(f"{form.names} are a copy's own fields and stand not in its head")
        state = hashlib.sha256()
        listed = []
        for name in _signed_names(header):
            if name not in form.names:
                fields = header.fields(name)
                listed += [name] * (len(fields) + 1)
                # RFC 6376 5.4.2: of several the last one first.
                for field in reversed(fields):
                    state.update(_relaxed(field))
        listed += [name for name in form.names for _ in range(2)]
        unsigned = self._unsigned(listed, body_hash(body), int(now.timestamp()))
        # RFC 6376 3.7: hashed without its line end.
        last = _relaxed(Field("dkim-signature", unsigned)).removesuffix(b"\r\n")
        return Prepared(self.key, head, tuple(body), form, state, unsigned, last)

    def signature(self, message: bytes, now: datetime) -> bytes:
        """The DKIM-Signature field of a mail that goes out once; it goes on top of the mail."""
        _, end, start = read_fields(message)
        return self.prepare(message[:end], (message[start:],), now).sign()

    def _unsigned(self, names: Sequence[str], hashed: bytes, seconds: int) -> bytes:
        """The field with an empty b= at its end."""
        return (
            f"{h.DKIM_SIGNATURE}: v=1; a=rsa-sha256; c=relaxed/relaxed; d={self.domain};\r\n"
            f" s={self.selector}; t={seconds}; x={seconds + LIFETIME_SECONDS};\r\n"
            f" h={_listed(names)};\r\n"
            f" bh={_base64(hashed).decode('ascii')};\r\n"
            " b="
        ).encode("ascii")


class Form:
    """The header fields that each copy has for itself, with blanks: `text` is whole fields, each
    name once; each of `blanks` stands there once, in this order. ValueError where that is not so.

    What fills them in has no white space: then the fields are canonicalised once for all copies."""

    def __init__(self, text: bytes = b"", blanks: Sequence[bytes] = ()) -> None:
        fields, end, _ = read_fields(text)
        self.names = tuple(field.name for field in fields)
        if end < len(text) or len(set(self.names)) < len(self.names):
            raise ValueError(f"not whole fields, each of them once: {text!r}")
        self._sent = _with_gaps(text, blanks)
        self._hashed = _with_gaps(b"".join(map(_relaxed, fields)), blanks)

    def sent(self, values: tuple[bytes, ...] = ()) -> bytes:
        """The fields with a value in each blank, as they are sent."""
        return self._sent % values

    def hashed(self, values: tuple[bytes, ...] = ()) -> bytes:
        """The same as a signature hashes them."""
        return self._hashed % values


def _with_gaps(text: bytes, blanks: Sequence[bytes]) -> bytes:
    """To be filled in by %."""
    text = text.replace(b"%", b"%%")
    for blank in blanks:
        if text.count(blank) != 1:
            raise ValueError(f"{blank!r} stands not once in {text!r}")
        text = text.replace(blank, b"%b")
    return text


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A message to be signed once for each copy, by any number of threads at once. `form` is what a
    copy has for itself; `state` has hashed the other fields, `unsigned` and `last` are the
    DKIM-Signature field without its signature, as it is sent and as it is hashed."""

    key: rsa.RSAPrivateKey
    head: bytes
    body: tuple[bytes, ...]
    form: Form
    state: "hashlib._Hash"
    unsigned: bytes
    last: bytes

    def sign(self, values: tuple[bytes, ...] = ()) -> bytes:
        """The DKIM-Signature field, ended by CR LF, of the copy with these values in its form."""
        state = self.state.copy()
        state.update(self.form.hashed(values) + self.last)
        signature = _base64(self.key.sign(state.digest(), _PADDING, _DIGEST))
        lines = [signature[at : at + _LINE] for at in range(0, len(signature), _LINE)]
        return b"%b%b\r\n" % (self.unsigned, b"\r\n ".join(lines))

    def copy(self, values: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
        """The whole copy in pieces; head and body are the same objects in each."""
        return (self.sign(values), self.head, self.form.sent(values), b"\r\n", *self.body)


def _signed_names(header: Header) -> list[str]:
    """Lower-case names, those of SIGNED first."""
    always = [name.lower() for name in SIGNED]
    others = [n for n in header.names if n not in always and _SIGNED_TOO.fullmatch(n)]
    return always + others[:_MOST_OTHERS]


def _listed(names: Sequence[str]) -> str:
    """The value of h=, folded behind colons."""
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > _LINE:
            lines.append(" ")
        lines[-1] += f"{name}:"
    return "\r\n".join(lines).removesuffix(":")


def _relaxed(field: Field) -> bytes:
    """RFC 6376 3.4.2."""
    value = _SPACE.sub(b" ", _LINE_END.sub(b"", field.value)).strip(b" ")
    return b"%s:%s\r\n" % (field.name.encode("ascii"), value)


def body_hash(pieces: Sequence[bytes]) -> bytes:
    """SHA-256 of a body in pieces of any size, canonicalised by RFC 6376 3.4.4. A bare LF counts as
    CR LF, which is what relays make of it."""
    state = hashlib.sha256()
    begun = b""  # a line whose end has not come
    ends = 0  # line ends that count only when something follows
    is_empty = True
    for piece in (*pieces, b"\r\n"):
        for at in range(0, len(piece), _SLICE):
            lines, end, begun = (begun + piece[at : at + _SLICE]).rpartition(b"\n")
            text = _SPACES.sub(b" ", (lines + end).replace(b"\r\n", b"\n")).replace(b" \n", b"\n")
            shown = text.rstrip(b"\n")
            if shown:
                state.update(b"\r\n" * ends + shown.replace(b"\n", b"\r\n"))
                ends, is_empty = 0, False
            ends += len(text) - len(shown)
    if not is_empty:
        state.update(b"\r\n")
    return state.digest()


def _base64(octets: bytes) -> bytes:
    return binascii.b2a_base64(octets, newline=False)
