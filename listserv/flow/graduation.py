"""A member whose first posts a moderator has read posts freely from then on, and the moderators
hear of it, once. When their address changes, one more post is read."""

from datetime import datetime

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberState
from listserv.flow import notices
from listserv.flow.moderators import moderators
from listserv.flow.question import new_question
from listserv.flow.site import Site
from listserv.policy.posting import NEW_MEMBER, ONCE_MORE, is_new
from listserv.store import events, members, paths
from listserv.store.held import Held
from listserv.store.session import Tx

# Of the questions that are answered at LIST-moderate+TOKEN@, by a moderator; see flow/keep.py.
KIND = "graduated"
_NEW = "new"


def approved(
    tx: Tx, site: Site, mlist: MailingList, one: Held, member: Member | None, now: datetime
) -> None:
    """A post of this member, who is as in the database now, was approved and counted, in this
    transaction: nobody else counts one of theirs before it ends, so of two at once one is the last
    that was wanting."""
    if member is None or member.state is not MemberState.ACTIVE:
        return
    held_by = {reason.rule for reason in one.reasons}
    again = member.settings.read_next and ONCE_MORE in held_by
    if again:
        member = members.change(tx, member, {"read_next": False})
    is_last = NEW_MEMBER in held_by and member.posts == mlist.settings.new_member_posts
    if (is_last or again) and not _is_read(member, mlist):
        _tell(tx, site, mlist, member, now, again=again)


def _is_read(member: Member, mlist: MailingList) -> bool:
    """Whether their posts are held in any case; or nobody's are, so that nobody asks."""
    settings = member.settings
    return (
        mlist.settings.moderation != _NEW
        or is_new(member, member.posts, mlist)
        or settings.moderated
        or settings.read_next
    )


def _tell(
    tx: Tx, site: Site, mlist: MailingList, member: Member, now: datetime, *, again: bool
) -> None:
    for reader in moderators(tx, mlist, site.today(now)):
        question = new_question(
            tx, site, KIND, str(reader.address), {"member": member.id}, now,
            list_id=mlist.id, member_id=reader.id,
        )  # fmt: skip
        notices.send(
            tx, site, mlist, "moderator-graduated.txt", reader.address, now, member=reader.id,
            values={"author": str(member.address), "name": member.name, "again": again},
            reply_to=mlist.addresses.of(Role.MODERATE, question.token),
        )  # fmt: skip
    events.log(tx, mlist.id, "listserv", f"no longer reads {member.address} first", now)


def begin_again(tx: Tx, mlist: MailingList, member: Member) -> None:
    """Their address changed: who writes from the new one has yet to show that they are the same.
    Ways that their mail came are forgotten, and where new members are read, the next post is."""
    paths.forget(tx, member.id)
    settings = mlist.settings
    reads = settings.moderation == _NEW and settings.new_member_posts > 0
    if reads and not member.is_moderator:
        members.change(tx, member, {"read_next": True})
