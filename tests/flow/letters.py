"""Commands by mail: what a person sends, and the mails that come back, read as they read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery, Member, MemberState
from listserv.domain.replies import Reply
from listserv.store import events, lists, members
from listserv.store.session import Tx
from listserv.store.tables import Base
from tests.flow.world import DOMAIN, World, a_message

ANN, BOB, CLEO, MO = (f"{name}@example.org" for name in ("ann", "bob", "cleo", "mo"))
ZOE = "zoe@example.net"

# SPF aligned: nothing to be spent, so each mail is proven anew.
PROVEN = Authorship(Level.PROVEN, ("spf",), VerifiedPath((), "example.org"), spf_aligned=True)
# A path that verified, and is not that of From.
ELSEWHERE = VerifiedPath(("other.example",), "other.example")
UNPROVEN = Authorship(Level.UNPROVEN, ("nothing aligns",), ELSEWHERE)
NOTHING_VERIFIED = Authorship(Level.UNPROVEN, ("nothing verified",))
CONTRADICTED = Authorship(Level.CONTRADICTED, ("it is forged",), ELSEWHERE, policy="reject")
LEVELS: Mapping[str, Authorship] = {
    "proven": PROVEN,
    "unproven": UNPROVEN,
    "nothing verified": NOTHING_VERIFIED,
    "contradicted": CONTRADICTED,
}
# What marks a mail as a program's, or as passed on by one.
AUTOMATIC: tuple[dict[str, str], ...] = (
    {"auto_submitted": "auto-replied"},
    {"auto_submitted": "auto-generated"},
    {"precedence": "bulk"},
    {"precedence": "auto_reply"},
    {"list_id": "<another.list.example>"},
    {"sender": ""},
    # Out-of-office answers and bounces of those who do not know RFC 3834.
    {"x_autoreply": "yes"},
    {"x_failed_recipients": "town@lists.example.org"},
    {"content_type": "message/disposition-notification"},
)

# Tables that a mail which may not act may not touch.
OURS = ("member", "linked_address", "ban", "list", "held", "event")


@dataclass(frozen=True)
class Letter:
    """A mail of ours, as it arrived at `to`."""

    to: str
    subject: str
    text: str
    reply_to: str
    raw: bytes
    message: Message

    def __contains__(self, text: str) -> bool:
        return text in self.text


def letters(world: World) -> list[Letter]:
    """Everything that goes out now, in the order in which it does."""
    before = len(world.sent)
    world.deliver()
    return [
        _letter(recipient, b"".join(one.data))
        for one in world.sent[before:]
        for recipient in one.recipients
    ]


def the_letter(world: World, to: str = "") -> Letter:
    """The only mail that goes out now."""
    (one,) = letters(world)
    assert to in {"", one.to}
    return one


def letters_to(world: World, to: str) -> list[Letter]:
    return [one for one in letters(world) if one.to == to]


def _letter(to: str, raw: bytes) -> Letter:
    message = message_from_bytes(raw)
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode().replace("\r\n", "\n")
    return Letter(to, str(message["Subject"]), text, str(message["Reply-To"]), raw, message)


def send(
    world: World,
    author: str,
    body: str = "",
    to: str = "town-request",
    authorship: Authorship = PROVEN,
    /,
    **header: str,
) -> Reply:
    """One mail with commands in its text; `sender` is that of its envelope."""
    given = {"subject": "", "body": body, **header}
    sender = given.pop("sender", None)
    raw = a_message(author, (to if "@" in to else at(to),), **given)
    (reply,) = world.post(author, to, sender=sender, raw=raw, authorship=authorship)
    return reply


def answer(
    world: World,
    letter: Letter,
    word: str = "yes",
    author: str = "",
    authorship: Authorship = NOTHING_VERIFIED,
    /,
    **header: str,
) -> Reply:
    """A person's reply to a mail of ours; by default of whoever got it, and nothing proves it."""
    return send(world, author or letter.to, word, letter.reply_to, authorship, **header)


def member_of(world: World, mlist: MailingList, address: str) -> Member | None:
    """Whoever has this address on a list and has not left."""

    def look(tx: Tx) -> Member | None:
        key = address.rpartition("@")
        found = members.by_key(tx, mlist.id, f"{key[0].lower()}@{key[2].lower()}")
        return found if found is not None and found.state is not MemberState.LEFT else None

    return world.store.read(look)


def is_member(world: World, mlist: MailingList, address: str) -> bool:
    return member_of(world, mlist, address) is not None


def the_member(world: World, mlist: MailingList, address: str) -> Member:
    found = member_of(world, mlist, address)
    assert found is not None
    return found


def receives(world: World, mlist: MailingList, address: str) -> tuple[Delivery, Delivery]:
    """How somebody's mail comes, and how it comes when it comes."""
    found = the_member(world, mlist, address)
    return found.delivery, found.kept


def rows(world: World) -> dict[str, list[tuple[object, ...]]]:
    """All that is kept of members, bans, lists and requests."""

    def look(tx: Tx) -> dict[str, list[tuple[object, ...]]]:
        tables = [table for table in Base.metadata.sorted_tables if table.name in OURS]
        assert {table.name for table in tables} == set(OURS)
        return {t.name: sorted(map(tuple, tx.execute(t.select())), key=repr) for t in tables}

    return world.store.read(look)


def log_of(world: World, mlist: MailingList) -> list[tuple[str, str]]:
    """Who did what on a list."""
    return [(e.who, e.what) for e in world.store.read(lambda tx: events.ls(tx, mlist.id))]


def set_list(world: World, mlist: MailingList, **values: str) -> MailingList:
    return world.store.write(lambda tx: lists.change(tx, mlist.id, values))


def at(local: str) -> str:
    return f"{local}@{DOMAIN}"
