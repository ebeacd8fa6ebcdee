"""The operator's file: TOML in, a frozen Config out. Every complaint is one line that names the
file and the key.

KEYS is the table of what works, one row a key with what reads its value; the defaults stand in the
dataclasses, and config.example.toml explains each to the operator. A setting works or is refused:
UNBUILT is the table of what is refused by name, HARMLESS of what may stand in the file already.
"""

import difflib
import logging
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from listserv import config_values as values
from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.mailing import Mode
from listserv.mail.sign import read_key

log = logging.getLogger(__name__)

# Where a listener listens when its section is there and says nothing else.
SMTP_LISTEN = "127.0.0.1:8025"
LMTP_LISTEN = "127.0.0.1:8024"

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Site:
    """`hostname` is our name in EHLO, Received and Message-IDs; `operator` looks after it all."""

    domain: str
    hostname: str
    operator: Address
    timezone: ZoneInfo = _UTC
    templates_dir: Path | None = None


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
    SELECTOR._domainkey.DOMAIN; None when nothing is signed."""

    selector: str = ""
    key_file: Path | None = None
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Spam:
    """`header` is the header line by which a trusted MTA marks spam."""

    header: str = "X-Spam: yes"


@dataclass(frozen=True, slots=True)
class Config:
    """All that the file says, read and checked."""

    site: Site
    storage: Storage = Storage()
    smtp: Smtp = Smtp()
    lmtp: Lmtp = Lmtp()
    relay: Relay = Relay()
    delivery: Delivery = Delivery()
    dkim: Dkim = Dkim()
    spam: Spam = Spam()

    @property
    def templates_dir(self) -> Path | None:
        """The folder of the operator's own wording."""
        return self.site.templates_dir


KEYS: Mapping[str, values.Reader] = {
    "site.domain": values.domain_name,
    "site.hostname": values.domain_name,
    "site.operator": values.mail_address,
    "site.timezone": values.time_zone,
    "site.templates_dir": values.readable_folder,
    "storage.database": values.database_url,
    "storage.retention_days": values.whole(1, 36500),
    "smtp.listen": values.listener,
    "smtp.max_message_bytes": values.whole(1, 2**30),
    "smtp.tls_cert": values.readable_file,
    "smtp.tls_key": values.readable_file,
    "smtp.trusted_mtas": values.ip_addresses,
    "lmtp.listen": values.listener,
    "relay.kind": values.one_of("smtp", "maildir"),
    "relay.host": values.host,
    "relay.port": values.whole(1, 65535),
    "relay.notice_port": values.whole(1, 65535),
    "relay.tls": values.one_of("opportunistic", "required", "off"),
    "relay.connections": values.whole(1, 1000),
    "relay.username": values.text,
    "relay.password_file": values.any_path,
    "relay.max_per_second": values.rate,
    "relay.max_per_day": values.whole(0, 10**9),
    "relay.max_rcpt": values.whole(1, 1000),
    "relay.burst_bytes": values.whole(1, 10**15),
    "relay.path": values.any_path,
    "delivery.workers": values.whole(1, 64),
    "delivery.signing_threads": values.whole(0, 256),
    "delivery.mode": values.one_of(*Mode),
    "dkim.selector": values.selector,
    "dkim.key_file": values.any_path,
    "spam.header": values.header_line,
}

# A key or a whole section whose feature does not exist yet -> what happens instead.
UNBUILT: Mapping[str, str] = {
    "domain": "all lists live in site.domain",
    "auth.require_proven_author": "authorship is not checked, a post is judged by its From",
    "auth.trusted_authserv_ids": "authorship is not checked, a post is judged by its From",
    "digest": "digests are not made",
}

# What may stand in the file all the same: it asks for what happens anyway, or ignoring it harms
# nobody. An empty tuple is any value.
HARMLESS: Mapping[str, tuple[object, ...]] = {
    "auth.require_proven_author": (False,),
    "auth.trusted_authserv_ids": ([],),
    "web.listen": (),
    "web.url": (),
    "dns.servers": (),
}

SECTIONS = tuple(dict.fromkeys(key.partition(".")[0] for key in (*KEYS, *HARMLESS, *UNBUILT)))


class _Wrong(Exception):
    """What is wrong with a key, before the file's name is put to it."""

    def __init__(self, name: str, clause: object) -> None:
        super().__init__(f"{name if name.isprintable() else repr(name)} {clause}")


def load(path: Path) -> Config:
    """Read the file, or raise ListservError."""
    try:
        text = path.read_bytes().decode("utf-8")
        everybody_reads = path.stat().st_mode & stat.S_IROTH
    except OSError as wrong:
        raise ListservError(f"{path}: cannot be read: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise ListservError(f"{path}: is not a text in UTF-8") from None
    config = parse(text, path)
    if everybody_reads and urlsplit(config.storage.database).password:
        log.warning("%s: everybody may read the password in storage.database; chmod 640 it", path)
    return config


def parse(text: str, where: Path) -> Config:
    """The Config that `text` says, or ListservError. `where` is the file's own path."""
    try:
        return _build(tomllib.loads(text), where.absolute().parent)
    except RecursionError:
        raise ListservError(f"{where}: is not TOML: nested too deep") from None
    except ValueError as wrong:
        raise ListservError(f"{where}: is not TOML: {wrong}") from None
    except _Wrong as wrong:
        raise ListservError(f"{where}: {wrong}") from None


def _build(document: Mapping[str, object], folder: Path) -> Config:
    read: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for section, table in document.items():
        for name, value in _section(section, table).items():
            key = f"{section}.{name}"
            if _is_read(key, value):
                read[section][name] = _clause(key, KEYS[key], value, folder)
    site, relay, dkim = read["site"], read["relay"], read["dkim"]
    if "domain" not in site:
        raise _Wrong("site.domain", "is missing: the domain of the lists, the part after the @")
    site.setdefault("hostname", site["domain"])
    site.setdefault("operator", Address("postmaster", site["domain"]))
    for section, listen in (("smtp", SMTP_LISTEN), ("lmtp", LMTP_LISTEN)):
        if section in document:
            read[section].setdefault("listen", listen)
    if "password_file" in relay:
        secret = _clause("relay.password_file", values.read_secret, relay["password_file"])
        relay["password"] = secret
    if "key_file" in dkim:
        dkim["key"] = _signing_key(dkim["key_file"])
    config = Config(
        Site(**site), Storage(**read["storage"]), Smtp(**read["smtp"]), Lmtp(**read["lmtp"]),
        Relay(**relay), Delivery(**read["delivery"]), Dkim(**dkim), Spam(**read["spam"]),
    )  # fmt: skip
    _check_listeners(config)
    _check_relay(config.relay)
    if bool(config.dkim.selector) != bool(config.dkim.key):
        missing = "dkim.key_file" if config.dkim.selector else "dkim.selector"
        raise _Wrong(missing, "is missing: a key and the selector of its DNS record go together")
    return config


def _section(name: str, table: object) -> Mapping[str, object]:
    if not isinstance(table, dict | list):
        raise _Wrong(name, "stands in no section: write it below one")
    if name in UNBUILT:
        key = f"{name}.{next(iter(table))}" if isinstance(table, dict) and table else name
        raise _Wrong(key, f"is not built: {UNBUILT[name]}")
    if name not in SECTIONS:
        raise _Wrong(f"[{name}]", f"is not a section; there are {', '.join(SECTIONS)}")
    if not isinstance(table, dict):
        raise _Wrong(name, f"is one section: write [{name}]")
    return table


def _is_read(key: str, value: object) -> bool:
    """True for a key of KEYS, False for a harmless one; anything else is refused."""
    same = HARMLESS.get(key)
    # 1 == True and 0 == False, so the types have to agree as well.
    if same == () or any(type(s) is type(value) and s == value for s in same or ()):
        return False
    if key in UNBUILT:
        raise _Wrong(key, f"is not built: {UNBUILT[key]}")
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, 1)
        section = key.partition(".")[0]
        there = [k for k in (*KEYS, *HARMLESS) if k.startswith(f"{section}.")]
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(there)}"
        raise _Wrong(key, f"is not a key; {hint}")
    return True


def _clause(key: str, read: Callable[..., object], *arguments: object) -> object:
    try:
        return read(*arguments)
    except ValueError as wrong:
        raise _Wrong(key, wrong) from None


def _signing_key(path: Path) -> bytes:
    """The PEM file itself: it is handed to the delivery processes."""
    pem = _clause("dkim.key_file", values.read_private, path)
    assert isinstance(pem, bytes)
    try:
        read_key(pem, str(path))
    except ListservError as wrong:
        raise _Wrong("dkim.key_file", f"cannot be used: {wrong}") from None
    return pem


def _check_listeners(config: Config) -> None:
    smtp, lmtp, relay = config.smtp, config.lmtp, config.relay
    if smtp.listen and smtp.listen == lmtp.listen and not smtp.listen.endswith(":0"):
        raise _Wrong("lmtp.listen", f"is the same as smtp.listen: {smtp.listen}")
    for key, port in (("relay.port", relay.port), ("relay.notice_port", relay.notice_port)):
        if relay.kind == "smtp" and f"{relay.host}:{port}" in {smtp.listen, lmtp.listen}:
            raise _Wrong(key, "is our own listener: what we send would come back as posts")
    if (smtp.tls_cert is None) != (smtp.tls_key is None):
        missing = "smtp.tls_key" if smtp.tls_cert else "smtp.tls_cert"
        raise _Wrong(missing, "is missing: a certificate and its key go together")
    if smtp.tls_cert:
        _clause("smtp.tls_cert", values.check_certificate, smtp.tls_cert, smtp.tls_key)


def _check_relay(relay: Relay) -> None:
    if (relay.kind == "maildir") != (relay.path is not None):
        raise _Wrong("relay.path", 'is the folder for relay.kind = "maildir": one needs the other')
    if relay.notice_port is not None and (relay.path or relay.notice_port == relay.port):
        why = "a Maildir has no ports" if relay.path else "it is relay.port"
        raise _Wrong("relay.notice_port", f"would change nothing: {why}")
    if bool(relay.username) != bool(relay.password):
        missing = "relay.password_file" if relay.username else "relay.username"
        raise _Wrong(missing, "is missing: a user name and a password go together")
    if relay.username and relay.tls != "required" and not values.is_loopback(relay.host):
        raise _Wrong("relay.tls", 'wants "required": the password would travel in the clear')
