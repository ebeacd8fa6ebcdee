"""Commands that wait for a yes: the address that they are about is asked whether it wants them.

A mail that asks carries no word of whoever caused it, is the same for members and strangers, and
does not come often (policy.confirming.may_ask). What happens after the yes is in flow/agreed.py.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.flow import notices
from listserv.flow.address_input import new_address, ours
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.flow.wish import Result, Wish
from listserv.policy.commands.command import Command
from listserv.policy.confirming import may_ask
from listserv.policy.linked import mailbox_key
from listserv.store import confirmations, members
from listserv.store.session import Tx

log = logging.getLogger("listserv.asking")

# Their row in flow.confirm.KINDS.
KIND = "commands"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is kept with a question of this kind: canonical lines, the domain whose lists they are
    about, how a membership begins by them, what an applicant wrote besides, and the zone that is
    guessed of them."""

    lines: tuple[str, ...]
    domain: str
    began: str
    words: str = ""
    zone: str = ""


def ask(
    tx: Tx,
    site: Site,
    origin: MailingList | str,
    to: Address,
    commands: Sequence[Command],
    about: Asked,
    asker: str,
    now: datetime,
) -> bool:
    """Ask an address about commands, unless it is none to ask, or too many questions wait there, or
    too many were caused by whoever causes this one: `asker`, "" for somebody whose mail is
    proven."""
    if not can_be_asked(tx, site, to):
        log.warning("not asked=%s, no mail can go there", to.masked)
        return False
    mailbox = mailbox_key(to)
    if asker:
        waiting = confirmations.unanswered(tx, mailbox, asker, now)
        if not may_ask(waiting):
            log.warning("not asked=%s, because of the questions that wait", to.masked)
            return False
    mlist = origin if isinstance(origin, MailingList) else None
    question = new_question(
        tx, site, KIND, str(to), asdict(about), now,
        list_id=mlist.id if mlist else None, mailbox=mailbox if asker else "", asker=asker,
    )  # fmt: skip
    language = notices.language_of(origin, None)
    wishes = []
    for command in commands:
        key = f"asked.{command.verb.key}"
        values = {"list": mlist.title if mlist else command.list.strip("*")}
        wishes.append(site.templates.phrase(key, values, language))
    notices.send(
        tx, site, origin, "person-confirm.txt", to, now, values={"wishes": wishes},
        reply_to=confirm_address(origin, question.token), language=language,
    )  # fmt: skip
    return True


def is_ours(tx: Tx, site: Site, address: Address) -> bool:
    """Whether mail to an address comes back to us."""
    return ours(tx, site.domains)(address)


def can_be_asked(tx: Tx, site: Site, address: Address) -> bool:
    """Whether a mail to an address that somebody names may leave: not back to us, nor to what is no
    mailbox out there, such as root@localhost or one at an IP address."""
    if is_ours(tx, site, address):
        return False
    try:
        new_address(str(address))
    except ListservError:
        return bool(members.find(tx, address.key))
    return True


def ask_writer(wish: Wish) -> Result:
    """Ask whoever wrote, and has proven to be the author, to answer a mail as well: double opt-in
    shows that mail to the address arrives."""
    writer = wish.writer
    about = Asked((str(wish.command),), writer.domain, writer.began, writer.words, writer.zone)
    ask(wish.tx, wish.site, wish.list, writer.address, [wish.command], about, "", wish.now)
    return Result()
