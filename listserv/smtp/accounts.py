"""What is told of the recipients: each of them is named once."""

from collections.abc import Sequence

from listserv.domain.mailing import Fate
from listserv.domain.transaction import Event, Settled, Stage, Transaction, Unfinished
from listserv.smtp.offer import Offer


class Accounts:
    """The events of a connection that the carrier has not read yet."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def settle(
        self,
        transaction: Transaction,
        recipients: Sequence[str],
        fate: Fate,
        stage: Stage,
        reply: bytes,
    ) -> None:
        """Their outcome."""
        if recipients:
            self.events.append(Settled(transaction.key, tuple(recipients), fate, stage, reply))

    def hand_back(
        self,
        transaction: Transaction,
        recipients: Sequence[str],
        goodbye: bytes = b"",
        dot_written: bool = False,
    ) -> None:
        """They have none."""
        if recipients:
            back = Unfinished(transaction.key, tuple(recipients), dot_written, goodbye)
            self.events.append(back)

    def nameable(self, transaction: Transaction, offer: Offer) -> tuple[str, ...]:
        """Its recipients without those whom no command can name; they are settled."""
        for_sender = offer.cannot_name(transaction.sender)
        if for_sender:
            recipients = transaction.recipients
            self.settle(transaction, recipients, Fate.DEFERRED, Stage.MAIL, for_sender)
            return ()
        fit = []
        for recipient in transaction.recipients:
            reason = offer.cannot_name(recipient)
            if reason:
                self.settle(transaction, (recipient,), Fate.FAILED, Stage.RCPT, reason)
            else:
                fit.append(recipient)
        return tuple(fit)
