"""doctor's questions to this machine: database, relay, certificate, clock, content rules,
pages, operator. HOST_CHECKS is the table of them."""

import asyncio
import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aiosmtplib import SMTPException
from cryptography import x509

from listserv.app import relay_settings
from listserv.cli.findings import Finding, good, note, wrong
from listserv.cli.web_check import check_web
from listserv.config import Config
from listserv.config_values import is_loopback
from listserv.domain.address import read_local
from listserv.domain.courier import RelayDown
from listserv.domain.errors import ListservError
from listserv.flow.role_mail import ROLES
from listserv.rule_files import RuleFiles
from listserv.smtp.relay import RelaySettings, connect
from listserv.store import lists as stored_lists
from listserv.store import status
from listserv.store.session import StorageError, Store

# Whoever renews a certificate does it about 30 days before its end.
_RENEWED_BY = timedelta(days=14)
# Signatures and retries bear a minute.
_SKEW = timedelta(seconds=60)
RELAY_SECONDS = 20.0
# adjtimex(2)
_TIME_ERROR = 5
_TIMEX_OCTETS = 512


@dataclass(frozen=True)
class Machine:
    """What is looked at; `store` is None when the database cannot be opened, which is known."""

    config: Config
    store: Store | None
    now: datetime


def _database(machine: Machine) -> Iterator[Finding]:
    store = machine.store
    if store is None:
        return
    name = store.path or "PostgreSQL"
    try:
        store.write(lambda tx: None)
        lists, members = store.read(status.lists_and_members)
    except StorageError as failed:
        says = f"cannot be written: {' '.join(str(failed).split())}"
        yield wrong("database", name, says, "see that storage.database is right and has room")
        return
    yield good("database", name, f"has {lists} lists and {members} members")


def _relay(machine: Machine) -> Iterator[Finding]:
    relay = machine.config.relay
    if relay.path is not None:
        yield _maildir(relay.path)
        return
    for port in dict.fromkeys((relay.port, relay.notice_port or relay.port)):
        settings = relay_settings(machine.config, port)
        about = f"{settings.host}:{settings.port}"
        try:
            asyncio.run(_greet(settings))
        except RelayDown as down:
            yield wrong(
                "relay", about, f"takes nothing from us: {down}",
                "start that mail server, or mend host, port and tls in [relay]",
            )  # fmt: skip
        else:
            yield good("relay", about, "greets us")


async def _greet(settings: RelaySettings) -> None:
    try:
        async with asyncio.timeout(RELAY_SECONDS):
            client = await connect(settings)
            with suppress(SMTPException):
                await client.quit()
    except TimeoutError:
        raise RelayDown(f"no answer within {RELAY_SECONDS:.0f} s") from None


def _maildir(path: Path) -> Finding:
    there = path if path.exists() else path.parent
    if not (there.is_dir() and os.access(there, os.W_OK)):
        return wrong("relay", str(path), "cannot be written", f"give our user the folder {there}")
    return note(
        "relay", str(path), 'mail goes into this folder and no further: relay.kind = "maildir"'
    )


def _certificate(machine: Machine) -> Iterator[Finding]:
    smtp, now = machine.config.smtp, machine.now
    if smtp.tls_cert is None:
        if smtp.listen is not None and not is_loopback(smtp.listen.rpartition(":")[0].strip("[]")):
            says = "mail comes in without encryption"
            yield note("tls", smtp.listen, says, "set smtp.tls_cert and smtp.tls_key")
        return
    about = str(smtp.tls_cert)
    leaf = x509.load_pem_x509_certificates(smtp.tls_cert.read_bytes())[0]
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now < begins:
        says = f"is valid from {begins:%Y-%m-%d} only"
        yield wrong("tls", about, says, "put the right certificate there, or set the clock")
    elif now > ends:
        yield wrong("tls", about, f"ended on {ends:%Y-%m-%d}", "renew the certificate")
    elif ends - now < _RENEWED_BY:
        says = f"ends on {ends:%Y-%m-%d}, and has not been renewed"
        yield wrong("tls", about, says, "renew the certificate")
    elif not _covers(leaf, machine.config.site.hostname):
        says = f"is not for {machine.config.site.hostname} (site.hostname)"
        yield note("tls", about, says, "get one with that name, for servers that look at it")
    else:
        yield good("tls", about, f"is valid until {ends:%Y-%m-%d}")


def _covers(leaf: x509.Certificate, hostname: str) -> bool:
    """RFC 6125 6.4: by its alternative names, of which the first label may be a star."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    wanted = {hostname, f"*.{hostname.partition('.')[2]}"}
    return any(name.lower() in wanted for name in names.get_values_for_type(x509.DNSName))


def _clock(machine: Machine) -> Iterator[Finding]:
    now, store = machine.now, machine.store
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    newest, theirs = (None, None) if store is None else store.read(status.times)
    if newest is not None and newest > now + _SKEW:
        says = f"it is before the newest thing in the database, of {newest:%Y-%m-%d %H:%M} UTC"
        yield wrong("clock", shown, says, "set the clock of this machine, and keep it set: NTP")
        return
    if theirs is not None and abs(theirs - now) > _SKEW:
        apart = abs(theirs - now).total_seconds()
        says = f"it is {apart:.0f} s away from the clock of the database's machine"
        yield wrong("clock", shown, says, "keep both machines set: NTP")
        return
    if is_synchronized() is False:
        says = "this machine does not say that its clock is kept right"
        yield note("clock", shown, says, "run an NTP client, such as systemd-timesyncd or chrony")
        return
    yield good("clock", shown, "agrees with what is known")


def is_synchronized() -> bool | None:
    """Whether the kernel's clock follows a better one (adjtimex(2)); None when it does not say."""
    try:
        asked = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_OCTETS))
    except (AttributeError, OSError):
        return None
    return None if asked < 0 else asked != _TIME_ERROR


def _pages(machine: Machine) -> Iterator[Finding]:
    yield from check_web(machine.config)


def _content_rules(machine: Machine) -> Iterator[Finding]:
    files = RuleFiles(machine.config.site.rules_dir)
    if machine.store is None:
        return
    for mlist in machine.store.read(stored_lists.every):
        name = mlist.settings.content_rules
        if not name:
            continue
        try:
            found = files.read(name)
        except ListservError as refused:
            yield wrong(
                "content rules", mlist.address, str(refused),
                "mend that; until then the server goes by what it read before, or holds every post",
            )  # fmt: skip
        else:
            says = f"{name} has {len(found.rules)} rules"
            yield good("content rules", mlist.address, says)


def _operator(machine: Machine) -> Iterator[Finding]:
    domains = machine.config.domains
    ours = {domain.name for domain in domains}
    for domain in domains:
        at = domain.operator
        meant = read_local(at.local, lambda name: False) if at.domain in ours else None
        if meant is not None and meant.role in ROLES:
            yield note(
                "operator", domain.name,
                f"is {at}, whose mail goes to the operator: alarms and complaints reach nobody",
                "write the address of somebody's mailbox elsewhere into operator",
            )  # fmt: skip
        else:
            yield good("operator", domain.name, f"is {at}")


HOST_CHECKS: tuple[Callable[[Machine], Iterator[Finding]], ...] = (
    _database, _relay, _certificate, _clock, _content_rules, _pages, _operator,
)  # fmt: skip
