"""What one client, and all of them together, may use: counters of one web server, in memory."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from listserv.domain.network import network_of, read_ip


@dataclass(frozen=True, slots=True)
class Limits:
    """Octets and seconds; `burst` requests of a client come at once, `per_second` more later."""

    # With those of mail they stay below 1024, the files that a process may have open.
    connections: int = 256
    # From connecting, or from the last answer, until the head of a request is there.
    head_seconds: float = 15.0
    body_seconds: float = 15.0
    # From the head of a request until its answer has been taken.
    request_seconds: float = 60.0
    # What our own forms have is shorter.
    body_octets: int = 65_536
    # Of a body that is too long so much is taken, so that its sender hears the answer.
    drained_octets: int = 32_000_000
    # How long a stop waits for requests that are being answered.
    close_seconds: float = 5.0
    burst: int = 60
    per_second: float = 0.5
    clients: int = 10_000


class Limiter:
    """Counts the requests of each client; `monotonic` is a clock in seconds. Of more clients than
    `limits.clients` those not seen for longest are forgotten."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        # When each will have all of its burst again.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str) -> float:
        """Count one request; 0 when it may be answered, else after how many seconds to come again.
        What is refused does not count: coming too often does not keep a client out for ever."""
        now, each = self._monotonic(), 1 / self._limits.per_second
        full_at = max(self._full_at.pop(client, now), now)
        owed = full_at + each - now - self._limits.burst * each
        self._full_at[client] = full_at if owed > 0 else full_at + each
        if len(self._full_at) > self._limits.clients:
            self._full_at.popitem(last=False)
        return max(owed, 0.0)


def client_of(peer: str, forwarded: Sequence[str], trusted: frozenset[str]) -> str:
    """Who asks: the customer of a provider by whose network, "" for a trusted proxy by itself.

    `forwarded` are the values of X-Forwarded-For: each proxy writes behind the others whom it has
    heard. So they are read from the right, for as long as the one that wrote is trusted.
    """
    written = [name.strip() for value in forwarded for name in value.split(",")]
    client = peer
    while is_trusted(client, trusted):
        if not written:
            return ""
        named = read_ip(written.pop())
        if named is None:
            break
        client = str(named)
    return network_of(client)


def is_trusted(peer: str, trusted: frozenset[str]) -> bool:
    """Whether an IP address is that of a trusted proxy."""
    return str(read_ip(peer) or peer) in trusted
