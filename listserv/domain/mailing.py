"""What goes out: mailings, batches of recipients, and what became of each recipient."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class Kind(StrEnum):
    POST = "post"
    DIGEST = "digest"
    NOTICE = "notice"


class Lane(IntEnum):
    """Which mailing goes first; a free connection takes the lowest number with work."""

    NOTICE = 0
    POST = 1
    BULK = 2


class Mode(StrEnum):
    """How copies differ: not at all, by envelope sender, by header and signature."""

    BATCHED = "batched"
    VERP = "verp"
    PERSONAL = "personal"


class MailingState(StrEnum):
    """`paused`: the relay refused its content; `set aside`: in quarantine; `dropped` by hand."""

    ACTIVE = "active"
    PAUSED = "paused"
    SET_ASIDE = "set aside"
    DROPPED = "dropped"
    DONE = "done"


class BatchState(StrEnum):
    READY = "ready"
    LEASED = "leased"
    DONE = "done"


class Fate(StrEnum):
    """What became of one recipient in one attempt. `skipped`: has left, paused or was banned
    since the batch was written."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of one recipient and the relay's words, for example "550 5.1.1 no such user".
    `counts`: a deferral that is not about us, our pace or the mailing counts as an attempt."""

    fate: Fate
    words: str = ""
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Mailing:
    """One thing that goes out. `post_id` names the post whose copies these are; a notice has its
    own `message` instead."""

    id: int
    list_id: int | None
    kind: Kind
    lane: Lane
    mode: Mode
    state: MailingState
    post_id: int | None
    message: bytes | None
    created: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """A batch in a worker's hands. `fence` is the number under which it may report; `members`
    are member numbers (one 0 for a notice to `address`), `done` tells which are finished already.
    `attempts` counts this one. `crashes` leases before this one ended in a crash without one new
    outcome; `poisoned`: a recipient was set aside for that already."""

    batch_id: int
    fence: int
    mailing: Mailing
    members: tuple[int, ...]
    done: tuple[bool, ...]
    address: str | None
    attempts: int
    crashes: int
    poisoned: bool


@dataclass(frozen=True, slots=True)
class Again:
    """Recipients of a batch (by position) who are to be tried again at `due`, or with None are
    given up. `attempts` is how many count so far, `words` why the last one was for nothing;
    `counts` whether that was about them (see Outcome)."""

    positions: tuple[int, ...]
    due: datetime | None
    attempts: int
    words: str
    counts: bool = True
