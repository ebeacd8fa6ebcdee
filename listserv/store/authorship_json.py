"""An Authorship as the JSON that stands beside a post."""

from collections.abc import Mapping
from typing import Any

from listserv.domain.authorship import UNCHECKED, Authorship, Level, Signature, VerifiedPath


def write_authorship(authorship: Authorship) -> dict[str, Any]:
    """Plain dicts, lists, texts and numbers."""
    return {
        "level": authorship.level,
        "reasons": list(authorship.reasons),
        "path": {"dkim": list(authorship.path.dkim), "spf": authorship.path.spf},
        "policy": authorship.policy,
        "aligned": [_write_signature(signature) for signature in authorship.aligned],
        "spf_aligned": authorship.spf_aligned,
        "temporary": authorship.temporary,
        "unaligned": [_write_signature(signature) for signature in authorship.unaligned],
    }


def read_authorship(stored: Mapping[str, Any] | None) -> Authorship:
    """What `write_authorship` wrote; of a post that was never looked at, UNCHECKED."""
    if stored is None:
        return UNCHECKED
    return Authorship(
        level=Level(stored["level"]),
        reasons=tuple(stored["reasons"]),
        path=VerifiedPath(tuple(stored["path"]["dkim"]), stored["path"]["spf"]),
        policy=stored["policy"],
        aligned=tuple(map(_read_signature, stored["aligned"])),
        spf_aligned=stored["spf_aligned"],
        temporary=stored["temporary"],
        unaligned=tuple(map(_read_signature, stored["unaligned"])),
    )


def _write_signature(signature: Signature) -> dict[str, Any]:
    return {
        "domain": signature.domain,
        "digest": signature.digest.hex(),
        "signed": signature.signed,
        "names": sorted(signature.names),
    }


def _read_signature(stored: Mapping[str, Any]) -> Signature:
    return Signature(
        domain=stored["domain"],
        digest=bytes.fromhex(stored["digest"]),
        signed=stored["signed"],
        names=frozenset(stored["names"]),
    )
