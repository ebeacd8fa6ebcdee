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
        "aligned": [
            {
                "domain": signature.domain,
                "digest": signature.digest.hex(),
                "signed": signature.signed,
                "names": sorted(signature.names),
            }
            for signature in authorship.aligned
        ],
        "spf_aligned": authorship.spf_aligned,
        "temporary": authorship.temporary,
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
        aligned=tuple(
            Signature(
                domain=one["domain"],
                digest=bytes.fromhex(one["digest"]),
                signed=one["signed"],
                names=frozenset(one["names"]),
            )
            for one in stored["aligned"]
        ),
        spf_aligned=stored["spf_aligned"],
        temporary=stored["temporary"],
    )
