"""listserv itself: a configuration in a folder, lists with members, `listserv serve`."""

import smtplib
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import exists, select

from benchmarks.rows.programs import POST_SIZE, Busy, family, free_port, resident, wait_for
from listserv import config
from listserv.app import build
from listserv.domain.address import Address
from listserv.domain.mailing import MailingState
from listserv.domain.members import Delivery, MemberRole
from listserv.flow import administer
from listserv.flow.site import Site
from listserv.store import members, queue_view
from listserv.store.members import NewMember
from listserv.store.session import Tx
from listserv.store.tables import MailingRow
from tests.dns import DnsServer

DOMAIN = "lists.example.org"
_BY = "benchmark"
_WAITING = select(exists().where(MailingRow.state == MailingState.ACTIVE))
_LISTSERV = Path(sys.executable).with_name("listserv")
# So many members are added in one transaction.
_AT_ONCE = 50_000


def addresses(count: int) -> Iterator[str]:
    """Members at seven providers, in turns."""
    return (f"m{n}@example{n % 7}.org" for n in range(count))


@dataclass(frozen=True)
class Went:
    """A fan-out: seconds from the post's arrival to the record of its last recipient, and who was
    how busy meanwhile."""

    seconds: float
    busy: str


class Server:
    """An installation with SQLite in `folder`, whose relay is a port of loopback. `relay` are more
    lines of [relay], `sections` more sections."""

    def __init__(
        self,
        folder: Path,
        relay_port: int,
        mode: str = "verp",
        relay: str = "",
        sections: str = "",
    ) -> None:
        self.port = free_port()
        self.dns = DnsServer()  # it knows no name, and says so at once
        self.path = folder / "listserv.toml"
        self._folder = folder
        signing = ""
        if mode == "personal":
            signing = f'[dkim]\nselector = "s"\nkey_file = "{_key(folder)}"\n'
        self.path.write_text(
            f'[site]\ndomain = "{DOMAIN}"\nhostname = "{DOMAIN}"\n'
            f'[storage]\ndatabase = "sqlite:///{folder / "listserv.db"}"\n'
            f'[smtp]\nlisten = "127.0.0.1:{self.port}"\n'
            f'[lmtp]\nlisten = "127.0.0.1:{free_port()}"\n'
            f"[auth]\nrequire_proven_author = false\n"
            f'[dns]\nservers = ["{self.dns.address}"]\n'
            f'[delivery]\nmode = "{mode}"\n{signing}'
            f'[relay]\nhost = "127.0.0.1"\nport = {relay_port}\n{relay}\n{sections}'
        )
        self.path.chmod(0o600)
        self._app = build(config.load(self.path))
        self.store = self._app.store

    @property
    def site(self) -> Site:
        """What its flows know."""
        return self._app.site

    def add_list(self, name: str, people: Iterable[str] = (), **settings: str) -> None:
        """A list with these members; anyone may post, unless `settings` say otherwise."""
        now = self._app.clock.now()

        def make(tx: Tx) -> int:
            return administer.create_list(
                tx, f"{name}@{DOMAIN}", domains={DOMAIN}, style="discussion",
                settings={"posting": "anyone", **settings}, owners=(), by=_BY, now=now,
            ).id  # fmt: skip

        list_id = self.store.write(make)
        waiting = iter(people)
        while some := [_member(address) for address in islice(waiting, _AT_ONCE)]:
            self.store.write(
                lambda tx, some=some: members.add_many(tx, list_id, some, began=_BY, now=now)
            )

    def command(self, *words: str) -> str:
        """What `listserv` prints for a command."""
        return subprocess.run(
            [_LISTSERV, "--config", self.path, *words], check=True, capture_output=True, text=True
        ).stdout

    @contextmanager
    def serving(self) -> Iterator[None]:
        """`listserv serve` runs."""
        with (self._folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_LISTSERV, "--config", self.path, "serve"], stderr=log
            )
        try:
            wait_for(self.port)
            while len(family(self._process.pid)) < 2:  # its delivery process
                time.sleep(0.05)
            yield
        finally:
            self._process.terminate()
            self._process.wait(30)
            self.store.close()
            self.dns.close()

    @property
    def pids(self) -> dict[str, int]:
        """The server and its delivery process."""
        return dict(zip(("server", "delivery"), family(self._process.pid), strict=True))

    @property
    def memory(self) -> float:
        """Peak resident memory of all processes together, in MB."""
        return resident(self.pids.values())

    def post(self, name: str, raw: bytes | None = None, author: str = "") -> float:
        """Post once by SMTP; seconds until the final dot is answered. By default each post has an
        author of its own: somebody who writes much is held."""
        to = f"{name}@{DOMAIN}"
        author = author or f"ann{time.time_ns()}@example.org"
        with smtplib.SMTP("127.0.0.1", self.port, timeout=120) as client:
            client.ehlo()
            began = time.monotonic()
            client.sendmail(author, [to], raw or message(author, to))
            return time.monotonic() - began

    def fan_out(self, name: str, raw: bytes | None = None, **others: int) -> Went:
        """Post once, wait until everybody has it. `others` are processes to watch as well. Nobody
        may be missed: RuntimeError."""
        busy = Busy(**self.pids, **others)
        self.post(name, raw)
        while self.waiting():
            time.sleep(0.1)
        used = busy.words()
        everything = self.store.read(lambda tx: queue_view.mailings(tx, ended=True))
        last = [one for one in everything if one.list_address == f"{name}@{DOMAIN}"][-1]
        if last.finished is None or last.delivered != last.recipients:
            raise RuntimeError(f"{last.delivered} of {last.recipients} delivered: {last.words}")
        return Went((last.finished - last.created).total_seconds(), used)

    def waiting(self) -> bool:
        """Whether anything is in the queue. Asked often, beside what is measured: it costs next to
        nothing."""
        return self.store.read_at_once(lambda tx: bool(tx.execute(_WAITING).scalar()))


def message(author: str, to: str, body: bytes = b"") -> bytes:
    """A post of POST_SIZE bytes of text, or with this body, unlike any other."""
    number = time.time_ns()
    head = (
        f"From: {author}\r\nTo: {to}\r\nSubject: post {number}\r\n"
        f"Message-ID: <{number}@example.org>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
        "MIME-Version: 1.0\r\n"
    ).encode()
    line = b"The quick brown fox jumps over the lazy dog, again and again.\r\n"
    return head + (body or b"\r\n" + line * (POST_SIZE // len(line)))


def _member(address: str) -> NewMember:
    local, _, domain = address.rpartition("@")
    return NewMember(Address(local, domain), "", MemberRole.MEMBER, Delivery.MAIL)


def _key(folder: Path) -> Path:
    path = folder / "dkim.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
