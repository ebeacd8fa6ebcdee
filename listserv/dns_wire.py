"""Questions to DNS servers, and their answers, which may be hostile.

dnspython reads and writes the messages; what travels is handled here: an answer is read up to a
size, and from a connected socket.
"""

import socket
import struct
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.nameserver

# An answer on the wire, in octets. Honest ones stay far below.
MAX_OCTETS = 16_384

_PORT = 53


def read_server(text: str) -> tuple[str, int]:
    """The IP address and port of "IP", "IP:port" or "[IPv6]:port"."""
    if text.count(":") > 1 and not text.startswith("["):
        return text, _PORT
    address, _, port = text.rpartition(":") if text[-1:] != "]" else (text, "", "")
    if not address:
        address, port = port, ""
    return address.strip("[]"), int(port or _PORT)


class Unfit(dns.exception.FormError):
    """An answer that is not read; dnspython gives the server up for a FormError."""

    msg = f"an answer of more than {MAX_OCTETS} octets"


class Server(dns.nameserver.Do53Nameserver):
    """A DNS server. A connected UDP socket takes packets from nobody else, and hears that nothing
    listens on the port."""

    def __init__(self, address: str, port: int, monotonic: Callable[[], float]) -> None:
        super().__init__(address, port)
        self._monotonic = monotonic

    def query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,
        source: str | None,
        source_port: int,
        max_size: bool,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        """The answer to `request`, by TCP when `max_size`. Raises what dns.resolver understands:
        OSError and FormError (this server is given up), Timeout and Truncated."""
        until = self._monotonic() + timeout
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM if max_size else socket.SOCK_DGRAM) as sock:

            def wait() -> socket.socket:
                left = until - self._monotonic()
                if left <= 0:
                    raise TimeoutError
                sock.settimeout(left)
                return sock

            try:
                wait().connect((self.address, self.port))
                wire = request.to_wire()
                if max_size:
                    wait().sendall(struct.pack("!H", len(wire)) + wire)
                    return _from_stream(wait, request)
                wait().send(wire)
                return _from_packets(wait, request)
            except TimeoutError:
                raise dns.exception.Timeout(timeout=timeout) from None


def _from_packets(
    wait: Callable[[], socket.socket], request: dns.message.Message
) -> dns.message.Message:
    """The first packet that answers `request`; others are not from whom we asked."""
    while True:
        wire = wait().recv(MAX_OCTETS + 1)
        if len(wire) > MAX_OCTETS:
            raise Unfit
        try:
            answer = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            continue
        if request.is_response(answer):
            if answer.flags & dns.flags.TC:
                raise dns.message.Truncated(message=answer)
            return answer


def _from_stream(
    wait: Callable[[], socket.socket], request: dns.message.Message
) -> dns.message.Message:
    (size,) = struct.unpack("!H", _read(wait, 2))
    if size > MAX_OCTETS:
        raise Unfit
    answer = dns.message.from_wire(_read(wait, size))
    if not request.is_response(answer):
        raise dns.exception.FormError("an answer to another question")
    return answer


def _read(wait: Callable[[], socket.socket], size: int) -> bytes:
    octets = b""
    while len(octets) < size:
        more = wait().recv(size - len(octets))
        if not more:
            raise EOFError("the server hung up")
        octets += more
    return octets
