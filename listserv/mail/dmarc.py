"""DMARC (RFC 9989): the policy of From's domain, and which other domains are as good as it.

The DNS is asked through a function that the caller passes in.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

POLICIES = ("none", "quarantine", "reject")
# RFC 9989 4.10: a longer name goes on with its last seven labels.
_LABELS = 7

_TAG = re.compile(r"[ \t]*([A-Za-z]+)[ \t]*=[ \t]*([ -:<-~]*)")
_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
# t=y asks for one step less (RFC 9989 4.7).
_WHILE_TESTING = {"reject": "quarantine", "quarantine": "none", "none": "none"}


@dataclass(frozen=True, slots=True)
class Record:
    """A policy record. `sp` and `np` are "" when they are not there; `psd` is y, n or u."""

    p: str = "none"
    sp: str = ""
    np: str = ""
    strict_dkim: bool = False
    strict_spf: bool = False
    psd: str = "u"
    testing: bool = False


def read_record(texts: Iterable[str]) -> Record | None:
    """The policy record among the TXT records of a _dmarc name; several count as none. One whose
    policy cannot be read asks for nothing (4.10.1)."""
    records = [text for text in texts if _VERSION.match(text)]
    if len(records) != 1:
        return None
    tags: dict[str, str] = {}
    for part in records[0].split(";")[1:]:
        tag = _TAG.fullmatch(part)
        if tag is not None:
            tags.setdefault(tag[1].lower(), tag[2].strip(" ").lower())
    asked = {name: tags[name] for name in ("p", "sp", "np") if name in tags}
    if "p" not in asked or not set(asked.values()) <= set(POLICIES):
        asked = {"p": "none"}
    return Record(
        **asked,
        strict_dkim=tags.get("adkim") == "s",
        strict_spf=tags.get("aspf") == "s",
        psd=tags["psd"] if tags.get("psd") in {"y", "n"} else "u",
        testing=tags.get("t") == "y",
    )


@dataclass(frozen=True, slots=True)
class Walk:
    """What the tree walk from `start` found: a record for each name that has one, the longest
    name first."""

    start: str
    records: Mapping[str, Record]

    @property
    def organization(self) -> str:
        """The organizational domain (4.10.2)."""
        for name, record in self.records.items():
            if record.psd == "n":
                return name
            if record.psd == "y":
                # One label below it; there is none below `start`.
                above = name.count(".") + 1
                return ".".join(self.start.split(".")[-above - 1 :])
        return [self.start, *self.records][-1]

    @property
    def record(self) -> Record | None:
        """The record that counts for `start` (4.10.1)."""
        for name in (self.start, self.organization):
            if name in self.records:
                return self.records[name]
        return next((found for found in self.records.values() if found.psd == "y"), None)

    def policy(self, exists: Callable[[], bool]) -> str:
        """What the domain asks for mail that fails, one of POLICIES. `exists` says whether there
        is such a name as `start`; it is asked only when that matters."""
        record = self.record
        if record is None:
            return "none"
        if self.start in self.records:
            return record.p
        if record.np and not exists():
            return record.np
        return record.sp or record.p

    def enforced(self, policy: str) -> str:
        """What is to be done for `policy`: less while the domain only tests it."""
        record = self.record
        return _WHILE_TESTING[policy] if record is not None and record.testing else policy


def walk(domain: str, ask: Callable[[str], Iterable[str]]) -> Walk:
    """Walk up the tree (4.10) from `domain`, lower-case A-labels. `ask` gives the TXT records of a
    name, at most eight times."""
    records = {}
    for name in _names(domain):
        record = read_record(ask(f"_dmarc.{name}"))
        if record is not None:
            records[name] = record
            if record.psd in {"y", "n"}:
                break
    return Walk(domain, records)


def _names(domain: str) -> list[str]:
    labels = domain.split(".")
    above = labels[1:][-_LABELS:]
    return [domain, *(".".join(above[at:]) for at in range(len(above)))]


def may_align(domain: str, author: Walk, strict: bool) -> bool:
    """Whether `domain` could be aligned with the author's, before its own walk."""
    if domain == author.start or strict:
        return domain == author.start
    return domain == author.organization or domain.endswith(f".{author.organization}")


def aligned(domain: str, author: Walk, strict: bool, ask: Callable[[str], Iterable[str]]) -> bool:
    """Whether `domain` speaks for the author's domain (3.2.10): it is the same or, unless
    `strict`, of the same organization."""
    if not may_align(domain, author, strict):
        return False
    return domain == author.start or walk(domain, ask).organization == author.organization
