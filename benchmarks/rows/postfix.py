"""A real Postfix as the relay: a private instance, set up by `listserv postfix dedicated`.

Its queue is on the same disk, and it shares the machine with us and with where it delivers.
"""

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.rows.latency import arrivals, far_relay
from benchmarks.rows.programs import feed, sink
from benchmarks.rows.server import DOMAIN, Server, addresses, message
from benchmarks.rows.table import Line, Missing, Scale, limit, rates
from listserv.store import queue_view
from tests.postfix.harness import Postfix, free_port, why_not

_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
# A provider that needs so many milliseconds for a message; Postfix has 20 connections to it.
_SLOW = 200
_NOTICES = 5
_PHOTO = 4_000_000
_READERS = 300
_PROVIDERS = ("gmail", "yahoo", "outlook", "icloud", "aol")
_SHARES = (45, 15, 15, 8, 2)  # per cent; the others have domains of their own
# Queued mail is looked at this often, in seconds.
_LOOK = 0.02


@dataclass(frozen=True)
class Relay:
    """Postfix, and listserv in front of it."""

    postfix: Postfix
    server: Server
    copies: int
    queue: Path

    def drain(self) -> None:
        """Wait until Postfix holds nothing."""
        while queued(self.queue)[0]:
            time.sleep(0.2)


@contextmanager
def relay(next_hop: int, *settings: str) -> Iterator[Relay]:
    """Postfix with its listeners for copies and notices, delivering to a port of loopback."""
    reason = why_not()
    if reason is not None:
        raise Missing(reason)
    with tempfile.TemporaryDirectory(prefix="listserv-postfix-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postfix's own users go through it
        copies, notices = free_port(), free_port()
        server = Server(folder, copies, "personal", f"notice_port = {notices}\n")
        postfix = Postfix(folder, next_hop)
        postfix.run("sh", stdin=server.command("postfix", "dedicated"))
        if settings:
            postfix.run("postconf", "-e", *settings)
        postfix.start()
        try:
            yield Relay(postfix, server, copies, folder / "queue")
        finally:
            postfix.stop()


def personal(scale: Scale) -> Iterator[Line]:
    """A fan-out into Postfix, beside smtp-source into the same listener."""
    ours, theirs, note = [], [], ""
    with sink() as beyond, relay(beyond.port) as behind:
        server = behind.server
        server.add_list("big", addresses(scale.members))
        with server.serving():
            for _ in range(scale.runs):
                went = server.fan_out("big", sink=beyond.pid)
                behind.drain()
                ours.append(scale.members / went.seconds)
                to = ("-N", "-f", f"feed@{DOMAIN}", "-t", "m@example.org")
                theirs.append(feed(behind.copies, scale.members, *to))
                behind.drain()
                note = went.busy
            memory = server.memory
    yield rates(
        f"real Postfix as the relay, personal + RSA-2048 each, {scale.members:,} members", ours,
        "smtp-source (C) into the same Postfix", theirs, 0.9, memory=memory,
        note=f"{note}; what is not ours or the sink's is Postfix",
    )  # fmt: skip


def notice(scale: Scale) -> Iterator[Line]:
    """Refusals of held posts while a fan-out to the same slow provider is under way."""
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "arrived"
        slow = ("--queueing", str(_SLOW), "--log", str(log))
        with far_relay(*slow) as beyond, relay(beyond.port) as behind:
            server = behind.server
            server.add_list("big", addresses(scale.members))
            server.add_list("held", moderation="all")
            with server.serving():
                for number in range(_NOTICES):
                    server.post("held", author=_author(number))
                posts = [row["id"] for row in json.loads(server.command("held", "ls", "--json"))]
                server.post("big")
                time.sleep(5)
                for post in posts:
                    server.command("held", "reject", str(post), "--reason", "not this time")
                    time.sleep(1)
                _, backlog = queued(behind.queue)
                took = _arrived(server, log)
                memory = server.memory
    yield limit(
        f"real Postfix, a notice while {scale.members:,} copies go to the same provider",
        median(took), "s", 2, memory=memory,
        note=f"median of {len(took)}, the slowest {max(took):.2f} s, {backlog:,} copies waited in"
        f" Postfix; a provider that needs {_SLOW} ms a message",
    )  # fmt: skip


def _author(number: int) -> str:
    return f"author{number}@example0.org"


def _arrived(server: Server, log: Path) -> Sequence[float]:
    """Seconds from the commit of each notice until it is at the sink; at most a minute."""
    mailings = server.store.read(lambda tx: queue_view.mailings(tx, ended=True))
    written = [one.created.timestamp() for one in mailings if one.kind == "notice"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = {to: when for when, to in arrivals(log)}
        came = [found[_author(n)] for n in range(_NOTICES) if _author(n) in found]
        if len(came) == _NOTICES:
            return [b - a for a, b in zip(written, sorted(came), strict=True)]
        time.sleep(0.2)
    raise RuntimeError("a notice has not arrived within a minute")


def photo(_: Scale) -> Iterator[Line]:
    """How much of the relay's disk one photo takes while nobody fetches anything from there."""
    with sink() as beyond, relay(beyond.port, "defer_transports = listserv-out") as behind:
        server = behind.server
        server.add_list("big", _people(), max_size="20000000")
        with server.serving(), _Peak(behind.queue) as peak:
            raw = _photo(f"big@{DOMAIN}")
            server.fan_out("big", raw)
            memory = server.memory
    yield limit(
        f"real Postfix, {_READERS} members, a photo of {_PHOTO / 1e6:g} MB: its queue",
        peak.megabytes, "MB", 100,
        beside="a copy for each", theirs=_READERS * len(raw) / 1e6, memory=memory,
        note=f"{peak.mails} mails in Postfix, which delivers none of them; members at"
        f" {len({one.rpartition('@')[2] for one in _people()})} domains",
    )  # fmt: skip


def _people() -> list[str]:
    """Members as lists have them: most at a few providers, some at domains of their own."""
    people = []
    for provider, share in zip(_PROVIDERS, _SHARES, strict=True):
        people += [f"m{n}@{provider}.example" for n in range(_READERS * share // 100)]
    people += [f"me@own{n}.example" for n in range(_READERS - len(people))]
    Random(1).shuffle(people)
    return people


def _photo(to: str) -> bytes:
    """A mail of _PHOTO bytes in all; what stands in it does not matter."""
    line = b"A" * 76 + b"\r\n"
    body = (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nLook.\r\n--b\r\n'
        b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + line * (_PHOTO // len(line))
        + b"--b--\r\n"
    )
    return message("ann@example.org", to, body)


def queued(queue: Path) -> tuple[int, int]:
    """(bytes on disk, mails) in Postfix's queue now."""
    octets = mails = 0
    for name in _QUEUES:
        for path in (queue / name).rglob("*"):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file():
                octets += 512 * found.st_blocks
                mails += 1
    return octets, mails


class _Peak:
    """Looks at Postfix's queue until the with ends: its largest size."""

    def __init__(self, queue: Path) -> None:
        self._queue = queue
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.megabytes = 0.0
        self.mails = 0

    def __enter__(self) -> "_Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            stopping = self._stop.wait(_LOOK)
            octets, mails = queued(self._queue)
            self.megabytes = max(self.megabytes, octets / 1e6)
            self.mails = max(self.mails, mails)
            if stopping:
                return
