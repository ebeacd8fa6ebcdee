"""A moderator answers that a member's posts are to be read on: a mail to LIST-moderate+TOKEN@,
judged as a decision about a held post is. Nothing but `keep` alone on its first line acts."""

import logging
from datetime import datetime

from listserv.domain.address import Address, Recipient, Role, parse_address
from listserv.domain.authorship import Authorship, VerifiedPath
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.domain.post import Incoming, Post
from listserv.flow import notices, undo
from listserv.flow.graduation import KIND as GRADUATED
from listserv.flow.moderate_by_mail import judged, may_decide
from listserv.flow.question import confirm_address, new_question
from listserv.flow.site import Site
from listserv.mail.said import said as read_said
from listserv.policy.authority import Acting
from listserv.policy.commands.table import Who
from listserv.policy.moderation import says_keep
from listserv.store import confirmations, events, lists, members, paths, said
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

log = logging.getLogger("listserv.moderate")

# The row in flow.confirm.KINDS of an answer that waits for the moderator's yes.
KIND = "keep"
# Answers of ours that one token gets in a day.
_MOST = 5


def is_known(tx: Tx, meant: Recipient, domain: str) -> bool:
    """Whether an address -moderate+TOKEN is one at which this is answered, on this list."""
    asked, mlist = confirmations.find(tx, meant.argument), lists.at(tx, meant.name, domain)
    is_ours = asked is not None and asked.kind == GRADUATED
    return is_ours and mlist is not None and asked is not None and asked.list_id == mlist.id


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
    asked = confirmations.find(tx, meant.argument)
    member = members.get(tx, asked.member_id) if asked and asked.member_id else None
    if asked is None or member is None:
        return
    acting = judged(tx, site, incoming, post, at, authorship, member, now)
    if acting is Acting.NOTHING:
        return
    read = read_said(incoming.raw)
    keeps = says_keep(() if read.below else read.lines)
    log.info("keep member=%s by=%s says=%s may=%s", asked.data["member"], member.address.masked,
             keeps, acting)  # fmt: skip
    proven = acting is Acting.ACT
    if not keeps or now >= asked.expires:
        if said.at_most(tx, "keep", asked.token, _MOST if proven else 1, now):
            _answer(tx, site, asked, "late" if now >= asked.expires else "unclear", now)
    elif proven:
        _keep(tx, site, asked, now)
    elif said.once_a_day(tx, "keep asked", asked.token, now):
        _ask(tx, site, asked, member, authorship, now)


def _ask(
    tx: Tx, site: Site, asked: Confirmation, member: Member, authorship: Authorship, now: datetime
) -> None:
    """The moderator is asked whether the reply is theirs; their yes acts, and makes the way that it
    came familiar."""
    mlist, path = _list(tx, asked), authorship.path
    data = {"token": asked.token, "dkim": list(path.dkim), "spf": path.spf}
    question = new_question(
        tx, site, KIND, str(member.address), data, now, list_id=mlist.id, member_id=member.id
    )
    notices.send(
        tx, site, mlist, "moderator-confirm.txt", member.address, now, member=member.id,
        values={"verb": "keep", "lines": (), "subject": "", "author": _called(tx, asked)},
        reply_to=confirm_address(mlist, question.token),
    )  # fmt: skip


def confirmed(tx: Tx, site: Site, yes: Confirmation, now: datetime) -> None:
    """The moderator says yes."""
    asked = confirmations.find(tx, yes.data["token"])
    member = members.get(tx, yes.member_id) if yes.member_id else None
    if asked is None or member is None or not may_decide(member):
        return
    path = VerifiedPath(tuple(yes.data["dkim"]), yes.data["spf"])
    paths.confirm(tx, member.id, path, yes.address, now)
    _keep(tx, site, asked, now)


def _keep(tx: Tx, site: Site, asked: Confirmation, now: datetime) -> None:
    mlist = lists.lock(tx, _list(tx, asked).id)
    author = members.get(tx, asked.data["member"])
    if author is None or author.state is MemberState.LEFT:
        _answer(tx, site, asked, "gone", now)
        return
    if author.settings.moderated:
        _answer(tx, site, asked, "again", now)
        return
    before = members.snapshot(tx, author.id)
    members.change(tx, author, {"moderated": True})
    events.log(tx, mlist.id, asked.address, f"goes on reading {author.address} first", now)
    back = undo.of_role(undo.membership(tx, author.id, before), mlist, Who.MODERATOR)
    to = parse_address(asked.address)
    assert to is not None
    _answer(tx, site, asked, "kept", now, reply_to=undo.offer(tx, site, mlist, to, [back], now))


def _answer(
    tx: Tx, site: Site, asked: Confirmation, what: str, now: datetime, *, reply_to: str = ""
) -> None:
    mlist, member = _list(tx, asked), members.get(tx, asked.member_id or 0)
    assert member is not None
    notices.send(
        tx, site, mlist, "moderator-keep.txt", member.address, now, member=member.id,
        values={"what": what, "author": _called(tx, asked)}, answers=True,
        reply_to=reply_to or mlist.addresses.of(Role.MODERATE, asked.token),
    )  # fmt: skip


def _list(tx: Tx, asked: Confirmation) -> MailingList:
    assert asked.list_id is not None
    return lists.get(tx, asked.list_id)


def _called(tx: Tx, asked: Confirmation) -> str:
    author = members.get(tx, asked.data["member"])
    return str(author.address) if author is not None else ""
