"""Domains with keys in the tests' DNS, and mail signed with them: honestly by dkimpy, or by hand
with whatever tags a forger may think of."""

import asyncio
import base64
import hashlib
from collections.abc import Sequence

import dkim
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from dkim.canonicalization import Relaxed

from listserv.clock import SystemClock
from listserv.domain.authorship import Authorship
from listserv.domain.post import Client, Incoming, Transport
from listserv.mail.parse import parse
from listserv.mail.surgery import Header, split
from listserv.resolver import Resolver
from listserv.smtp.authenticate import Authenticator
from tests.dns import DnsServer
from tests.flow.world import a_message

TOWN = "town@lists.example.org"
ANN = "Ann <ann@example.org>"
KEY = rsa.generate_private_key(65537, 2048)
# What cryptography refuses to make and dkimpy signs with all the same.
SHORT_PEM = b"""-----BEGIN RSA PRIVATE KEY-----
MIIBOgIBAAJBAP1uVypHmwZHKCoophSd+/Wkkbnor6LmUFgDa+JYmJxDqW3pR6qU
R+7KvGzzxpX6mMn+KBcDYarAPH8WMLN5+acCAwEAAQJADxXLUHP0sVn49RF4WU/S
GJwUJInKMpsc+zAw8sctRlfOYjvPmn/LdpiUJ2Mr9HTNhQt2wKUa4HlnAGly+7li
CQIhAP9BxMn2ChwHmfkvo957tfHHTxp/cAqm+/mNqvulPM4lAiEA/is2BfyA2vZ6
aM/DlGP65HHaLnZx1lpwGZyrGWqdINsCIDFj/3j4s6IS0ndGAZZGJ8F9yE+fQwW8
o9r4z5HbujVFAiEA1JkMTSGSHpUAet8eNucSGzdoSmjke2mWTrYPH+lfmPUCICFn
N4ZnblS94jjyp11v3EwhbWgnTN4hJ7fg9Y7ZZTYk
-----END RSA PRIVATE KEY-----
"""
CLIENT = Client("192.0.2.1", "client.example", trusted=False)
# Our own MTA, on this machine; and what it says of somebody elsewhere.
OUR_MTA = Client("127.0.0.1", "mx.example.org", trusted=True)
FORWARDED = Client("192.0.2.1", "client.example", trusted=True)
OUR_ID = "mx.example.org"


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def key_record(key: PublicKeyTypes | None = None, tags: str = "v=DKIM1; k=rsa; ") -> str:
    der = (key or KEY.public_key()).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"{tags}p={base64.b64encode(der).decode()}"


def mail(author: str = ANN, **header: str) -> bytes:
    """A post; `header` as in `a_message`."""
    return a_message(author, (TOWN,), **header)


def signed(
    raw: bytes,
    domain: str = "example.org",
    *,
    selector: str = "s1",
    key: bytes | None = None,
    names: Sequence[str] | None = None,
    canonical: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    length: bool = False,
    identity: str | None = None,
) -> bytes:
    """As an honest domain signs."""
    field = dkim.DKIM(raw).sign(
        selector.encode(),
        domain.encode(),
        key or pem(KEY),
        canonicalize=canonical,
        include_headers=names,
        length=length,
        identity=identity.encode() if identity else None,
    )
    return bytes(field) + raw


def hand_signed(
    raw: bytes, names: str = "from:subject:date:to", key: rsa.RSAPrivateKey = KEY, **tags: str
) -> bytes:
    """A signature, correct for its tags, of those names; `tags` adds or replaces. An `l` cuts the
    body."""
    message = split(raw)
    body = Relaxed.canonicalize_body(message.body)
    hashed = hashlib.sha256(body[: int(tags.get("l", len(body)))]).digest()
    all_tags = {
        "v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "example.org", "s": "s1",
        "t": f"{SystemClock().now().timestamp():.0f}", "h": names,
        "bh": base64.b64encode(hashed).decode(), **tags, "b": "",
    }  # fmt: skip
    value = "; ".join(f"{name}={text}" for name, text in all_tags.items())
    header = Header(message.fields)
    left = {name: header.fields(name) for name in names.split(":")}
    chosen = [left[name].pop() for name in names.split(":") if left[name]]
    fields = [(field.name.encode(), field.value) for field in chosen]
    canonical = Relaxed.canonicalize_headers([*fields, (b"dkim-signature", value.encode())])
    octets = b"".join(name + b":" + text for name, text in canonical).removesuffix(b"\r\n")
    signature = base64.b64encode(key.sign(octets, padding.PKCS1v15(), hashes.SHA256()))
    return f"DKIM-Signature: {value}".encode() + signature + b"\r\n" + raw


class Correspondence:
    """The DNS, and how far we believe a mail that comes in."""

    def __init__(self, dns: DnsServer) -> None:
        self.dns = dns

    def domain(
        self, name: str = "example.org", *, dmarc: str = "", spf: str = "", key: str = ""
    ) -> None:
        """Publish what a domain says: its DMARC and SPF records without their version."""
        if dmarc:
            self.dns.add(f"_dmarc.{name}", "TXT", f"v=DMARC1; {dmarc}")
        if spf:
            self.dns.add(name, "TXT", f"v=spf1 {spf}")
        if key:
            self.dns.add(f"s1._domainkey.{name}", "TXT", key)

    def authorship(
        self,
        raw: bytes,
        sender: str = "",
        client: Client = CLIENT,
        ids: Sequence[str] = (),
        seconds: float = 10.0,
    ) -> Authorship:
        """What the edge says of a mail, with nothing in its cache."""
        incoming = Incoming(Transport.SMTP, client, sender, (TOWN,), raw)
        return asyncio.run(self.authenticator(ids, seconds).authenticate(incoming, parse(raw)))

    def authenticator(self, ids: Sequence[str] = (), seconds: float = 10.0) -> Authenticator:
        """The edge's, as it is at its start."""
        clock = SystemClock()
        return Authenticator(
            Resolver([self.dns.address], clock.monotonic),
            clock,
            lambda address: address.startswith("127."),
            ids,
            seconds,
        )
