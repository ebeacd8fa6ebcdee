"""What every mail that listserv sends has to be, checked wherever a mail of a test ends: in the
scripted relay, in a Maildir, behind Postfix, in the world of the flow tests.

dkimpy verifies it as a receiver would, DMARC aligns, fields that may stand once do so, and its
lines can travel.
"""

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dkim.util import parse_tag_value

from listserv.mail import dns_records
from listserv.mail.sign import LIFETIME_SECONDS, Signer
from listserv.mail.surgery import read_fields

# The key of every domain in the tests.
SELECTOR = "test"
KEY = rsa.generate_private_key(65537, 2048)
_PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

# A return path of ours; tests of the wire alone invent shorter ones.
_RETURN_PATH = re.compile(r"[^@]+-bounces\+[a-z2-7]{24}@(?P<domain>.+)")
_ADDRESS = re.compile(rb"([^\s<>@]+)@([^\s<>@]+?)>?\s*\Z")
# RFC 5322 3.6, RFC 2045, RFC 2369, RFC 8058, RFC 3834: no more than once.
_SINGLE = {
    "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to",
    "references", "mime-version", "content-type", "content-transfer-encoding", "list-id",
    "list-help", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post",
    "list-owner", "list-archive", "precedence", "auto-submitted", "x-auto-response-suppress",
}  # fmt: skip
_NEEDED = {"from", "date", "message-id", "x-auto-response-suppress"}
# RFC 5322 2.1.1
_LONGEST_LINE = 998
# dkimpy asks the time by this name; several tests may look at once.
_dkimpy = threading.Lock()


def signers(domain: str) -> Signer:
    """For the Site of a test."""
    return Signer(domain, SELECTOR, KEY)


def put_key(folder: Path, domain: str) -> None:
    """Make `folder`, as dkim.keys_dir, one where everything for `domain` is signed."""
    path = folder / f"dkim.{domain}.{SELECTOR}.key"
    path.touch(0o600)
    path.write_bytes(_PEM)


def is_ours(sender: str) -> bool:
    """Whether a mail with this return path was made by listserv."""
    return _RETURN_PATH.fullmatch(sender) is not None


def check(
    message: bytes,
    sender: str,
    records: Mapping[str, str] | None = None,
    *,
    keeps_from: bool = False,
) -> None:
    """Fail for a mail (CR LF, dots unstuffed) that should not have left. `records` are the TXT
    records of the DNS by name; without them that of the tests' key. `keeps_from`: the list has
    from_rewrite=policy, so that From may be the author's whose domain has signed too."""
    returns_to = _RETURN_PATH.fullmatch(sender)
    assert returns_to, f"{sender} is no return path of ours"
    author, signed_by = _once(message, tuple(sorted((records or {}).items())))
    # Both ways of DMARC: the signature, and SPF by the return path.
    assert returns_to["domain"] == signed_by, f"signed by {signed_by}, comes back to {sender}"
    assert author == signed_by or (keeps_from and _vouches(message, author)), (
        f"From is at {author}, signed by {signed_by}"
    )


def check_maildir(path: Path, records: Mapping[str, str] | None = None) -> Message:
    """The same for a file of a Maildir that listserv wrote; returns what is in it."""
    envelope = re.match(rb"Return-Path: <(.*)>\nDelivered-To: .*\n", path.read_bytes())
    assert envelope, path.read_text()
    message = path.read_bytes()[envelope.end() :].replace(b"\n", b"\r\n")
    check(message, envelope[1].decode(), records)
    return message_from_bytes(path.read_bytes())


@lru_cache(maxsize=256)
def _once(message: bytes, records: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """The domain of From, and whose signature is good. Copies are equal in most modes: they are
    looked at once."""
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", message), "a bare CR or LF"
    assert message.endswith(b"\r\n")
    longest = max(map(len, message.split(b"\r\n")))
    assert longest <= _LONGEST_LINE, f"a line of {longest} octets"
    fields = read_fields(message)[0]
    names = Counter(field.name for field in fields)
    assert not {n for n in _SINGLE if names[n] > 1}, f"more than once: {names}"
    assert not {n for n in _NEEDED if not names[n]}, f"missing: {_NEEDED - names.keys()}"
    values = {field.name: b"".join(field.value.split(b"\r\n")).strip() for field in fields}
    is_automatic = values.get("auto-submitted", b"no") != b"no"
    assert is_automatic or values.get("precedence") == b"list"
    address = _ADDRESS.search(values["from"])
    assert address, f"From: {values['from']!r}"
    return address[2].decode().lower(), _signed_by(message, dict(records))


def _signed_by(message: bytes, records: Mapping[str, str]) -> str:
    """d= of our signature, the one on top of all, which dkimpy finds good."""
    tops = [field for field in read_fields(message)[0] if field.name == "dkim-signature"]
    assert tops, "not signed"
    tags = parse_tag_value(tops[0].value)
    domain, selector = tags[b"d"].decode(), tags[b"s"].decode()
    name = dns_records.dkim_name(domain, selector)
    if not records and selector == SELECTOR:
        records = {name: dns_records.dkim(domain, selector, KEY).value}
    assert (tags[b"a"], tags[b"c"]) == (b"rsa-sha256", b"relaxed/relaxed")
    assert b"l" not in tags and int(tags[b"x"]) - int(tags[b"t"]) == LIFETIME_SECONDS

    def dns(asked: bytes, timeout: int = 5) -> bytes:
        return records[asked.decode().removesuffix(".")].encode()

    with _moment_of_signing(int(tags[b"t"])):
        try:
            is_good = dkim.DKIM(message, minkey=2048).verify(dnsfunc=dns)
        except dkim.DKIMException as broken:
            raise AssertionError(f"the signature is broken: {broken}") from None
    assert is_good, "the signature is broken"
    return str(domain)


def _vouches(message: bytes, author: str) -> bool:
    """Whether a signature below ours is of From's own domain. That it is good is for the tests of
    kept signatures to say, which know its key."""
    others = [field for field in read_fields(message)[0] if field.name == "dkim-signature"][1:]
    domains = [parse_tag_value(field.value)[b"d"].decode().lower() for field in others]
    return any(author == domain or author.endswith(f".{domain}") for domain in domains)


@contextmanager
def _moment_of_signing(seconds: int) -> Iterator[None]:
    """The clocks of most tests stand still at another time than ours."""
    with _dkimpy:
        asked = dkim.time
        dkim.time = SimpleNamespace(time=lambda: seconds)
        try:
            yield
        finally:
            dkim.time = asked
