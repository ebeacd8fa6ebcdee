"""How far a mail's From is believed: one value, made once when the mail comes in.

The edge (smtp/authenticate.py) finds out what was verified; `policy.trust` decides what follows.
"""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Proven: DKIM or SPF aligned with From (RFC 9989). Familiar: not aligned, but it came by a
    path that this member confirmed. Contradicted: the domain's policy is quarantine or reject and
    nothing aligned. Unproven: everything else."""

    PROVEN = "proven"
    FAMILIAR = "familiar"
    UNPROVEN = "unproven"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM signature that verified. `digest` (SHA-256 of its b= value) is how a second use of
    the same mail is known; `signed` is its t= in seconds since 1970, None without one; `names` are
    the lower-case header names that h= covers."""

    domain: str
    digest: bytes
    signed: int | None
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class VerifiedPath:
    """What was verified whether it aligned or not: the d= of good signatures, and the envelope
    sender's domain when SPF passed for it ("" otherwise). All lower-case A-labels."""

    dkim: tuple[str, ...] = ()
    spf: str = ""

    def __bool__(self) -> bool:
        return bool(self.dkim or self.spf)


@dataclass(frozen=True, slots=True)
class Authorship:
    """`reasons` are clauses that complete "its author is not proven: …", for people. `policy` is
    the DMARC policy that From's domain publishes, even if it only tests it: none (also when there
    is no record), quarantine or reject (also when the DNS did not say). `aligned` are the
    signatures that align with From, `unaligned` the other good ones; `spf_aligned` says the same of
    SPF. `temporary`: DNS gave no answer in time, so a later try may say more."""

    level: Level
    reasons: tuple[str, ...] = ()
    path: VerifiedPath = VerifiedPath()
    policy: str = "none"
    aligned: tuple[Signature, ...] = ()
    spf_aligned: bool = False
    temporary: bool = False
    unaligned: tuple[Signature, ...] = ()


UNCHECKED = Authorship(Level.UNPROVEN, ("nobody looked",))
