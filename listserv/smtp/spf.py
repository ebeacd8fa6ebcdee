"""SPF (RFC 7208): may this client send mail for that domain?

pyspf evaluates; it asks our resolver, which has limits, instead of the DNS itself.
"""

import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import spf

from listserv.resolver import Inquiry, Kind, Status

log = logging.getLogger("listserv.authenticate")

# For all lookups of one evaluation (RFC 7208 4.6.4 wants 20 at least; we have a client waiting).
SPF_SECONDS = 5.0
# An honest record is ten times shorter, and so is each word in it; pyspf reads words in quadratic
# time.
_LONGEST = 4096
_LONG_WORD = re.compile(rb"[0-9A-Za-z_-]{200}")


class SpfResult(StrEnum):
    """RFC 7208 2.6."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Sent:
    """Who sent a mail: the client's IP address, MAIL FROM (local@domain, "" for the null sender)
    and what the client said in HELO."""

    address: str
    sender: str
    helo: str


def check_spf(sent: Sent, inquiry: Inquiry) -> SpfResult:
    """Evaluate the record of the sender's domain, of HELO's for the null sender."""
    with inquiry.within(SPF_SECONDS):
        try:
            result, _, _ = _Query(sent, inquiry).check()
        except Exception:
            # pyspf was not written for every record that there is.
            log.debug("an SPF record cannot be evaluated", exc_info=True)
            return SpfResult.PERMERROR
    return SpfResult(result)


class _UnfitError(spf.PermError):  # type: ignore[misc]
    """What came back is of no use, and will not be next time."""


class _Query(spf.query):  # type: ignore[misc]
    """An evaluation whose lookups are ours."""

    def __init__(self, sent: Sent, inquiry: Inquiry) -> None:
        super().__init__(i=sent.address, s=sent.sender, h=sent.helo)
        self._inquiry = inquiry

    def dns(
        self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False
    ) -> list[object]:
        """Records as pyspf keeps them; CNAMEs have been followed."""
        name = str(name).rstrip(".")
        if not name.isascii() or not all(0 < len(label) < 64 for label in name.split(".")):
            return []
        answer = self._inquiry.look_up(name, Kind(qtype))
        if answer.status is Status.FAILED:
            raise spf.TempError(answer.why)
        if answer.status is Status.UNFIT:
            raise _UnfitError(answer.why)
        # RFC 7208 4.6.4.
        self.void_lookups += not (answer.values or ignore_void)
        if self.void_lookups > spf.MAX_VOID_LOOKUPS:
            raise spf.PermError("more than two lookups found nothing")
        match qtype:
            case "TXT":
                return [(value.encode("latin-1"),) for value in answer.values]
            case "MX":
                return list(enumerate(answer.values))
            case _:
                return list(answer.values)

    def dns_spf(self, domain: str) -> str | None:
        """The record of a domain, unless reading it would take all day."""
        record: str | None = super().dns_spf(domain)
        if record is not None:
            octets = record.encode("utf-8")
            if len(octets) > _LONGEST or _LONG_WORD.search(octets):
                raise spf.PermError("a record that nobody would write")
        return record

    def validated_ptrs(self) -> list[str]:
        """The client's names that name the client; one that nobody knows is passed over (5.5)."""
        found = []
        with suppress(spf.TempError, _UnfitError):
            for name in self.dns_ptr(self.i)[: spf.MAX_PTR]:
                with suppress(spf.TempError, _UnfitError):
                    if self.cidrmatch(self.dns_a(name, self.A), self.cidrmax):
                        found.append(name)
        return found

    def get_explanation(self, spec: str) -> None:
        """exp= is for people who are refused; nobody reads it here."""
