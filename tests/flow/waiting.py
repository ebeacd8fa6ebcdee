"""What waits for moderators, as they read it: the notices, and their replies."""

import html
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from listserv.domain.authorship import Authorship
from listserv.domain.lists import MailingList
from listserv.domain.replies import Reply
from listserv.domain.settings import Value
from listserv.store import held, moderations
from listserv.store.held import Held, HeldState
from tests.flow.letters import ANN, BOB, MO, PROVEN
from tests.flow.world import DOMAIN, World, a_message
from tests.mail.clients import CLIENTS, Body

MAX = "max@example.org"
OLGA = "olga@example.org"


def a_town(world: World, **settings: Value) -> MailingList:
    """A list where every post waits, with two members, two moderators and an owner."""
    mlist = world.found("town", title="Town", **{"moderation": "all", **settings})
    for address in (ANN, BOB):
        world.join(mlist, address)
    world.join(mlist, MO, role="moderator")
    world.join(mlist, MAX, role="moderator")
    world.join(mlist, OLGA, role="owner")
    return mlist


@dataclass(frozen=True)
class Shown:
    """One notice: to whom, what it is about, where it is answered, and the mail itself."""

    to: str
    held: int
    reply_to: str
    token: str
    message: Message
    raw: bytes

    @property
    def text(self) -> str:
        first = self.message.get_payload(0) if self.message.is_multipart() else self.message
        assert isinstance(first, Message)
        payload = first.get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload.decode().replace("\r\n", "\n")


def shown(world: World, to: str = "") -> list[Shown]:
    """The notices to moderators that go out now."""
    before = len(world.waiting)
    world.deliver()
    mails = [
        (one.recipients[0], b"".join(one.data))
        for one in world.waiting[before:]
        if to in {"", one.recipients[0]}
    ]
    return [_shown(world, recipient, raw) for recipient, raw in mails if b"-moderate+" in raw]


def _shown(world: World, to: str, raw: bytes) -> Shown:
    message = message_from_bytes(raw)
    reply_to = str(message["Reply-To"])
    token = reply_to.partition("+")[2].partition("@")[0]
    found = world.store.read(lambda tx: moderations.find(tx, token))
    assert found is not None
    return Shown(to, found.held_id, reply_to, token, message, raw)


def a_post_waits(world: World, subject: str = "Hello", to: str = MO, **header: str) -> Shown:
    """Ann posts; the notice to a moderator."""
    raw = a_message(ANN, (f"town@{DOMAIN}",), subject=subject, **header)
    world.post(ANN, "town", raw=raw, authorship=PROVEN)
    (one,) = shown(world, to)
    return one


def reply(
    world: World,
    to: Shown | str,
    words: str,
    author: str = MO,
    authorship: Authorship = PROVEN,
    /,
    **header: str,
) -> Reply:
    """Somebody writes to a notice's reply address."""
    sender = header.pop("sender", None)
    address = to if isinstance(to, str) else to.reply_to
    raw = a_message(author, (address,), **{"subject": "Re: A post waits", "body": words, **header})
    (answer,) = world.post(author, address, sender=sender, raw=raw, authorship=authorship)
    return answer


def state(world: World, one: Shown | int) -> HeldState:
    return look(world, one).state


def look(world: World, one: Shown | int) -> Held:
    number = one if isinstance(one, int) else one.held
    return world.store.read(lambda tx: held.get(tx, number))


def as_client_sends(client: str, words: str, notice: Shown, author: str = MO, *head: str) -> bytes:
    """A reply as a mail program writes it: the words where it puts them, and the notice itself
    where the program puts what it quotes, marked as it marks it."""
    fields = [
        f"From: {author}",
        f"To: {notice.reply_to}",
        "Subject: Re: A post waits at Town",
        f"Message-ID: <{client.encode().hex()}.{notice.token}@example.org>",
        "MIME-Version: 1.0",
        *head,
    ]
    bodies = [_quoting(body, notice.text).written(words) for body in CLIENTS[client]]
    if len(bodies) == 1:
        return "".join(f"{line}\r\n" for line in fields).encode() + bodies[0]
    fields.append("Content-Type: multipart/alternative; boundary=b1")
    parts = b"".join(b"--b1\r\n" + body + b"\r\n" for body in bodies)
    return "".join(f"{ln}\r\n" for ln in [*fields, ""]).encode() + parts + b"--b1--\r\n"


def _quoting(body: Body, notice: str) -> Body:
    """The same with a notice in the place of what these programs quote elsewhere."""
    lines = notice.replace("{", "{{").replace("}", "}}").splitlines()
    before, found, after = body.text.partition("SIGNOFF news")
    if not found:
        return body
    if body.kind == "html":
        quoted = "<br>".join(html.escape(line) for line in lines)
    else:
        mark = before.rpartition("\n")[2]
        quoted = f"\n{mark}".join(lines)
    return Body(body.kind, body.charset, body.encoding, before + quoted + after, body.parameters)
