"""dns: the records to publish, ready to paste into a zone file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import click

from listserv import config as configuration
from listserv.cli.dns_checks import sender_term
from listserv.cli.opening import config_path
from listserv.cli.printing import json_option, print_rows
from listserv.clock import SystemClock
from listserv.config import Config, Domain
from listserv.dkim_keys import KeyRing, Turn
from listserv.mail import dns_records
from listserv.mail.dns_records import Record

_TURNS = {
    Turn.NOW: "the key that signs",
    Turn.NEXT: "the next key: when the DNS shows it, `listserv dkim switch`",
    Turn.OLD: "the key before",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record to publish, and in words what for; `until` when it is needed no longer."""

    record: Record
    purpose: str
    until: datetime | None = None


@click.command("dns")
@json_option
@click.pass_context
def dns(ctx: click.Context, as_json: bool) -> None:
    """Print the DNS records of every domain: MX, SPF, DKIM, DMARC."""
    config = configuration.load(config_path(ctx))
    keys, now = KeyRing(config), SystemClock().now()
    if as_json:
        rows = (
            _row(domain, each)
            for domain in config.domains
            for each in wanted(config, domain, keys, now)
        )
        print_rows(rows, (), as_json=True, zone=config.site.timezone)
        return
    click.echo("\n".join(zone_lines(config, keys, now)))


def wanted(config: Config, domain: Domain, keys: KeyRing, now: datetime) -> Iterator[Wanted]:
    """What the DNS has to say about a domain now."""
    name, hostname = domain.name, config.site.hostname
    mx = f"mail for the lists comes to {hostname}, which needs an A record (and AAAA) of its own"
    yield Wanted(dns_records.mx(name, hostname), mx)
    yield Wanted(dns_records.spf(name, sender_term(config)), "who sends mail from the lists")
    for key in keys.keys(name):
        if key.record_until is not None and key.record_until <= now:
            continue
        purpose = _TURNS[key.turn]
        if key.record_until is not None:
            purpose += f"; needed until {key.record_until:%Y-%m-%d}"
        record = dns_records.dkim(name, key.selector, key.read())
        yield Wanted(record, purpose, key.record_until)
    dmarc = "reports about mail from the lists go to the operator"
    yield Wanted(dns_records.dmarc(name, domain.operator), dmarc)
    permission = dns_records.report_permission(name, domain.operator)
    if permission is not None:
        why = f"{domain.operator.domain} takes these reports; it publishes this one itself"
        yield Wanted(permission, why)


def zone_lines(config: Config, keys: KeyRing, now: datetime) -> Iterator[str]:
    """All records as lines of a zone file, each below a comment that says what for."""
    for domain in config.domains:
        yield f"; -- {domain.name}"
        for each in wanted(config, domain, keys, now):
            yield f"; {each.purpose}"
            yield each.record.line
        if keys.turn(domain.name, Turn.NOW) is None:
            yield "; nothing is signed, there is no key; make one: listserv dkim key"


def _row(domain: Domain, each: Wanted) -> dict[str, object]:
    return {
        "domain": domain.name,
        "name": each.record.name,
        "type": each.record.kind,
        "value": each.record.value,
        "line": each.record.line,
        "purpose": each.purpose,
        "until": each.until,
    }
