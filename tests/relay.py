"""A relay for tests: speaks SMTP on loopback, notes what it took, misbehaves when told.

Commands may come in groups (RFC 2920): each is answered in its turn, and one out of order is
refused as a real server would. When it closes, what it took from listserv is looked at (sink.py).
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from tests import sink

# What the relay answers to a command line instead of 250; "" hangs up without a word.
Script = Callable[[str], str | None]
# To a final dot: it has the message, and hangs up before it says so.
TAKEN_AND_GONE = "250 taken, and gone"


def obedient(line: str) -> str | None:
    """Everything is fine."""
    return None


@dataclass
class Taken:
    """One message that the relay answered 250."""

    sender: str
    recipients: list[str]
    options: str
    data: bytes


@dataclass
class ScriptedRelay:
    """`script` sees each command line ("." for the final dot, "connect" for the connection).
    STARTTLS is offered with a context; `seen` are all command lines."""

    script: Script = obedient
    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8", "PIPELINING")
    tls: ssl.SSLContext | None = None
    seen: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _serving: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def __aenter__(self) -> "ScriptedRelay":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, wrong: object, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task, writer in self._serving.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*self._serving)
        self._serving.clear()  # the next time may be on another loop
        if kind is None:
            for message in self.taken:
                if sink.is_ours(message.sender):
                    sink.check(message.data, message.sender)

    def hang_up(self) -> None:
        """Close every connection, without a word."""
        for writer in self._serving.values():
            writer.close()

    @property
    def copies(self) -> Counter[str]:
        """How many copies each recipient got."""
        return Counter(r for message in self.taken for r in message.recipients)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, the script hung up, or the test is over
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str, default: str) -> bool:
            answer = self.script(line)
            if answer == TAKEN_AND_GONE:
                self.taken.append(message)
            if answer in ("", TAKEN_AND_GONE):
                raise ConnectionAbortedError
            said = default if answer is None else answer
            writer.write(f"{said}\r\n".encode())
            return said[0] in "23"

        say("connect", "220 relay.example ESMTP")
        message = Taken("", [], "", b"")
        greeted = encrypted = begun = False
        while True:
            line = (await reader.readuntil(b"\r\n")).decode().strip()
            self.seen.append(line)
            verb = line.split(":")[0].upper()
            match verb.split()[0]:
                case "EHLO":
                    offers = [*self.extensions, *["STARTTLS"] * bool(self.tls and not encrypted)]
                    lines = ["relay.example", *offers]
                    text = [f"250-{one}" for one in lines[:-1]] + [f"250 {lines[-1]}"]
                    greeted = say(line, "\r\n".join(text))
                    begun = False
                case "STARTTLS":
                    if say(line, "220 go on"):
                        await writer.start_tls(self.tls)  # type: ignore[arg-type]
                        greeted, encrypted = False, True
                case "MAIL" if not greeted or begun:
                    say(line, "503 5.5.1 not now")
                case "MAIL":
                    sender, _, options = line[len("MAIL FROM:<") :].partition(">")
                    message = Taken(sender, [], options.strip(), b"")
                    begun = say(line, "250 ok")
                case "RCPT" if not begun:
                    say(line, "503 5.5.1 no MAIL")
                case "RCPT":
                    recipient = line[len("RCPT TO:<") :].partition(">")[0]
                    if say(line, "250 ok"):
                        message.recipients.append(recipient)
                case "DATA" if not begun or not message.recipients:
                    if say(line, "554 5.5.1 no valid recipients"):
                        await _read_data(reader)
                        begun = False
                        say(".", "554 5.5.1 no valid recipients")
                case "DATA":
                    if say(line, "354 go on"):
                        message.data = await _read_data(reader)
                        if say(".", "250 taken"):
                            self.taken.append(message)
                        begun = False
                case "BDAT":
                    octets = await reader.readexactly(int(line.split()[1]))
                    is_last = line.endswith(" LAST")
                    if not begun or not message.recipients:
                        say(line, "503 5.5.1 need RCPT")
                    elif say(line, "250 taken"):
                        message.data += octets
                        if is_last:
                            self.taken.append(message)
                            begun = False
                case "RSET":
                    begun = False
                    say(line, "250 ok")
                case "AUTH":
                    say(line, "235 ok")  # whoever it is; PLAIN only, in one line
                case "QUIT":
                    say(line, "221 bye")
                    return
                case _:
                    say(line, "250 ok")


async def _read_data(reader: asyncio.StreamReader) -> bytes:
    """Up to the final dot, dots unstuffed."""
    lines = []
    while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
        lines.append(line.removeprefix(b"."))
    return b"".join(lines)
