"""The three modes into smtp-sink, beside smtp-source into the same sink or openssl alone."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows.programs import SESSIONS, Pairs, feed, openssl, sink
from benchmarks.rows.server import Server, addresses
from benchmarks.rows.table import Line, Scale, rates


@dataclass(frozen=True)
class _Mode:
    """`mode` as in the configuration; `against` runs what it is compared with, per second;
    `relay` are more lines of [relay]."""

    mode: str
    row: str
    beside: str
    against: Callable[[int, int], float]
    at_least: float
    times: int = 1
    relay: str = ""


def verp(scale: Scale) -> Iterator[Line]:
    """One transaction a recipient, unsigned."""
    return _measure(_VERP, scale)


def personal(scale: Scale) -> Iterator[Line]:
    """One signed copy a recipient."""
    return _measure(_PERSONAL, scale)


def batched(scale: Scale) -> Iterator[Line]:
    """Many recipients a transaction, of ten times as many members."""
    return _measure(_BATCHED, scale)


def _measure(mode: _Mode, scale: Scale) -> Iterator[Line]:
    people = scale.members * mode.times
    pairs, note = Pairs(scale.short_runs), ""
    with tempfile.TemporaryDirectory() as name, sink() as relay:
        server = Server(Path(name), relay.port, mode.mode, mode.relay)
        server.add_list("big", addresses(people))
        with server.serving():

            def pair() -> tuple[float, float]:
                nonlocal note
                went = server.fan_out("big", sink=relay.pid)
                note = went.busy
                return people / went.seconds, mode.against(relay.port, people)

            pairs.take(pair)
            memory = server.memory
    yield rates(
        f"{mode.row}, {people:,} members", pairs.ours, mode.beside, pairs.theirs, mode.at_least,
        memory=memory, note=note + pairs.words(),
    )  # fmt: skip


def _one_by_one(port: int, people: int) -> float:
    return feed(port, 2 * people)


def _by_the_hundred(port: int, people: int) -> float:
    return 100 * feed(port, max(people // 50, SESSIONS), "-r", "100")


def _openssl(_port: int, _people: int) -> float:
    return openssl()


_VERP = _Mode("verp", "verp", "smtp-source (C) into the same sink", _one_by_one, 1.0)
_PERSONAL = _Mode(
    "personal", "personal + RSA-2048 each", "openssl speed -multi 2, alone", _openssl, 0.65
)
_BATCHED = _Mode(
    "batched", "batched, 100 RCPT", "smtp-source -r 100 into the same sink", _by_the_hundred, 0.5,
    times=10, relay="max_rcpt = 100\n",
)  # fmt: skip
