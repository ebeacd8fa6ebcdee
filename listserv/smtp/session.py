"""One connection: aiosmtpd's protocol with its conversation, timers and endings mended.

aiosmtpd 1.4.6 gives the plumbing: StreamReader, STARTTLS, dispatch by `smtp_*` methods, session
and envelope. Its command loop is replaced, because it answers faults with a permanent 500, cancels
the handler when a client hangs up, counts nothing and never says why it closes. The commands
themselves stand in commands.py; tests/smtp/test_aiosmtpd_defects.py has a test for each defect.
"""

import asyncio
import logging
import re
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, AnyStr, TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException

from listserv.domain.network import read_ip
from listserv.domain.post import Client
from listserv.domain.replies import TOO_BUSY, TOO_LONG_WAITED, TOO_MANY_ERRORS, Reply
from listserv.smtp.patience import Patience
from listserv.smtp.replies import (
    COMMAND_TOO_LONG,
    LINE_UNREADABLE,
    NO_SUCH_COMMAND,
    plain,
)
from listserv.smtp.settings import Limits
from listserv.smtp.shared import Answers, Shared, fault
from listserv.smtp.wire import HungUp, LineTooLong, Wire

log = logging.getLogger("listserv.smtp")

T = TypeVar("T")

# RFC 5321 4.5.3.1.4 says 512, and each extension adds to it (Postfix: line_length_limit).
COMMAND_OCTETS = 2048
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# A web page can make a browser on this host say these to us (Postfix: smtpd_forbidden_commands).
_NOT_MAIL = {"GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT"}
_JUNK = {"NOOP", "RSET", "HELO", "EHLO", "LHLO", "VRFY", "EXPN", "HELP", "XFORWARD"}


class Goodbye(Exception):
    """The connection ends here, with `reply` for the last word unless it has been said."""

    def __init__(self, reply: Reply | None) -> None:
        super().__init__(reply)
        self.reply = reply


def read_command(line: bytes) -> tuple[str, str] | None:
    """(VERB, argument) of a line that ends in CR LF, is UTF-8 and has no control characters."""
    if not line.endswith(b"\r\n"):
        return None
    try:
        text = line[:-2].decode("utf-8")
    except UnicodeDecodeError:
        return None
    verb, _, argument = text.partition(" ")
    if not verb.isascii() or _CONTROL.search(text):
        return None
    return verb.upper(), argument.strip(" ")


class Connection(SMTP):
    """The life of one connection, from the banner to the last word."""

    banner = "ESMTP"
    line_length_limit = 65_536

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.limits: Limits = shared.settings.limits
        self._errors = 0
        self._junk = 0
        self._patience = Patience(asyncio.get_running_loop())
        self._answering = Patience(asyncio.get_running_loop())
        self._dismissal: Reply | None = None
        self._at_once = False
        self._is_full = False
        self._waiting_since: float | None = None
        self.ended = asyncio.Event()
        certificate = shared.certificate
        super().__init__(
            None,
            data_size_limit=shared.settings.max_message_bytes,
            enable_SMTPUTF8=True,
            hostname=shared.settings.hostname,
            ident="listserv",
            tls_context=None if certificate is None else certificate.context(),
            timeout=self.limits.session_seconds,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )

    # -- what aiosmtpd and asyncio call --------------------------------------------------------

    def eof_received(self) -> bool | None:
        """A client may close its sending half after the last command (aiosmtpd cancels the
        handler here, in the middle of a store). What it said is dealt with, and answered."""
        asyncio.StreamReaderProtocol.eof_received(self)
        return self._tls_protocol is None  # TLS has no half-closed connections

    def pause_writing(self) -> None:
        """The client does not read what we say."""
        super().pause_writing()
        self._is_full = True

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._is_full = False

    def _timeout_cb(self) -> None:
        # aiosmtpd sets this timer when the connection begins: it bounds the whole of it.
        self.dismiss(TOO_LONG_WAITED, at_once=True)

    async def _handle_client(self) -> None:
        self.wire = Wire(self._reader)
        name = self.greeting().peer
        # A local socket's peer is this host.
        host = str(name[0]) if isinstance(name, tuple) else "127.0.0.1"
        self._address = str(read_ip(host) or host)
        self._trusted = self.shared.settings.trusts(self._address)
        self.shared.connections.add(self)
        try:
            await self._converse()
        except Goodbye as goodbye:
            self.shared.gate.leave(self)
            await self._part(goodbye.reply)
        except TLSSetupException as error:
            # Without a handshake nobody else tells us that the connection is over.
            log.info("TLS handshake failed with %s: %r", self.peer().address, error.__cause__)
            self.connection_lost(error)
        except (HungUp, ConnectionError):
            pass
        except Exception as error:
            fault(error)
        finally:
            self._patience.close()
            self._answering.close()
            self.shared.gate.leave(self)
            self.shared.connections.discard(self)
            if self.transport is not None:
                self.transport.close()
            self.ended.set()

    async def handle_exception(self, error: Exception) -> str:
        """The reply line for a bug of ours (aiosmtpd: 500 with the exception's text)."""
        return fault(error).line

    async def push(self, status: AnyStr) -> None:
        """Send reply lines, printable ASCII whatever they were (aiosmtpd raises, after the mail
        was stored). A client that does not read them is cut off."""
        text = status if isinstance(status, str) else status.decode("latin-1")
        await self._send(text.split("\r\n"))

    async def _send(self, lines: Iterable[str]) -> None:
        text = "".join([f"{plain(line)}\r\n" for line in lines])
        self._writer.write(text.encode("ascii"))
        if not self._is_full:
            return
        try:
            async with asyncio.timeout(self.limits.command_seconds):
                await self._writer.drain()
        except TimeoutError:
            self.abort()
            raise ConnectionAbortedError from None

    # -- what the gate and the listener ask ----------------------------------------------------

    @property
    def waiting_since(self) -> float | None:
        """See limits.Guest."""
        return self._waiting_since

    def dismiss(self, reply: Reply, *, at_once: bool) -> None:
        """End the connection with `reply`: when it is the client's turn to speak, and unless
        `at_once`, not before its transaction is finished."""
        self._dismissal = reply
        self._at_once = self._at_once or at_once
        if self._is_dismissed():
            self._patience.end()

    def abort(self) -> None:
        """End the connection without a word."""
        self._writer.transport.abort()

    def _is_dismissed(self) -> bool:
        return self._dismissal is not None and (self._at_once or not self.in_transaction())

    # -- what the commands use: methods, because aiosmtpd looks at all properties too early -----

    def greeting(self) -> Session:
        """What the client said of itself; begins anew with TLS."""
        assert self.session is not None
        return self.session

    def mail(self) -> Envelope:
        """The transaction; `mail_from` is None before MAIL and "" for the null sender."""
        assert self.envelope is not None
        return self.envelope

    def in_transaction(self) -> bool:
        return self.mail().mail_from is not None

    def peer(self) -> Client:
        """Who is at the other end of this connection, and what it calls itself."""
        return Client(self._address, self.greeting().host_name or "", self._trusted)

    async def say(self, *replies: Reply) -> None:
        """Send replies, each of them exactly one line."""
        await self._send([reply.line for reply in replies])

    async def refuse(self, reply: Reply) -> None:
        """Send the refusal of a command or recipient, and count it."""
        self.count_error()
        await self.say(reply)

    def count_error(self) -> None:
        """One more error; Goodbye when the budget is spent."""
        if self._errors >= self.limits.errors:
            log.info("too many errors from %s", self.peer().address)
            raise Goodbye(TOO_MANY_ERRORS)
        self._errors += 1

    def forgive(self) -> None:
        """A message was accepted: errors and junk commands before it are forgotten."""
        self._errors = self._junk = 0

    async def patiently(
        self, reading: Coroutine[Any, Any, T], seconds: float, since: float | None = None
    ) -> T:
        """Wait for the client, at most `seconds`, and not beyond being dismissed. `since`: when
        its turn began, if that was not now."""
        if self._is_dismissed():
            reading.close()
            raise Goodbye(self._dismissal)
        now = self.loop.time()
        self._waiting_since = now if since is None else since
        try:
            return await self._patience.wait(reading, now + seconds)
        except TimeoutError:
            raise Goodbye(self._dismissal or TOO_LONG_WAITED) from None
        finally:
            self._waiting_since = None

    async def answers(self, question: Answers | asyncio.Task[Answers], wanted: int) -> Answers:
        """The intake's answers. When they take too long the client hears a temporary fault, and
        the question runs on; neither that nor a hang-up cancels it."""
        if isinstance(question, tuple):
            return question
        until = self.loop.time() + self.limits.answer_seconds
        try:
            return await self._answering.wait(asyncio.shield(question), until)
        except TimeoutError as late:
            return (fault(late),) * wanted

    # -- the conversation ----------------------------------------------------------------------

    async def _converse(self) -> None:
        peer, now = self.peer(), self.loop.time()
        if not self.shared.gate.admit(self, peer.address, trusted=peer.trusted, now=now):
            self.shared.note_sent_away(peer.address, now)
            await self.say(TOO_BUSY)
            return
        await self.push(f"220 {self.hostname} {self.banner} listserv")
        while True:
            waiting = self.wire.line(COMMAND_OCTETS)
            try:
                line = await self.patiently(waiting, self.limits.command_seconds)
            except LineTooLong:
                await self.refuse(COMMAND_TOO_LONG)
            else:
                await self._obey(line)

    async def _obey(self, line: bytes) -> None:
        command = read_command(line)
        if command is None:
            return await self.refuse(LINE_UNREADABLE)
        verb, argument = command
        if verb in _NOT_MAIL:
            raise Goodbye(TOO_MANY_ERRORS)
        method = self._smtp_methods.get(verb)
        if method is None:
            return await self.refuse(NO_SUCH_COMMAND)
        if verb in _JUNK:
            self._junk += 1
            if self._junk > self.limits.junk_commands:
                self.count_error()
        try:
            await method(argument)
        except (Goodbye, HungUp, ConnectionError, TLSSetupException):
            raise
        except Exception as error:
            await self.push(await self.handle_exception(error))

    async def _part(self, reply: Reply | None) -> None:
        """Say the last word, and listen until the client has read it: closing while it still
        sends makes the kernel reset the connection, and the word is lost."""
        with suppress(ConnectionError, HungUp, TimeoutError):
            if reply is not None:
                await self.say(reply)
            if self._writer.can_write_eof():
                self._writer.write_eof()
            async with asyncio.timeout(self.limits.linger_seconds):
                while True:
                    await self.wire.block()
