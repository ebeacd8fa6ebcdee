"""A mail server that is far away or slow, in a process of its own:

    python -m benchmarks.rows.far_relay PORT [--round-trip MS] [--queueing MS] [--idle S]
        [--log FILE]

What arrives at once is dealt with one round trip later, also while it is busy with what came
before: that is on its way meanwhile. The reply to a final dot or BDAT LAST takes the time of
queueing besides. Two threads a connection, so that the kernel's clock keeps these times to 0.1 ms:
an event loop's timers are whole milliseconds. It offers PIPELINING and CHUNKING. Where it is told
to, it writes down when each message's end came, "SECONDS RECIPIENT" by the wall clock.
"""

import argparse
import queue
import socket
import threading
import time
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path

from listserv.clock import SystemClock

_HELLO = b"250-far.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n"
_REPLIES = {
    b"EHLO": _HELLO,
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
_DOT = b"\r\n.\r\n"


@dataclass(frozen=True)
class Pace:
    """In seconds; `idle` is how long a silent connection is kept."""

    round_trip: float
    queueing: float
    idle: float | None
    log: TextIOWrapper | None


@dataclass
class Connection:
    """One client's."""

    peer: socket.socket
    pace: Pace
    said: bytes = b""
    replies: bytes = b""
    is_data: bool = False
    recipients: list[bytes] = field(default_factory=list)
    on_the_way: "queue.SimpleQueue[tuple[float, bytes] | None]" = field(
        default_factory=queue.SimpleQueue
    )

    def run(self) -> None:
        """Until the client is gone."""
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer.settimeout(self.pace.idle)
        with self.peer:
            try:
                self.peer.sendall(b"220 far.example ESMTP\r\n")
                threading.Thread(target=self._listen, daemon=True).start()
                while arrived := self.on_the_way.get():
                    due, chunk = arrived
                    time.sleep(max(due - time.monotonic(), 0))
                    self.said += chunk
                    while self._step():
                        pass
                    self._answer()
            except OSError:
                return

    def _listen(self) -> None:
        try:
            while chunk := self.peer.recv(1 << 20):
                self.on_the_way.put((time.monotonic() + self.pace.round_trip, chunk))
        except OSError:
            pass
        self.on_the_way.put(None)

    def _step(self) -> bool:
        """Deal with one command or body; whether there was a whole one."""
        body, end, rest = self.said.partition(_DOT if self.is_data else b"\r\n")
        if not end:
            return False
        verb = body[:4].upper()
        is_last = self.is_data
        if verb == b"BDAT" and not self.is_data:
            size, *last = body[5:].split()
            if len(rest) < int(size):
                return False
            rest = rest[int(size) :]
            is_last = bool(last)
        self.said = rest
        if is_last:
            self._note()
            self._answer()
            time.sleep(self.pace.queueing)
            self.is_data = False
            self.replies += b"250 queued\r\n"
            return True
        if verb == b"RCPT":
            self.recipients.append(body[9:].partition(b">")[0])
        self.is_data = verb == b"DATA"
        self.replies += _REPLIES.get(verb, b"250 ok\r\n")
        return True

    def _answer(self) -> None:
        if self.replies:
            self.peer.sendall(self.replies)
            self.replies = b""

    def _note(self) -> None:
        if self.pace.log is not None:
            now = SystemClock().now().timestamp()
            lines = (f"{now:.6f} {one.decode()}\n" for one in self.recipients)
            self.pace.log.write("".join(lines))
        self.recipients.clear()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("port", type=int)
    options.add_argument("--round-trip", type=float, default=0, help="in ms")
    options.add_argument("--queueing", type=float, default=0, help="in ms")
    options.add_argument("--idle", type=float, help="hang up on who is silent for so many seconds")
    options.add_argument("--log", type=Path)
    chosen = options.parse_args()
    log = chosen.log.open("w", buffering=1) if chosen.log else None
    pace = Pace(chosen.round_trip / 1000, chosen.queueing / 1000, chosen.idle, log)
    with socket.create_server(("127.0.0.1", chosen.port), backlog=100) as listening:
        while True:
            peer, _ = listening.accept()
            threading.Thread(target=Connection(peer, pace).run, daemon=True).start()


if __name__ == "__main__":
    main()
