"""doctor's questions to the DNS: is what `listserv dns` prints really there?

DNS_CHECKS is the table of them; each is asked for every domain.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from listserv.cli.findings import Finding, good, note, wrong
from listserv.config import Config, Domain
from listserv.config_values import is_loopback
from listserv.dkim_keys import Key, KeyRing, Turn
from listserv.domain.address import Role, robot_address
from listserv.domain.errors import ListservError
from listserv.mail import dmarc, dns_records
from listserv.mail.dns_records import Record
from listserv.resolver import Answer, Kind, Resolver, Status
from listserv.smtp import dkim_record
from listserv.smtp.spf import Sent, SpfResult, check_spf

# Names like those of real return paths; only their domain matters.
_TOKEN = "a" * 22
# Of what somebody published: characters of a record, and hosts.
_SHOWN = 200
_HOSTS = 5
# RFC 7208 4.5.
_SPF = re.compile(r"v=spf1( |$)", re.IGNORECASE)


class DnsSilent(Exception):
    """The DNS did not answer: what it would say is not known."""


@dataclass(frozen=True)
class Patient:
    """The domain that is looked at, and what helps with it."""

    config: Config
    domain: Domain
    keys: KeyRing
    resolver: Resolver
    now: datetime

    @property
    def name(self) -> str:
        return self.domain.name

    def ask(self, name: str, kind: Kind) -> Answer:
        """What `name` says. Raises DnsSilent when nobody answers."""
        answer = self.resolver.look_up(name, kind)
        if answer.status in {Status.FAILED, Status.UNFIT}:
            raise DnsSilent(f"{name} {kind}: {answer.why}")
        return answer

    def addresses(self, host: str) -> tuple[str, ...]:
        return self.ask(host, Kind.A).values + self.ask(host, Kind.AAAA).values


def check_dns(patient: Patient) -> Iterator[Finding]:
    """Every finding about one domain."""
    for check in DNS_CHECKS:
        try:
            yield from check(patient)
        except ListservError as broken:
            yield wrong("dkim", patient.name, str(broken), "mend that file, or take a backup of it")
        except DnsSilent as silent:
            servers = ", ".join(patient.config.dns.servers) or "the system's servers"
            yield wrong(
                "dns", patient.name, f"the DNS gives no answer that can be used: {silent}",
                f"see that these can be asked (dns.servers): {servers}",
            )  # fmt: skip
            return


def _mx(patient: Patient) -> Iterator[Finding]:
    hostname = patient.config.site.hostname
    record = dns_records.mx(patient.name, hostname)
    hosts = patient.ask(patient.name, Kind.MX).values
    if hostname not in hosts:
        yield _other_mx(patient, record, hosts)
        return
    if not patient.addresses(hostname):
        yield wrong(
            "mx", patient.name, f"mail comes to {hostname}, which has no address in the DNS",
            f"publish an A record (and AAAA) of {hostname}",
        )  # fmt: skip
        return
    yield good("mx", patient.name, f"mail comes to {hostname}")


def _other_mx(patient: Patient, record: Record, hosts: tuple[str, ...]) -> Finding:
    ours = patient.config.smtp.trusted_mtas
    hosts = hosts[:_HOSTS]
    if any(host and ours.intersection(patient.addresses(host)) for host in hosts):
        return good("mx", patient.name, f"mail comes to {hosts[0]}, one of smtp.trusted_mtas")
    names = ", ".join(host or "nowhere" for host in hosts)
    says = f"mail comes to {names}, not to {record.value.split()[1]}" if hosts else "has no MX"
    return wrong("mx", patient.name, says, f"publish: {record.line}")


def _spf(patient: Patient) -> Iterator[Finding]:
    config, name = patient.config, patient.name
    found = [text for text in patient.ask(name, Kind.TXT).values if _SPF.match(text)]
    record = dns_records.spf(name, sender_term(config))
    if not found:
        yield wrong("spf", name, "has no SPF record", f"publish: {record.line}")
    elif len(found) > 1:
        why = f"has {len(found)} SPF records, and receivers then use none of them"
        yield wrong("spf", name, why, f"leave one: {record.line}")
    elif not _sends_itself(config):
        yield good(
            "spf",
            name,
            f"says {found[0][:_SHOWN]!r}; whether that covers the relay, its owner knows",
        )
    else:
        yield from _spf_result(patient, record)


def _spf_result(patient: Patient, record: Record) -> Iterator[Finding]:
    """Whether mail from this machine passes."""
    hostname = patient.config.site.hostname
    sender = robot_address(Role.ROBOT_BOUNCES, patient.name, _TOKEN)
    for address in patient.addresses(hostname):
        sent = Sent(address, sender, hostname)
        result = check_spf(sent, patient.resolver.inquiry())
        if result is not SpfResult.PASS:
            yield wrong(
                "spf", patient.name, f"says {result} for mail from {hostname} ({address})",
                f"publish: {record.line}",
            )  # fmt: skip
            return
    yield good("spf", patient.name, f"lets {hostname} send")


def _dkim(patient: Patient) -> Iterator[Finding]:
    keys = patient.keys.keys(patient.name)
    if not any(key.turn is Turn.NOW for key in keys):
        yield wrong("dkim", patient.name, "has no key, so nothing is signed", "listserv dkim key")
    for key in keys:
        yield _TURNS[key.turn](patient, key, published(patient.resolver, key))


def published(resolver: Resolver, key: Key) -> str:
    """What is wrong with the record of a key, "" when it is there. Raises DnsSilent."""
    private = key.read()
    record = dns_records.dkim(key.domain, key.selector, private)
    answer = resolver.look_up(record.name, Kind.TXT)
    if answer.status in {Status.FAILED, Status.UNFIT}:
        raise DnsSilent(f"{record.name} TXT: {answer.why}")
    if not answer.values:
        return f"{record.name} is not in the DNS"
    found = dkim_record.read_key(answer.values, {b"d": key.domain.encode("ascii")})
    if isinstance(found, str):
        return f"{record.name} is not the record of one RSA key"
    is_ours = found.public_numbers() == private.public_key().public_numbers()
    return "" if is_ours else f"{record.name} has another key"


def _signs(patient: Patient, key: Key, flaw: str) -> Finding:
    if flaw:
        return wrong("dkim", patient.name, f"receivers cannot check signatures: {flaw}", _put(key))
    return good("dkim", patient.name, f"signs with {key.selector}")


def _is_next(patient: Patient, key: Key, flaw: str) -> Finding:
    if flaw:
        return note("dkim", patient.name, f"the next key cannot sign yet: {flaw}", _put(key))
    says = f"the record of the next key, {key.selector}, is there"
    return note("dkim", patient.name, says, "listserv dkim switch")


def _was_before(patient: Patient, key: Key, flaw: str) -> Finding:
    until = key.record_until
    assert until is not None
    name = dns_records.dkim_name(key.domain, key.selector)
    if patient.now < until:
        if flaw:
            why = f"mail that is under way cannot be checked until {until:%Y-%m-%d}: {flaw}"
            return wrong("dkim", patient.name, why, _put(key))
        return note("dkim", patient.name, f"{name} is needed until {until:%Y-%m-%d}")
    file = f"delete {key.path}"
    if key.pem is not None:
        file = f"take selector and key_file of {key.domain} out of the configuration"
    if flaw:
        return note("dkim", patient.name, f"{key.selector} is used no more", file)
    says = f"{name} is needed no more since {until:%Y-%m-%d}"
    return note("dkim", patient.name, says, f"take it out of the DNS, then {file}")


_TURNS: dict[Turn, Callable[[Patient, Key, str], Finding]] = {
    Turn.NOW: _signs,
    Turn.NEXT: _is_next,
    Turn.OLD: _was_before,
}


def _put(key: Key) -> str:
    return f"publish: {dns_records.dkim(key.domain, key.selector, key.read()).line}"


def _dmarc(patient: Patient) -> Iterator[Finding]:
    name = patient.name
    record = dns_records.dmarc(name, patient.domain.operator)
    own = [t for t in patient.ask(record.name, Kind.TXT).values if dmarc.read_record([t])]
    if len(own) > 1:
        why = f"has {len(own)} DMARC records, and receivers then use none of them"
        yield wrong("dmarc", name, why, f"leave one: {record.line}")
        return
    walk = dmarc.walk(name, lambda above: patient.ask(above, Kind.TXT).values)
    if walk.record is None:
        yield wrong("dmarc", name, "has no DMARC record", f"publish: {record.line}")
        return
    yield good("dmarc", name, f"asks for p={walk.policy(lambda: True)}")


DNS_CHECKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (_mx, _spf, _dkim, _dmarc)


def sender_term(config: Config) -> str:
    """How SPF names the host that sends our mail into the world."""
    if _sends_itself(config):
        return f"a:{config.site.hostname}"
    host = config.relay.host
    try:
        return f"ip{ip_address(host).version}:{host}"
    except ValueError:
        return f"a:{host}"


def _sends_itself(config: Config) -> bool:
    """Whether the relay is on this machine."""
    relay = config.relay
    return relay.kind != "smtp" or is_loopback(relay.host) or relay.host == config.site.hostname
