"""What waits for a person is shown to moderators: who they are, and the mail that they get."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.members import Member, MemberRole
from listserv.domain.tokens import RANDOM_TOKEN_BYTES, random_token
from listserv.flow import meant, notices
from listserv.flow.site import Site
from listserv.mail.held_copy import held_copy
from listserv.mail.readable import Readable, readable
from listserv.policy import circle
from listserv.policy.circle import People, Waiting
from listserv.policy.posting import in_words
from listserv.store import members, moderations, posts
from listserv.store.held import Held
from listserv.store.moderations import Moderation
from listserv.store.session import Tx

# So long a moderator's answer counts.
OPEN_FOR = timedelta(days=14)
# Of the text of a post in the mail itself; the whole is attached.
_LINES = 60
_KILOBYTE = 1024


def people(tx: Tx, mlist: MailingList) -> People:
    """Who may decide about anything."""
    moderators = members.with_role(tx, mlist.id, MemberRole.MODERATOR)
    return People(moderators, members.owners(tx, mlist.id))


def moderators(tx: Tx, mlist: MailingList, today: date) -> tuple[Member, ...]:
    """Who decides: the active moderators, or on a list without them the owners; of these who is
    not away."""
    return circle.everybody(people(tx, mlist), today).first


def next_asked(tx: Tx, mlist: MailingList, one: Held, step: int, today: date) -> list[Member]:
    """Who is asked at this step and was not before. Nobody decides about their own post."""
    asked = circle.circle(people(tx, mlist), as_waiting(one), today)
    shown = moderations.shown_to(tx, one.id)
    in_turn = mlist.settings.moderators == "turn"
    return circle.to_ask(asked, shown, step, in_turn=in_turn, turn=one.id)


def as_waiting(one: Held) -> Waiting:
    """The same, as far as it matters who is asked."""
    applicant = one.request.address.key if one.request is not None else ""
    return Waiting(one.id, one.step, one.member_id, applicant, {})


def is_own(one: Held, member: Member) -> bool:
    """Whether a held post, or a request, is this member's own."""
    return as_waiting(one).is_own(member)


def show(
    tx: Tx, site: Site, mlist: MailingList, one: Held, people: Sequence[Member], now: datetime
) -> int:
    """Mail it to some of them, each with a token of their own to answer; not to who has one that
    still counts. What they read is made once, for each of their languages. Returns how many got
    it."""
    shown = 0
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
            if not moderations.add(tx, Moderation(token, one.id, member.id, now, now + OPEN_FOR)):
                continue
            shown += 1
            notices.send(
                tx, site, mlist, "moderator-held.txt", member.address, now, member=member.id,
                language=language, reply_to=mlist.addresses.of(Role.MODERATE, token),
                values={**values, "reasons": why}, attached=attached,
            )  # fmt: skip
    return shown


def by_language(mlist: MailingList, people: Sequence[Member]) -> dict[str, list[Member]]:
    """Whoever reads each language, in their order."""
    found: dict[str, list[Member]] = {}
    for member in people:
        found.setdefault(notices.language_of(mlist, member), []).append(member)
    return found


def _left_out(site: Site, language: str, kind: str, size: int) -> str:
    return notices.left_out(site, kind, size, language)


def reasons(site: Site, one: Held, language: str) -> list[str]:
    """Why it waits, in a person's language; of a content rule, in its owner's words besides."""
    return [
        site.templates.phrase(f"because.{reason.rule}", {"because": in_words(reason)}, language)
        for reason in one.reasons
    ]
