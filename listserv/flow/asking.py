"""Commands that wait for a yes: the address that they are about is asked whether it wants them.

A mail that asks carries no word of whoever caused it, is the same for members and strangers, and
does not come often (policy.confirming.may_ask). What happens after the yes is in flow/agreed.py.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from listserv.domain.address import Address
from listserv.domain.lists import MailingList
from listserv.flow import notices
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.flow.wish import Result, Wish
from listserv.policy.commands.command import Command
from listserv.policy.confirming import may_ask
from listserv.policy.linked import mailbox_key
from listserv.store import confirmations
from listserv.store.session import Tx

log = logging.getLogger("listserv.asking")

# Their row in flow.confirm.KINDS.
KIND = "commands"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is kept with a question of this kind: canonical lines, the domain whose lists they are
    about, how a membership begins by them, and what an applicant wrote besides."""

    lines: tuple[str, ...]
    domain: str
    began: str
    words: str = ""


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
    """Ask an address about commands, unless too many questions wait there or too many were caused
    by whoever causes this one: `asker`, "" for somebody whose mail is proven."""
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


def ask_writer(wish: Wish) -> Result:
    """Ask whoever wrote, and has proven to be the author, to answer a mail as well: double opt-in
    shows that mail to the address arrives."""
    writer = wish.writer
    about = Asked((str(wish.command),), writer.domain, writer.began, writer.words)
    ask(wish.tx, wish.site, wish.list, writer.address, [wish.command], about, "", wish.now)
    return Result()
