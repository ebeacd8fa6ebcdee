"""Addresses that are commands: whoever writes to LIST-leave@ need not say anything."""

from collections.abc import Mapping

from listserv.domain.address import Recipient, Role
from listserv.policy.commands.command import Command, Option, Verb

# The roles whose mail has its commands in the subject or the text.
WRITTEN = frozenset({Role.REQUEST, Role.ROBOT})

BY_ROLE: Mapping[Role, tuple[Verb, tuple[Option, ...]]] = {
    Role.JOIN: (Verb.SUBSCRIBE, ()),
    Role.JOIN_DIGEST: (Verb.SUBSCRIBE, (Option.DIGEST,)),
    Role.JOIN_NOMAIL: (Verb.SUBSCRIBE, (Option.NOMAIL,)),
    Role.LEAVE: (Verb.SIGNOFF, ()),
    Role.LEAVE_TOKEN: (Verb.SIGNOFF, ()),
    Role.DIGEST: (Verb.SET, (Option.DIGEST,)),
    Role.MAIL: (Verb.SET, (Option.MAIL,)),
    Role.NOMAIL: (Verb.SET, (Option.NOMAIL,)),
}


def by_address(to: Recipient) -> Command | None:
    """The command that an address is; None for one that is none."""
    if to.role not in BY_ROLE:
        return None
    verb, options = BY_ROLE[to.role]
    return Command(verb, to.name, options=options, token=to.argument)
