"""One-click unsubscribe: how many a second, and who waits meanwhile.

    .venv/bin/python -m benchmarks.web [--members 1000000] [--clicks 4000]

Runs `listserv serve` with SQLite in a temporary folder, signing, with a list of so many members,
into smtp-sink. Measured is how long it takes to find whose a token is; then so many members leave,
each by a POST on a connection of its own as RFC 8058 says, and get a goodbye, while somebody posts
to another list over and over: how long a post is waited for. Exits with 1 when a limit is not kept,
when a POST was not answered with 200, or when somebody is a member still.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.rows.programs import Busy, free_port, sink, wait_for
from benchmarks.rows.server import DOMAIN, Server, addresses
from benchmarks.rows.table import Line, limit, rates, show
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.tokens import web_tokens
from listserv.flow import unsubscribe

_LOOK_UPS = 2000
# Connections at a time; a large provider has about so many.
_AT_A_TIME = 20
_PER_SECOND = 200
_BODY = b"List-Unsubscribe=One-Click"


def look_up(server: Server, tokens: Sequence[str]) -> Line:
    """Each in a transaction of its own, as a page does it."""
    took = []
    for token in tokens[:_LOOK_UPS]:
        began = time.perf_counter()
        server.store.read(lambda tx: unsubscribe.find(tx, server.site, token))  # noqa: B023
        took.append(1000 * (time.perf_counter() - began))
    took.sort()
    slow = took[int(len(took) * 0.99)]
    return limit("whose a token is", median(took), "ms", 5, note=f"99 of 100 in {slow:.1f} ms")


async def click(port: int, tokens: Sequence[str]) -> int:
    """POST each token; how many were answered with 200."""
    waiting, good = iter(tokens), 0

    async def one_by_one() -> None:
        nonlocal good
        for token in waiting:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"POST /u/%b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b"
                % (token.encode(), DOMAIN.encode(), len(_BODY), _BODY)
            )
            answer = await reader.read()
            good += answer.startswith(b"HTTP/1.1 200 ")
            writer.close()
            await writer.wait_closed()

    await asyncio.gather(*(one_by_one() for _ in range(_AT_A_TIME)))
    return good


class Poster:
    """Somebody who posts all the time, in a thread; `took` is how long each post was waited for."""

    def __init__(self, server: Server) -> None:
        self.took: list[float] = []
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._post)
        self._thread.start()

    def _post(self) -> None:
        while not self._stop.wait(0.1):
            self.took.append(self._server.post("town"))

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def leave(server: Server, port: int, tokens: Sequence[str]) -> list[Line]:
    """All of them, as fast as they are answered."""
    busy, poster = Busy(**server.pids), Poster(server)
    began = time.monotonic()
    good = asyncio.run(click(port, tokens))
    seconds = time.monotonic() - began
    each = 1000 * busy.cpu("server") / len(tokens)
    poster.close()
    lasting = f"{seconds:.0f} s, {len(poster.took)} posts meanwhile; {busy.words()}"
    slowest = 1000 * max(poster.took)
    note = f"median {1000 * median(poster.took):.0f} ms"
    there = server.store.read(
        lambda tx: sum(not _has_left(unsubscribe.find(tx, server.site, one)) for one in tokens)
    )
    return [
        rates("members leave by a POST", [good / seconds], "wanted", [_PER_SECOND], 1,
              memory=server.memory, note=lasting),
        limit("CPU of the server for each", each, "ms", 1000 / _PER_SECOND,
              note="of a core that it has for itself"),
        limit("a post meanwhile, the slowest", slowest, "ms", 1000, note=note),
        limit("not answered with 200, or members still", len(tokens) - good + there, "", 0),
    ]  # fmt: skip


def _has_left(found: tuple[MailingList, Member] | None) -> bool:
    return found is not None and found[1].state is MemberState.LEFT


def measure(people: int, clicks: int) -> list[Line]:
    with tempfile.TemporaryDirectory() as name, sink() as relay:
        port = free_port()
        pages = f'[web]\nlisten = "127.0.0.1:{port}"\nurl = "https://{DOMAIN}"\n'
        server = Server(Path(name), relay.port, "personal", sections=pages)
        server.add_list("big", addresses(people))
        server.add_list("town", addresses(10))
        chosen = random.Random(1).sample(range(1, people + 1), max(clicks, _LOOK_UPS))
        tokens = web_tokens(server.site.secret, chosen, 1)
        with server.serving():
            wait_for(port)
            return [look_up(server, tokens), *leave(server, port, tokens[:clicks])]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--members", type=int, default=1_000_000)
    options.add_argument("--clicks", type=int, default=4000)
    chosen = options.parse_args()
    lines = measure(chosen.members, chosen.clicks)
    return show(f"{chosen.members:,} members, {chosen.clicks:,} of them leave", lines)


if __name__ == "__main__":
    sys.exit(main())
