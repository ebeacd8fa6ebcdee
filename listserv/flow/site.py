"""What every flow knows of this installation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from listserv.domain.address import Address
from listserv.domain.mailing import Mode
from listserv.domain.tokens import own_message_id
from listserv.mail.notices import Templates
from listserv.mail.sign import Signer
from listserv.rule_files import NO_RULE_FILES, RuleFiles


def nobody_signs(domain: str) -> None:
    """For a site without keys."""


@dataclass(frozen=True)
class Site:
    """`secret` signs every token; `nonce` gives that many random bytes; `spam_header` is the field
    ("X-Spam: yes") that a trusted MTA marks spam with. `mode` is how posts fan out, and `batched`
    when all copies together would exceed `burst_bytes`; a transaction then has up to `max_rcpt`
    recipients. `signers` says who signs for a domain now. `require_proven_author`: a member's post
    is held until its author is known to have written it. `operators` look after a domain. `zone`:
    where a day begins and ends. `digest_hour`: when digests come, where list and member say
    no other. `rule_files` are the lists' content rules. `urls` say for a domain where people reach
    our pages, without a final slash; a domain that is not in it has none."""

    domains: frozenset[str]
    hostname: str
    secret: bytes
    templates: Templates
    spam_header: str
    nonce: Callable[[int], bytes]
    mode: Mode = Mode.VERP
    burst_bytes: int = 1_000_000_000
    max_rcpt: int = 50
    signers: Callable[[str], Signer | None] = nobody_signs
    require_proven_author: bool = True
    operators: Mapping[str, Address] = field(default_factory=dict)
    zone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009
    digest_hour: time = time(7)
    rule_files: RuleFiles = NO_RULE_FILES
    urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The domains of our addresses and of our pages."""
        return self.domains | {urlsplit(url).hostname or "" for url in self.urls.values()}

    def today(self, now: datetime) -> date:
        """The day that it is where the site is."""
        return now.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """When a day begins there."""
        return datetime.combine(day, time(), self.zone)

    def message_id(self) -> str:
        """A new Message-ID that we know again when it comes back."""
        return own_message_id(self.secret, self.nonce(10), self.hostname)
