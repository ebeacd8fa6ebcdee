"""What people do on our pages; each function is one transaction.

A page can do what a mail of the same person could, by the same commands: whoever has the link that
was mailed to a member is taken for them, and hears of each change with UNDO; whoever types an
address in a form is nobody, as the author of a mail that proves nothing. They never learn whether
it is a member's.
"""

import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.flow import answering, asking, notices, settings_link, suspended
from listserv.flow.asking import Asked
from listserv.flow.perform import Target, perform
from listserv.flow.question import commands_address
from listserv.flow.site import Site
from listserv.flow.wish import Writer
from listserv.policy.commands.command import Command, Verb
from listserv.policy.confirming import may_ask
from listserv.policy.joining_form import Joining
from listserv.policy.linked import mailbox_key
from listserv.policy.settings_form import Shown, shown, wanted
from listserv.store import confirmations, lists, members
from listserv.store.session import Tx

log = logging.getLogger("listserv.by_page")

# On whose account an address is asked when nothing is known of who asks.
_SOMEBODY = "somebody on a page"


@dataclass(frozen=True, slots=True)
class Settings:
    """A member's settings on a list as they are now. `told` is what came of a form, in sentences;
    `wrong` names by a phrase what is wrong in its fields ("" for all of it), and then nothing was
    changed."""

    mlist: MailingList
    member: Member
    shown: Shown
    told: tuple[str, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)


def settings(tx: Tx, token: str, now: datetime) -> Settings | None:
    """What the link with this token shows; None for one that is not good."""
    found = settings_link.opened(tx, token, now)
    return _settings(*found) if found is not None else None


def _settings(mlist: MailingList, member: Member) -> Settings:
    return Settings(mlist, member, shown(member, mlist.settings.language))


def is_good(tx: Tx, token: str, now: datetime) -> bool:
    """Whether a link opens something."""
    return settings_link.opened(tx, token, now) is not None


def change(
    tx: Tx,
    site: Site,
    token: str,
    was: Mapping[str, str],
    given: Mapping[str, str],
    now: datetime,
) -> Settings | None:
    """Set what a form wants that showed `was` and came back with `given`, and mail to the member
    what was set, and how to take it back; who is suspended hears about that too. None as
    `settings`."""
    found = _locked(tx, token, now)
    if found is None:
        return None
    mlist, member = found
    suspended.tell(tx, site, mlist, member, None, now)
    before = _settings(mlist, member)
    want = wanted(mlist.name, member, before.shown, was, given, site.today(now))
    if want.wrong:
        return Settings(mlist, member, before.shown, wrong=want.wrong)
    if not want.commands:
        return before
    if not answering.may_answer(tx, member.address, now):
        return Settings(mlist, member, before.shown, wrong={"": "form.too-often"})
    settings_link.used(tx, token, now)
    chosen = [one.language for one in want.commands if one.language]
    language = chosen[0] if chosen else notices.language_of(mlist, member)
    writer = _writer(mlist, member, language, now)
    told = []
    for command in want.commands:
        current = members.get(tx, member.id)
        told.append(perform(tx, site, command, Target(mlist, current), writer, now))
    answering.answer(
        tx, site, mlist, member.address, told, now, language=language,
        template="member-by-page.txt",
    )  # fmt: skip
    after = members.get(tx, member.id)
    assert after is not None
    said = tuple(answering.in_words(site, mlist, one, language, now) for one in told)
    return Settings(mlist, after, shown(after, mlist.settings.language), said)


def leave(tx: Tx, site: Site, token: str, now: datetime) -> Settings | None:
    """End the membership that a link is for, as SIGNOFF does; what it was. None as `settings`."""
    found = _locked(tx, token, now)
    if found is None:
        return None
    mlist, member = found
    settings_link.used(tx, token, now)
    writer = _writer(mlist, member, notices.language_of(mlist, member), now)
    command = Command(Verb.SIGNOFF, mlist.name)
    perform(tx, site, command, Target(mlist, member), writer, now)
    return _settings(mlist, member)


def _locked(tx: Tx, token: str, now: datetime) -> tuple[MailingList, Member] | None:
    """Whose link it is, and the list, which nobody else changes meanwhile."""
    found = settings_link.opened(tx, token, now)
    if found is None:
        return None
    with suppress(ListservError):  # deleted at this moment
        lists.lock(tx, found[0].id)
    return settings_link.opened(tx, token, now)


def _writer(mlist: MailingList, member: Member, language: str, now: datetime) -> Writer:
    return Writer(member.address, mlist.domain, _began(now), confirmed=True, language=language)


def _began(now: datetime) -> str:
    return f"by page on {now:%Y-%m-%d %H:%M} UTC"


def ask_for_link(tx: Tx, site: Site, address: Address, client: str, now: datetime) -> None:
    """Mail an address the links to the settings of its memberships, if it has any and was not asked
    too often. `client` is on whose account that goes, as a mail's that proves nothing; an address
    without memberships, or one that has had its mail for today, costs the same."""
    mailbox, asker = mailbox_key(address), client or _SOMEBODY
    waiting = confirmations.unanswered(tx, mailbox, asker, now)
    may_go = may_ask(waiting)
    if not may_go:
        log.warning("no link to=%s, because of the questions that wait", address.masked)
    if not may_ask(replace(waiting, mailbox_day=0, mailbox_month=0)):
        return
    counted = False
    for domain in site.urls if may_go else ():
        there = [
            (lists.get(tx, member.list_id), member)
            for member in members.of_address(tx, address, domain)
            if member.address.key == address.key
        ]
        links = []
        for mlist, member in there:
            account = {} if counted else {"mailbox": mailbox, "asker": asker}
            links.append(
                (mlist.title, settings_link.new_link(tx, site, mlist, member, now, **account))
            )
            counted = True
        if links:
            origin = there[0][0] if len(there) == 1 else domain
            notices.send(
                tx, site, origin, "member-preferences.txt", there[0][1].address, now,
                values={"links": links}, language=notices.language_for(tx, origin, address),
                reply_to=commands_address(origin),
            )  # fmt: skip
    if not counted:
        settings_link.none_there(tx, site, address, asker, now)


def advertised(tx: Tx, domains: Collection[str]) -> list[MailingList]:
    """The lists of these domains that everybody may know of, by their addresses."""
    every = lists.every(tx)
    return [one for one in every if one.settings.advertised and one.domain in domains]


def advertised_at(tx: Tx, name: str, domain: str) -> MailingList | None:
    """One of them; None for another, as if it did not exist."""
    mlist = lists.at(tx, name, domain)
    return mlist if mlist is not None and mlist.settings.advertised else None


def join(tx: Tx, site: Site, mlist: MailingList, want: Joining, client: str, now: datetime) -> None:
    """Ask an address whether it wants to join, as a mail that proves nothing makes us do; one that
    is a member's too, at the address on file. `client` as in `ask_for_link`."""
    if mlist.settings.subscription == "invite":
        return
    member = members.author(tx, mlist.id, want.address, proven=False)
    to = member.address if member is not None else want.address
    about = Asked((str(want.command),), mlist.domain, _began(now), want.words)
    asking.ask(tx, site, mlist, to, [want.command], about, client or _SOMEBODY, now)
