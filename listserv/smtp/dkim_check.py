"""DKIM signatures of incoming mail (RFC 6376, 8301): which of them prove what they say.

dkimpy verifies; here stands what it lets pass and what it must not be given. It accepts an l= that
leaves a text open, and reads a field, a header and a body with expressions that take quadratic
time: so it gets fields of a limited length, only those that are signed, and no body. The body is
hashed by the same code that signs ours, always to its end.
"""

import base64
import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dkim.util import InvalidTagValueList, parse_tag_value

from listserv.domain.address import parse_address
from listserv.domain.authorship import Signature
from listserv.mail import headers as h
from listserv.mail.sign import body_hash
from listserv.mail.surgery import Field, Header, read_fields
from listserv.resolver import Inquiry, Kind, Status
from listserv.smtp.dkim_record import KEY_BITS, NO_KEY, WEAK, octets_of, read_key

log = logging.getLogger("listserv.authenticate")

MOST_VERIFIED = 3
# Of the signatures that are looked at, and of one of them: octets, signed names.
_MOST_READ = 30
_LONGEST = 8192
_MOST_NAMES = 250
# How far another's clock may be ahead of ours.
_AHEAD_SECONDS = 3600

# May stand once (RFC 5322 3.6; RFC 2045): of two, one is not signed.
_SINGLE = frozenset(
    name.encode("ascii").lower()
    for name in (
        h.FROM, h.SENDER, h.REPLY_TO, h.TO, h.CC, h.SUBJECT, h.DATE, h.MESSAGE_ID, h.IN_REPLY_TO,
        h.REFERENCES, h.MIME_VERSION, h.CONTENT_TYPE, h.CONTENT_TRANSFER_ENCODING,
    )
)  # fmt: skip
# Without these a signature says nothing about what people read.
_NEEDED = (b"from", b"subject")
_NAME = h.DKIM_SIGNATURE.lower().encode("ascii")
_LONG_SPACE = re.compile(rb"\s{200}")
_WHITE = re.compile(rb"\s+")
_NUMBER = re.compile(rb"[0-9]{1,12}")

# What is wrong with a signature, to follow "its signature of example.org".
UNREADABLE = "cannot be read"
EXPIRED = "has expired"
EARLY = "is dated in the future"
OPEN = "does not cover {}"
CHANGED_BODY = "does not fit the text: it was changed on its way"
OPEN_BODY = "does not cover the whole text"
CHANGED_HEADER = "does not fit the header: it was changed on its way"
TOO_MANY = "is one too many to be looked at"


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one signature of `domain` (d=, A-labels): `good`, or what is `wrong` with it.
    `temporary`: nobody answered for its key."""

    domain: str
    good: Signature | None = None
    wrong: str = ""
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A DKIM-Signature field that is worth a lookup."""

    field: Field
    domain: str
    tags: dict[bytes, bytes]
    names: tuple[bytes, ...]


def may_be_signed(raw: bytes) -> bool:
    """Whether there may be a signature in the header: to look takes less time than to read it."""
    end = raw.find(b"\r\n\r\n")
    return _NAME in (raw if end < 0 else raw[:end]).lower()


class Checker:
    """The signatures of one mail; `now` is in seconds since 1970. The body is hashed at most once
    in each of the two ways."""

    def __init__(self, raw: bytes, header_octets: int, now: float) -> None:
        self._raw = raw
        self._header_octets = header_octets
        self._now = now

    @cached_property
    def _read_header(self) -> tuple[tuple[Field, ...], int, int]:
        return read_fields(self._raw, 0, min(len(self._raw), self._header_octets))

    @property
    def fields(self) -> tuple[Field, ...]:
        """The header's fields, in order."""
        return self._read_header[0]

    @cached_property
    def header(self) -> Header:
        return Header(self.fields)

    def check(self, inquiry: Inquiry, first: Sequence[str]) -> tuple[Finding, ...]:
        """What became of the signatures. Few are verified, those of the domains `first` and of
        the names below them before the others."""
        if not may_be_signed(self._raw):
            return ()
        findings: list[Finding] = []
        candidates: list[_Candidate] = []
        for field in self.header.fields(h.DKIM_SIGNATURE)[:_MOST_READ]:
            read = self._read(field)
            if isinstance(read, Finding):
                findings.append(read)
            else:
                candidates.append(read)
        candidates.sort(key=lambda candidate: _rank(candidate.domain, first))
        for at, candidate in enumerate(candidates):
            if at < MOST_VERIFIED:
                findings.append(self._verify(candidate, inquiry))
            else:
                findings.append(Finding(candidate.domain, wrong=TOO_MANY))
        return tuple(findings)

    def _read(self, field: Field) -> _Candidate | Finding:
        """A signature that may be good, or what is wrong with it."""
        value = field.value
        if len(value) > _LONGEST or _LONG_SPACE.search(value):
            return Finding("", wrong=UNREADABLE)
        try:
            tags = parse_tag_value(value)
            domain = _domain(tags[b"d"])
            if tags[b"a"] != b"rsa-sha256":
                return Finding(domain, wrong=WEAK)
            wrong = self._wrong_time(tags)
            if wrong:
                return Finding(domain, wrong=wrong)
            dkim.validate_signature_fields(tags)
        except (InvalidTagValueList, dkim.DKIMException, KeyError, ValueError):
            return Finding("", wrong=UNREADABLE)
        names = tuple(_WHITE.sub(b"", tags[b"h"]).lower().split(b":"))
        if len(names) > _MOST_NAMES:
            return Finding(domain, wrong=UNREADABLE)
        for name in (*_NEEDED, *sorted(_SINGLE.intersection(names))):
            if names.count(name) < len(self.header.fields(name.decode("ascii"))):
                return Finding(domain, wrong=OPEN.format(name.decode("ascii").title()))
        return _Candidate(field, domain, tags, names)

    def _wrong_time(self, tags: dict[bytes, bytes]) -> str:
        for name in (b"t", b"x"):
            if name in tags and not _NUMBER.fullmatch(tags[name]):
                return UNREADABLE
        if b"x" in tags and int(tags[b"x"]) < self._now:
            return EXPIRED
        return EARLY if int(tags.get(b"t", b"0")) > self._now + _AHEAD_SECONDS else ""

    def _verify(self, candidate: _Candidate, inquiry: Inquiry) -> Finding:
        domain, tags = candidate.domain, candidate.tags
        answer = inquiry.look_up(f"{tags[b's'].decode('latin-1')}._domainkey.{domain}", Kind.TXT)
        if answer.status is Status.FAILED:
            return Finding(domain, wrong=NO_KEY, temporary=True)
        key = read_key(answer.values, tags)
        if isinstance(key, str):
            return Finding(domain, wrong=key)
        if not self._body_fits(tags):
            return Finding(domain, wrong=OPEN_BODY if b"l" in tags else CHANGED_BODY)
        signature = octets_of(tags[b"b"])
        # One signature has one spelling, so that a second use of it is seen: s + n verifies too.
        size = (key.key_size + 7) // 8
        if len(signature) != size or int.from_bytes(signature) >= key.public_numbers().n:
            return Finding(domain, wrong=CHANGED_HEADER)
        if not self._header_fits(candidate, key):
            return Finding(domain, wrong=CHANGED_HEADER)
        good = Signature(
            domain=domain,
            digest=hashlib.sha256(signature).digest(),
            signed=int(tags[b"t"]) if b"t" in tags else None,
            names=frozenset(name.decode("ascii", "replace") for name in candidate.names),
        )
        return Finding(domain, good)

    def _body_fits(self, tags: dict[bytes, bytes]) -> bool:
        """Whether bh= is the hash of the whole body. A shorter l= makes it another."""
        _, _, body = tags.get(b"c", b"simple/simple").partition(b"/")
        match body:
            case b"relaxed":
                return self._relaxed_hash == octets_of(tags[b"bh"])
            case b"simple" | b"":
                return self._simple_hash == octets_of(tags[b"bh"])
            case _:
                return False

    @cached_property
    def _relaxed_hash(self) -> bytes:
        return body_hash((self._body,))

    @cached_property
    def _simple_hash(self) -> bytes:
        """RFC 6376 3.4.3."""
        # There is no bare CR or LF (smtp/data.py).
        return hashlib.sha256(self._body.rstrip(b"\r\n") + b"\r\n").digest()

    @property
    def _body(self) -> bytes:
        return self._raw[self._read_header[2] :]

    def _header_fits(self, candidate: _Candidate, key: rsa.RSAPublicKey) -> bool:
        """Whether dkimpy finds the signature good, with the key as we have read it."""
        mail = dkim.DKIM(minkey=KEY_BITS.start)
        mail.headers = self._signed_fields(candidate.names)
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        record = b"k=rsa; p=" + base64.b64encode(der)
        # Without bh= and l= dkimpy looks at no body.
        tags = {name: text for name, text in candidate.tags.items() if name not in (b"bh", b"l")}
        raw_name, _, value = candidate.field.raw.partition(b":")
        try:
            return bool(
                mail.verify_sig(
                    tags, list(candidate.names), (raw_name, value), lambda *_, **__: record
                )
            )
        except Exception:
            # dkimpy raises IndexError, binascii.Error and others for mail that is merely odd.
            log.debug("a signature of %s cannot be verified", candidate.domain, exc_info=True)
            return False

    def _signed_fields(self, names: Iterable[bytes]) -> list[list[bytes]]:
        """The fields that the signature covers, as dkimpy keeps them: of each name the last ones,
        as many as there could be, in the order of the header."""
        wanted = [name.decode("ascii", "replace") for name in names]
        chosen = {
            id(field)
            for name in set(wanted)
            for field in self.header.fields(name)[-wanted.count(name) - 1 :]
        }
        parts = [f.raw.partition(b":") for f in self.fields if id(f) in chosen]
        return [[name, value] for name, _, value in parts]


def _rank(domain: str, first: Sequence[str]) -> int:
    if domain in first:
        return first.index(domain)
    return len(first) + (not any(domain.endswith(f".{name}") for name in first))


def _domain(tag: bytes) -> str:
    """d= as a domain name; ValueError when it is none."""
    address = parse_address(f"postmaster@{tag.decode('ascii')}")
    if address is None or address.domain.startswith("["):
        raise ValueError(f"{tag!r} is no domain")
    return address.domain
