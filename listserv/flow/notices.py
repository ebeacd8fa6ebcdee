"""The mails the program itself writes, queued in the transaction of what they tell about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from listserv.domain.address import Address, Role, parse_address, robot_address
from listserv.domain.authorship import Level
from listserv.domain.decision import Decision
from listserv.domain.languages import ENGLISH
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Lane
from listserv.domain.members import JoinRequest, Member, MemberState
from listserv.domain.post import Post
from listserv.flow import schedules
from listserv.flow.facts import author_of
from listserv.flow.site import Site
from listserv.mail.notices import Frame, write_notice
from listserv.policy.confirming import Moment
from listserv.policy.posting import refusal_values
from listserv.store import lists, members, posts, queue
from listserv.store.confirmations import Confirmation
from listserv.store.held import Held
from listserv.store.posts import StoredPost
from listserv.store.session import Tx

# Of a subject that we quote.
_LONGEST_QUOTE = 80
_KILOBYTE = 1024


def welcome(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    member: Member,
    now: datetime,
    *,
    lane: Lane = Lane.NOTICE,
    joined: bool = False,
    undo: str | None = None,
) -> None:
    """To a new member, who has `joined` or was added; `undo` is where they reply to take it
    back."""
    comes = schedules.of_member(site, mlist, member)
    send(
        tx, site, mlist, "member-welcome.txt", member.address, now,
        values={
            "name": member.name, "delivery": member.delivery, "joined": joined,
            "undo": undo is not None, "leave": mlist.addresses.of(Role.LEAVE),
            "request": mlist.addresses.request, "zone": comes.zone.key,
            "when": schedules.when(site, comes, language_of(mlist, member)),
        },
        member=member.id, lane=lane, reply_to=undo,
    )  # fmt: skip


def goodbye(
    tx: Tx, site: Site, mlist: MailingList, member: Member, undo: str, now: datetime
) -> None:
    """To who has left by mail; `undo` is where they reply to come back as they were."""
    _to_former(tx, site, mlist, "member-goodbye.txt", member, now, reply_to=undo)


def removed(tx: Tx, site: Site, mlist: MailingList, member: Member, now: datetime) -> None:
    """To whom an owner has removed."""
    _to_former(tx, site, mlist, "member-removed.txt", member, now)


def _to_former(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    template: str,
    member: Member,
    now: datetime,
    reply_to: str | None = None,
) -> None:
    """The last mail to somebody, who is no member any more."""
    send(
        tx, site, mlist, template, member.address, now, values={"name": member.name},
        language=language_of(mlist, member), reply_to=reply_to,
    )  # fmt: skip


def changed_for(
    tx: Tx, site: Site, mlist: MailingList, member: Member, meanings: Sequence[str], now: datetime
) -> None:
    """To a member for whom an owner has set options; `meanings` say which."""
    send(
        tx, site, mlist, "member-set.txt", member.address, now,
        values={"meanings": meanings}, member=member.id, reply_to=mlist.addresses.request,
    )  # fmt: skip


def back_from_break(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    member: Member,
    missed: int,
    offered: int,
    reply_to: str,
    now: datetime,
) -> None:
    """To a member whose break has ended by itself; `missed` counts the posts of that time, and
    `offered` of them are left."""
    send(
        tx, site, mlist, "member-back.txt", member.address, now,
        values={"delivery": member.delivery, "missed": missed, "offered": offered},
        member=member.id, reply_to=reply_to,
    )  # fmt: skip


def missed_posts(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    member: Member,
    missed: int,
    reply_to: str,
    now: datetime,
) -> None:
    """To a member who has come back and may have what they missed."""
    send(
        tx, site, mlist, "member-missed.txt", member.address, now, values={"missed": missed},
        member=member.id, reply_to=reply_to,
    )  # fmt: skip


def receipt(
    tx: Tx, site: Site, mlist: MailingList, author: Member, post: StoredPost, now: datetime
) -> None:
    """To the author of a post that was accepted, who wants receipts."""
    send(
        tx, site, mlist, "author-receipt.txt", author.address, now,
        values={"subject": short(post.subject), "list": mlist.name},
        member=author.id, in_reply_to=post.message_id, reply_to=mlist.addresses.request,
    )  # fmt: skip


def rejected(
    tx: Tx, site: Site, mlist: MailingList, post: Held, message_id: str, reason: str, now: datetime
) -> None:
    """To the author of a held post that a person rejected: their reason, not the post's text."""
    member = author_of(tx, posts.get(tx, post.post_id))
    is_reader = member is not None and member.state is MemberState.ACTIVE
    author = member.address if member and is_reader else parse_address(post.author)
    if author is None:
        return
    send(
        tx, site, mlist, "author-rejected.txt", author, now,
        values={"subject": short(post.subject), "reason": reason},
        member=member.id if member and is_reader else 0,
        in_reply_to=message_id,
    )  # fmt: skip


def asked_by_moderator(
    tx: Tx, site: Site, mlist: MailingList, one: Held, words: str, now: datetime
) -> bool:
    """To the author of a held post, or an applicant: a moderator's question, not the post's text.
    False when nobody is known who could be asked."""
    member = None if one.request else author_of(tx, posts.get(tx, one.post_id))
    to = member.address if member is not None else parse_address(one.author)
    if to is None or one.authorship.level is Level.CONTRADICTED:
        return False
    send(
        tx, site, mlist, "author-asked.txt", to, now,
        values={"subject": short(one.subject), "question": words,
                "joins": one.request is not None},
        language=language_of(mlist, member),
    )  # fmt: skip
    return True


def not_admitted(
    tx: Tx, site: Site, mlist: MailingList, request: JoinRequest, reason: str, now: datetime
) -> None:
    """To somebody who asked to join and may not: the words of the person who decided so."""
    send(
        tx, site, mlist, "applicant-rejected.txt", request.address, now,
        values={"reason": reason}, language=request.language,
    )  # fmt: skip


def refused(
    tx: Tx,
    site: Site,
    refusals: Sequence[tuple[MailingList, Decision]],
    author: Address,
    post: Post,
    now: datetime,
    reader: Member | None,
) -> None:
    """To the author of a post, from the first of the lists that did not take it, what all of them
    say: a refusal that could not be heard while the post came in. The caller has seen to it that
    the author is known to be the author, and is told so once a day. `reader`: the author, where
    that is a member."""
    language = language_of(refusals[0][0], reader)
    told = [
        (mlist.address, _refusal(site, mlist, decision, post, language))
        for mlist, decision in refusals
    ]
    send(
        tx, site, refusals[0][0], "author-refused.txt", author, now, language=language,
        values={"subject": short(post.subject), "refusals": told}, in_reply_to=post.message_id,
    )  # fmt: skip


def _refusal(site: Site, mlist: MailingList, decision: Decision, post: Post, language: str) -> str:
    rule = decision.reasons[0].rule
    return site.templates.phrase(f"refused.{rule}", refusal_values(mlist, post), language)


def ask_author(
    tx: Tx,
    site: Site,
    mlist: MailingList,
    member: Member,
    subject: str,
    reply_to: str,
    learns: bool,
    now: datetime,
) -> None:
    """To a member, at the address on file: did you write this? Of the post itself the beginning of
    its subject, because whoever wrote it may not be them. `learns`: a yes is remembered."""
    send(
        tx, site, mlist, "author-ask.txt", member.address, now,
        values={"subject": short(subject), "learns": learns}, member=member.id,
        reply_to=reply_to,
    )  # fmt: skip


def author_confirmed(
    tx: Tx, site: Site, question: Confirmation, post: Held, moment: Moment, now: datetime
) -> None:
    """To whom was asked whether they wrote a post, after their yes: what has become of it."""
    _answer(tx, site, question, "author-confirmed.txt", post, now, moment=moment, state=post.state)


def author_unclear(tx: Tx, site: Site, question: Confirmation, post: Held, now: datetime) -> None:
    """To whom was asked whether they wrote a post, after words that were not understood."""
    mlist = lists.get(tx, post.list_id)
    reply_to = mlist.addresses.of(Role.CONFIRM, question.token)
    _answer(tx, site, question, "author-unclear.txt", post, now, reply_to=reply_to)


def _answer(
    tx: Tx,
    site: Site,
    question: Confirmation,
    template: str,
    post: Held,
    now: datetime,
    reply_to: str | None = None,
    **values: object,
) -> None:
    to = parse_address(question.address)
    if to is None:
        return
    member = members.get(tx, question.member_id) if question.member_id else None
    mlist = lists.get(tx, post.list_id)
    send(
        tx, site, mlist, template, to, now, language=language_of(mlist, member),
        values={"subject": short(post.subject), **values},
        member=member.id if member and member.state is MemberState.ACTIVE else 0,
        reply_to=reply_to, answers=True,
    )  # fmt: skip


def owners_of_busy_list(tx: Tx, site: Site, mlist: MailingList, now: datetime) -> None:
    """To the owners, once: posts come in so fast that they are held."""
    for owner in members.owners(tx, mlist.id):
        send(
            tx, site, mlist, "owner-list-busy.txt", owner.address, now,
            values={}, member=owner.id,
        )  # fmt: skip


def send(
    tx: Tx,
    site: Site,
    origin: MailingList | str,
    template: str,
    to: Address,
    now: datetime,
    *,
    values: Mapping[str, object],
    member: int = 0,
    language: str = "",
    in_reply_to: str = "",
    answers: bool = False,
    reply_to: str | None = None,
    lane: Lane = Lane.NOTICE,
    attached: bytes | None = None,
) -> int:
    """Queue one mail of ours, from a list or, where `origin` is a domain, from its robot; returns
    the mailing's number.

    `member` is whose number it is (0: nobody's), `language` by default theirs or the list's. Beside
    `values` a template has `title`, `address` and `owner` of the list; or of the domain its robot's
    name and address, and postmaster.
    """
    language = language or language_of(origin, members.get(tx, member) if member else None)
    who = _sender(site, origin, language)
    frame = Frame(
        sender_name=who.title,
        sender=who.sender,
        to=to,
        reply_to=reply_to or who.reply_to,
        message_id=site.message_id(),
        date=now,
        in_reply_to=in_reply_to,
        answers=answers or bool(in_reply_to),
    )
    shared = {"title": who.title, "address": who.address, "owner": who.owner}
    filled = {**shared, **values}
    raw = write_notice(site.templates, template, frame, filled, language, attached)
    return queue.add_notice(
        tx, list_id=who.list_id, raw=raw, subject=template.removesuffix(".txt").replace("-", " "),
        member=member, address=str(to), now=now, lane=lane,
    )  # fmt: skip


def left_out(site: Site, kind: str, size: int, language: str) -> str:
    """What stands in the place of an attachment of this type and so many octets."""
    values = {"type": kind, "size": f"{-(-size // _KILOBYTE):,} kB"}
    return site.templates.render("part-left-out.txt", values, language)


def language_of(origin: MailingList | str, member: Member | None) -> str:
    """In which language the mails of a list, or of a domain, go to somebody."""
    chosen = member.settings.language if member else ""
    return chosen or (ENGLISH if isinstance(origin, str) else origin.settings.language)


def language_for(tx: Tx, origin: MailingList | str, reader: Address) -> str:
    """In which language a list answers somebody's mail; a domain in that of all the lists there
    that they are on, if it is one."""
    if isinstance(origin, MailingList):
        return language_of(origin, members.author(tx, origin.id, reader, proven=False))
    there = members.of_address(tx, reader, origin)
    found = {language_of(lists.get(tx, member.list_id), member) for member in there}
    return found.pop() if len(found) == 1 else ENGLISH


@dataclass(frozen=True, slots=True)
class _Sender:
    list_id: int | None
    title: str
    address: str
    sender: str
    reply_to: str
    owner: str


def _sender(site: Site, origin: MailingList | str, language: str) -> _Sender:
    if isinstance(origin, str):
        title = title_of(site, origin, language)
        robot = robot_address(Role.ROBOT, origin)
        owner = robot_address(Role.POSTMASTER, origin)
        return _Sender(None, title, robot, robot, robot, owner)
    at = origin.addresses
    return _Sender(origin.id, origin.title, at.post, at.request, at.owner, at.owner)


def title_of(site: Site, origin: MailingList | str, language: str) -> str:
    """What a list, or the robot of a domain, is called."""
    if isinstance(origin, str):
        return site.templates.phrase("sender.domain", {"domain": origin}, language)
    return origin.title


def short(subject: str) -> str:
    """A subject as it is quoted: whoever writes in somebody's name has no room to say much."""
    words = " ".join(subject.split())
    return words if len(words) <= _LONGEST_QUOTE else f"{words[: _LONGEST_QUOTE - 1].rstrip()}…"
