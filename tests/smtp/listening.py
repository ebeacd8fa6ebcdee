"""A listener in a thread of its own, and an intake that records: what the tests here talk to."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from listserv.domain.post import Client, Incoming, Transport
from listserv.domain.replies import ACCEPTED, NO_RELAY, RECIPIENT_OK, UNKNOWN, Reply
from listserv.smtp.server import Listener, ServerSettings, start_lmtp, start_smtp

T = TypeVar("T")

REFUSED = Reply(550, "5.7.1", "Only members may post here")
SECRET = "[Errno 28] No space left on device: /var/lib/listserv/listserv.db"


class RecordingIntake:
    """Keeps what it was asked. The recipient's local part says how it answers: unknown and
    elsewhere at RCPT, refused and umlaut after the message; crash raises at RCPT, broken after
    the message; behind "later-" RCPT has to wait for the same answer; slow waits until the test
    sets `go_on`; with short an answer is missing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Transport, Client, str]] = []
        self.messages: list[Incoming] = []
        self.arrived = threading.Event()
        self.finished = threading.Event()
        self.go_on = asyncio.Event()

    def recipient(
        self, address: str, transport: Transport, client: Client, sender: str
    ) -> Reply | Coroutine[Any, Any, Reply]:
        self.asked.append((address, transport, client, sender))
        local, _, domain = address.rpartition("@")

        async def later() -> Reply:
            return self._may(local.removeprefix("later-"), domain)

        return later() if local.startswith("later-") else self._may(local, domain)

    def _may(self, local: str, domain: str) -> Reply:
        if local == "crash":
            raise RuntimeError(SECRET)
        if domain == "elsewhere.example":
            return NO_RELAY
        return UNKNOWN if local.startswith("unknown") else RECIPIENT_OK

    async def message(self, incoming: Incoming) -> tuple[Reply, ...]:
        self.arrived.set()
        locals_ = [address.partition("@")[0] for address in incoming.recipients]
        if "slow" in locals_:
            await self.go_on.wait()
        if "broken" in locals_:
            raise OSError(28, "No space left on device", "/var/lib/listserv/listserv.db")
        self.messages.append(incoming)
        self.finished.set()
        answers = tuple(self._answer(local) for local in locals_)
        return answers[1:] if "short" in locals_ else answers

    def _answer(self, local: str) -> Reply:
        if local == "refused":
            return REFUSED
        if local == "umlaut":
            return Reply(250, "2.0.0", "Angenommen für Köln\r\n250 second")
        return Reply(451, "4.3.0", "Later") if local == "later" else ACCEPTED


class LoopThread:
    """An event loop that runs beside the test."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def start(self, doing: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(doing, self.loop)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.start(doing).result(90)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class House:
    """Listeners that a test starts, all with one intake."""

    def __init__(self, thread: LoopThread) -> None:
        self.thread = thread
        self.intake = RecordingIntake()
        self._listeners: list[Listener] = []

    def smtp(self, settings: ServerSettings, listen: str = "127.0.0.1:0") -> Listener:
        return self._keep(self.thread.run(start_smtp(listen, settings, self.intake)))

    def lmtp(self, settings: ServerSettings, listen: str = "127.0.0.1:0") -> Listener:
        return self._keep(self.thread.run(start_lmtp(listen, settings, self.intake)))

    def go_on(self) -> None:
        self.thread.loop.call_soon_threadsafe(self.intake.go_on.set)

    def _keep(self, listener: Listener) -> Listener:
        self._listeners.append(listener)
        return listener

    def close(self) -> None:
        self.go_on()
        for listener in self._listeners:
            self.thread.run(listener.close(1.0))


class Talk:
    """A client: sends octets, reads replies. `ask` for one command, one reply."""

    def __init__(self, port: int, *, source: str = "127.0.0.1", greet: str = "EHLO") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 90, (source, 0))
        self._lines = self.socket.makefile("rb")
        self.banner = self.reply()
        self.offers = self.ask(f"{greet} client.example").split("\n") if greet else []

    def wrap(self, wrapped: socket.socket) -> None:
        """Go on over TLS."""
        self.socket = wrapped
        self._lines = wrapped.makefile("rb")

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def reply(self) -> str:
        """One reply, its lines joined by LF; "" when the server has closed the connection."""
        lines: list[str] = []
        while True:
            try:
                line = self._lines.readline()
            except ConnectionResetError:
                line = b""
            if not line:
                return "\n".join(lines)
            assert line.endswith(b"\r\n"), line
            lines.append(line[:-2].decode("ascii"))
            if lines[-1][3:4] != "-":
                return "\n".join(lines)

    def ask(self, command: str) -> str:
        self.send(command.encode() + b"\r\n")
        return self.reply()

    def begin(self, *recipients: str, sender: str = "ann@example.org") -> None:
        """MAIL, RCPT... and DATA, each of them taken."""
        assert self.ask(f"MAIL FROM:<{sender}>").startswith("250 ")
        for recipient in recipients:
            assert self.ask(f"RCPT TO:<{recipient}>").startswith("250 ")
        assert self.ask("DATA").startswith("354 ")

    def is_closed(self) -> bool:
        return self.reply() == ""

    def close(self) -> None:
        self._lines.close()
        self.socket.close()

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
