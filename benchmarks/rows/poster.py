"""Posts as fast as they are taken, in a process of its own.

    python -m benchmarks.rows.poster PORT POSTS SESSIONS LISTS

Each post has an author, a Message-ID and a list of its own, because a list and an author may write
only so much in an hour; the lists are box0, box1, ... Waits for each reply, as smtp-source does.
Prints the answers of 250 a second; any other ends it with that answer."""

import asyncio
import sys
import time

import uvloop

from benchmarks.rows.server import DOMAIN, message


class Session(asyncio.Protocol):
    """One connection; `left` is shared by all of them. `done` is the end: None, or what went
    wrong."""

    def __init__(self, left: list[tuple[bytes, ...]]) -> None:
        self._left = left
        self._steps = iter((b"EHLO client.example\r\n",))
        self._reply = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._reply += data
        last = self._reply[:-2].rpartition(b"\r\n")[2]
        if not data.endswith(b"\r\n") or last[3:4] == b"-":
            return
        if last[:1] not in b"23":
            self._end(RuntimeError(last.decode()))
            return
        self._reply = b""
        step = next(self._steps, None)
        if step is None:
            if not self._left:
                self._end(None)
                return
            self._steps = iter(self._left.pop())
            step = next(self._steps)
        self._transport.write(step)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(ConnectionError("the server hung up"))

    def _end(self, wrong: Exception | None) -> None:
        if self.done.done():
            return
        if wrong is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(wrong)


def steps(number: int, lists: int) -> tuple[bytes, ...]:
    """What is said for one post."""
    author = f"author{number}.{time.time_ns()}@example.net"
    to = f"box{number % lists}@{DOMAIN}"
    mail, rcpt = f"MAIL FROM:<{author}>\r\n".encode(), f"RCPT TO:<{to}>\r\n".encode()
    return mail, rcpt, b"DATA\r\n", message(author, to) + b".\r\n"


async def post(port: int, posts: int, sessions: int, lists: int) -> float:
    """Posts a second."""
    left = [steps(number, lists) for number in range(posts)]
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    opening = [
        loop.create_connection(lambda: Session(left), "127.0.0.1", port) for _ in range(sessions)
    ]
    opened = await asyncio.gather(*opening)
    await asyncio.gather(*(session.done for _, session in opened))
    return posts / (time.monotonic() - began)


def main() -> None:
    print(uvloop.run(post(*map(int, sys.argv[1:]))))


if __name__ == "__main__":
    main()
