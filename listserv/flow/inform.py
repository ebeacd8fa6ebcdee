"""The answers to questions by mail: QUERY, WHICH, REVIEW, INFO, LISTS and HELP.

ANSWERS is the table. Each answer is a part of a mail, the words of templates/answer-*.txt, in which
no line begins with what people named themselves or a list: quoted, it would be a command. It goes
to one author, who is believed, and tells them about others no more than `roster` and `advertised`
of a list allow.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from listserv.domain.address import Address, Role, robot_address
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberRole, MemberState
from listserv.flow import schedules
from listserv.flow.site import Site
from listserv.policy.commands.command import Command, Option, Verb
from listserv.policy.commands.delivery import OPTIONS
from listserv.policy.commands.table import COMMANDS, Row, Who
from listserv.store import lists, members
from listserv.store.session import Tx

# So many members, or lists, are told in one answer.
MOST = 1000
# What there is no archive for, what nobody needs, and what is said where it is needed.
_NO_HELP = frozenset(
    {Verb.INDEX, Verb.GET, Verb.SEND, Verb.SEARCH, Verb.PASSWORD, Verb.CONFIRM, Verb.END}
)
_MEMBERS = frozenset({Who.ANYBODY, Who.MEMBER})
_MAY: Mapping[MemberRole, frozenset[Who]] = {
    MemberRole.MEMBER: _MEMBERS,
    MemberRole.MODERATOR: _MEMBERS | {Who.MODERATOR},
    MemberRole.OWNER: frozenset(Who),
}


def inform(
    tx: Tx,
    site: Site,
    command: Command,
    mlist: MailingList | None,
    author: Address,
    member: Member | None,
    domain: str,
    language: str,
) -> str:
    """The text that answers a question of `author`, who is `member` of `mlist` or nobody there; of
    lists it knows those of `domain`. QUERY is for members: the caller has seen to that."""
    question = _Question(tx, site, command, mlist, author, member, domain, language)
    return ANSWERS[command.verb](question).strip("\n")


def is_visible(mlist: MailingList, member: Member | None) -> bool:
    """Whether somebody who is `member` of a list, or nobody there, may hear what it is."""
    return mlist.settings.advertised or member is not None


@dataclass(frozen=True, slots=True)
class _Question:
    """What `inform` was asked."""

    tx: Tx
    site: Site
    command: Command
    mlist: MailingList | None
    author: Address
    member: Member | None
    domain: str
    language: str

    @property
    def list(self) -> MailingList:
        """Of a question about one."""
        assert self.mlist is not None
        return self.mlist

    def say(self, template: str, **values: object) -> str:
        """A template's text. Beside `values` it has the address of the domain's robot, and of the
        list its name, title and addresses, empty where there is none."""
        mlist = self.mlist
        shared = {
            "robot": robot_address(Role.ROBOT, self.domain),
            "list": mlist.name if mlist else "",
            "title": mlist.title if mlist else "",
            "address": mlist.address if mlist else "",
            "request": mlist.addresses.request if mlist else "",
            "owner": mlist.addresses.owner if mlist else "",
        }
        return self.site.templates.render(template, {**shared, **values}, self.language)

    def phrase(self, key: str, **values: object) -> str:
        return self.site.templates.phrase(key, values, self.language)

    def comes(self, mlist: MailingList, member: Member) -> str:
        """How a member's mail comes, as a clause."""
        if member.state is MemberState.SUSPENDED:
            return self.phrase("comes.suspended")
        one = schedules.of_member(self.site, mlist, member)
        when = schedules.where(self.site, one, self.language)
        return self.phrase(f"comes.{member.delivery}", until=member.until, when=when)


def _query(question: _Question) -> str:
    member = question.member
    assert member is not None
    return question.say(
        "answer-query.txt",
        yours=str(member.address),
        name=member.name,
        role=member.role,
        comes=question.comes(question.list, member),
        options=[question.phrase(f"option.{option.key}") for option in _options(member)],
        also=[str(address) for address in member.also],
    )


def _options(member: Member) -> Iterable[Option]:
    """What SET would say to make a member's settings what they are, apart from how mail comes."""
    for row in OPTIONS:
        if row.setting is None:
            continue
        key, value = row.setting
        reads_digests = Delivery.DIGEST in {member.delivery, member.kept}
        if getattr(member.settings, key) == value and (key != "format" or reads_digests):
            yield row.option


def _which(question: _Question) -> str:
    found = members.of_address(question.tx, question.author, question.domain)
    rows = []
    for member in found:
        mlist = lists.get(question.tx, member.list_id)
        other = "" if member.address.key == question.author.key else str(member.address)
        rows.append((mlist.address, mlist.title, question.comes(mlist, member), other))
    return question.say("answer-which.txt", author=str(question.author), rows=rows)


def _review(question: _Question) -> str:
    mlist, member = question.list, question.member
    is_owner = member is not None and member.role is MemberRole.OWNER
    if not is_owner and (member is None or mlist.settings.roster == "nobody"):
        return question.say("answer-review-private.txt")
    # No more than can be told is read: a list may have a million members.
    known = list(islice(members.ls(question.tx, mlist.id), MOST))
    if not is_owner:
        known = [one for one in known if one.state is MemberState.ACTIVE]
    shown = [one for one in known if is_owner or not one.settings.conceal]
    counts = members.count(question.tx, mlist.id)
    everybody = counts[MemberState.ACTIVE] + (counts[MemberState.SUSPENDED] if is_owner else 0)
    return question.say(
        "answer-review.txt",
        rows=[_seen(question, one, is_owner=is_owner) for one in shown],
        concealed=len(known) - len(shown),
        more=everybody - len(known),
        total=everybody,
    )


def _seen(question: _Question, one: Member, *, is_owner: bool) -> tuple[str, str, str]:
    """Address, name, and what else there is to say of a member."""
    notes = [] if one.role is MemberRole.MEMBER else [question.phrase(f"role.{one.role}")]
    if is_owner:
        said = {
            "suspended": one.state is MemberState.SUSPENDED,
            "nomail": one.delivery is Delivery.NOMAIL,
            "concealed": one.settings.conceal,
        }
        notes += [question.phrase(f"roster.{key}") for key, holds in said.items() if holds]
    return str(one.address), one.name, "; ".join(notes)


def _info(question: _Question) -> str:
    mlist = question.mlist
    if mlist is None:
        return question.say("answer-info-site.txt", domain=question.domain)
    if not is_visible(mlist, question.member):
        # Word for word what is said of a list that there is not.
        return question.phrase("not.there", address=question.command.list)
    at, settings = mlist.addresses, mlist.settings
    return question.say(
        "answer-info.txt",
        description=settings.description,
        posting=settings.posting,
        moderation=settings.moderation,
        subscription=settings.subscription,
        join=at.of(Role.JOIN),
        leave=at.of(Role.LEAVE),
    )


def _lists(question: _Question) -> str:
    every = lists.every(question.tx)
    shown = [one for one in every if one.domain == question.domain and one.settings.advertised]
    rows = [(one.address, one.title, one.settings.description) for one in shown[:MOST]]
    return question.say(
        "answer-lists.txt",
        rows=rows,
        more=len(shown) - len(rows),
        example=shown[0].name if shown else "",
    )


def _help(question: _Question) -> str:
    may = _may(question)
    rows = [row for row in COMMANDS if row.verb not in _NO_HELP and row.who in may]
    return question.say(
        "answer-help.txt",
        rows=[_helped(question, row) for row in rows if row.who in _MEMBERS],
        options=[(one.option, question.phrase(f"option.{one.option.key}")) for one in OPTIONS],
        owners=[_helped(question, row) for row in rows if row.who not in _MEMBERS],
    )


def _may(question: _Question) -> frozenset[Who]:
    """Whose commands somebody is told: without a list, as if it were any of theirs."""
    mine = [question.member] if question.member else []
    if question.mlist is None:
        mine = members.of_address(question.tx, question.author, question.domain)
    return _MEMBERS.union(*(_MAY[member.role] for member in mine))


def _helped(question: _Question, row: Row) -> tuple[str, str]:
    """A line to send, and what it is for."""
    name = question.mlist.name if question.mlist else ""
    line = row.example(name, full=row.verb is Verb.BREAK)
    return line, question.phrase(f"help.{row.verb.key}")


ANSWERS: Mapping[Verb, Callable[[_Question], str]] = {
    Verb.QUERY: _query,
    Verb.WHICH: _which,
    Verb.REVIEW: _review,
    Verb.INFO: _info,
    Verb.LISTS: _lists,
    Verb.HELP: _help,
}
