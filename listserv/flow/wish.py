"""What somebody wants by mail, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from listserv.domain.address import Address
from listserv.domain.languages import ENGLISH
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberRole
from listserv.flow.site import Site
from listserv.policy.commands.command import Command
from listserv.policy.commands.table import Who
from listserv.policy.digests import Schedule
from listserv.store.session import Tx

# What takes something back, as flow.undo keeps it.
Step = Mapping[str, Any]
# The roles that may do what not everybody may.
ROLES: Mapping[Who, frozenset[MemberRole]] = {
    Who.MEMBER: frozenset(MemberRole),
    Who.MODERATOR: frozenset({MemberRole.MODERATOR, MemberRole.OWNER}),
    Who.OWNER: frozenset({MemberRole.OWNER}),
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wants it: somebody whose mail proves the address, or who has `confirmed` a mail to it.
    `domain` is the one whose lists they wrote to, `began` how a membership begins by their mail,
    `words` what an applicant wrote besides; what is taken for theirs can be taken back with UNDO
    where `undo` says so. `language` is that of the answer to them, `zone` what is guessed of
    theirs, "" for that of the site."""

    address: Address
    domain: str
    began: str
    words: str = ""
    confirmed: bool = False
    undo: bool = True
    language: str = ENGLISH
    zone: str = ""

    @property
    def by(self) -> str:
        """For the log of a list."""
        return str(self.address)


@dataclass(frozen=True, slots=True)
class Wish:
    """One command that may act, for one list or none. `member` is the writer's membership there."""

    tx: Tx
    site: Site
    command: Command
    mlist: MailingList | None
    member: Member | None
    writer: Writer
    now: datetime

    @property
    def list(self) -> MailingList:
        """Of a command that is about one."""
        assert self.mlist is not None
        return self.mlist

    def done(self, **values: object) -> "Result":
        """It is done, as the phrase of its verb says it."""
        command = self.command
        said = {
            "name": command.name,
            "address": str(command.address or (command.domain and f"@{command.domain}") or ""),
            "until": command.until,
            "options": command.options,
            "zone": command.zone,
        }
        return Result(f"done.{command.verb.key}", {**said, **values})


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one command. `phrase` says it, filled with `values` and the list's title; ""
    where another mail says it, or `text` does. `undo` takes it back. `schedule` is that of the
    digest which comes, where the command was about it."""

    phrase: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    text: str = ""
    undo: tuple[Step, ...] = ()
    schedule: Schedule | None = None


def not_done(why: str, **values: object) -> Result:
    """It is not done, for a reason of the phrases under [not]."""
    return Result(f"not.{why}", values)
