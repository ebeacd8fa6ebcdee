"""What waits for a person is shown to moderators: who they are, and the mail that they get."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberRole
from listserv.domain.tokens import RANDOM_TOKEN_BYTES, random_token
from listserv.flow import meant, notices
from listserv.flow.site import Site
from listserv.mail.held_copy import held_copy
from listserv.mail.readable import Readable, readable
from listserv.store import members, moderations, posts
from listserv.store.held import Held
from listserv.store.moderations import Moderation
from listserv.store.session import Tx

# So long a moderator's answer counts.
OPEN_FOR = timedelta(days=14)
# Of the text of a post in the mail itself; the whole is attached.
_LINES = 60
_KILOBYTE = 1024


def moderators(tx: Tx, mlist: MailingList) -> list[Member]:
    """Who decides: the active moderators, or on a list without them the owners."""
    return members.with_role(tx, mlist.id, MemberRole.MODERATOR) or members.owners(tx, mlist.id)


def circle(tx: Tx, mlist: MailingList, one: Held, step: int) -> list[Member]:
    """Who is asked at this step and was not before: first all moderators, or with moderators=turn
    one of them; then the others; then the owners. Nobody decides about their own post."""
    people = members.owners(tx, mlist.id) if step > 2 else moderators(tx, mlist)
    asked = moderations.shown_to(tx, one.id)
    left = [m for m in people if m.id not in asked and not is_own(one, m)]
    if step == 1 and mlist.settings.moderators == "turn" and left:
        return [left[one.id % len(left)]]
    return left


def is_own(one: Held, member: Member) -> bool:
    """Whether a held post, or a request, is this member's own."""
    if one.request is not None:
        return one.request.address.key == member.address.key
    return one.member_id == member.id


def show(
    tx: Tx, site: Site, mlist: MailingList, one: Held, people: Sequence[Member], now: datetime
) -> None:
    """Mail it to some of them, each with a token of their own to answer. What they read is made
    once, for each of their languages."""
    raw = meant.raw(tx, site, posts.get(tx, one.post_id)) if one.request is None else None
    text = readable(raw, _LINES) if raw is not None else Readable((), 0, ())
    values = {
        "author": one.author, "subject": " ".join(one.subject.split()),
        "joins": one.request is not None,
        "name": one.request.name if one.request is not None else "",
        "lines": one.request.words.splitlines() if one.request is not None else text.lines,
        "more": text.more, "others": text.others, "more_others": text.more_others,
        "attachments": [
            f"{name or kind} ({-(-size // _KILOBYTE):,} kB)"
            for name, kind, size in text.attachments
        ],
        "attached": raw is not None,
    }  # fmt: skip
    for language, readers in by_language(mlist, people).items():
        attached = None if raw is None else held_copy(raw, partial(_left_out, site, language))
        why = reasons(site, one, language)
        for member in readers:
            token = random_token(site.nonce(RANDOM_TOKEN_BYTES))
            moderations.add(tx, Moderation(token, one.id, member.id, now, now + OPEN_FOR))
            notices.send(
                tx, site, mlist, "moderator-held.txt", member.address, now, member=member.id,
                language=language, reply_to=mlist.addresses.of(Role.MODERATE, token),
                values={**values, "reasons": why}, attached=attached,
            )  # fmt: skip


def by_language(mlist: MailingList, people: Sequence[Member]) -> dict[str, list[Member]]:
    """Whoever reads each language, in their order."""
    found: dict[str, list[Member]] = {}
    for member in people:
        found.setdefault(notices.language_of(mlist, member), []).append(member)
    return found


def _left_out(site: Site, language: str, kind: str, size: int) -> str:
    return notices.left_out(site, kind, size, language)


def reasons(site: Site, one: Held, language: str) -> list[str]:
    """Why it waits, in a person's language; what has no words there, in the rule's own."""
    return [
        site.templates.phrase(f"because.{reason.rule}", {"because": reason.because}, language)
        for reason in one.reasons
    ]
