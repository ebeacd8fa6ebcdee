"""A DNS server of the tests' own, on loopback. What it knows is told to it; it can misbehave."""

import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset

# A port of this machine on which nobody listens: asking there fails at once.
NOWHERE = "127.0.0.1:9"
# In a config file: nobody is asked who wrote a post.
NO_DNS = f'[auth]\nrequire_proven_author = false\n[dns]\nservers = ["{NOWHERE}"]\n'
# What fits into one packet.
_PACKET = 1232
_TTL = 300
_LARGE = 20_000

Query = dns.message.Message
Misbehaviour = Callable[[Query], bytes | None]


def silence(query: Query) -> None:
    """No answer at all."""


def fails(query: Query) -> bytes:
    answer = dns.message.make_response(query)
    answer.set_rcode(dns.rcode.SERVFAIL)
    return answer.to_wire()


def lies(query: Query) -> bytes:
    """An answer that somebody guessed: it has another number."""
    answer = _answer(query, [("TXT", "v=spf1 +all")])
    answer.id = (query.id + 1) % 65536
    return answer.to_wire()


def answers_another(query: Query) -> bytes:
    """The right number, but about another name."""
    other = dns.message.make_query("other.example", "TXT")
    other.id = query.id
    return _answer(other, [("TXT", "v=spf1 +all")]).to_wire()


def babbles(query: Query) -> bytes:
    return b"\xff" * 100


def sends_too_much(query: Query) -> bytes:
    """In one packet, as if it had been asked to."""
    return fails(query).ljust(2 * _LARGE, b"\0")


def cut_short_then(how: Misbehaviour) -> Misbehaviour:
    """A packet that says to come again by TCP, and there something else."""
    came = False

    def answer(query: Query) -> bytes | None:
        nonlocal came
        if came:
            return how(query)
        came = True
        short = dns.message.make_response(query)
        short.flags |= dns.flags.TC
        return short.to_wire()

    return answer


def loops(query: Query) -> bytes:
    """A name that is another name for itself, by way of a third."""
    name = query.question[0].name.to_text()
    answer = dns.message.make_response(query)
    for here, there in ((name, "there.example."), ("there.example.", name)):
        answer.answer.append(dns.rrset.from_text(here, _TTL, "IN", "CNAME", there))
    return answer.to_wire()


class DnsServer:
    """Answers by UDP and TCP at `address`. `asked` are the (name, type) of all questions, in
    order; names are lower-case without the last dot."""

    def __init__(self) -> None:
        self._zone: dict[str, list[tuple[str, str]]] = {}
        self._odd: dict[tuple[str, str], Misbehaviour] = {}
        self.asked: list[tuple[str, str]] = []
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(self._tcp.getsockname())
        self._end, self._ended = socket.socketpair()
        self.address = "{}:{}".format(*self._tcp.getsockname())
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def add(self, name: str, kind: str, *values: str) -> None:
        """Records: an MX is "10 host", a TXT any text, of which a character is an octet."""
        self._zone.setdefault(name.lower(), []).extend((kind, value) for value in values)

    def remove(self, name: str, kind: str) -> None:
        """Take away all records of this name and type."""
        left = [(k, value) for k, value in self._zone.pop(name.lower(), []) if k != kind]
        if left:
            self._zone[name.lower()] = left

    def misbehave(self, name: str, kind: str, how: Misbehaviour) -> None:
        """Instead of an answer for this name and type ("*" for all)."""
        self._odd[name.lower(), kind] = how

    def forget(self) -> None:
        self._zone.clear()
        self._odd.clear()
        self.asked.clear()

    def close(self) -> None:
        self._end.send(b".")
        self._thread.join()
        for sock in (self._tcp, self._udp, self._end, self._ended):
            sock.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as waiting:
            for sock in (self._tcp, self._udp, self._ended):
                waiting.register(sock, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    if key.fileobj is self._ended:
                        return
                    if key.fileobj is self._udp:
                        self._packet()
                    else:
                        self._stream()

    def _packet(self) -> None:
        wire, sender = self._udp.recvfrom(4096)
        answer = self._answer(wire)
        if answer is not None:
            if _PACKET < len(answer) < 2 * _LARGE:
                short = dns.message.make_response(dns.message.from_wire(wire))
                short.flags |= dns.flags.TC
                answer = short.to_wire()
            self._udp.sendto(answer, sender)

    def _stream(self) -> None:
        client, _ = self._tcp.accept()
        with client, client.makefile("rb") as reading:
            client.settimeout(5)
            (size,) = struct.unpack("!H", reading.read(2))
            answer = self._answer(reading.read(size))
            if answer is not None:
                client.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, wire: bytes) -> bytes | None:
        query = dns.message.from_wire(wire)
        name = b".".join(query.question[0].name.labels[:-1]).decode("latin-1").lower()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, kind))
        for odd in ((name, kind), (name, "*")):
            if odd in self._odd:
                return self._odd[odd](query)
        return self._known(query, name, kind).to_wire(max_size=65535)

    def _known(self, query: Query, name: str, kind: str) -> Query:
        """As a resolver answers: CNAMEs are followed."""
        chain: list[tuple[str, str]] = []
        while (aliases := [v for k, v in self._zone.get(name, []) if k == "CNAME"]) and (
            len(chain) < 20
        ):
            chain.append((name, aliases[0]))
            name = aliases[0].lower().rstrip(".")
        records = [(k, v) for k, v in self._zone.get(name, []) if k == kind]
        answer = _answer(query, records, name)
        for alias, target in reversed(chain):
            answer.answer.insert(
                0, dns.rrset.from_text(f"{alias}.", _TTL, "IN", "CNAME", f"{target.rstrip('.')}.")
            )
        # RFC 8020: a name exists when one below it does.
        if not any(known == name or known.endswith(f".{name}") for known in self._zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


def _answer(query: Query, records: list[tuple[str, str]], owner: str | None = None) -> Query:
    answer = dns.message.make_response(query)
    answer.use_edns(0, payload=_PACKET)
    if records:
        name = query.question[0].name if owner is None else dns.name.from_text(owner)
        found = [_rdata(kind, value) for kind, value in records]
        answer.answer.append(dns.rrset.from_rdata_list(name, _TTL, found))
    return answer


def _rdata(kind: str, value: str) -> dns.rdata.Rdata:
    if kind != "TXT":
        return dns.rdata.from_text("IN", kind, value, origin=dns.name.root, relativize=False)
    octets = value.encode("latin-1")
    strings = [octets[at : at + 255] for at in range(0, max(len(octets), 1), 255)]
    return dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings)


@contextmanager
def dns_server() -> Iterator[DnsServer]:
    server = DnsServer()
    try:
        yield server
    finally:
        server.close()
