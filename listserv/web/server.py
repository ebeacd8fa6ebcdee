"""The web server: uvicorn in the caller's event loop, with timers that it lacks.

uvicorn waits for ever for the head of a first request, and begins its keep-alive time anew with
each octet. Connection has one timer from the moment it is made, so that neither 300 idle clients
nor slow ones keep a place.
"""

import asyncio
import logging
from contextlib import suppress

import h11
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from listserv.domain.errors import ListservError
from listserv.web.limits import Limits

# Clients that connect while the loop is busy wait here.
_BACKLOG = 512
_SHORT = 0.02
# Our own timer comes first.
_NEVER = 86_400


class Connection(H11Protocol):
    """One connection: each request's head, and then its answer, is there in time."""

    def __init__(self, config: Config, state: ServerState, limits: Limits) -> None:
        super().__init__(config, state, {})
        self.access_log = False  # its lines have addresses and tokens
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self.waiting_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.waiting_since is not None and self._is_asked():
            self.waiting_since = None
            self._end_in(self._limits.request_seconds)

    def on_response_complete(self) -> None:
        self._wait()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is not HTTP: say so, unless an answer is on its way already."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        self.transport.close()
        if self._is_asked():  # whoever reads the body or answers it finds the client gone
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def shutdown(self) -> None:
        """Close when there is nothing to answer, else after the answer."""
        if self._is_asked():
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def abort(self) -> None:
        """End it without a word."""
        self.waiting_since = None
        self.transport.abort()

    def _is_asked(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self.waiting_since = self.loop.time()
        self._end_in(self._limits.head_seconds)

    def _end_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self.abort)

    def _make_room(self) -> None:
        """When all places are taken, whoever has been silent longest goes: it has asked nothing.
        Where all the others wait for our answers, that is this one."""
        if len(self.connections) <= self._limits.connections:
            return
        silent = [
            (other.waiting_since, other)
            for other in self.connections
            if isinstance(other, Connection) and other.waiting_since is not None
        ]
        min(silent, key=lambda pair: pair[0])[1].abort()


class WebServer:
    """A running web server; `port` is the real one where 0 was asked for."""

    def __init__(self, server: asyncio.Server, state: ServerState, limits: Limits) -> None:
        self._server = server
        self._state = state
        self._limits = limits
        self.port: int = server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, let requests that are being answered finish, drop everybody else. What is
        being stored even then is waited for no longer, nor cancelled."""
        self._server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_seconds):
                while self._state.connections or self._state.tasks:
                    for connection in list(self._state.connections):
                        connection.shutdown()  # those, too, that were let in at the last moment
                    await asyncio.sleep(_SHORT)
        for connection in list(self._state.connections):
            connection.transport.abort()
        while self._state.connections:
            await asyncio.sleep(0)


async def start_web(listen: str, application: ASGIApp, limits: Limits) -> WebServer:
    """Serve an ASGI application at "host:port" or "[v6]:port". Raises ListservError."""
    # What a client does wrong it hears itself; these would log it, with what it sent.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    config = Config(
        application, http=Connection, ws="none", lifespan="off", interface="asgi3", log_config=None,
        access_log=False, proxy_headers=False, server_header=False, date_header=False,
        timeout_keep_alive=_NEVER,
    )  # fmt: skip
    config.load()
    state = ServerState()
    host, _, port = listen.rpartition(":")
    try:
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(config, state, limits),
            host.removeprefix("[").removesuffix("]"),
            int(port),
            backlog=_BACKLOG,
        )
    except OSError as error:
        raise ListservError(f"web.listen: cannot listen at {listen!r}: {error}") from None
    return WebServer(server, state, limits)
