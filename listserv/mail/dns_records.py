"""The DNS records of a domain of lists: MX, SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 9989)."""

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from listserv.domain.address import Address

# RFC 1035 3.3: one string of a TXT record, in octets.
_STRING = 255


@dataclass(frozen=True, slots=True)
class Record:
    """`value` is what the record says, TXT in one piece; names are without the last dot."""

    name: str
    kind: str
    value: str

    @property
    def line(self) -> str:
        """As a zone file has it (RFC 1035 5.1), on one line."""
        value = quoted(self.value) if self.kind == "TXT" else f"{self.value}."
        return f"{self.name}. IN {self.kind} {value}"


def quoted(text: str) -> str:
    """The strings of a TXT record, each of at most 255 octets. `text` is ASCII."""
    parts = [text[at : at + _STRING] for at in range(0, len(text), _STRING)] or [""]
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", part) + '"' for part in parts)


def mx(domain: str, hostname: str) -> Record:
    """Mail for `domain` comes to `hostname`."""
    return Record(domain, "MX", f"10 {hostname}")


def spf(domain: str, sender: str) -> Record:
    """Mail of `domain` comes from its MX, and from a term such as "a:smtp.example"."""
    return Record(domain, "TXT", f"v=spf1 mx {sender} ~all")


def dkim(domain: str, selector: str, key: rsa.RSAPrivateKey) -> Record:
    """Where receivers find the public half of a key (RFC 6376 3.6.1)."""
    return Record(dkim_name(domain, selector), "TXT", f"v=DKIM1; k=rsa; p={public_half(key)}")


def dkim_name(domain: str, selector: str) -> str:
    return f"{selector}._domainkey.{domain}"


def public_half(key: rsa.RSAPrivateKey) -> str:
    """The p= of its record."""
    octets = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(octets).decode("ascii")


def dmarc(domain: str, operator: Address) -> Record:
    """Reports go to the operator; nothing is refused yet."""
    return Record(
        dmarc_name(domain),
        "TXT",
        f"v=DMARC1; p=none; rua=mailto:{quote(str(operator), safe='@+=')}",
    )


def dmarc_name(domain: str) -> str:
    return f"_dmarc.{domain}"


def report_permission(domain: str, operator: Address) -> Record | None:
    """What the operator's domain has to publish before reports about `domain` are sent there
    (RFC 9990 4); None for a domain above or below, which needs nothing."""
    theirs = operator.domain
    if theirs == domain or theirs.endswith(f".{domain}") or domain.endswith(f".{theirs}"):
        return None
    return Record(f"{domain}._report._dmarc.{theirs}", "TXT", "v=DMARC1")
