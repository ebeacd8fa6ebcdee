"""Commands that wait for a yes: the address that they are about is asked whether it wants them.

A mail that asks carries no word of whoever caused it, is the same for members and strangers, and
does not come often (policy.confirming.may_ask). What happens after the yes is in flow/agreed.py.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from listserv.domain.address import Address, Recipient, Role
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.flow import notices
from listserv.flow.address_input import new_address, ours
from listserv.flow.question import confirm_address, new_question, origin_of, page_url
from listserv.flow.site import Site
from listserv.flow.wish import Result, Wish
from listserv.policy.commands.command import Command, NotUnderstood
from listserv.policy.commands.grammar import parse
from listserv.policy.confirming import may_ask
from listserv.policy.linked import mailbox_key
from listserv.store import confirmations, lists, members
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

log = logging.getLogger("listserv.asking")

# Their row in flow.confirm.KINDS.
KIND = "commands"
_ROBOT = Recipient(Role.ROBOT, "")


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
    notices.send(
        tx, site, origin, "person-confirm.txt", to, now,
        values={
            "wishes": _wishes(site, origin, commands, language),
            "page": page_url(site, origin, question.token),
        },
        reply_to=confirm_address(origin, question.token), language=language,
    )  # fmt: skip
    return True


def _wishes(
    site: Site, origin: MailingList | str, commands: Sequence[Command], language: str
) -> list[str]:
    title = "" if isinstance(origin, str) else origin.title
    return [
        site.templates.phrase(
            f"asked.{command.verb.key}", {"list": title or command.list.strip("*")}, language
        )
        for command in commands
    ]


def wanted(
    tx: Tx, site: Site, asked: Confirmation, now: datetime
) -> Sequence[Command | NotUnderstood]:
    """The commands that a question of this kind is about, as they are read now."""
    about = Asked(**asked.data)
    names = {name for name, domain in lists.names(tx) if domain == about.domain}
    return [
        one
        for line in about.lines
        for one in parse(line, (), _ROBOT, names, domain=about.domain, today=site.today(now))
    ]


def page(
    tx: Tx, site: Site, asked: Confirmation, language: str, now: datetime
) -> Mapping[str, object]:
    """What the page of a question says of it."""
    commands = [one for one in wanted(tx, site, asked, now) if isinstance(one, Command)]
    return {"asks": "wishes", "wishes": _wishes(site, origin_of(tx, asked), commands, language)}


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
