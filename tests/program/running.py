"""The whole program in this process: listeners, flow and delivery on free ports, and what it sent
lands in a Maildir."""

import asyncio
import threading
from email.message import Message
from pathlib import Path

from listserv import daemon
from listserv.app import App, build
from listserv.clock import Clock
from listserv.config import (
    Auth,
    Config,
    Delivery,
    Dkim,
    Dns,
    Lmtp,
    Relay,
    Site,
    Smtp,
    Storage,
    Web,
)
from listserv.domain.address import Address
from listserv.store import queue_view
from tests import sink
from tests.dns import NOWHERE

DOMAIN = "lists.example.org"
OPERATOR = Address("operator", "example.org")
# Loopback needs milliseconds; this only ends a test that has failed.
PATIENCE = 90.0


class Running:
    """A running server; `app` is for setting up and looking, `smtp`, `lmtp` and `web` are its
    ports. With `url` people reach its pages there, and copies are personal. `clock`: all but
    the process that delivers goes by it."""

    def __init__(self, folder: Path, url: str = "", clock: Clock | None = None) -> None:
        self.maildir = folder / "Maildir"
        sink.put_key(folder, DOMAIN)
        self.app: App = build(
            Config(
                site=Site(DOMAIN, DOMAIN, OPERATOR),
                storage=Storage(f"sqlite:///{folder / 'listserv.db'}"),
                smtp=Smtp(listen="127.0.0.1:0"),
                lmtp=Lmtp(listen="127.0.0.1:0"),
                web=Web(listen="127.0.0.1:0", url=url),
                delivery=Delivery(mode="personal" if url else "verp"),
                relay=Relay(kind="maildir", path=self.maildir),
                auth=Auth(require_proven_author=False),
                dns=Dns(servers=(NOWHERE,)),
                dkim=Dkim(keys_dir=folder),
            ),
            clock,
        )
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._up.wait(PATIENCE), "the server did not come up"

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()

        def ready(ports: daemon.Ports) -> None:
            self.smtp, self.lmtp, self.web = ports.smtp, ports.lmtp, ports.web
            self._up.set()

        await daemon.serve(self.app, self._stop, ready)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the server did not stop"
        self.app.store.close()

    def mail(self) -> dict[str, Message]:
        """What was sent so far, by recipient, once nothing is left in the queue."""
        self._wait_for_queue()
        read = [sink.check_maildir(path) for path in self.maildir.glob("new/*")]
        return {message["Delivered-To"]: message for message in read}

    def new_mail(self, seen: set[Path]) -> list[Message]:
        """What was sent besides what was `seen`, and is now, once nothing is left in the queue; the
        newest last."""
        self._wait_for_queue()
        new = set(self.maildir.glob("new/*")) - seen
        seen |= new
        written = sorted(new, key=lambda path: path.stat().st_mtime_ns)
        return [sink.check_maildir(path) for path in written]

    def _wait_for_queue(self) -> None:
        patience = threading.Event()
        for _ in range(int(PATIENCE / 0.02)):
            if not self.app.store.read(queue_view.mailings):
                return
            patience.wait(0.02)
        raise AssertionError("mail is left in the queue")
