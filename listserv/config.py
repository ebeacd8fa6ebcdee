"""The operator's file: TOML in, a frozen Config out. Every complaint is one line that names the
file and the key.

KEYS is the table of what works, one row a key with what reads its value; the defaults stand in
config_sections.py, and config.example.toml explains each. A setting works or is refused.
"""

import difflib
import logging
import stat
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from listserv import config_values as values
from listserv.config_sections import (
    Auth,
    Config,
    Delivery,
    Digest,
    Dkim,
    Dns,
    Domain,
    Lmtp,
    Relay,
    Site,
    Smtp,
    Spam,
    Storage,
    Web,
)
from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.mailing import Mode
from listserv.mail.sign import read_key

__all__ = [
    "Auth", "Config", "Delivery", "Digest", "Dkim", "Dns", "Domain", "Lmtp", "Relay", "Site",
    "Smtp", "Spam", "Storage", "Web", "load", "parse",
]  # fmt: skip

log = logging.getLogger(__name__)

# Where a listener listens when its section is there and says nothing else.
SMTP_LISTEN = "127.0.0.1:8025"
LMTP_LISTEN = "127.0.0.1:8024"
WEB_LISTEN = "127.0.0.1:8026"
_LISTEN = {"smtp": SMTP_LISTEN, "lmtp": LMTP_LISTEN, "web": WEB_LISTEN}
# The folder of content rules, beside the file.
RULES = "rules"
KEYS: Mapping[str, values.Reader] = {
    "site.domain": values.domain_name,
    "site.hostname": values.domain_name,
    "site.operator": values.mail_address,
    "site.timezone": values.time_zone,
    "site.templates_dir": values.readable_folder,
    "site.rules_dir": values.readable_folder,
    "storage.database": values.database_url,
    "storage.retention_days": values.whole(1, 36500),
    "smtp.listen": values.listener,
    "smtp.max_message_bytes": values.whole(1, 2**30),
    "smtp.tls_cert": values.readable_file,
    "smtp.tls_key": values.readable_file,
    "smtp.trusted_mtas": values.ip_addresses,
    "lmtp.listen": values.listener,
    "web.listen": values.listener,
    "web.url": values.web_url,
    "web.trusted_proxies": values.ip_addresses,
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
    "dkim.keys_dir": values.readable_folder,
    "domain.name": values.domain_name,
    "domain.operator": values.mail_address,
    "domain.selector": values.selector,
    "domain.key_file": values.any_path,
    "domain.url": values.web_url,
    "auth.require_proven_author": values.yes_or_no,
    "auth.trusted_authserv_ids": values.authserv_ids,
    "dns.servers": values.dns_servers,
    "spam.header": values.header_line,
    "digest.hour": values.hour_of_day,
}

# The section that may stand there several times.
REPEATED = "domain"

SECTIONS = tuple(dict.fromkeys(key.partition(".")[0] for key in KEYS))


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
    others: list[dict[str, Any]] = []
    for section, table in document.items():
        if section == REPEATED:
            others = [_read(section, one, folder) for one in _tables(section, table)]
        else:
            read[section] = _read(section, _section(section, table), folder)
    site, relay, dkim = read["site"], read["relay"], read["dkim"]
    if "domain" not in site:
        raise _Wrong("site.domain", "is missing: the domain of the lists, the part after the @")
    site.setdefault("hostname", site["domain"])
    site.setdefault("rules_dir", folder / RULES)
    site.setdefault("operator", Address("postmaster", site["domain"]))
    for section, listen in _LISTEN.items():
        if section in document:
            read[section].setdefault("listen", listen)
    if "password_file" in relay:
        secret = _clause("relay.password_file", values.read_secret, relay["password_file"])
        relay["password"] = secret
    _read_key("dkim", dkim)
    dkim.setdefault("keys_dir", _beside_database(read["storage"], folder))
    web = Web(**read["web"])
    _check_web(web, others)
    read["delivery"].setdefault("mode", Mode.PERSONAL if web.url else Mode.VERP)
    config = Config(
        Site(**site), Storage(**read["storage"]), Smtp(**read["smtp"]), Lmtp(**read["lmtp"]), web,
        Relay(**relay), Delivery(**read["delivery"]), Dkim(**dkim), Auth(**read["auth"]),
        Dns(**read["dns"]), Spam(**read["spam"]), Digest(**read["digest"]),
        _domains(others, site, web),
    )  # fmt: skip
    _check_listeners(config)
    _check_relay(config.relay)
    return config


def _section(name: str, table: object) -> Mapping[str, object]:
    if not isinstance(table, dict | list):
        raise _Wrong(name, "stands in no section: write it below one")
    if name not in SECTIONS:
        raise _Wrong(f"[{name}]", f"is not a section; there are {', '.join(SECTIONS)}")
    if not isinstance(table, dict):
        raise _Wrong(name, f"is one section: write [{name}]")
    return table


def _tables(name: str, tables: object) -> Sequence[Mapping[str, object]]:
    if not isinstance(tables, dict | list):
        raise _Wrong(name, "stands in no section: write it below one")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _Wrong(name, f"may stand there several times: write [[{name}]]")
    return tables


def _read(section: str, table: Mapping[str, object], folder: Path) -> dict[str, Any]:
    keys = {name: f"{section}.{name}" for name in table}
    for key in keys.values():
        _refuse_unknown(key)
    return {
        name: _clause(keys[name], KEYS[keys[name]], value, folder) for name, value in table.items()
    }


def _domains(
    tables: Sequence[dict[str, Any]], site: Mapping[str, Any], web: Web
) -> tuple[Domain, ...]:
    named = {site["domain"]}
    for table in tables:
        if "name" not in table:
            raise _Wrong("domain.name", "is missing: a domain of lists, the part after the @")
        if table["name"] in named:
            raise _Wrong("domain.name", f"is there twice: {table['name']}")
        named.add(table["name"])
        table.setdefault("operator", site["operator"])
        table.setdefault("url", web.url)
        _read_key("domain", table)
    return tuple(Domain(**table) for table in tables)


def _read_key(section: str, table: dict[str, Any]) -> None:
    """Put the key beside its file's name."""
    if ("key_file" in table) != ("selector" in table):
        missing = "key_file" if "selector" in table else "selector"
        raise _Wrong(
            f"{section}.{missing}",
            "is missing: a key and the selector of its DNS record go together",
        )
    if "key_file" in table:
        table["key"] = _signing_key(f"{section}.key_file", table["key_file"])


def _beside_database(storage: Mapping[str, Any], folder: Path) -> Path:
    """Where the server may write: a SQLite file's folder, else that of the configuration."""
    path = values.sqlite_path(storage.get("database", Storage().database))
    return folder if path is None else path.parent


def _refuse_unknown(key: str) -> None:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, 1)
        section = key.partition(".")[0]
        there = [k for k in KEYS if k.startswith(f"{section}.")]
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(there)}"
        raise _Wrong(key, f"is not a key; {hint}")


def _clause(key: str, read: Callable[..., object], *arguments: object) -> object:
    try:
        return read(*arguments)
    except ValueError as wrong:
        raise _Wrong(key, wrong) from None


def _signing_key(key: str, path: Path) -> bytes:
    """The PEM file itself: it is handed to the delivery processes."""
    pem = _clause(key, values.read_private, path)
    assert isinstance(pem, bytes)
    try:
        read_key(pem, str(path))
    except ListservError as wrong:
        raise _Wrong(key, f"cannot be used: {wrong}") from None
    return pem


def _check_listeners(config: Config) -> None:
    smtp, relay = config.smtp, config.relay
    taken: dict[str, str] = {}
    for section in _LISTEN:
        key, listen = f"{section}.listen", getattr(config, section).listen
        if listen and not listen.endswith(":0") and taken.setdefault(listen, key) != key:
            raise _Wrong(key, f"is the same as {taken[listen]}: {listen}")
    for key, port in (("relay.port", relay.port), ("relay.notice_port", relay.notice_port)):
        if relay.kind == "smtp" and f"{relay.host}:{port}" in taken:
            raise _Wrong(key, "is our own listener: what we send would come back as posts")
    if (smtp.tls_cert is None) != (smtp.tls_key is None):
        missing = "smtp.tls_key" if smtp.tls_cert else "smtp.tls_cert"
        raise _Wrong(missing, "is missing: a certificate and its key go together")
    if smtp.tls_cert:
        _clause("smtp.tls_cert", values.check_certificate, smtp.tls_cert, smtp.tls_key)


def _check_web(web: Web, domains: Sequence[dict[str, Any]]) -> None:
    if web.url and web.listen is None:
        raise _Wrong("web.listen", "is off: nobody would answer at web.url")
    if not web.url and any("url" in table for table in domains):
        raise _Wrong("web.url", "is missing: domain.url is for a domain that has another one")


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
