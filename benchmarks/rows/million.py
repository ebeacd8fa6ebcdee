"""A huge list: the rate of an ordinary one, memory, and what a poster feels meanwhile."""

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.rows.programs import sink
from benchmarks.rows.server import Server, addresses
from benchmarks.rows.table import Line, Scale, limit, rates

# By default so many copies of 4 KB go out batched.
_NEVER_BATCHED = "burst_bytes = 1000000000000\n"
_RATIO = 0.85
_MEMORY = 300  # MB
_ANSWER = 1.0  # seconds
_POST_EVERY = 1.0
# A list takes so many posts an hour before it holds them: they go to lists in turns.
_LISTS = 50


def huge(scale: Scale) -> Iterator[Line]:
    """`verp` to scale.many members, between fan-outs to scale.members on the same server."""
    with tempfile.TemporaryDirectory() as name, sink() as relay:
        server = Server(Path(name), relay.port, relay=_NEVER_BATCHED)
        server.add_list("huge", addresses(scale.many))
        server.add_list("big", addresses(scale.members))
        for number in range(_LISTS):
            server.add_list(f"quiet{number}")
        with server.serving():
            small = [scale.members / server.fan_out("big").seconds for _ in range(scale.runs + 1)]
            with _Poster(server) as poster:
                went = server.fan_out("huge", sink=relay.pid)
            small += [scale.members / server.fan_out("big").seconds for _ in range(scale.runs)]
            memory = server.memory
    many = f"{scale.many:,} members"
    yield rates(
        f"verp, {many}", [scale.many / went.seconds], f"verp, {scale.members:,} members",
        [median(small[1:])], _RATIO, memory=memory,
        note=f"{went.busy}; one run, the ordinary list before and after it",
    )  # fmt: skip
    yield limit(f"{many}: all processes together", memory, "MB", _MEMORY)
    yield limit(
        f"{many}: another list's post is answered meanwhile", max(poster.took), "s", _ANSWER,
        note=f"the slowest of {len(poster.took)}, median {median(poster.took):.3f} s",
    )  # fmt: skip


class _Poster:
    """Posts to a list without readers, again and again, until the with ends; at least once."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._post)
        self.took: list[float] = []

    def __enter__(self) -> "_Poster":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _post(self) -> None:
        while not self._stop.wait(_POST_EVERY) or not self.took:
            self.took.append(self._server.post(f"quiet{len(self.took) % _LISTS}"))
