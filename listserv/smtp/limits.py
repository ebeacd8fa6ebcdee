"""Who may come in, and how much memory their messages may take: counters of one listener."""

from collections import Counter
from types import TracebackType
from typing import Protocol

from listserv.domain.network import network_of
from listserv.domain.replies import TOO_BUSY, Reply
from listserv.smtp.settings import Limits


class Guest(Protocol):
    """A connection, as the gate sees it."""

    @property
    def waiting_since(self) -> float | None:
        """Since when it has been our client's turn, on the loop's clock; None when it is ours."""

    def dismiss(self, reply: Reply, *, at_once: bool) -> None:
        """End it, with `reply` for its last word."""


class Gate:
    """Counts the connections of one listener, and the octets that their messages take."""

    def __init__(self, limits: Limits, memory_octets: int) -> None:
        self._limits = limits
        self._free = memory_octets
        self._guests: dict[Guest, str] = {}
        self._per_network: Counter[str] = Counter()

    def admit(self, guest: Guest, peer: str, *, trusted: bool, now: float) -> bool:
        """Let `guest` in, or not. When all places are taken, whoever has been silent longest
        makes room: 300 idle clients do not keep the 301st from posting."""
        network = network_of(peer)
        if not trusted and self._per_network[network] >= self._limits.per_ip:
            return False
        if len(self._guests) >= self._limits.connections and not self._make_room(now):
            return False
        self._guests[guest] = network
        self._per_network[network] += 1
        return True

    def leave(self, guest: Guest) -> None:
        """`guest` has gone, or will not be listened to any more."""
        network = self._guests.pop(guest, None)
        if network is not None:
            self._per_network[network] -= 1
            if not self._per_network[network]:
                del self._per_network[network]

    def _make_room(self, now: float) -> bool:
        silent = [(g.waiting_since, g) for g in self._guests if g.waiting_since is not None]
        if not silent:
            return False
        since, guest = min(silent, key=lambda pair: pair[0])
        if now - since < self._limits.silent_seconds:
            return False
        self.leave(guest)
        guest.dismiss(TOO_BUSY, at_once=True)
        return True

    def memory(self) -> "Memory":
        """An account for one message."""
        return Memory(self)

    def take(self, octets: int) -> bool:
        """Whether that much is left; then it is taken."""
        if octets > self._free:
            return False
        self._free -= octets
        return True

    def give_back(self, octets: int) -> None:
        self._free += octets


class Memory:
    """What one message takes, given back when the message has been dealt with."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._taken = 0

    def take(self, octets: int) -> bool:
        """Whether there was room for `octets` more."""
        if not self._gate.take(octets):
            return False
        self._taken += octets
        return True

    def __enter__(self) -> "Memory":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate.give_back(self._taken)
        self._taken = 0
