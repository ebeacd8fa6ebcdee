"""Posts taken and on disk, beside an aiosmtpd that forgets them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows.programs import Busy, Pairs, free_port, running, sink
from benchmarks.rows.server import Server
from benchmarks.rows.table import Line, Scale, rates

_SESSIONS = 10
_POSTS = 2000
# A list takes so many posts an hour before it holds them, and somewhat fewer are sent to each.
_A_LIST = 40


def durable(scale: Scale) -> Iterator[Line]:
    """Accepted posts to lists without readers: what a fan-out costs is measured elsewhere."""
    # A pair may be taken twice.
    lists = _POSTS * (2 * scale.short_runs + 1) // _A_LIST
    pairs, note = Pairs(scale.short_runs), ""
    bare_port = free_port()
    bare = [sys.executable, "-m", "benchmarks.rows.bare_intake", str(bare_port)]
    with tempfile.TemporaryDirectory() as name, sink() as relay, running(bare, bare_port):
        server = Server(Path(name), relay.port)
        for number in range(lists):
            server.add_list(f"box{number}")
        with server.serving():

            def pair() -> tuple[float, float]:
                nonlocal note
                busy = Busy(**server.pids)
                ours = _post(server.port, lists)
                note = busy.words()
                return ours, _post(bare_port, lists)

            pairs.take(pair)
            memory = server.memory
    yield rates(
        f"intake: durable 250s, {_SESSIONS} sessions, 4 KB", pairs.ours,
        "a bare aiosmtpd, stores nothing", pairs.theirs, 0.35,
        memory=memory, note=note + pairs.words(),
    )  # fmt: skip


def _post(port: int, lists: int) -> float:
    command = [sys.executable, "-m", "benchmarks.rows.poster"]
    numbers = map(str, (port, _POSTS, _SESSIONS, lists))
    done = subprocess.run([*command, *numbers], check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)
