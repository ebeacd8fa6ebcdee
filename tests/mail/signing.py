"""A key for the tests of signatures, and dkimpy as the receiver."""

import base64
from collections.abc import Sequence
from datetime import datetime

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dkim.util import parse_tag_value

from listserv.clock import SystemClock
from listserv.mail.outgoing import ListCopy
from listserv.mail.personal import personal_form, personal_values
from listserv.mail.sign import Prepared, Signer
from listserv.mail.surgery import read_fields
from tests.mail.building import a_list

DOMAIN, SELECTOR = "lists.example.org", "s1"
SECRET = bytes(range(32))
KEY = rsa.generate_private_key(65537, 2048)
SIGNER = Signer(DOMAIN, SELECTOR, KEY)


def just_now() -> datetime:
    """dkimpy compares t= and x= with the time it is."""
    return SystemClock().now()


def verifies(message: bytes, key: rsa.RSAPrivateKey = KEY) -> bool:
    """Whether a receiver finds the signature good."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record

    try:
        good = dkim.DKIM(message, minkey=2048).verify(dnsfunc=dns)
    except dkim.DKIMException:
        return False
    assert asked == [f"{SELECTOR}._domainkey.{DOMAIN}.".encode()] or not good
    return bool(good)


def on_the_wire(pieces: Sequence[bytes]) -> bytes:
    """What the receiver gets between DATA and the final dot: it ends in CR LF."""
    message = b"".join(pieces)
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def tags(message: bytes) -> dict[str, str]:
    """The tags of the DKIM-Signature field on top, without their folding."""
    found = parse_tag_value(read_fields(message)[0][0].value)
    return {name.decode(): "".join(value.decode().split()) for name, value in found.items()}


FORM = personal_form(a_list())


def personal(member: int = 7) -> tuple[bytes, ...]:
    """What one member's copy of mailing 12 has in the form."""
    return personal_values(SECRET, [member], 12, pages=False)[0]


def prepared(copy: ListCopy, now: datetime | None = None) -> Prepared:
    """A copy ready to be signed for each member."""
    return SIGNER.prepare(copy.shared, (copy.body,), now or just_now(), FORM)


def signed(copy: ListCopy, member: int = 7) -> bytes:
    """One member's copy as it arrives."""
    return on_the_wire(prepared(copy).copy(personal(member)))
