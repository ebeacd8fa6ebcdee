"""Somebody answers a question of ours, by a mail to LIST-confirm+TOKEN@.

KINDS is the table of what is asked: a new kind of question is a row here, and a function that
calls `flow.question.new_question` and mails it. The token proves that the answer comes from the
address that was asked; From is not looked at. A program's mail answers nothing.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from listserv.domain.address import Recipient, Role
from listserv.domain.errors import ListservError
from listserv.flow import (
    agreed,
    asking,
    author_first,
    author_told,
    catch_up,
    keep,
    moderate_by_mail,
    notices,
    other_address,
    owners,
    pause,
    question,
    suspended,
    undo,
    which_post,
)
from listserv.flow.site import Site
from listserv.flow.wish import Result, not_done
from listserv.mail.said import said
from listserv.policy import staying
from listserv.policy.commands.command import Command
from listserv.policy.commands.grammar import parse
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
    person's words that are neither yes nor no. `yes` is the word that counts as one. `obeys`: what
    is a command is obeyed, because people go on in the mail that they have before them. `reads`:
    where not a word but a choice counts, the question with the choice that a first line makes.
    `page`: what a page says of the question, which has a button for the yes."""

    confirmed: Callable[[Tx, Site, Confirmation, datetime], None]
    answer: Callable[[Tx, Site, Confirmation, Moment, datetime], None]
    unclear: Callable[[Tx, Site, Confirmation, datetime], None]
    yes: Word = Word.YES
    obeys: bool = False
    reads: Callable[[Tx, Site, Confirmation, str], Confirmation | None] | None = None
    page: Callable[[Tx, Site, Confirmation, str, datetime], Mapping[str, object]] | None = None


KINDS: Mapping[str, Kind] = {
    author_first.KIND: Kind(author_first.confirmed, author_first.answer, author_first.unclear),
    asking.KIND: Kind(agreed.confirmed, question.again, question.unclear, page=asking.page),
    other_address.KIND: Kind(
        other_address.confirmed, question.again, question.unclear, page=other_address.page
    ),
    owners.KIND: Kind(owners.accepted, question.again, question.unclear, page=owners.page),
    moderate_by_mail.KIND: Kind(moderate_by_mail.confirmed, question.again, question.unclear),
    keep.KIND: Kind(keep.confirmed, question.again, question.unclear),
    author_told.KIND: Kind(
        author_told.withdrawn, author_told.answer, author_told.unclear, yes=Word.CANCEL
    ),
    which_post.KIND: Kind(
        which_post.confirmed,
        which_post.answer,
        which_post.unclear,
        yes=Word.CHOICE,
        reads=which_post.read,
    ),
    catch_up.KIND: Kind(
        catch_up.wanted, catch_up.answer, catch_up.unclear, yes=Word.DIGEST, obeys=True
    ),
    staying.KIND: Kind(
        pause.confirmed,
        pause.answer,
        pause.unclear,
        yes=Word.CHOICE,
        obeys=True,
        reads=pause.read,
    ),
    suspended.KIND: Kind(suspended.wanted, question.again, question.unclear),
    undo.KIND: Kind(undo.confirmed, undo.answer, undo.unclear, yes=Word.UNDO, obeys=True),
}


def is_known(tx: Tx, meant: Recipient, domain: str) -> bool:
    """Whether an address -confirm+TOKEN is that of a question: on a list one of its own, at
    listserv@ one of no list."""
    asked = confirmations.find(tx, meant.argument)
    if asked is None or asked.kind not in KINDS:
        return False
    mlist = lists.at(tx, meant.name, domain) if meant.role is Role.CONFIRM else None
    return asked.list_id == (mlist.id if mlist else None)


def reply(
    tx: Tx, site: Site, token: str, raw: bytes, now: datetime, *, answerable: bool
) -> Recipient | None:
    """Act on one mail to a question that `is_known`; `answerable` says that a person wrote it. The
    first yes in time acts; all that comes later is told what became of it, a few times. Of a mail
    that has commands instead: where commands go."""
    asked = confirmations.find(tx, token)
    if asked is None:
        return None
    lines = said(raw).lines
    line = lines[0] if lines else ""
    word, kind = read_reply(line, answerable=answerable), KINDS[asked.kind]
    if kind.reads is not None and answerable and (chosen := kind.reads(tx, site, asked, line)):
        word, asked = Word.CHOICE, chosen
    log.info("reply kind=%s word=%s list=%s", asked.kind, word, asked.list_id or "-")
    if word is Word.NOTHING:
        return None
    if word is kind.yes:
        _yes(tx, site, asked, now)
    elif kind.obeys and (instead := _commands(tx, site, asked, lines, now)):
        return instead
    elif _is_open(asked, now) and confirmations.may_reply(tx, token, _MAX_REPLIES):
        kind.unclear(tx, site, asked, now)
    return None


def _commands(
    tx: Tx, site: Site, asked: Confirmation, lines: Sequence[str], now: datetime
) -> Recipient | None:
    origin = question.origin_of(tx, asked)
    domain = origin if isinstance(origin, str) else origin.domain
    at = (Role.ROBOT, "") if isinstance(origin, str) else (Role.REQUEST, origin.name)
    meant = Recipient(*at)
    names = {name for name, where in lists.names(tx) if where == domain}
    found = parse("", lines, meant, names, domain=domain, today=site.today(now))
    return meant if any(isinstance(one, Command) for one in found) else None


def by_code(tx: Tx, site: Site, token: str, now: datetime) -> Result:
    """CONFIRM code, for whoever copies it out of the address instead of replying."""
    asked = confirmations.find(tx, token)
    if asked is None or asked.kind not in KINDS or KINDS[asked.kind].yes is not Word.YES:
        return not_done("code")
    _yes(tx, site, asked, now)
    return Result("done.confirm")


@dataclass(frozen=True, slots=True)
class Shown:
    """A question on its page: who asks, in which language, what; and whether a yes has come in
    time (AGAIN), would come too late (LATE), or is awaited (None)."""

    title: str
    language: str
    values: Mapping[str, object]
    moment: Moment | None


def on_page(tx: Tx, site: Site, token: str, language: str, now: datetime) -> Shown | None:
    """What the page of a question shows; `language` is the visitor's, for one of no list. None
    for a token that is not ours, or whose question has no page."""
    asked = confirmations.find(tx, token)
    page = KINDS[asked.kind].page if asked is not None and asked.kind in KINDS else None
    if asked is None or page is None:
        return None
    try:
        origin = question.origin_of(tx, asked)
    except ListservError:  # deleted at this moment
        return None
    if not isinstance(origin, str):
        language = notices.language_of(origin, None)
    moment = Moment.AGAIN if asked.confirmed else None if _is_open(asked, now) else Moment.LATE
    title = notices.title_of(site, origin, language)
    return Shown(title, language, page(tx, site, asked, language, now), moment)


def by_page(tx: Tx, site: Site, token: str, language: str, now: datetime) -> Shown | None:
    """The button: a yes as by mail, except that one which does nothing is answered by the page
    alone. None as `on_page`."""
    shown, asked = on_page(tx, site, token, language, now), confirmations.find(tx, token)
    if shown is None or asked is None or shown.moment is not None:
        return shown
    _yes(tx, site, asked, now)
    return on_page(tx, site, token, language, now)


def _is_open(asked: Confirmation, now: datetime) -> bool:
    return asked.confirmed is None and now < asked.expires


def _yes(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    if asked.list_id is not None:
        # Before the question, as by whoever settles one. Of a list just deleted none is left.
        with suppress(ListservError):
            lists.lock(tx, asked.list_id)
    kind = KINDS[asked.kind]
    if _is_open(asked, now) and confirmations.confirm(tx, asked.token, now):
        moment = Moment.FIRST
        kind.confirmed(tx, site, asked, now)
    else:
        # Asked again: another yes may have come at this moment.
        found = confirmations.find(tx, asked.token)
        moment = Moment.AGAIN if found is not None and found.confirmed else Moment.LATE
    if confirmations.may_reply(tx, asked.token, _MAX_REPLIES):
        kind.answer(tx, site, asked, moment, now)
