"""A web server on loopback with a database of its own, and a browser that does what it is told."""

import asyncio
import http.client
import re
import socket
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import uvloop

from listserv.app import build
from listserv.config import Auth, Config, Relay, Site, Storage, Web
from listserv.domain.address import Address
from listserv.domain.members import Member
from listserv.domain.tokens import web_tokens
from listserv.web.limits import Limits
from listserv.web.server import WebServer, start_web
from tests import sink
from tests.database import with_schema
from tests.flow.world import DOMAIN, StillClock, World

PREFIX = "/groups"
# Loopback needs milliseconds; this only ends a test that has failed.
PATIENCE = 90.0
FORM = "application/x-www-form-urlencoded"
NONE: Mapping[str, str] = {}
ONE_CLICK = b"List-Unsubscribe=One-Click"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    header: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """What a reader sees of the page."""
        main = self.body.decode().partition("<main>")[2]
        return " ".join(unescape(re.sub(r"<[^>]+>", "", main)).split())


class Serving:
    """A running web server; `world` is for setting up and looking."""

    def __init__(
        self, folder: Path, limits: Limits, own: Path | None = None, prefix: str = PREFIX
    ) -> None:
        """`own` is the folder of an operator's wording, `prefix` the path of our URL."""
        (folder / "listserv.db").write_bytes(with_schema())
        operator = Address("operator", "example.org")
        config = Config(
            site=Site(DOMAIN, DOMAIN, operator, templates_dir=own),
            storage=Storage(f"sqlite:///{folder / 'listserv.db'}"),
            relay=Relay(kind="maildir", path=folder / "Maildir"),
            web=Web(url=f"https://{DOMAIN}{prefix}"),
            auth=Auth(require_proven_author=False),
        )
        clock = StillClock()
        self._app = build(config, clock)
        self.world = World(self._app.store, replace(self._app.site, signers=sink.signers), clock)
        self._limits = limits
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._up.wait(PATIENCE), "the server did not come up"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server: WebServer = await start_web(
            "127.0.0.1:0", self._app.pages(self._limits), self._limits
        )
        self.port = server.port
        self._up.set()
        await self._stop.wait()
        await server.close()

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the server did not stop"
        self._app.store.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def ask(
        self, method: str, path: str, body: bytes | None = None, header: Mapping[str, str] = NONE
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with closing(connection):
            connection.request(method, path, body, dict(header))
            got = connection.getresponse()
            fields = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, fields, got.read())

    def get(self, path: str, header: Mapping[str, str] = NONE) -> Answer:
        return self.ask("GET", path, None, header)

    def post(
        self, path: str, body: bytes = b"", kind: str = FORM, header: Mapping[str, str] = NONE
    ) -> Answer:
        return self.ask("POST", path, body, {"Content-Type": kind, **header})

    def dump(self) -> list[str]:
        """All that the database holds."""
        path = self.world.store.path
        assert path is not None
        with closing(sqlite3.connect(path)) as database:
            return list(database.iterdump())

    def link(self, member: Member, mailing: int = 1) -> str:
        """The path by which a member leaves with one click."""
        return f"/u/{web_tokens(self.world.site.secret, [member.id], mailing)[0]}"
