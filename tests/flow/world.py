"""A small world: lists with people, a clock that stands still, mail in and mail out."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from listserv.domain.address import Address, parse_address
from listserv.domain.authorship import Authorship, Level
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Fate, Lease, Outcome
from listserv.domain.members import Delivery, Member, MemberRole
from listserv.domain.post import Client, Incoming, Transport
from listserv.domain.replies import Reply
from listserv.domain.settings import Value
from listserv.domain.transaction import Transaction
from listserv.flow import deliver, quarantine, receive
from listserv.flow.deliver import Deliveries, Report, Work
from listserv.flow.site import Site
from listserv.mail.parse import parse
from listserv.resources import JinjaTemplates
from listserv.store import lists, members, queue
from listserv.store import site as kept
from listserv.store.members import NewMember
from listserv.store.session import Store, Tx
from tests import sink
from tests.database import with_schema

DOMAIN = "lists.example.org"
PROVEN = Authorship(Level.PROVEN, ("it is signed by its author's domain",))


# The subjects of the mails to moderators and authors about what waits.
WAITS = re.compile(rb"(?m)^Subject: (?:A post waits at|Somebody asks to join|Your post waits for)")


class StillClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def pass_by(self, **time: float) -> None:
        self.time += timedelta(**time)


def a_site(store: Store) -> Site:
    """The site of a store, whose random bytes count upwards."""
    nonces = count(1)
    return Site(
        domains=frozenset({DOMAIN}),
        hostname=DOMAIN,
        secret=store.read(kept.secret),
        templates=JinjaTemplates(),
        spam_header="X-Spam: yes",
        nonce=lambda size: next(nonces).to_bytes(size, "big"),
        signers=sink.signers,
    )


@dataclass
class World:
    """A store with lists and people; mail in by `post`, mail out by `deliver`."""

    store: Store
    site: Site
    clock: StillClock
    sent: list[Transaction] = field(default_factory=list)
    waiting: list[Transaction] = field(default_factory=list)
    answers: dict[str, Outcome] = field(default_factory=dict)

    def found(self, name: str, **settings: Value) -> MailingList:
        return self.store.write(
            lambda tx: lists.create(
                tx, name=name, domain=DOMAIN, settings=settings, now=self.clock.now()
            )
        )

    def join(
        self,
        mlist: MailingList,
        address: str,
        delivery: str = "mail",
        role: str = "member",
        **settings: Value,
    ) -> Member:
        new = NewMember(
            address=an_address(address),
            name=address.partition("@")[0].title(),
            role=MemberRole(role),
            delivery=Delivery(delivery),
        )

        def enter(tx: Tx) -> Member:
            member = members.add(tx, mlist.id, new, began="test", now=self.clock.now())
            return members.change(tx, member, settings)

        return self.store.write(enter)

    def post(
        self,
        author: str,
        *names: str,
        transport: Transport = Transport.SMTP,
        sender: str | None = None,
        raw: bytes | None = None,
        authorship: Authorship = PROVEN,
        **header: str,
    ) -> tuple[Reply, ...]:
        """Post to lists by name, or to other addresses; the answers, one for each. `authorship` is
        what the edge found out about the author."""
        recipients = tuple(name if "@" in name else f"{name}@{DOMAIN}" for name in names)
        raw = raw or a_message(author, recipients, **header)
        incoming = Incoming(
            transport=transport,
            client=Client("192.0.2.1", "client.example", trusted=True),
            sender=author if sender is None else sender,
            recipients=recipients,
            raw=raw,
        )
        read = parse(raw)
        now = self.clock.now()
        return self.store.submit(
            lambda tx: receive.message(tx, self.site, incoming, read, now, authorship)
        ).result()

    def notice(self, address: str) -> None:
        """Queue a notice to somebody who is no member."""
        automatic = {"auto_submitted": "auto-generated", "x_auto_response_suppress": "All"}
        raw = a_message(f"listserv@{DOMAIN}", (address,), **automatic)
        now = self.clock.now()
        self.store.write(
            lambda tx: queue.add_notice(
                tx, list_id=None, raw=raw, subject="", member=0, address=address, now=now
            )
        )

    def deliver(self) -> list[str]:
        """Send all that is due; the recipients, sorted. `answers` says what the relay answers to
        whom, everybody else is delivered to. The mails that say that something waits for a
        moderator are not in it, nor in `sent`, but in `waiting`."""
        now = self.clock.now()
        worker = Deliveries(self.site, "here:1:1")
        before = len(self.sent)
        while True:
            lease = self.store.record(lambda tx: worker.lease(tx, now))
            if lease is None:
                if self.store.record(lambda tx: worker.write_page(tx, now)):
                    continue
                break
            work = self.open(worker, lease)
            if work is None:
                continue
            for group in worker.groups(work):
                (transaction,) = worker.transactions(work, [(None, group)])
                told = WAITS.search(b"".join(transaction.data)) is not None
                (self.waiting if told else self.sent).append(transaction)
                look_at(work, transaction)
                for at, recipient in zip(group, transaction.recipients, strict=True):
                    work.note(at, self.answers.get(recipient, Outcome(Fate.DELIVERED)))
            report = Report(work.lease, bytes(work.progress), work.fresh, work.deferred)
            self.store.record(lambda tx: deliver.write(tx, [report], now, 0.5))  # noqa: B023
        return sorted(r for transaction in self.sent[before:] for r in transaction.recipients)

    def open(self, worker: Deliveries, lease: Lease) -> Work | None:
        """The work of a lease; None when its copies cannot be made, and it is set aside."""
        now = self.clock.now()
        try:
            return self.store.read(lambda tx: worker.open(tx, lease, now))
        except ListservError as wrong:
            fault = wrong
            self.store.record(lambda tx: quarantine.cannot_be_made(tx, lease, fault, now))
            return None

    def last(self) -> bytes:
        """The message sent last."""
        return b"".join(self.sent[-1].data)


def look_at(work: Work, transaction: Transaction) -> None:
    """Fail for a mail that should not leave like this."""
    unstuffed = re.sub(rb"(?m)^\.\.", b".", b"".join(transaction.data))
    mlist = work.source.mlist
    keeps_from = mlist is not None and mlist.stored.get("from_rewrite") == "policy"
    sink.check(unstuffed, transaction.sender, keeps_from=keeps_from)


_serial = count(1)


def an_address(text: str) -> Address:
    read = parse_address(text)
    assert read is not None, text
    return read


def a_message(author: str, recipients: tuple[str, ...], **header: str) -> bytes:
    """A plain message; `header` adds, replaces or (with "") removes fields, `body` is the text."""
    fields = {
        "from": author,
        "to": ", ".join(recipients),
        "subject": "Hello",
        "message_id": f"<{next(_serial)}@example.org>",
        "date": "Sat, 21 Nov 2026 12:00:00 +0000",
        **header,
    }
    body = fields.pop("body", "Good morning.")
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([*lines, "", body, ""]).encode()


@contextmanager
def a_world() -> Iterator[World]:
    """A new one on SQLite, for what needs many of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "listserv.db"
        path.write_bytes(with_schema())
        store = Store(f"sqlite:///{path}")
        yield World(store, a_site(store), StillClock())
        store.close()
