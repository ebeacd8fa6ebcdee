"""The listeners: mail comes in by SMTP or LMTP, and the intake decides.

They run in the caller's event loop, on a TCP port or a Unix socket. session.py is one connection,
commands.py what is said on it, data.py how a message is read; nothing here decides about mail.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from listserv.domain.errors import ListservError
from listserv.domain.post import Transport
from listserv.smtp.commands import LmtpSession, SmtpSession
from listserv.smtp.replies import CLOSING
from listserv.smtp.session import Connection
from listserv.smtp.settings import Intake, Limits, ServerSettings
from listserv.smtp.shared import Shared

__all__ = ["Intake", "Limits", "Listener", "ServerSettings", "start_lmtp", "start_smtp"]

# Clients that connect while the loop is busy wait here; the gate sends away who is too many.
_BACKLOG = 512


class Listener:
    """A running listener. `port` is the real one where 0 was asked for, and 0 for a Unix
    socket."""

    def __init__(self, server: asyncio.Server, shared: Shared, path: Path | None) -> None:
        self._server = server
        self._shared = shared
        self._path = path
        self.port: int = 0 if path else server.sockets[0].getsockname()[1]

    async def close(self, seconds: float = 10.0) -> None:
        """Stop listening, let transactions finish for at most `seconds`, say 421 to everybody
        else. What the intake is storing even then is waited for no longer, nor cancelled."""
        self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        connections = tuple(self._shared.connections)
        for connection in connections:
            connection.dismiss(CLOSING, at_once=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for connection in connections:
                    await connection.ended.wait()
                while self._shared.questions:
                    await asyncio.wait(self._shared.questions)
        for connection in tuple(self._shared.connections):
            connection.abort()
            await connection.ended.wait()


async def start_smtp(listen: str, settings: ServerSettings, intake: Intake) -> Listener:
    """Listen for SMTP at "host:port", "[v6]:port" or "unix:/path"."""
    return await _start(SmtpSession, listen, Shared(settings, intake, Transport.SMTP))


async def start_lmtp(listen: str, settings: ServerSettings, intake: Intake) -> Listener:
    """Listen for LMTP at "host:port", "[v6]:port" or "unix:/path"."""
    return await _start(LmtpSession, listen, Shared(settings, intake, Transport.LMTP))


async def _start(session: Callable[[Shared], Connection], listen: str, shared: Shared) -> Listener:
    # aiosmtpd's own lines tell a connection's every step, with addresses; ours say enough.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    loop = asyncio.get_running_loop()
    name = shared.transport.value
    try:
        if listen.startswith("unix:"):
            path = Path(listen.removeprefix("unix:"))
            local = await loop.create_unix_server(lambda: session(shared), path, backlog=_BACKLOG)
            # For the group: the MTA's user joins ours.
            path.chmod(0o660)
            return Listener(local, shared, path)
        host, port = _read_listen(name, listen)
        server = await loop.create_server(lambda: session(shared), host, port, backlog=_BACKLOG)
        return Listener(server, shared, None)
    except OSError as error:
        raise ListservError(f"{name}.listen: cannot listen at {listen!r}: {error}") from None


def _read_listen(name: str, listen: str) -> tuple[str | None, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise ListservError(f"{name}.listen: {listen!r} is not host:port")
    return host.removeprefix("[").removesuffix("]") or None, int(port)
