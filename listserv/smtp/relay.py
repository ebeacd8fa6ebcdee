"""The relay: hands copies to the next MTA over pooled connections, or into a Maildir.

Only a 5xx at RCPT is about the recipient. A refusal of the connection, the greeting, the log-in or
the sender is about us (RelayDown); one at the final dot is about the mailing, and is tried again.
"""

import asyncio
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException, SMTPServerDisconnected

from listserv.domain.courier import RelayDown
from listserv.domain.mailing import Copy, Fate, Outcome

# RFC 5321 4.5.3.2: a shorter wait for the reply after the final dot makes duplicates (RFC 1047).
_AFTER_DOT = 600.0
_COMMAND = 300.0
_CONNECT = 30.0
# Postfix closes after 300 s without a command; a connection is not kept nearly as long.
_IDLE = 20.0


@dataclass(frozen=True)
class RelaySettings:
    """Where the relay is and how to speak to it. `tls`: opportunistic, required or off."""

    host: str
    port: int
    hostname: str
    tls: str = "opportunistic"
    username: str | None = None
    password: str | None = None


@dataclass
class _Connection:
    client: aiosmtplib.SMTP
    idle_since: float = 0.0


class SmtpCourier:
    """Sends over as many connections as there are `send` calls at once, and keeps them."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._idle: list[_Connection] = []

    async def send(self, copy: Copy) -> Outcome:
        connection = self._kept()
        if connection is not None:
            try:
                return await self._finish(connection, copy)
            except SMTPServerDisconnected:
                pass  # it was closed while idle: once more over a new one
        try:
            return await self._finish(await self._connect(), copy)
        except (SMTPException, OSError) as lost:  # hung up, silent, or not speaking SMTP
            return Outcome(Fate.DEFERRED, f"connection lost: {_words(lost)}")

    async def rest(self) -> None:
        """Close what is idle, politely."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await _quit(connection.client)

    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.client.is_connected and _now() - connection.idle_since < _IDLE:
                return connection
            connection.client.close()
        return None

    async def _connect(self) -> _Connection:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=settings.hostname,
            timeout=_CONNECT,
            # Opportunistic: encrypt where the relay offers it; one on this host has no certificate
            # that could be checked.
            start_tls={"off": False, "required": True}.get(settings.tls),
            validate_certs=settings.tls == "required",
        )
        try:
            await client.connect()
            client.timeout = _COMMAND
            if settings.username is not None and settings.password is not None:
                await client.login(settings.username, settings.password)
            await client.ehlo()
        except (SMTPException, OSError, ssl.SSLError) as refused:
            client.close()
            raise RelayDown(_words(refused)) from refused
        return _Connection(client)

    async def _finish(self, connection: _Connection, copy: Copy) -> Outcome:
        """One transaction; afterwards the connection is kept or closed."""
        keep = False
        try:
            outcome = await _transaction(connection.client, copy)
            keep = True
            return outcome
        finally:
            if keep and connection.client.is_connected:
                connection.idle_since = _now()
                self._idle.append(connection)
            else:
                connection.client.close()


async def _transaction(client: aiosmtplib.SMTP, copy: Copy) -> Outcome:
    eight_bit = copy.eight_bit and client.supports_extension("8bitmime")
    utf8 = client.supports_extension("smtputf8") and (copy.utf8 or not copy.recipient.isascii())
    if not copy.recipient.isascii() and not utf8:
        return Outcome(Fate.FAILED, "550 5.6.7 the relay does not take SMTPUTF8 addresses")
    options: Sequence[str] = [
        *(["BODY=8BITMIME"] if eight_bit else []),
        *(["SMTPUTF8"] if utf8 else []),
    ]
    encoding = "utf-8" if utf8 else "ascii"
    try:
        await client.mail(copy.sender, options=options, encoding=encoding)
    except SMTPResponseException as refused:
        if refused.code >= 500 or refused.code == 421:
            raise RelayDown(_words(refused)) from refused
        return await _after_refusal(client, refused, Fate.DEFERRED)
    try:
        await client.rcpt(copy.recipient, encoding=encoding)
    except SMTPResponseException as refused:
        fate = Fate.FAILED if 500 <= refused.code <= 599 else Fate.DEFERRED
        return await _after_refusal(client, refused, fate)
    try:
        await client.data(b"".join(copy.data), timeout=_AFTER_DOT)
    except SMTPResponseException as refused:
        return await _after_refusal(client, refused, Fate.DEFERRED)
    return Outcome(Fate.DELIVERED)


async def _after_refusal(
    client: aiosmtplib.SMTP, refused: SMTPResponseException, fate: Fate
) -> Outcome:
    """Clear the transaction; when the peer hangs up on that, the connection is simply not kept."""
    try:
        await client.rset()
    except SMTPException:
        client.close()
    return Outcome(fate, _words(refused))


async def _quit(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit(timeout=1)
    except SMTPException:
        client.close()


def _words(refused: BaseException) -> str:
    if isinstance(refused, SMTPResponseException):
        return f"{refused.code} {_one_line(refused.message)}"
    return _one_line(str(refused)) or type(refused).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _now() -> float:
    return asyncio.get_running_loop().time()


class MaildirCourier:
    """Writes each copy into one Maildir; Return-Path and Delivered-To tell its envelope."""

    def __init__(self, path: Path) -> None:
        self._path = path
        for folder in ("tmp", "new", "cur"):
            (path / folder).mkdir(parents=True, exist_ok=True)

    async def send(self, copy: Copy) -> Outcome:
        await asyncio.to_thread(self._write, copy)
        return Outcome(Fate.DELIVERED)

    async def rest(self) -> None:
        """There is nothing to let go of."""

    def _write(self, copy: Copy) -> None:
        envelope = f"Return-Path: <{copy.sender}>\r\nDelivered-To: {copy.recipient}\r\n"
        name = f"{secrets.token_hex(16)}.listserv"
        text = envelope.encode() + b"".join(copy.data)
        written = self._path / "tmp" / name
        written.write_bytes(text.replace(b"\r\n", b"\n"))
        written.rename(self._path / "new" / name)
