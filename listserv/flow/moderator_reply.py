"""A mail to LIST-moderate+TOKEN@: a decision about what waits, or about whom to read on; or AWAY
and BACK, because people write that to whatever asks them. The token does nothing for these two:
they are judged as if they had gone to LIST-request@."""

from datetime import datetime

from listserv.domain.address import Address, Recipient, Role
from listserv.domain.authorship import Authorship
from listserv.domain.post import Incoming, Post
from listserv.flow import keep, moderate_by_mail, obey
from listserv.flow.site import Site
from listserv.mail.said import said
from listserv.policy.commands.command import Command, NotUnderstood, Verb
from listserv.policy.commands.grammar import parse
from listserv.store.session import Tx

_OBEYED = {Verb.AWAY, Verb.BACK}


def is_known(tx: Tx, meant: Recipient, domain: str) -> bool:
    """Whether an address -moderate+TOKEN is one that we gave, of this list."""
    return moderate_by_mail.is_known(tx, meant, domain) or keep.is_known(tx, meant, domain)


def reply(
    tx: Tx,
    site: Site,
    incoming: Incoming,
    post: Post,
    meant: Recipient,
    at: Address,
    authorship: Authorship,
    now: datetime,
) -> None:
    """Act on a mail that a person wrote to an address that `is_known`."""
    requests = Recipient(Role.REQUEST, meant.name)
    line = _command(site, incoming, requests, at.domain, now)
    if line:
        obey.commands(tx, site, incoming, post, requests, at, authorship, now, line=line)
        return
    take = keep.reply if keep.is_known(tx, meant, at.domain) else moderate_by_mail.reply
    take(tx, site, incoming, post, meant, at, authorship, now)


def _command(site: Site, incoming: Incoming, meant: Recipient, domain: str, now: datetime) -> str:
    """The first line that they wrote above the quotation, if it is such a command, or would be with
    another date. No other line of a reply is one: it may be the post's."""
    read = said(incoming.raw)
    line = read.lines[0] if read.lines and not read.below else ""
    found = parse("", (line,), meant, (meant.name,), domain=domain, today=site.today(now))
    return line if any(_is_obeyed(one) for one in found) else ""


def _is_obeyed(one: Command | NotUnderstood) -> bool:
    if isinstance(one, Command):
        return one.verb in _OBEYED
    return one.nearest.startswith(Verb.AWAY)
