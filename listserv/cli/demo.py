"""demo: a complete server on loopback, in a temporary folder, delivering only to itself.

It plays the story below by real SMTP. Every line about what happened is read back from the
database or the Maildir; the exit status is 1 when one of them is not as expected.
"""

import asyncio
import logging
import re
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from http.client import HTTPConnection
from pathlib import Path
from typing import TypeVar

import aiosmtplib
import click

from listserv import daemon
from listserv.app import App, build
from listserv.config import Auth, Config, Delivery, Dkim, Dns, Relay, Site, Smtp, Storage, Web
from listserv.dkim_keys import Turn
from listserv.domain.address import Address, Role, parse_address
from listserv.domain.decision import Verdict
from listserv.domain.lists import MailingList
from listserv.flow import administer, enrol
from listserv.flow.due_digests import Ask
from listserv.store import held, members, posts, queue_view
from listserv.store.held import HeldState
from listserv.store.session import Tx
from listserv.workers import digests

T = TypeVar("T")

_DOMAIN = "lists.example.org"
_LIST = f"garden@{_DOMAIN}"
_BY = "demo"
# (name, address, delivery, role)
_PEOPLE = (
    ("Ann", "ann@example.org", "mail", "member"),
    ("Ben", "ben@example.org", "mail", "member"),
    ("Cleo", "cleo@example.net", "digest", "member"),
    ("Mo", "mo@example.com", "mail", "moderator"),
)
# Delivery on loopback takes milliseconds; a minute is for a machine that is busy.
_PATIENCE = 60.0


@click.command("demo")
@click.option("--stay", is_flag=True, help="Keep the server up until Ctrl-C.")
@click.pass_context
def demo(context: click.Context, stay: bool) -> None:
    """Show the program at work: a complete server that writes only to itself."""
    logging.basicConfig(level=logging.ERROR)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="listserv-demo-")))
        app = build(_config(folder))
        app.keys.make(_DOMAIN, Turn.NOW, app.clock.now())
        story = asyncio.run(_play(app, stay))
    context.exit(0 if story.as_expected else 1)


def _config(folder: Path) -> Config:
    operator = parse_address("operator@example.org")
    assert operator is not None
    return Config(
        site=Site(domain=_DOMAIN, hostname=_DOMAIN, operator=operator),
        # Its people are invented, and nothing leaves the machine: nobody is asked who they are.
        auth=Auth(require_proven_author=False),
        dns=Dns(servers=("127.0.0.1:9",)),
        storage=Storage(database=f"sqlite:///{folder / 'listserv.db'}"),
        smtp=Smtp(listen="127.0.0.1:0"),
        web=Web(listen="127.0.0.1:0", url=f"https://{_DOMAIN}"),
        delivery=Delivery(mode="personal"),
        relay=Relay(kind="maildir", path=folder / "Maildir"),
        dkim=Dkim(keys_dir=folder),
    )


async def _play(app: App, stay: bool) -> "_Story":
    stop = asyncio.Event()
    up: asyncio.Future[daemon.Ports] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(daemon.serve(app, stop, up.set_result))
    async with asyncio.timeout(_PATIENCE):
        ports = await up
    port, web = ports.smtp, ports.web
    assert port is not None and web is not None
    story = _Story(app, port, web)
    await story.tell()
    if stay:
        maildir = app.config.relay.path
        click.echo(f"\nThe server stays up. Send to {_LIST} by SMTP at 127.0.0.1, port {port}:")
        click.echo(f"  curl smtp://127.0.0.1:{port} --mail-from ann@example.org \\")
        click.echo(f"    --mail-rcpt {_LIST} --upload-file MESSAGE.eml")
        click.echo(f"The pages of https://{_DOMAIN} are at http://127.0.0.1:{web} here.")
        click.echo(f"Every copy lands in {maildir}/new; the database is {app.store.path}.")
        click.echo("Ctrl-C ends it and deletes both.")
        await _until_told(server)
    stop.set()
    await server
    return story


async def _until_told(server: asyncio.Task[None]) -> None:
    """Until Ctrl-C or SIGTERM, or until the server fails."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait([waiting, server], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


class _Story:
    """What is played, printed and checked."""

    def __init__(self, app: App, port: int, web: int) -> None:
        self._app = app
        self._port = port
        self._web = web
        self._seen: set[str] = set()
        self.as_expected = True

    async def tell(self) -> None:
        mlist = self._write(self._found_list)
        click.secho(f"A server for {_DOMAIN} runs on 127.0.0.1, port {self._port}.", bold=True)
        click.echo(f'The list "{mlist.title}", {mlist.address}, has these members:')
        for member in self._read(lambda tx: list(members.ls(tx, mlist.id))):
            click.echo(f"  {member.name:6} {member.address!s:18} {member.role}, {member.delivery}")
        copies = await self._a_member_posts(mlist)
        await self._a_stranger_posts(mlist)
        await self._a_stranger_joins(mlist)
        await self._a_digest_comes(mlist)
        await self._a_member_clicks(mlist, copies)
        click.echo()
        if self.as_expected:
            click.secho("Everything went as expected.", fg="green")
        else:
            click.secho("Something did not go as expected: see the lines marked ✗.", fg="red")

    async def _a_member_posts(self, mlist: MailingList) -> list[Message]:
        click.secho("\n1. Ann posts to the list", bold=True)
        await self._send("Ann", "ann@example.org", "The first tomatoes", "They are ripe.")
        self._show_decision(mlist, Verdict.ACCEPT)
        copies = await self._show_copies(
            mlist, {"ann@example.org", "ben@example.org", "mo@example.com"}
        )
        self._show_waiting(mlist, 1)
        return copies

    async def _a_stranger_posts(self, mlist: MailingList) -> None:
        click.secho("\n2. Zoe, who is not subscribed, posts to the list", bold=True)
        await self._send("Zoe", "zoe@example.net", "Seeds to give away", "Beans and peas.")
        self._show_decision(mlist, Verdict.HOLD)
        mo = "mo@example.com"
        asked = await self._show_copies(mlist, {mo})
        waiting = self._read(lambda tx: held.ls(tx, mlist.id))
        self._check(len(waiting) == 1, f"held:     {len(waiting)} post waits for a moderator")
        if not asked or not waiting:
            return
        click.secho("\n3. Mo, the moderator, replies with one word, and is asked", bold=True)
        await self._reply("Mo", mo, asked[0], "Approve")
        # Nothing here is signed, so it might be anybody who writes in Mo's name.
        asked = await self._show_copies(mlist, {mo})
        if not asked:
            return
        await self._reply("Mo", mo, asked[0], "Yes")
        after = self._read(lambda tx: held.get(tx, waiting[0].id))
        told = f"held:     post {after.id} was {after.state} by {after.decided_by}"
        self._check(after.state is HeldState.APPROVED, told)
        self._show_decision(mlist, Verdict.ACCEPT)
        await self._show_copies(mlist, {"ann@example.org", "ben@example.org", "mo@example.com"})
        self._show_waiting(mlist, 2)

    async def _a_stranger_joins(self, mlist: MailingList) -> None:
        click.secho("\n4. Zoe joins by mail, and is asked whether it was her", bold=True)
        zoe, join = "zoe@example.net", mlist.addresses.of(Role.JOIN)
        await self._send("Zoe", zoe, "Joining", "I have a garden too.", join)
        asked = await self._show_copies(mlist, {zoe})
        if not asked:
            return
        await self._reply("Zoe", zoe, asked[0], "Yes")
        await self._show_copies(mlist, {zoe})
        known = {str(one.address) for one in self._read(lambda tx: list(members.ls(tx, mlist.id)))}
        self._check(zoe in known, f"members:  {len(known)}, and Zoe is one of them")

    async def _a_digest_comes(self, mlist: MailingList) -> None:
        click.secho("\n5. Cleo gets the posts of the day in one mail", bold=True)
        now = self._app.clock.now()
        await asyncio.to_thread(
            digests.send_now, self._app.store, self._app.site, mlist.id, Ask.ALL, now
        )
        await self._show_copies(mlist, {"cleo@example.net"})
        self._show_waiting(mlist, 0)

    async def _a_member_clicks(self, mlist: MailingList, copies: list[Message]) -> None:
        click.secho("\n6. Ben clicks on Unsubscribe in his mail program", bold=True)
        ben = "ben@example.org"
        fields = [copy["List-Unsubscribe"] for copy in copies if copy["Delivered-To"] == ben]
        link = re.search(rf"<https://{_DOMAIN}(/u/[^>]+)>", "".join(fields))
        status = await asyncio.to_thread(self._click, link[1]) if link else 0
        self._check(status == 200, f"page:     his provider's POST is answered with {status}")
        await self._show_copies(mlist, {ben})
        known = {str(one.address) for one in self._read(lambda tx: list(members.ls(tx, mlist.id)))}
        self._check(ben not in known, f"members:  {len(known)}, and Ben is none of them")

    def _click(self, path: str) -> int:
        """What RFC 8058 has a mail provider do."""
        with closing(HTTPConnection("127.0.0.1", self._web, timeout=_PATIENCE)) as connection:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, b"List-Unsubscribe=One-Click", form)
            return connection.getresponse().status

    def _found_list(self, tx: Tx) -> MailingList:
        now = self._app.clock.now()
        mlist = administer.create_list(
            tx, _LIST, domains={_DOMAIN}, style="discussion", owners=(), by=_BY, now=now,
            settings={"title": "Garden", "subject_prefix": "[garden]"},
        )  # fmt: skip
        for name, address, delivery, role in _PEOPLE:
            settings = {"name": name, "delivery": delivery, "role": role}
            enrol.add_members(
                tx, mlist.id, [address], domains={_DOMAIN}, settings=settings, by=_BY, now=now
            )
        return mlist

    async def _reply(self, name: str, sender: str, to: Message, text: str) -> None:
        _, address = parseaddr(to["Reply-To"])
        await self._send(name, sender, f"Re: {to['Subject']}", text, address)

    async def _send(self, name: str, sender: str, subject: str, text: str, to: str = _LIST) -> None:
        message = (
            f"From: {name} <{sender}>\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Message-ID: <{re.sub(r'[^a-zA-Z]+', '.', subject)}@example.org>\r\n\r\n{text}\r\n"
        )
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._port, start_tls=False)
        async with client:
            _, reply = await client.sendmail(sender, [to], message)
        click.echo(f"  in:       {sender} -> {to}: {subject}")
        click.echo(f"  answer:   {reply}")

    def _show_decision(self, mlist: MailingList, expected: Verdict) -> None:
        post = self._read(lambda tx: posts.latest(tx, mlist.id))
        assert post is not None
        because = "; ".join(r.because for r in post.reasons) or "nothing speaks against it"
        if post.reasons and post.number:
            because = f"approved; it was held because {because}"
        number = f", number {post.number}" if post.number else ""
        self._check(post.verdict is expected, f"decided:  {post.verdict}{number}: {because}")

    async def _show_copies(self, mlist: MailingList, expected: set[str]) -> list[Message]:
        """What came into the Maildir since the last look."""
        await self._until(lambda: not self._read(queue_view.mailings))
        found = dict(self._new_mail())
        got = set()
        for path, message in found.items():
            recipient = message["Delivered-To"]
            got.add(recipient)
            click.echo(f"  out:      to {recipient}: {message['Subject']} (from {message['From']})")
            self._seen.add(path)
        self._check(got == expected, f"copies:   {len(got)} sent, of {len(expected)} that are due")
        return list(found.values())

    def _new_mail(self) -> Iterator[tuple[str, Message]]:
        folder = self._app.config.relay.path
        assert folder is not None
        for path in sorted(folder.glob("new/*")):
            if path.name not in self._seen:
                yield path.name, message_from_bytes(path.read_bytes())

    def _show_waiting(self, mlist: MailingList, expected: int) -> None:
        key = Address("cleo", "example.net").key

        def look(tx: Tx) -> int:
            member = members.by_key(tx, mlist.id, key)
            return members.waiting(tx, member) if member else 0

        count = self._read(look)
        posts_wait = "1 post waits" if count == 1 else f"{count} posts wait"
        self._check(count == expected, f"digest:   {posts_wait} for Cleo's digest")

    def _check(self, good: bool, line: str) -> None:
        mark = click.style("✓", fg="green") if good else click.style("✗", fg="red")
        click.echo(f"  {line}  {mark}")
        self.as_expected = self.as_expected and good

    def _read(self, job: Callable[[Tx], T]) -> T:
        return self._app.store.read(job)

    def _write(self, job: Callable[[Tx], T]) -> T:
        return self._app.store.write(job)

    async def _until(self, is_true: Callable[[], bool]) -> None:
        """Wait until it is, or for _PATIENCE: then the check that follows says what is missing."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while not is_true():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return
