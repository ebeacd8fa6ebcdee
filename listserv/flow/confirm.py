"""Somebody answers a question of ours, by a mail to LIST-confirm+TOKEN@.

KINDS is the table of what is asked: a new kind of question is a row here, and a function that
calls `flow.question.new_question` and mails it. The token proves that the answer comes from the
address that was asked; From is not looked at. A program's mail answers nothing.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from listserv.domain.address import Recipient, Role
from listserv.flow import author_first
from listserv.flow.site import Site
from listserv.mail.said import said
from listserv.policy.confirming import Moment, Word, read_reply
from listserv.store import confirmations, lists
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

log = logging.getLogger("listserv.confirm")

# So many answers of ours one question gets, whatever is written to it.
_MAX_REPLIES = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: what the first yes in time does; what is written back after any yes; and after a
    person's words that are neither yes nor no."""

    confirmed: Callable[[Tx, Site, Confirmation, datetime], None]
    answer: Callable[[Tx, Site, Confirmation, Moment, datetime], None]
    unclear: Callable[[Tx, Site, Confirmation, datetime], None]


KINDS: Mapping[str, Kind] = {
    author_first.KIND: Kind(author_first.confirmed, author_first.answer, author_first.unclear),
}


def is_known(tx: Tx, meant: Recipient, domain: str) -> bool:
    """Whether an address -confirm+TOKEN is that of a question: on a list one of its own, at
    listserv@ one of no list."""
    question = confirmations.find(tx, meant.argument)
    if question is None:
        return False
    mlist = lists.at(tx, meant.name, domain) if meant.role is Role.CONFIRM else None
    return question.list_id == (mlist.id if mlist else None)


def reply(tx: Tx, site: Site, token: str, raw: bytes, now: datetime, *, answerable: bool) -> None:
    """Act on one mail to a question that `is_known`; `answerable` says that a person wrote it. The
    first yes in time acts; all that comes later is told what became of it, a few times."""
    question = confirmations.find(tx, token)
    if question is None:
        return
    lines = said(raw).lines
    word = read_reply(lines[0] if lines else "", answerable=answerable)
    log.info("reply kind=%s word=%s list=%s", question.kind, word, question.list_id or "-")
    kind = KINDS[question.kind]
    is_open = question.confirmed is None and now < question.expires
    if word is Word.UNCLEAR and is_open and confirmations.may_reply(tx, token, _MAX_REPLIES):
        kind.unclear(tx, site, question, now)
    if word is not Word.YES:
        return
    moment = Moment.LATE if question.confirmed is None else Moment.AGAIN
    if is_open and confirmations.confirm(tx, token, now):
        moment = Moment.FIRST
        kind.confirmed(tx, site, question, now)
    if confirmations.may_reply(tx, token, _MAX_REPLIES):
        kind.answer(tx, site, question, moment, now)
