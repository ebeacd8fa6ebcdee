"""What the operator's file says, as values: a class for each section, with the defaults."""

from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

from listserv.domain.address import Address

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Site:
    """`hostname` is our name in EHLO, Received and Message-IDs; `operator` looks after it all;
    `rules_dir` has the lists' content rules, and need not exist."""

    domain: str
    hostname: str
    operator: Address
    timezone: ZoneInfo = _UTC
    templates_dir: Path | None = None
    rules_dir: Path = Path("/etc/listserv/rules")


@dataclass(frozen=True, slots=True)
class Storage:
    """`database` is an SQLAlchemy URL, absolute, and may hold a password."""

    database: str = field(default="sqlite:////var/lib/listserv/listserv.db", repr=False)
    retention_days: int = 30


@dataclass(frozen=True, slots=True)
class Smtp:
    """`listen` is "host:port" ([...] round an IPv6 address), None when off. The size and the
    trusted hosts count for LMTP too."""

    listen: str | None = None
    max_message_bytes: int = 20_971_520
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_mtas: frozenset[str] = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Lmtp:
    """`listen` is "host:port", None when off."""

    listen: str | None = None


@dataclass(frozen=True, slots=True)
class Web:
    """Where pages are served. `listen` is "host:port", None when off. `url` is how people reach
    them, without a final slash, "" where they do not; `trusted_proxies` may say by
    X-Forwarded-For who the real client is."""

    listen: str | None = None
    url: str = ""
    trusted_proxies: frozenset[str] = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Relay:
    """Where our mail goes: an MTA, or for kind "maildir" the folder `path`. `notice_port` is where
    notices go in instead of `port`; `max_per_second` and `max_per_day` count recipients, 0 is no
    limit; a mailing of more than `burst_bytes` (all its copies together) goes out "batched"."""

    kind: str = "smtp"
    host: str = "127.0.0.1"
    port: int = 25
    notice_port: int | None = None
    tls: str = "opportunistic"
    connections: int = 20
    username: str = ""
    password_file: Path | None = None
    password: str = field(default="", repr=False)
    max_per_second: float = 0
    max_per_day: int = 0
    max_rcpt: int = 50
    burst_bytes: int = 1_000_000_000
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """`workers` delivery processes, each with so many `signing_threads` (0: one per core). `mode`
    is how copies fan out, in the words of domain.mailing.Mode."""

    workers: int = 1
    signing_threads: int = 0
    mode: str = "verp"


@dataclass(frozen=True, slots=True)
class Dkim:
    """`key` is the private key in PEM, out of `key_file`, that belongs to the DNS record
    SELECTOR._domainkey.DOMAIN; None when the file names none. The keys that `listserv dkim` makes
    are in the folder `keys_dir`: see dkim_keys.py, which says whose turn it is."""

    selector: str = ""
    key_file: Path | None = None
    key: bytes | None = field(default=None, repr=False)
    keys_dir: Path = Path("/var/lib/listserv")


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that lists may be at. `key` is as in Dkim, `url` as in Web."""

    name: str
    operator: Address
    selector: str = ""
    key_file: Path | None = None
    key: bytes | None = field(default=None, repr=False)
    url: str = ""


@dataclass(frozen=True, slots=True)
class Auth:
    """`trusted_authserv_ids`, in lower case, say whose Authentication-Results are believed when a
    trusted MTA hands the mail in."""

    require_proven_author: bool = True
    trusted_authserv_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Dns:
    """`servers` are "IP:port" ([...] round an IPv6 address), asked in this order; none: those of
    the system."""

    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spam:
    """`header` is the header line by which a trusted MTA marks spam."""

    header: str = "X-Spam: yes"


@dataclass(frozen=True, slots=True)
class Digest:
    """`hour` is the local time at which digests come, where list and member say no other."""

    hour: time = time(7)


@dataclass(frozen=True, slots=True)
class Config:
    """All that the file says, read and checked."""

    site: Site
    storage: Storage = Storage()
    smtp: Smtp = Smtp()
    lmtp: Lmtp = Lmtp()
    web: Web = Web()
    relay: Relay = Relay()
    delivery: Delivery = Delivery()
    dkim: Dkim = Dkim()
    auth: Auth = Auth()
    dns: Dns = Dns()
    spam: Spam = Spam()
    digest: Digest = Digest()
    others: tuple[Domain, ...] = ()

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Every domain that lists may be at, site.domain first."""
        own, site = self.dkim, self.site
        first = Domain(
            site.domain, site.operator, own.selector, own.key_file, own.key, self.web.url
        )
        return (first, *self.others)

    @property
    def templates_dir(self) -> Path | None:
        """The folder of the operator's own wording."""
        return self.site.templates_dir
