"""DNS: what names say, for SPF, DKIM and DMARC and for `listserv doctor`.

dnspython follows CNAMEs and asks one server after another (dns_wire.py); here stand the limits of
time and number, and a small cache. A lookup never raises: what came of it is an Answer.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

import dns.exception
import dns.message
import dns.name
import dns.resolver
import dns.reversename

from listserv.dns_wire import Server, Unfit, read_server

# Seconds for one name, for one question to one server, and for all that one mail needs.
LOOKUP_SECONDS = 4.0
TRY_SECONDS = 1.5
MAIL_SECONDS = 10.0
# Names that one mail may make us ask for; RFC 7208 4.6.4 lets SPF alone ask for more than 100.
MAIL_LOOKUPS = 100
# Records of one name. Honest ones stay far below.
MAX_VALUES = 100

_MOST_SECONDS = 3600.0
_FAILED_SECONDS = 15.0


class Kind(StrEnum):
    """The types that we ask for."""

    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    PTR = "PTR"
    TXT = "TXT"


class Status(Enum):
    """FOUND; the name EXISTS, but not with this type; there is NO_NAME like that (nor any below
    it, RFC 8020); what came back is UNFIT and will be again (too large, a loop, no name at all);
    FAILED: nobody answered, or not in time."""

    FOUND = auto()
    EXISTS = auto()
    NO_NAME = auto()
    UNFIT = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """`values`: A and AAAA addresses; MX hosts, the most preferred first ("" is the null MX of
    RFC 7505), and PTR names, lower-case without the last dot; TXT records, each in one piece, one
    character for an octet. `why` says in words what went wrong."""

    status: Status
    values: tuple[str, ...] = ()
    why: str = ""


class Resolver:
    """Asks `servers` ("IP", "IP:port" or "[IPv6]:port"; none: those of the system). `monotonic`
    tells the seconds, `cache_octets` is about what the cache may grow to. Safe to use from many
    threads at once."""

    def __init__(
        self,
        servers: Sequence[str],
        monotonic: Callable[[], float],
        cache_octets: int = 8_000_000,
    ) -> None:
        self._monotonic = monotonic
        self._most_octets = cache_octets
        self._cache: dict[tuple[str, Kind], tuple[float, Answer]] = {}
        self._cached_octets = 0
        self._lock = threading.Lock()
        self._dns = dns.resolver.Resolver(configure=False)
        self._dns.nameservers = [
            Server(*read_server(text), monotonic) for text in servers or _of_system()
        ]
        self._dns.timeout = TRY_SECONDS
        # Larger answers than fit into one packet anywhere come by TCP (dnsflagday.net/2020).
        self._dns.use_edns(0, 0, 1232)

    def look_up(self, name: str, kind: Kind, seconds: float = LOOKUP_SECONDS) -> Answer:
        """What `name` says; blocks for at most so many seconds."""
        key = (name.lower().rstrip("."), kind)
        cached = self._from_cache(key)
        if cached is not None:
            return cached
        try:
            question = dns.name.from_text(key[0].encode("ascii").decode())
        except (dns.exception.DNSException, UnicodeError) as wrong:
            return Answer(Status.UNFIT, why=f"{name!r} cannot be a name: {wrong}")
        answer, keep = self._ask(question, kind, seconds)
        # Who asks in a hurry and fails has learned nothing for others.
        if answer.status is not Status.FAILED or seconds >= TRY_SECONDS:
            self._to_cache(key, answer, keep)
        return answer

    async def find(self, name: str, kind: Kind, seconds: float = LOOKUP_SECONDS) -> Answer:
        """`look_up` in a thread, for those who may not block."""
        return await asyncio.to_thread(self.look_up, name, kind, seconds)

    def inquiry(self, *, asks: bool = True) -> "Inquiry":
        """The lookups of one mail, which share a budget that begins now. One that does not ask
        knows what is in the cache, and waits for nothing."""
        return Inquiry(self, self._monotonic, asks)

    def known(self, name: str, kind: Kind) -> Answer | None:
        """What the cache says."""
        return self._from_cache((name.lower().rstrip("."), kind))

    def _ask(self, name: dns.name.Name, kind: Kind, seconds: float) -> tuple[Answer, float]:
        """The answer of the servers, and for how many seconds it holds."""
        try:
            found = self._dns.resolve(
                name, kind, lifetime=seconds, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN as wrong:
            reply = wrong.response(name)
            return Answer(Status.NO_NAME), float(reply.resolve_chaining().minimum_ttl)
        except dns.resolver.NoNameservers as wrong:
            errors = [error[3] for error in wrong.kwargs.get("errors", ())]
            unfit = bool(errors) and isinstance(errors[-1], Unfit | dns.message.ChainTooLong)
            why = f"{errors[-1]}" if errors else "there is no DNS server to ask"
            return Answer(Status.UNFIT if unfit else Status.FAILED, why=why), _FAILED_SECONDS
        except dns.exception.DNSException as wrong:
            return Answer(Status.FAILED, why=str(wrong)), _FAILED_SECONDS
        values = _values(found, kind)
        if len(values) > MAX_VALUES:
            return Answer(Status.UNFIT, why=f"more than {MAX_VALUES} records"), _FAILED_SECONDS
        status = Status.FOUND if values else Status.EXISTS
        return Answer(status, values), float(found.chaining_result.minimum_ttl)

    def _from_cache(self, key: tuple[str, Kind]) -> Answer | None:
        with self._lock:
            until, answer = self._cache.get(key, (0.0, None))
            return answer if answer is not None and self._monotonic() < until else None

    def _to_cache(self, key: tuple[str, Kind], answer: Answer, seconds: float) -> None:
        until = self._monotonic() + min(seconds, _MOST_SECONDS)
        with self._lock:
            if key in self._cache:
                self._cached_octets -= _octets(key, self._cache.pop(key)[1])
            self._cache[key] = (until, answer)
            self._cached_octets += _octets(key, answer)
            while self._cached_octets > self._most_octets:
                oldest = next(iter(self._cache))
                self._cached_octets -= _octets(oldest, self._cache.pop(oldest)[1])


class Inquiry:
    """One mail's lookups. For one thread at a time; a name is asked for once, and who has asked
    too much or too long gets an answer at once. `missed`: something was not known and not asked
    for, so that no answer means anything."""

    def __init__(self, resolver: Resolver, monotonic: Callable[[], float], asks: bool) -> None:
        self.missed = False
        self._asks = asks
        self._resolver = resolver
        self._monotonic = monotonic
        self._until = monotonic() + MAIL_SECONDS
        self._known: dict[tuple[str, Kind], Answer] = {}

    def look_up(self, name: str, kind: Kind) -> Answer:
        """As `Resolver.look_up`, within what is left."""
        key = (name.lower(), kind)
        if key not in self._known and not self._asks:
            known = self._resolver.known(name, kind)
            self.missed = self.missed or known is None
            return known or Answer(Status.FAILED, why="it was not asked for")
        if key not in self._known:
            if len(self._known) >= MAIL_LOOKUPS:
                return Answer(Status.UNFIT, why=f"more than {MAIL_LOOKUPS} lookups for one mail")
            left = min(self._until - self._monotonic(), LOOKUP_SECONDS)
            if left <= 0:
                return Answer(Status.FAILED, why="the time for this mail's lookups is over")
            self._known[key] = self._resolver.look_up(name, kind, left)
        return self._known[key]

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """In here no more than so many seconds of what is left are spent."""
        until = self._until
        self._until = min(until, self._monotonic() + seconds)
        try:
            yield
        finally:
            self._until = until


def reverse_name(address: str) -> str:
    """The name whose PTR records say what an IP address is called."""
    return dns.reversename.from_address(address).to_text(omit_final_dot=True)


def _of_system() -> list[str]:
    try:
        found = dns.resolver.Resolver().nameservers
    except dns.exception.DNSException:
        return []
    return [str(server) for server in found]


def _values(found: dns.resolver.Answer, kind: Kind) -> tuple[str, ...]:
    records = list(found.rrset or ())
    match kind:
        case Kind.TXT:
            return tuple(b"".join(record.strings).decode("latin-1") for record in records)
        case Kind.MX:
            ordered = sorted(records, key=lambda record: (record.preference, record.exchange))
            return tuple(_plain(record.exchange) for record in ordered)
        case Kind.PTR:
            return tuple(_plain(record.target) for record in records)
        case Kind.A | Kind.AAAA:
            return tuple(record.address for record in records)


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if len(name) > 1 else ""


def _octets(key: tuple[str, Kind], answer: Answer) -> int:
    return 500 + len(key[0]) + sum(map(len, answer.values)) + len(answer.why)
