"""What SPF, DKIM, DMARC and a trusted MTA found out about a mail -> how far its From is believed.

The words are for moderators and authors; they name domains, never the client.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from listserv.domain.address import parse_address
from listserv.domain.authorship import Authorship, Level, Signature, VerifiedPath
from listserv.mail import dmarc
from listserv.mail.authres import Result
from listserv.resolver import Inquiry, Kind, Status
from listserv.smtp.dkim_check import TOO_MANY, Finding
from listserv.smtp.spf import SpfResult

# Why an author is not proven, to follow "its author is not proven:".
DNS_SILENT = "its domain's DNS did not answer"
UNSIGNED = "it carries no signature of {domain}"
SIGNATURE = "its signature of {domain} {wrong}"
CLIENT_UNKNOWN = "we were not told which server sent it"
SPF_ELSEWHERE = "its return address is not of {domain}"
SPF_NONE = "{domain} does not say which servers send its mail"
SPF_UNREADABLE = "the list of the servers that send for {domain} cannot be read"
SPF_OTHERS = "{domain} does not name the server that sent it"
CONTRADICTED = {
    "quarantine": "{domain} asks to treat such mail as suspect",
    "reject": "{domain} asks to refuse such mail",
}

# Of a domain that did not say its policy: who takes the strictest breaks nothing.
_UNKNOWN_POLICY = "reject"


class AuthorDomain:
    """The domain of From: its DMARC policy, and which domains are as good as it. `silent` when
    the DNS did not answer a question about that."""

    def __init__(self, name: str, inquiry: Inquiry) -> None:
        self.name = name
        self.silent = False
        self._inquiry = inquiry
        self._walk = dmarc.walk(name, self._texts)
        asked = self._walk.policy(self._exists)
        self.policy = _UNKNOWN_POLICY if self.silent else asked
        self.enforced = self._walk.enforced(asked)
        record = self._walk.record
        self.strict_dkim = record is not None and record.strict_dkim
        self.strict_spf = record is not None and record.strict_spf

    @property
    def organization(self) -> str:
        return self._walk.organization

    def may_align(self, domain: str, strict: bool) -> bool:
        """Whether `domain` may turn out to be aligned."""
        return dmarc.may_align(domain, self._walk, strict)

    def aligned(self, domain: str, strict: bool) -> bool:
        return dmarc.aligned(domain, self._walk, strict, self._texts)

    def _texts(self, name: str) -> Iterable[str]:
        answer = self._inquiry.look_up(name, Kind.TXT)
        self.silent |= answer.status is Status.FAILED
        return answer.values

    def _exists(self) -> bool:
        """RFC 9989 3.2.13, RFC 8020."""
        answer = self._inquiry.look_up(self.name, Kind.TXT)
        self.silent |= answer.status is Status.FAILED
        return answer.status is not Status.NO_NAME


@dataclass(frozen=True, slots=True)
class Evidence:
    """`spf` is what SPF said of `spf_domain`, the domain of MAIL FROM or of a null sender's HELO;
    None when the client is not known. `null_sender` says which of the two it was."""

    signatures: Sequence[Finding]
    spf: SpfResult | None
    spf_domain: str
    null_sender: bool
    told: Sequence[Result] = ()


def judge(evidence: Evidence, author: AuthorDomain) -> Authorship:
    """How far the author is believed, from what we found ourselves; if that is not enough, from
    what a trusted MTA told."""
    good = [finding.good for finding in evidence.signatures if finding.good is not None]
    passed = evidence.spf is SpfResult.PASS
    aligned = tuple(one for one in good if author.aligned(one.domain, author.strict_dkim))
    spf_aligned = passed and author.aligned(evidence.spf_domain, author.strict_spf)
    path = _path((one.domain for one in good), passed, evidence)
    proven = bool(aligned) or spf_aligned
    if not proven and evidence.told:
        proven, spf_aligned, told_path = _told(evidence, author)
        path = path or told_path
    found = _levelled(evidence, author, proven, path, aligned, spf_aligned)
    unaligned = tuple(one for one in good if one not in aligned)
    return replace(found, unaligned=unaligned) if unaligned else found


def _levelled(
    evidence: Evidence,
    author: AuthorDomain,
    proven: bool,
    path: VerifiedPath,
    aligned: tuple[Signature, ...],
    spf_aligned: bool,
) -> Authorship:
    if proven:
        return Authorship(
            Level.PROVEN, (), path, author.policy, aligned=aligned, spf_aligned=spf_aligned
        )
    if author.silent or _unanswered(evidence, author):
        return Authorship(Level.UNPROVEN, (DNS_SILENT,), path, author.policy, temporary=True)
    reasons = _reasons(evidence, author)
    if author.enforced != "none":
        asks = CONTRADICTED[author.enforced].format(domain=author.name)
        return Authorship(Level.CONTRADICTED, (*reasons, asks), path, author.policy)
    # A path that nobody could verify now may be a familiar one the next time.
    temporary = not path and (
        evidence.spf is SpfResult.TEMPERROR or any(one.temporary for one in evidence.signatures)
    )
    return Authorship(Level.UNPROVEN, reasons, path, author.policy, temporary=temporary)


def _unanswered(evidence: Evidence, author: AuthorDomain) -> bool:
    """Whether a question went unanswered that could have proven the author."""
    return any(
        one.temporary and author.may_align(one.domain, author.strict_dkim)
        for one in evidence.signatures
    ) or (
        evidence.spf is SpfResult.TEMPERROR
        and author.may_align(evidence.spf_domain, author.strict_spf)
    )


def _path(domains: Iterable[str], spf_passed: bool, evidence: Evidence) -> VerifiedPath:
    spf = evidence.spf_domain if spf_passed and not evidence.null_sender else ""
    return VerifiedPath(tuple(sorted(set(domains))), spf)


def _told(evidence: Evidence, author: AuthorDomain) -> tuple[bool, bool, VerifiedPath]:
    """What the trusted MTA's results prove: the author, SPF alignment, and by which path."""
    passed = [one for one in evidence.told if one.result == "pass"]
    signed = {
        domain
        for one in passed
        if one.method == "dkim" and (domain := _domain(one.properties, ("header.d", "header.i")))
    }
    from_domains = {
        _domain(one.properties, ("header.from",)) for one in passed if one.method == "dmarc"
    }
    spf = any(
        one.method == "spf"
        and _domain(one.properties, ("smtp.mailfrom", "smtp.helo")) == evidence.spf_domain != ""
        for one in passed
    )
    spf_aligned = spf and author.aligned(evidence.spf_domain, author.strict_spf)
    proven = (
        author.name in from_domains
        or spf_aligned
        or any(author.aligned(domain, author.strict_dkim) for domain in signed)
    )
    return proven, spf_aligned, _path(signed, spf, evidence)


def _domain(properties: dict[str, str], names: Sequence[str]) -> str:
    """The domain of the first property that is there, bare or behind an @; "" for none."""
    for name in names:
        if name in properties:
            address = parse_address("x@" + properties[name].rpartition("@")[2])
            return address.domain if address else ""
    return ""


def _reasons(evidence: Evidence, author: AuthorDomain) -> tuple[str, ...]:
    """Why nothing proves the author: what is wrong with the signatures, then with SPF."""
    wrong = sorted(
        (one.wrong for one in evidence.signatures if author.may_align(one.domain, False)),
        key=lambda clause: clause in {"", TOO_MANY},
    )
    signature = SIGNATURE.format(domain=author.name, wrong=wrong[0]) if any(wrong) else UNSIGNED
    return tuple(
        clause.format(domain=author.name) for clause in (signature, _spf(evidence, author))
    )


def _spf(evidence: Evidence, author: AuthorDomain) -> str:
    if evidence.spf is None:
        return CLIENT_UNKNOWN
    if not author.may_align(evidence.spf_domain, author.strict_spf):
        return SPF_ELSEWHERE
    match evidence.spf:
        case SpfResult.NONE:
            return SPF_NONE
        case SpfResult.PERMERROR:
            return SPF_UNREADABLE
        case SpfResult.PASS:
            return SPF_ELSEWHERE
        case _:
            return SPF_OTHERS
