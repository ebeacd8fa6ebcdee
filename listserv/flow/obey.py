"""A mail with commands: to LIST-request@, listserv@, or an address that is a command.

Who wrote it decides what acts at once, what waits for a yes from the address that it is about, and
what does nothing (policy/trust.py). An answer goes only to an author whose mail is believed. What a
program sent does nothing and is not answered.
"""

import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from listserv.domain.address import Address, Recipient, Role
from listserv.domain.authorship import Authorship, Level
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.post import Incoming, Post
from listserv.domain.tokens import Purpose, is_own_message_id, read_copy_token
from listserv.flow import answering, confirm, membership, suspended
from listserv.flow.asking import Asked, ask, is_ours
from listserv.flow.authority import Presented, allowed, believed, fingerprint, present
from listserv.flow.notices import language_for
from listserv.flow.perform import Target, Told, perform, puzzled, targets
from listserv.flow.site import Site
from listserv.flow.wish import Result, Writer
from listserv.mail.said import Said
from listserv.mail.said import said as read_said
from listserv.policy.authority import Acting
from listserv.policy.commands.addresses import BY_ROLE, WRITTEN
from listserv.policy.commands.command import Command, NotUnderstood, Verb, Why, shortened
from listserv.policy.commands.grammar import parse
from listserv.policy.commands.table import BY_VERB
from listserv.policy.linked import mailbox_key
from listserv.policy.trust import is_believed
from listserv.policy.zone_guess import guess_zone
from listserv.store import lists, members, said
from listserv.store.session import Tx

log = logging.getLogger("listserv.obey")

ROLES = WRITTEN | BY_ROLE.keys()
# Answers of ours in a day that say only that nothing was understood: two programs that write to
# each other stop here.
_MAX_PUZZLED = 5
# Of what an applicant writes about themselves, in characters.
_MAX_WORDS = 500
_MAX_LINES = 10


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail with commands, at one of our addresses. `level` is how far it is believed to be of its
    author, apart from what is known of a member; `hears` says whether the author gets answers;
    `asker` on whose account it asks somebody."""

    presented: Presented
    writer: Writer
    level: Level
    hears: bool
    asker: str


@dataclass(slots=True)
class _Outcome:
    """`told` is for each address on file; `waiting` are the commands that each address is asked
    about."""

    told: dict[Address, list[Told]] = field(default_factory=dict)
    waiting: dict[Address, list[Command]] = field(default_factory=dict)

    def tell(self, to: Address, told: Told) -> None:
        self.told.setdefault(to, []).append(told)

    def ask(self, to: Address, command: Command) -> None:
        waiting = self.waiting.setdefault(to, [])
        if command not in waiting:
            waiting.append(command)


def commands(
    tx: Tx,
    site: Site,
    incoming: Incoming,
    post: Post,
    meant: Recipient,
    at: Address,
    authorship: Authorship,
    now: datetime,
    *,
    line: str = "",
) -> None:
    """Act on a mail that a person wrote to our address `at`, which is `meant` for commands; with a
    `line`, on that line of it alone."""
    if meant.role is Role.LEAVE_TOKEN:
        _leave_by_token(tx, site, meant, at.domain, now)
        return
    why = _why_not(site, incoming, post, authorship)
    if post.author is None or why:
        log.warning("commands to=%s dropped: %s", at.untokened, why or "it has no single author")
        return
    author = post.author.address
    if is_ours(tx, site, author):
        log.warning("commands to=%s dropped: its author is an address of ours", at.untokened)
        return
    if not said.once_a_day(tx, "commands", fingerprint(post, at), now):
        log.info("commands to=%s author=%s came before", at.untokened, author.masked)
        return
    names = frozenset(name for name, domain in lists.names(tx) if domain == at.domain)
    read = Said("", (line,)) if line else read_said(incoming.raw)
    wanted = parse(read.subject, read.lines, meant, names, domain=at.domain, today=site.today(now))
    if read.subject != " ".join(post.subject.split()):  # that of the mail which this one answers
        quoted = NotUnderstood(shortened(read.subject), "", Why.WORD)
        wanted = tuple(one for one in wanted if one != quoted)
    presented = present(tx, incoming, post, authorship, at, now)
    message = f", {post.message_id}" if post.message_id else ""
    began = f"by mail on {now:%Y-%m-%d %H:%M} UTC{message}"
    origin = (lists.at(tx, meant.name, at.domain) if meant.name else None) or at.domain
    language = language_for(tx, origin, author)
    words = _words(read.lines, meant, names, site.today(now))
    zone = guess_zone(post.date, now, site.zone)
    writer = Writer(author, at.domain, began, words, language=language, zone=zone)
    level, _ = believed(tx, presented, None)
    hears = _hears(tx, site, writer, level)
    mail = _Mail(presented, writer, level, hears, _asker(incoming))
    outcome = _Outcome()
    for one in wanted or (Command(Verb.HELP, meant.name),):
        _judge(tx, site, mail, one, outcome, now)
    for address, waiting in outcome.waiting.items():
        _ask(tx, site, mail, address, waiting, now)
    for address, told in outcome.told.items():
        _answer(tx, site, origin, post, address, told, language, now)
    about = origin if isinstance(origin, MailingList) else None
    suspended.tell_author(tx, site, author, at.domain, about, now, believed=hears)


def _why_not(site: Site, incoming: Incoming, post: Post, authorship: Authorship) -> str:
    """Why a mail is not even read."""
    if is_own_message_id(site.secret, post.message_id):
        return "it goes in a circle"
    if incoming.client.trusted and post.spam:
        return "spam"
    if authorship.level is Level.CONTRADICTED:
        return "its author's domain says that it is forged"
    return ""


def _asker(incoming: Incoming) -> str:
    """On whose account somebody is asked: the client's, or behind an MTA that does not tell us of
    it the envelope sender's. Of IPv6 a customer has a whole /64 (RFC 6177)."""
    try:
        client = ipaddress.ip_address(incoming.client.address)
    except ValueError:
        return incoming.sender
    if client.is_loopback:
        return incoming.sender
    whole = client.version == 4 or client.ipv4_mapped
    return str(client) if whole else str(ipaddress.ip_network((client, 64), strict=False))


def _words(lines: Sequence[str], meant: Recipient, names: frozenset[str], today: date) -> str:
    """What an applicant wrote besides commands: moderators may read it."""
    others = [
        line
        for line in lines[:_MAX_LINES]
        if meant.role not in WRITTEN
        or not any(
            isinstance(one, Command)
            for one in parse("", [line], meant, names, domain="", today=today)
        )
    ]
    return "\n".join(others)[:_MAX_WORDS]


def _judge(
    tx: Tx,
    site: Site,
    mail: _Mail,
    one: Command | NotUnderstood,
    outcome: _Outcome,
    now: datetime,
) -> None:
    """Let one command act, have it wait for a yes, or leave it. What waits is kept as it was
    written: which lists an address is on is nothing that a question tells."""
    author = mail.writer.address
    hears = mail.hears
    if isinstance(one, NotUnderstood):
        if hears:
            outcome.tell(author, puzzled(one))
        return
    if one.verb is Verb.CONFIRM:
        done = confirm.by_code(tx, site, one.token, now)
        if hears:
            outcome.tell(author, Told(str(one), None, done))
        return
    other = _other(one, author)
    if other is not None:
        outcome.ask(other, one)
        if hears:
            asked = Result("waits.asked", {"address": str(other)})
            outcome.tell(author, Told(str(one), None, asked))
        return
    proven = mail.level is Level.PROVEN
    found = targets(tx, one, author, mail.writer.domain, proven=proven)
    if not isinstance(found, Result):
        for target in found:
            _judge_target(tx, site, mail, one, target, outcome, now)
    elif hears:
        outcome.tell(author, Told(str(one), None, found))
    else:
        outcome.ask(author, one)


def _judge_target(
    tx: Tx,
    site: Site,
    mail: _Mail,
    command: Command,
    target: Target,
    outcome: _Outcome,
    now: datetime,
) -> None:
    member, act = target.member, BY_VERB[command.verb].act
    to = member.address if member is not None else mail.writer.address
    level, _ = believed(tx, mail.presented, member)
    if act is not None:
        acting = allowed(tx, site, mail.presented, act, member)
        if acting is not Acting.NOTHING and member is None and not mail.hears:
            acting = Acting.CONFIRM  # there is nobody who could be told with UNDO
    else:
        acting = Acting.ACT if mail.hears or is_believed(level) else Acting.CONFIRM
    if acting is Acting.CONFIRM:
        outcome.ask(to, command)
    elif acting is not Acting.NOTHING:
        writer = replace(mail.writer, address=to, undo=acting is Acting.ACT_WITH_UNDO)
        outcome.tell(to, perform(tx, site, command, target, writer, now))


def _hears(tx: Tx, site: Site, writer: Writer, level: Level) -> bool:
    """Whether the author of a mail gets an answer: to anybody else it would be backscatter. In a
    closed network, where nothing is proven, members are taken for themselves."""
    if level is not Level.UNPROVEN or site.require_proven_author:
        return is_believed(level)
    return bool(members.of_address(tx, writer.address, writer.domain))


def _other(command: Command, author: Address) -> Address | None:
    """The address whose yes a command needs although its author may be proven: it names another
    one as the one that it is about."""
    named = command.old
    if command.verb in {Verb.SUBSCRIBE, Verb.SIGNOFF}:
        named = command.address
    return named if named is not None and named.key != author.key else None


def _ask(
    tx: Tx, site: Site, mail: _Mail, to: Address, waiting: Sequence[Command], now: datetime
) -> None:
    domain = mail.writer.domain
    named = {command.list for command in waiting}
    mlist = lists.at(tx, named.pop(), domain) if len(named) == 1 else None
    lines = tuple(map(str, waiting))
    about = Asked(lines, domain, mail.writer.began, mail.writer.words, mail.writer.zone)
    ask(tx, site, mlist or domain, to, waiting, about, mail.asker, now)


def _answer(
    tx: Tx,
    site: Site,
    origin: MailingList | str,
    post: Post,
    to: Address,
    told: Sequence[Told],
    language: str,
    now: datetime,
) -> None:
    whom = mailbox_key(to)
    puzzled_only = all(one.result.phrase == "not.understood" for one in told)
    if puzzled_only and not said.at_most(tx, "puzzled", whom, _MAX_PUZZLED, now):
        return
    if not answering.may_answer(tx, to, now):
        return
    answering.answer(
        tx, site, origin, to, told, now, language=language, in_reply_to=post.message_id
    )


def of_leave_token(
    tx: Tx, site: Site, meant: Recipient, domain: str
) -> tuple[MailingList, Member] | None:
    """Whose copy of which list carried an address LIST-leave+TOKEN; they may have left since. None
    when it is none of this list's."""
    token = read_copy_token(site.secret, Purpose.LEAVE, meant.argument)
    member = members.get(tx, token.member) if token else None
    mlist = lists.at(tx, meant.name, domain)
    if mlist is None or member is None or member.list_id != mlist.id:
        return None
    return mlist, member


def _leave_by_token(tx: Tx, site: Site, meant: Recipient, domain: str, now: datetime) -> None:
    """The mailto of List-Unsubscribe: the token proves that the mail answers a copy of ours, so
    whoever sends it ends the membership of the one who got that copy; they hear of it."""
    mlist = lists.at(tx, meant.name, domain)
    if mlist is not None:
        lists.lock(tx, mlist.id)
    found = of_leave_token(tx, site, meant, domain)
    if found is None:
        log.warning("dropped: a leave token that is none of %s@%s", meant.name, domain)
    elif found[1].state is not MemberState.LEFT:
        membership.leave(tx, site, *found, f"{found[1].address} by List-Unsubscribe", now)
