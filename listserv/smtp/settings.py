"""What the listeners are given: the intake that answers, and their settings and limits."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Protocol

from listserv.domain.errors import ListservError
from listserv.domain.network import read_ip
from listserv.domain.post import Client, Incoming, Transport
from listserv.domain.replies import Reply


class Intake(Protocol):
    """Who decides. Both may raise anything: the client then hears 451 with an opaque id."""

    def recipient(
        self, address: str, transport: Transport, client: Client, sender: str
    ) -> Reply | Coroutine[Any, Any, Reply]:
        """The answer to one RCPT, or how to wait for it. Over SMTP `address` passes
        `parse_address`; it is as keyed, but a bare <postmaster> has the site's domain added.
        `sender` is "" for the null sender."""

    async def message(self, incoming: Incoming) -> tuple[Reply, ...]:
        """One answer per recipient, in their order. Once called it runs to its end, even when
        the client is gone: then it is a later delivery of the same mail that hears the answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, and all of them together, may use. Octets and seconds."""

    connections: int = 300
    per_ip: int = 50
    # RFC 5321 4.5.3.1.8 asks for 100 at least.
    recipients: int = 1000
    # Per connection, forgotten when a message is accepted (Postfix: smtpd_hard_error_limit).
    errors: int = 20
    # NOOP, RSET, EHLO and the like between two messages before each counts as an error.
    junk_commands: int = 100
    # RFC 5321 says 1,000; one of 2,284 real posts has a longer line.
    line_octets: int = 65_536
    # Postfix: header_size_limit.
    header_octets: int = 102_400
    # Of all messages that are being received or stored at one time.
    memory_octets: int = 256_000_000
    # RFC 5321 4.5.3.2.7: at least five minutes.
    command_seconds: float = 300.0
    # Between two blocks of DATA; and a message may never be this far behind the slowest pace.
    block_seconds: float = 180.0
    octets_per_second: float = 500.0
    session_seconds: float = 3600.0
    # Senders give up after 60 to 600 s and send again: better a temporary answer before that.
    answer_seconds: float = 20.0
    # How long a client may go on talking after our last word, so that it hears that word.
    linger_seconds: float = 5.0
    # Silent for this long, a client may lose its place to a newcomer when all are taken.
    silent_seconds: float = 1.0


@dataclass(frozen=True)
class ServerSettings:
    """One listener's settings. `trusted_mtas` are addresses or networks; `domain` completes a
    bare <postmaster> (the host name when empty). Without `tls_key` the certificate's file holds
    the key too."""

    hostname: str
    max_message_bytes: int = 20_971_520
    trusted_mtas: frozenset[str] = frozenset()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    domain: str = ""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        for text in self.trusted_mtas:
            if _read_network(text) is None:
                raise ListservError(
                    f"smtp.trusted_mtas: {text!r} is neither an IP address nor a network"
                )

    def trusts(self, peer: str) -> bool:
        """Whether `peer`, an IP address, is a trusted MTA."""
        address = read_ip(peer)
        return address is not None and any(address in network for network in self._trusted)

    @cached_property
    def _trusted(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(filter(None, map(_read_network, self.trusted_mtas)))


def _read_network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
