"""SMTP transactions over one connection, without the connection: replies in, commands out.

A carrier calls `send` and `receive`, writes what is in `output`, reads what is in `events`, and
empties both. Where the peer offers PIPELINING, MAIL, RCPT... and DATA are one write, and the next
envelope goes with the last body: DATA ends a group of commands, a body does not (RFC 2920 3.1).
Elsewhere each command waits for its reply.

Nothing is guessed. A recipient's outcome comes from its own refusal or from the reply to its own
final dot. A peer that says what cannot be the reply has lost step: the connection is given up, and
who has no outcome comes back as Unfinished.
"""

import re
from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final

from listserv.domain.mailing import Fate
from listserv.domain.transaction import (
    Closed,
    Event,
    Refused,
    Settled,
    Stage,
    Transaction,
    Unfinished,
    in_words,
)
from listserv.smtp.offer import Offer
from listserv.smtp.reply_reader import ReplyReader

# These speak of the connection and answer no command of a transaction: greeting, goodbye, closing.
_OF_THE_CONNECTION: Final = (b"220", b"221", b"421")
# RFC 5321 4.5.3.1.10: a 552 that speaks of the number means 452.
_TOO_MANY: Final = re.compile(rb"452[ -]4\.5\.3\b|[45]52\b.*too many recipients", re.IGNORECASE)

# For each copy, and a member of an Enum class is found slowly (CPython 3.11).
_DELIVERED: Final = Fate.DELIVERED
_DOT: Final = Stage.DOT


class Wait(Enum):
    """What reply is awaited; how long is up to the carrier (RFC 5321 4.5.3.2)."""

    NOTHING = "nothing"
    COMMAND = "command"
    DOT = "final dot"
    GOODBYE = "QUIT"


class _Piece:
    """A transaction on the wire, with the recipients that it has there. `at` tells which reply
    comes next: -1 RSET, 0 MAIL, k the k-th RCPT, and after the last one DATA."""

    __slots__ = (
        "accepted",
        "at",
        "mail_refused",
        "options",
        "recipients",
        "surplus",
        "transaction",
    )

    def __init__(
        self, transaction: Transaction, recipients: tuple[str, ...], options: str, at: int
    ) -> None:
        self.transaction = transaction
        self.recipients = recipients
        self.options = options
        self.at = at
        self.mail_refused = False
        self.accepted: list[str] = []
        # Recipients too many for this transaction, each with what the peer said to it.
        self.surplus: tuple[tuple[str, bytes], ...] = ()


class Pipeline:
    """The machine. The carrier keeps `unsent`: octets of `output` that it holds back."""

    def __init__(self, offer: Offer) -> None:
        self.output: list[bytes] = []
        self.events: list[Event] = []
        self.closed = False
        self.unsent = 0
        self._offer = offer
        self._pipelining = offer.pipelining
        self._max_recipients = offer.max_recipients
        self._mails_left = offer.max_transactions
        self._queue: deque[tuple[Transaction, tuple[str, ...], str]] = deque()
        # Two transactions are on the wire at most: the reply to the first one's final dot comes
        # before the replies to the second one's envelope.
        self._dotted: _Piece | None = None
        self._envelope: _Piece | None = None
        self._since_dot = 0  # octets of output
        self._commands: list[bytes] = []  # in lock-step: the rest of the envelope, last one first
        self._must_reset = False
        self._fresh = True
        self._leaving = False
        self._quit_sent = False
        self._reader = ReplyReader()

    @property
    def hungry(self) -> bool:
        """The next transaction would be written at once."""
        return (
            self._envelope is None
            and (self._pipelining or self._dotted is None)
            and not (self._queue or self._leaving or self.closed)
        )

    @property
    def wait(self) -> Wait:
        """What the peer is to say next."""
        if self._dotted is not None:
            return Wait.DOT
        if self._envelope is not None:
            return Wait.COMMAND
        return Wait.GOODBYE if self._quit_sent else Wait.NOTHING

    def send(self, transaction: Transaction) -> None:
        """Take a transaction. What cannot go over this connection is settled here and now."""
        offer, options = self._offer, ""
        addresses = transaction.sender + "".join(transaction.recipients)
        if addresses.isascii() and addresses.isprintable():
            recipients = transaction.recipients
        else:
            recipients = self._nameable(transaction)
        if transaction.eight_bit and offer.eight_bit:
            options = " BODY=8BITMIME"
        if (transaction.utf8 or not addresses.isascii()) and offer.utf8:
            options += " SMTPUTF8"
        refusal = offer.cannot_take(transaction.data)
        if refusal:
            self._settle(transaction, recipients, Fate.DEFERRED, Stage.DOT, refusal)
        elif self._leaving or self.closed:
            self._hand_back(transaction, recipients)
        elif recipients and self.hungry:
            self._begin(transaction, recipients, options)
        elif recipients:
            self._queue.append((transaction, recipients, options))

    def receive(self, data: bytes) -> bool:
        """Take bytes from the peer. True: there was a whole reply among them."""
        if self.closed:
            return False
        replies = self._reader.feed(data)
        if self._all_well(replies):
            return True
        owed = self._owed()
        for reply in replies[:owed]:
            self._answered(reply)
            if self.closed:
                return True
        if len(replies) > owed:
            self._not_asked_for(replies[owed])
        elif self._reader.garbage is not None:
            self._lose_step(self._reader.garbage)
        return bool(replies)

    def quit(self) -> None:
        """Finish what is on the wire, then QUIT. What has not begun comes back."""
        if not self._leaving and not self.closed:
            self._leaving = True
            self._hand_back_queue()
            self._go_on()

    def lost(self, words: str) -> None:
        """The connection is gone, or nothing more can be done with it."""
        if not self.closed:
            self._end(words)

    def _end(self, words: str, goodbye: bytes = b"", answered: Stage | None = None) -> None:
        self.closed = True
        if self._dotted is not None:
            held_back = self.unsent + sum(map(len, self.output))
            written = held_back <= self._since_dot
            self._hand_back(self._dotted.transaction, self._dotted.accepted, goodbye, written)
        piece = self._envelope
        if piece is not None and not piece.mail_refused:
            unasked = piece.recipients[max(piece.at - 1, 0) :]
            surplus = [recipient for recipient, _ in piece.surplus]
            self._hand_back(piece.transaction, (*piece.accepted, *surplus, *unasked), goodbye)
        self._hand_back_queue(goodbye)
        self.events.append(Closed("" if self._quit_sent else words, answered))

    # Replies

    def _all_well(self, replies: Sequence[bytes]) -> bool:
        """The short way for what comes nearly always: one yes each to the final dot and the whole
        next envelope, together. It does the same as one reply after the other."""
        dotted, envelope = self._dotted, self._envelope
        if dotted is None or envelope is None or envelope.at or self.unsent:
            return False
        yes = len(envelope.recipients) + 2
        if len(replies) != yes + 1 or not self._pipelining or self._reader.garbage is not None:
            return False
        if b"".join([reply[:3] for reply in replies]) != b"250" * yes + b"354":
            return False
        self._fresh = False
        envelope.accepted = list(envelope.recipients)
        self._settle(dotted.transaction, dotted.accepted, _DELIVERED, _DOT, replies[0])
        self._write_body(envelope)
        return True

    def _owed(self) -> int:
        """How many replies the peer owes us. What is written because of these, it cannot have
        answered yet."""
        owed = int(self._dotted is not None) + int(self._quit_sent)
        if self._envelope is not None:
            envelope = self._envelope
            owed += len(envelope.recipients) + 2 - envelope.at if self._pipelining else 1
        return owed

    def _answered(self, reply: bytes) -> None:
        """The reply, as one line without CRLF, to what was asked first."""
        if self._quit_sent:
            self.lost("")
        elif reply.startswith(_OF_THE_CONNECTION):
            self._answered_by_the_end(reply)
        elif self._dotted is not None:
            self._dot_answered(self._dotted, reply)
        else:
            assert self._envelope is not None
            self._envelope_answered(self._envelope, reply)

    def _answered_by_the_end(self, reply: bytes) -> None:
        if not reply.startswith(b"421"):
            self._lose_step(reply)
            return
        answered = self._asked()
        if self._dotted is not None:
            piece, self._dotted = self._dotted, None
            self._settle(piece.transaction, piece.accepted, Fate.DEFERRED, Stage.DOT, reply)
        elif answered is Stage.MAIL:
            self.events.append(Refused(reply, self._fresh))
        self._end(in_words(reply), reply, answered)

    def _asked(self) -> Stage | None:
        """What the next reply answers; None for RSET."""
        if self._dotted is not None:
            return Stage.DOT
        piece = self._envelope
        if piece is None or piece.at < 0:
            return None
        if piece.at == 0:
            return Stage.MAIL
        return Stage.RCPT if piece.at <= len(piece.recipients) else Stage.DATA

    def _not_asked_for(self, reply: bytes) -> None:
        """421 may come at any time: the peer closes (RFC 5321 3.8)."""
        if reply.startswith(b"421"):
            self._end(in_words(reply), reply)
        else:
            self._lose_step(reply)

    def _lose_step(self, line: bytes) -> None:
        self.lost(f"not a reply that can come here: {in_words(line)}")

    def _dot_answered(self, piece: _Piece, reply: bytes) -> None:
        taken = reply.startswith(b"2")
        if reply.startswith(b"3") or (taken and self.unsent > self._since_dot):
            self._lose_step(reply)
            return
        self._dotted = None
        # After a lone dot nobody is there, and the reply says nothing.
        fate = Fate.DELIVERED if taken else Fate.DEFERRED
        self._settle(piece.transaction, piece.accepted, fate, Stage.DOT, reply)
        self._go_on()

    def _envelope_answered(self, piece: _Piece, reply: bytes) -> None:
        at = piece.at
        if at > len(piece.recipients):
            self._data_answered(piece, reply)
            return
        if reply.startswith(b"2") and not piece.mail_refused:
            if at > 0:
                piece.accepted.append(piece.recipients[at - 1])
            elif at == 0:
                self._fresh = False
        elif at < 0 or reply.startswith((b"2", b"3")):
            self._lose_step(reply)
            return
        elif at == 0:
            self._mail_refused(piece, reply)
        elif not piece.mail_refused:
            self._rcpt_refused(piece, reply)
        piece.at = at + 1
        if not self._pipelining:
            self._next_command(piece)

    def _mail_refused(self, piece: _Piece, reply: bytes) -> None:
        transaction, recipients = piece.transaction, piece.recipients
        piece.mail_refused = True
        if reply.startswith(b"4"):
            self._settle(transaction, recipients, Fate.DEFERRED, Stage.MAIL, reply)
        else:
            self.events.append(Refused(reply, self._fresh))
            self._hand_back(transaction, recipients)
            self._hand_back_queue()

    def _rcpt_refused(self, piece: _Piece, reply: bytes) -> None:
        recipient = piece.recipients[piece.at - 1]
        if _TOO_MANY.match(reply):
            piece.surplus += ((recipient, reply),)
        else:
            fate = Fate.FAILED if reply.startswith(b"5") else Fate.DEFERRED
            self._settle(piece.transaction, (recipient,), fate, Stage.RCPT, reply)

    def _data_answered(self, piece: _Piece, reply: bytes) -> None:
        if reply.startswith(b"354"):
            self._write_body(piece)
        elif reply.startswith((b"4", b"5")):
            self._settle(piece.transaction, piece.accepted, Fate.DEFERRED, Stage.DATA, reply)
            self._end_envelope(piece)
        else:
            self._lose_step(reply)

    # What goes out

    def _write_body(self, piece: _Piece) -> None:
        self._envelope = None
        if piece.accepted:
            self.output.extend(piece.transaction.data)
        else:  # RFC 2920 3.1: it must have its dot all the same
            self._must_reset = True
        self.output.append(b".\r\n")
        self._since_dot = 0
        self._dotted = piece
        if piece.surplus:
            self._put_off(piece)
        self._go_on()

    def _go_on(self) -> None:
        """Write the next envelope, if there is one and it may go now; QUIT after the last."""
        if self._envelope is not None or (self._dotted is not None and not self._pipelining):
            return
        if self._queue:
            self._begin(*self._queue.popleft())
        elif self._leaving and self._dotted is None and not self._quit_sent:
            self._quit_sent = True
            self.output.append(b"QUIT\r\n")

    def _begin(self, transaction: Transaction, recipients: tuple[str, ...], options: str) -> None:
        if len(recipients) > self._max_recipients:
            rest = recipients[self._max_recipients :]
            self._queue.appendleft((transaction, rest, options))
            recipients = recipients[: self._max_recipients]
        reset, self._must_reset = self._must_reset, False
        rcpts = ">\r\nRCPT TO:<".join(recipients)
        text = f"MAIL FROM:<{transaction.sender}>{options}\r\nRCPT TO:<{rcpts}>\r\nDATA\r\n"
        commands = (f"RSET\r\n{text}" if reset else text).encode()
        self._envelope = _Piece(transaction, recipients, options, -1 if reset else 0)
        if self._pipelining:
            self.output.append(commands)
            self._since_dot += len(commands)
        else:
            self._commands = commands.splitlines(keepends=True)[::-1]
            self.output.append(self._commands.pop())
        if self._mails_left is not None:
            self._mails_left -= 1
            if self._mails_left == 0:
                self._leaving = True
                self._hand_back_queue()

    def _next_command(self, piece: _Piece) -> None:
        """In lock-step: what follows in the envelope, unless there is no sense in it."""
        last = len(piece.recipients) + 1
        if piece.surplus and piece.accepted and piece.at < last:
            reply = piece.surplus[0][1]
            piece.surplus += tuple((r, reply) for r in piece.recipients[piece.at - 1 :])
            piece.at = last
            del self._commands[1:]
        if piece.mail_refused or (piece.at == last and not piece.accepted):
            self._end_envelope(piece)
        else:
            self.output.append(self._commands.pop())

    def _end_envelope(self, piece: _Piece) -> None:
        """No body follows, so the peer may hold this envelope still."""
        self._envelope = None
        self._must_reset = True
        if piece.surplus:
            self._put_off(piece)
        self._go_on()

    def _put_off(self, piece: _Piece) -> None:
        """Those too many go into the next transaction, unless there were no others in this."""
        transaction, surplus = piece.transaction, piece.surplus
        if len(surplus) == len(piece.recipients):
            for recipient, reply in surplus:
                self._settle(transaction, (recipient,), Fate.DEFERRED, Stage.RCPT, reply)
            return
        rest = tuple(recipient for recipient, _ in surplus)
        self._max_recipients = len(piece.accepted) or self._max_recipients
        if self._leaving:
            self._hand_back(transaction, rest)
        else:
            self._queue.appendleft((transaction, rest, piece.options))

    # Events

    def _nameable(self, transaction: Transaction) -> tuple[str, ...]:
        """Its recipients without those whom no command can name; they are settled."""
        for_sender = self._offer.cannot_name(transaction.sender)
        if for_sender:
            recipients = transaction.recipients
            self._settle(transaction, recipients, Fate.DEFERRED, Stage.MAIL, for_sender)
            return ()
        fit = []
        for recipient in transaction.recipients:
            reason = self._offer.cannot_name(recipient)
            if reason:
                self._settle(transaction, (recipient,), Fate.FAILED, Stage.RCPT, reason)
            else:
                fit.append(recipient)
        return tuple(fit)

    def _settle(
        self,
        transaction: Transaction,
        recipients: Sequence[str],
        fate: Fate,
        stage: Stage,
        reply: bytes,
    ) -> None:
        if recipients:
            self.events.append(Settled(transaction.key, tuple(recipients), fate, stage, reply))

    def _hand_back(
        self,
        transaction: Transaction,
        recipients: Sequence[str],
        goodbye: bytes = b"",
        dot_written: bool = False,
    ) -> None:
        if recipients:
            back = Unfinished(transaction.key, tuple(recipients), dot_written, goodbye)
            self.events.append(back)

    def _hand_back_queue(self, goodbye: bytes = b"") -> None:
        while self._queue:
            transaction, recipients, _ = self._queue.popleft()
            self._hand_back(transaction, recipients, goodbye)
