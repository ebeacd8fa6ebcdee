"""The commands of SMTP and LMTP: they translate between the wire and the intake."""

from contextlib import ExitStack

from listserv.domain.post import Client, Incoming
from listserv.domain.replies import (
    ACCEPTED,
    BARE_LINE_END,
    STORAGE,
    TOO_BIG,
    TOO_MANY_RECIPIENTS,
    Reply,
)
from listserv.smtp.data import DataBlock
from listserv.smtp.envelope import read_mail, read_rcpt
from listserv.smtp.limits import Memory
from listserv.smtp.replies import (
    FAREWELL,
    GREET_FIRST,
    IN_TRANSACTION,
    NO_SUCH_COMMAND,
    NOT_HERE,
    NOT_TRUSTED,
    OK,
    RECIPIENT_FIRST,
    SENDER_FIRST,
    SENDER_OK,
    SYNTAX,
    TLS_ON,
)
from listserv.smtp.session import Connection, Goodbye
from listserv.smtp.shared import Answers, Shared
from listserv.smtp.xforward import ATTRIBUTES, Forwarded, read_xforward, real_client

_LONGEST_NAME = 255


class SmtpSession(Connection):
    """SMTP (RFC 5321). One answer for a message, whatever the number of its recipients."""

    # Whether addresses that cannot be read and a header without end are the intake's to judge.
    takes_odd_mail = False

    def __init__(self, shared: Shared) -> None:
        self._forwarded: Forwarded = {}
        super().__init__(shared)

    def _set_post_data_state(self) -> None:
        # What XFORWARD told is good for one transaction (XFORWARD_README, "Server operation").
        super()._set_post_data_state()  # type: ignore[no-untyped-call]
        self._forwarded = {}

    def client(self) -> Client:
        """The real client of this transaction."""
        return real_client(self.peer(), self._forwarded)

    def settle(self, answers: Answers) -> Answers:
        """The replies to send for `answers`, one of which stands for each recipient.

        Policy has made them equal. Were they not, one temporary answer makes the whole message
        come again (it is recognised where it was stored), and else it is accepted.
        """
        if len(set(answers)) == 1:
            return answers[:1]
        return (next((a for a in answers if 400 <= a.code < 500), ACCEPTED),)

    # -- greetings and what they offer ---------------------------------------------------------

    async def smtp_HELO(self, hostname: str) -> None:
        if self._greeted_by(hostname, extended=False):
            await self.push(f"250 {self.hostname}")
        else:
            await self.refuse(SYNTAX)

    async def smtp_EHLO(self, hostname: str) -> None:
        if not self._greeted_by(hostname, extended=True):
            return await self.refuse(SYNTAX)
        lines = [self.hostname, *self._offers()]
        last = len(lines) - 1
        await self.push(
            "\r\n".join(f"250{' ' if n == last else '-'}{line}" for n, line in enumerate(lines))
        )

    def _greeted_by(self, name: str, *, extended: bool) -> bool:
        if not name or " " in name or len(name) > _LONGEST_NAME:
            return False
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.greeting().host_name = name
        self.greeting().extended_smtp = extended
        return True

    def _offers(self) -> list[str]:
        """The extensions that work (RFC 1870, 6152, 6531, 2920, 2034, 3207; no others)."""
        offers = [f"SIZE {self.data_size_limit}", "8BITMIME", "SMTPUTF8"]
        offers += ["PIPELINING", "ENHANCEDSTATUSCODES"]
        if self.shared.certificate is not None and self._tls_protocol is None:
            offers.append("STARTTLS")
        if self.peer().trusted:
            offers.append(f"XFORWARD {' '.join(ATTRIBUTES)}")
        return offers

    async def smtp_STARTTLS(self, arg: str) -> None:
        if self.shared.certificate is None:
            return await self.refuse(NOT_HERE)
        if arg:
            return await self.refuse(SYNTAX)
        if self._tls_protocol is not None:
            return await self.refuse(TLS_ON)
        self.tls_context = self.shared.certificate.context()
        self.wire.forget()
        await super().smtp_STARTTLS("")

    async def smtp_XFORWARD(self, argument: str) -> None:
        if not self.peer().trusted:
            return await self.refuse(NOT_TRUSTED)
        if self.in_transaction():
            return await self.refuse(IN_TRANSACTION)
        told = read_xforward(argument, self._forwarded)
        if isinstance(told, Reply):
            return await self.refuse(told)
        self._forwarded = told
        await self.say(OK)

    # -- a transaction -------------------------------------------------------------------------

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not self.greeting().host_name:
            return await self.refuse(GREET_FIRST)
        if self.in_transaction():
            return await self.refuse(IN_TRANSACTION)
        mail = read_mail(arg or "", any_sender=self.takes_odd_mail)
        if isinstance(mail, Reply):
            return await self.refuse(mail)
        if mail.size > self.shared.settings.max_message_bytes:
            return await self.refuse(TOO_BIG)
        self.mail().mail_from, self.mail().smtp_utf8 = mail.sender, mail.utf8
        await self.say(SENDER_OK)

    async def smtp_RCPT(self, arg: str | None) -> None:
        sender = self.mail().mail_from
        if sender is None:
            return await self.refuse(SENDER_FIRST)
        if len(self.mail().rcpt_tos) >= self.limits.recipients:
            return await self.say(TOO_MANY_RECIPIENTS)
        settings = self.shared.settings
        domain = settings.domain or settings.hostname
        address = read_rcpt(
            arg or "",
            utf8=self.mail().smtp_utf8,
            domain=domain,
            any_recipient=self.takes_odd_mail,
        )
        if isinstance(address, Reply):
            return await self.refuse(address)
        question = self.shared.ask_recipient(address, self.client(), sender)
        (answer,) = await self.answers(question, 1)
        if answer.accepted:
            self.mail().rcpt_tos.append(address)
        elif answer.code >= 500:
            return await self.refuse(answer)
        await self.say(answer)

    async def smtp_DATA(self, arg: str | None) -> None:
        if arg:
            return await self.refuse(SYNTAX)
        recipients = tuple(self.mail().rcpt_tos)
        if not recipients:
            return await self.refuse(RECIPIENT_FIRST)
        await self.push("354 End the message with a line that is one dot")
        with ExitStack() as until_stored:
            memory = until_stored.enter_context(self.shared.gate.memory())
            raw = await self._receive(memory)
            if isinstance(raw, Reply):
                answers: Answers = (raw,) * len(recipients)
            else:
                question = self.shared.hand_over(self._incoming(raw))
                # What was received takes memory until the store has it, client or no client.
                stored = until_stored.pop_all()
                question.add_done_callback(lambda _: stored.close())
                answers = await self.answers(question, len(recipients))
        self._set_post_data_state()
        await self.say(*self.settle(answers))
        if raw is BARE_LINE_END:
            # Where the client believes the message to end is unknown: nothing it says from here
            # on may be taken for a command.
            raise Goodbye(None)
        if any(answer.accepted for answer in answers):
            self.forgive()
        elif all(answer.code >= 500 for answer in answers):
            self.count_error()

    def _incoming(self, raw: bytes) -> Incoming:
        sender, recipients = self.mail().mail_from, tuple(self.mail().rcpt_tos)
        assert sender is not None
        return Incoming(self.shared.transport, self.client(), sender, recipients, raw)

    async def _receive(self, memory: Memory) -> bytes | Reply:
        """The message up to the final dot, or how to refuse it."""
        limits, largest = self.limits, self.shared.settings.max_message_bytes
        block = DataBlock(
            largest=largest,
            longest_line=limits.line_octets,
            largest_header=largest if self.takes_odd_mail else limits.header_octets,
        )
        began, seen, rest = self.loop.time(), 0, None
        while rest is None:
            now = self.loop.time()
            # The slowest client allowed would have sent this much by then; a client may be
            # `block_seconds` behind it, however often it sends a few octets.
            behind = min(now, began + seen / limits.octets_per_second)
            chunk = await self.patiently(
                self.wire.block(), behind + limits.block_seconds - now, since=behind
            )
            seen += len(chunk)
            if block.flaw is None and not memory.take(len(chunk)):
                block.refuse(STORAGE)
            rest = block.feed(chunk)
            if block.flaw is BARE_LINE_END:
                return BARE_LINE_END
        self.wire.put_back(rest)
        return block.message()

    async def smtp_RSET(self, arg: str) -> None:
        if arg:
            return await self.refuse(SYNTAX)
        self._set_rset_state()  # type: ignore[no-untyped-call]
        await self.say(OK)

    # -- the rest ------------------------------------------------------------------------------

    async def smtp_NOOP(self, arg: str) -> None:
        await self.say(OK)

    async def smtp_QUIT(self, arg: str) -> None:
        raise Goodbye(FAREWELL)

    async def _not_here(self, arg: str) -> None:
        """Who is where is nobody's business, and there is nobody to log in."""
        await self.refuse(NOT_HERE)

    smtp_VRFY = smtp_EXPN = smtp_HELP = smtp_AUTH = _not_here


class LmtpSession(SmtpSession):
    """LMTP (RFC 2033): LHLO is the one greeting, and each recipient has its own answer.

    The MTA in front of us took the mail already: what we refuse it bounces, to a sender who may be
    forged. So what is only odd is taken, and the intake holds it.
    """

    banner = "LMTP"
    takes_odd_mail = True

    def settle(self, answers: Answers) -> Answers:
        return answers

    async def smtp_LHLO(self, arg: str) -> None:
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, hostname: str) -> None:
        await self.refuse(NO_SUCH_COMMAND)

    async def smtp_EHLO(self, hostname: str) -> None:
        await self.refuse(NO_SUCH_COMMAND)
