"""SMTP transactions over one connection, without the connection: replies in, commands out.

A carrier calls `send` and `receive`, writes what is in `output`, reads what is in `events`, and
empties both. Where the peer offers PIPELINING, MAIL, RCPT... and DATA are one write, and the next
envelope goes with the last body: DATA ends a group of commands, a body does not (RFC 2920 3.1).
Where it offers CHUNKING too, the body goes with its own envelope and nothing waits for 354; the
next transaction follows before this one is answered, behind RSET, for whatever a refused BDAT
leaves behind (RFC 3030 2). Elsewhere each command waits for its reply.

Nothing is guessed. A recipient's outcome comes from its own refusal or from the reply to its own
final dot or BDAT LAST. A peer that says what cannot be the reply has lost step: the connection is
given up, and who has no outcome comes back as Unfinished. That BDAT is understood is tried with one
line first: to who does not know it, or never saw it because something between us took it away, a
message would be commands that its author chose.
"""

import re
from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final

from listserv.domain.mailing import Fate
from listserv.domain.transaction import Closed, Refused, Stage, Transaction, in_words
from listserv.smtp.accounts import Accounts
from listserv.smtp.offer import Offer
from listserv.smtp.piece import DATA, TRIAL, WHOLE, Piece, may_be_chunked
from listserv.smtp.reply_reader import ReplyReader

# These speak of the connection and answer no command of a transaction: greeting, goodbye, closing.
_OF_THE_CONNECTION: Final = (b"220", b"221", b"421")
# RFC 5321 4.5.3.1.10: a 552 that speaks of the number means 452.
_TOO_MANY: Final = re.compile(rb"452[ -]4\.5\.3\b|[45]52\b.*too many recipients", re.IGNORECASE)

# For each copy, and a member of an Enum class is found slowly (CPython 3.11).
_DELIVERED: Final = Fate.DELIVERED
_DOT: Final = Stage.DOT

# RFC 5321 4.2.4: what answers a command that is not known, or not taken in this way. No message is
# refused like that.
_NO_SUCH_COMMAND: Final = re.compile(rb"50[0-4]")


class Wait(Enum):
    """What reply is awaited; how long is up to the carrier (RFC 5321 4.5.3.2)."""

    NOTHING = "nothing"
    COMMAND = "command"
    DOT = "final dot"
    GOODBYE = "QUIT"


class Pipeline(Accounts):
    """The machine. The carrier keeps `unsent`: octets of `output` that it holds back.
    `refuses_chunks`: the peer offered CHUNKING, and does not take BDAT."""

    def __init__(self, offer: Offer) -> None:
        super().__init__()
        self.output: list[bytes] = []
        self.closed = False
        self.unsent = 0
        self.refuses_chunks = False
        self._offer = offer
        self._pipelining = offer.pipelining
        # How what may be chunked goes out.
        self._way = TRIAL if offer.chunking and offer.pipelining else DATA
        self._max_recipients = offer.max_recipients
        self._mails_left = offer.max_transactions
        self._queue: deque[tuple[Transaction, tuple[str, ...], str]] = deque()
        # Two transactions at most: the second is begun when the first is written to its end, and
        # all replies to the first come before those to the second.
        self._wire: deque[Piece] = deque()
        self._commands: list[bytes] = []  # in lock-step: the rest of the envelope, last one first
        self._must_reset = False
        self._fresh = True
        self._leaving = False
        self._quit_sent = False
        self._reader = ReplyReader()

    @property
    def hungry(self) -> bool:
        """The next transaction would be written at once."""
        wire = self._wire
        return (not wire or (self._pipelining and len(wire) == 1 and wire[0].is_whole)) and not (
            self._queue or self._leaving or self.closed
        )

    @property
    def wait(self) -> Wait:
        """What the peer is to say next. It may keep all replies until it has dealt with what was
        written, a whole message too."""
        if self._wire:
            return Wait.DOT if self._wire[0].is_whole else Wait.COMMAND
        return Wait.GOODBYE if self._quit_sent else Wait.NOTHING

    def send(self, transaction: Transaction) -> None:
        """Take a transaction. What cannot go over this connection is settled here and now."""
        offer, options = self._offer, ""
        addresses = transaction.sender + "".join(transaction.recipients)
        if addresses.isascii() and addresses.isprintable():
            recipients = transaction.recipients
        else:
            recipients = self.nameable(transaction, offer)
        if transaction.eight_bit and offer.eight_bit:
            options = " BODY=8BITMIME"
        if (transaction.utf8 or not addresses.isascii()) and offer.utf8:
            options += " SMTPUTF8"
        refusal = offer.cannot_take(transaction.data)
        if refusal:
            self.settle(transaction, recipients, Fate.DEFERRED, Stage.DOT, refusal)
        elif self._leaving or self.closed:
            self.hand_back(transaction, recipients)
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
        """What comes behind a 421 the peer does not look at any more."""
        self.closed = True
        held_back = self.unsent + sum(map(len, self.output))
        for piece in self._wire:
            is_out = piece.is_whole and held_back <= piece.behind and not goodbye
            surplus = tuple([recipient for recipient, _ in piece.surplus])
            if is_out:
                self.hand_back(piece.transaction, surplus)
                surplus = ()
            self.hand_back(piece.transaction, piece.undecided + surplus, goodbye, is_out)
        self._hand_back_queue(goodbye)
        self.events.append(Closed("" if self._quit_sent else words, answered))

    # Replies

    def _all_well(self, replies: Sequence[bytes]) -> bool:
        """The short way for what comes nearly always, together: one yes each to the final dot and
        the whole next envelope, or to all of a transaction, or of both. It does the same as one
        reply after the other."""
        wire = self._wire
        if not wire or self.unsent or self._reader.garbage is not None:
            return False
        codes = b"".join([reply[:3] for reply in replies])
        first = wire[0]
        if first.way is WHOLE:
            return self._all_taken(codes, replies)
        if len(wire) == 1 or wire[1].way is not DATA or wire[1].at:
            return False
        envelope = wire[1]
        if codes != b"250" * (envelope.opened + 1) + b"354":
            return False
        wire.popleft()
        envelope.accepted = list(envelope.recipients)
        envelope.at = envelope.opened
        self.settle(first.transaction, first.accepted, _DELIVERED, _DOT, replies[0])
        self._write_rest(envelope)
        return True

    def _all_taken(self, codes: bytes, replies: Sequence[bytes]) -> bool:
        """One yes each to all of the first transaction, or of both."""
        said, taken = 0, []
        for piece in self._wire:
            if piece.way is not WHOLE or piece.at > 0 or said == len(replies):
                break
            said += piece.owes
            taken.append((piece, said - 1))
        if not taken or said != len(replies) or codes != b"250" * said:
            return False
        for piece, end in taken:
            self._wire.popleft()
            self.settle(piece.transaction, piece.recipients, _DELIVERED, _DOT, replies[end])
        self._go_on()
        return True

    def _owed(self) -> int:
        """How many replies the peer owes us. What is written because of these, it cannot have
        answered yet."""
        if not self._pipelining:
            return len(self._wire) + int(self._quit_sent)
        return sum([piece.owes for piece in self._wire]) + int(self._quit_sent)

    def _answered(self, reply: bytes) -> None:
        """The reply, as one line without CRLF, to what was asked first."""
        if self._quit_sent:
            self.lost("")
        elif reply.startswith(_OF_THE_CONNECTION):
            self._answered_by_the_end(reply)
        else:
            piece = self._wire[0]
            if piece.at < piece.opened:
                self._envelope_answered(piece, reply)
            elif piece.is_whole:
                self._end_answered(piece, reply)
            else:
                self._opening_answered(piece, reply)

    def _answered_by_the_end(self, reply: bytes) -> None:
        if not reply.startswith(b"421"):
            self._lose_step(reply)
            return
        piece = self._wire[0]
        answered = piece.asks
        if answered is _DOT:
            self.settle(piece.transaction, piece.accepted, Fate.DEFERRED, _DOT, reply)
            piece.accepted = []
        elif answered is Stage.MAIL:
            self.events.append(Refused(reply, self._fresh))
        self._end(in_words(reply), reply, answered)

    def _not_asked_for(self, reply: bytes) -> None:
        """421 may come at any time: the peer closes (RFC 5321 3.8)."""
        if reply.startswith(b"421"):
            self._end(in_words(reply), reply)
        else:
            self._lose_step(reply)

    def _lose_step(self, line: bytes) -> None:
        self.lost(f"not a reply that can come here: {in_words(line)}")

    def _envelope_answered(self, piece: Piece, reply: bytes) -> None:
        at = piece.at
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

    def _mail_refused(self, piece: Piece, reply: bytes) -> None:
        transaction, recipients = piece.transaction, piece.recipients
        piece.mail_refused = True
        if reply.startswith(b"4"):
            self.settle(transaction, recipients, Fate.DEFERRED, Stage.MAIL, reply)
        else:
            self.events.append(Refused(reply, self._fresh))
            self.hand_back(transaction, recipients)
            self._hand_back_queue()

    def _rcpt_refused(self, piece: Piece, reply: bytes) -> None:
        recipient = piece.recipients[piece.at - 1]
        if _TOO_MANY.match(reply):
            piece.surplus += ((recipient, reply),)
        else:
            fate = Fate.FAILED if reply.startswith(b"5") else Fate.DEFERRED
            self.settle(piece.transaction, (recipient,), fate, Stage.RCPT, reply)

    def _opening_answered(self, piece: Piece, reply: bytes) -> None:
        """To DATA, or to the line that BDAT is tried with."""
        yes = b"354" if piece.way is DATA else b"2"
        if reply.startswith(yes):
            if piece.way is TRIAL:
                self._way = WHOLE
            if piece.way is TRIAL and not piece.accepted:
                self._drop(piece)  # a line for nobody, without an end
            else:
                self._write_rest(piece)
        elif not reply.startswith((b"4", b"5")):
            self._lose_step(reply)
        elif piece.way is TRIAL and piece.accepted and reply.startswith(b"5"):
            self._send_as_data(piece)
        else:
            self.settle(piece.transaction, piece.accepted, Fate.DEFERRED, Stage.DATA, reply)
            self._drop(piece)

    def _end_answered(self, piece: Piece, reply: bytes) -> None:
        """To the final dot or BDAT LAST."""
        taken = reply.startswith(b"2")
        if reply.startswith(b"3") or (taken and self.unsent > piece.behind):
            self._lose_step(reply)
        elif piece.way is not DATA and piece.accepted and _NO_SUCH_COMMAND.match(reply):
            self._send_as_data(piece)
        else:
            # After a lone dot nobody is there, and the reply says nothing.
            fate = Fate.DELIVERED if taken else Fate.DEFERRED
            self.settle(piece.transaction, piece.accepted, fate, _DOT, reply)
            self._drop(piece, clean=piece.way is DATA or (taken and bool(piece.accepted)))

    def _drop(self, piece: Piece, *, clean: bool = False) -> None:
        """It has had its last reply; unless `clean`, the peer may hold its envelope still. What is
        on the wire behind it begins with RSET already."""
        self._wire.popleft()
        if not (clean or self._wire):
            self._must_reset = True
        if piece.surplus:
            self._put_off(piece)
        self._go_on()

    def _send_as_data(self, piece: Piece) -> None:
        """The peer takes no BDAT, so nobody has this message."""
        self._way = DATA
        self.refuses_chunks = True
        if self._leaving:
            self.hand_back(piece.transaction, piece.accepted)
        else:
            self._queue.appendleft((piece.transaction, tuple(piece.accepted), piece.options))
        self._drop(piece)

    # What goes out

    def _write_rest(self, piece: Piece) -> None:
        self.output += piece.rest()
        piece.is_whole = True
        self._must_reset = not piece.accepted
        if piece.surplus:
            self._put_off(piece)
        if self._queue or self._leaving:
            self._go_on()

    def _has_room(self) -> bool:
        wire = self._wire
        return not wire or (self._pipelining and len(wire) == 1 and wire[0].is_whole)

    def _go_on(self) -> None:
        """Write the next envelope, if there is one and it may go now; QUIT after the last."""
        if self._queue:
            if self._has_room():
                self._begin(*self._queue.popleft())
        elif self._leaving and not self._wire and not self._quit_sent:
            self._quit_sent = True
            self.output.append(b"QUIT\r\n")

    def _begin(self, transaction: Transaction, recipients: tuple[str, ...], options: str) -> None:
        if len(recipients) > self._max_recipients:
            rest = recipients[self._max_recipients :]
            self._queue.appendleft((transaction, rest, options))
            recipients = recipients[: self._max_recipients]
        way = self._way
        if way is not DATA and not may_be_chunked(transaction):
            way = DATA
        reset, self._must_reset = self._must_reset, False
        first = self._wire[0] if self._wire else None
        if first is not None and first.way is not DATA:
            reset = True
        piece = Piece(transaction, recipients, options, way, reset)
        self._wire.append(piece)
        envelope = piece.envelope()
        if not self._pipelining:
            self._commands = envelope.splitlines(keepends=True)[::-1]
            envelope = self._commands.pop()
        self.output.append(envelope)
        behind = len(envelope)
        if way is not DATA:
            message = piece.with_envelope()
            self.output.extend(message)
            behind += sum(map(len, message))
            piece.is_whole = way is WHOLE
        if first is not None:
            first.behind += behind
        if self._mails_left is not None:
            self._mails_left -= 1
            if self._mails_left == 0:
                self._leaving = True
                self._hand_back_queue()

    def _next_command(self, piece: Piece) -> None:
        """In lock-step: what follows in the envelope, unless there is no sense in it."""
        last = piece.opened
        if piece.surplus and piece.accepted and piece.at < last:
            reply = piece.surplus[0][1]
            piece.surplus += tuple((r, reply) for r in piece.recipients[piece.at - 1 :])
            piece.at = last
            del self._commands[1:]
        if piece.mail_refused or (piece.at == last and not piece.accepted):
            self._drop(piece)
        else:
            self.output.append(self._commands.pop())

    def _put_off(self, piece: Piece) -> None:
        """Those too many go into the next transaction, unless there were no others in this."""
        transaction, surplus = piece.transaction, piece.surplus
        piece.surplus = ()
        if len(surplus) == len(piece.recipients):
            for recipient, reply in surplus:
                self.settle(transaction, (recipient,), Fate.DEFERRED, Stage.RCPT, reply)
            return
        rest = tuple(recipient for recipient, _ in surplus)
        self._max_recipients = len(piece.accepted) or self._max_recipients
        if self._leaving:
            self.hand_back(transaction, rest)
        else:
            self._queue.appendleft((transaction, rest, piece.options))

    def _hand_back_queue(self, goodbye: bytes = b"") -> None:
        while self._queue:
            transaction, recipients, _ = self._queue.popleft()
            self.hand_back(transaction, recipients, goodbye)
