"""A batch in hand: what is to be made, what waits, is on the wire, is to be written down."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from listserv.domain.transaction import Transaction
from listserv.flow.deliver import Report, Work


@dataclass(eq=False)
class InHand:
    """A batch in hand. `ready` are transactions to be taken, `unmade` the groups of positions for
    which none is made yet; `making` counts those that a thread is making. `returning`: when the
    batch is due again, once nothing of it is on the wire. `is_lost`: it is in other hands."""

    work: Work
    unmade: deque[tuple[int, ...]]
    ready: deque[Transaction] = field(default_factory=deque)
    making: int = 0
    on_the_wire: int = 0
    unwritten: int = 0
    returning: datetime | None = None
    words: str = ""
    is_lost: bool = False
    cut_off: dict[int, int] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is on its way any more and all of it has an outcome."""
        return not self.on_the_wire and self.work.is_complete

    @property
    def has_more(self) -> bool:
        """Whether any of it has not been taken yet."""
        return bool(self.ready or self.making or self.unmade)

    @property
    def may_go(self) -> bool:
        """A batch that crashed delivery goes one by one, each written down before the next."""
        if not self.work.careful:
            return self.returning is None
        busy = self.on_the_wire or self.unwritten or self.work.fresh
        return self.returning is None and not busy

    def report(self) -> Report | None:
        """What is to be written now, if anything. Empties `fresh`."""
        fresh, self.work.fresh = self.work.fresh, {}
        give_back = self.returning if not self.on_the_wire else None
        if not fresh and give_back is None and not self.is_over:
            return None
        return Report(
            self.work.lease,
            bytes(self.work.progress),
            fresh,
            self.work.deferred if self.is_over else None,
            give_back,
            self.words,
        )


@dataclass(eq=False, slots=True)
class Ticket:
    """A transaction's key: whose it is. `left` counts recipients without an outcome."""

    hand: InHand
    group: tuple[int, ...]
    left: int
    delivered: bool = False

    def places(self, recipients: Sequence[str]) -> Sequence[int]:
        """The positions of these recipients of the transaction."""
        if len(recipients) == len(self.group):
            return self.group
        targets, wanted = self.hand.work.targets, set(recipients)
        return [at for at in self.group if targets[at] in wanted]
