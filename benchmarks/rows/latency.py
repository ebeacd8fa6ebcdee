"""Relays with a delay: one that is far away, and the time until the first copy is there."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.rows.programs import SESSIONS, Pairs, Running, free_port, running
from benchmarks.rows.server import Server, addresses
from benchmarks.rows.table import Line, Scale, limit, rates
from listserv.clock import SystemClock

_ROUND_TRIP = 1.0  # ms
_QUEUEING = 5.0
# A silent connection is closed after so many seconds: each post finds an idle server and none open.
_IDLE = 0.3
_POSTS = 7  # in a run
_READERS = 100


@contextmanager
def far_relay(*options: str) -> Iterator[Running]:
    """The process of far_relay.py."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.rows.far_relay", str(port), *options]
    with running(command, port) as one:
        yield one


def far(scale: Scale) -> Iterator[Line]:
    """A relay one round trip away that needs a while for each message."""
    pairs, note = Pairs(scale.runs), ""
    pace = ("--round-trip", str(_ROUND_TRIP), "--queueing", str(_QUEUEING))
    with tempfile.TemporaryDirectory() as name, far_relay(*pace) as relay:
        server = Server(Path(name), relay.port)
        server.add_list("big", addresses(scale.members))
        with server.serving():

            def pair() -> tuple[float, float]:
                nonlocal note
                went = server.fan_out("big", relay=relay.pid)
                note = went.busy
                return scale.members / went.seconds, _lock_step(relay.port, scale.members // 2)

            pairs.take(pair)
            memory = server.memory
    # Lock-step waits for MAIL, RCPT, DATA and the final dot; with BDAT the next message is there
    # when the one before it is in the queue.
    most = (4 * _ROUND_TRIP + _QUEUEING) / _QUEUEING
    yield rates(
        f"relay {_ROUND_TRIP:g} ms away, {_QUEUEING:g} ms a message, {SESSIONS} connections",
        pairs.ours, "aiosmtplib, lock-step, as many", pairs.theirs, 1.8, memory=memory,
        note=f"{note}; these delays allow {most:.2f}{pairs.words()}",
    )  # fmt: skip


def _lock_step(port: int, messages: int) -> float:
    command = [sys.executable, "-m", "benchmarks.rows.lock_step"]
    done = subprocess.run(
        [*command, str(port), str(messages), str(SESSIONS)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout)


def first_copy(scale: Scale) -> Iterator[Line]:
    """From the 250 to the first copy's final dot at the sink, over a new connection."""
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "arrived"
        with far_relay("--idle", str(_IDLE), "--log", str(log)) as relay:
            server = Server(Path(name), relay.port)
            server.add_list("big", addresses(_READERS))
            with server.serving():
                took = [_first(server, log) for _ in range(_POSTS * scale.runs + 1)][1:]
                memory = server.memory
    yield limit(
        "accepted until the first copy is at the sink, idle server", 1000 * median(took), "ms", 50,
        memory=memory,
        note=f"median of {len(took)}, each over a new connection; the slowest"
        f" {1000 * max(took):.0f} ms",
    )  # fmt: skip


def _first(server: Server, log: Path) -> float:
    """Seconds from the answer to a post until its first copy's final dot."""
    before = len(arrivals(log))
    server.post("big")
    accepted = SystemClock().now().timestamp()
    while server.waiting():
        time.sleep(0.1)
    time.sleep(2 * _IDLE)
    return arrivals(log)[before][0] - accepted


def arrivals(log: Path) -> Sequence[tuple[float, str]]:
    """What far_relay has written down: when, to whom."""
    lines = (line.split() for line in log.read_text().splitlines(keepends=True) if line[-1] == "\n")
    return [(float(when), to) for when, to in lines]
