"""digest: send what waits now, and show what a member would get."""

from datetime import datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import click

from listserv.app import App
from listserv.cli.opening import with_app
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.flow import due_digests, make_digests
from listserv.flow.due_digests import Ask, Plan
from listserv.flow.enrol import find_member
from listserv.mail.digest_message import digest_message
from listserv.store import lists
from listserv.store.session import Tx
from listserv.workers import digests

# Formats of --at. Without a zone it is the site's.
_TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]


@click.group("digest")
def digest() -> None:
    """Send digests now; show what a member would get."""


@digest.command()
@click.argument("name", metavar="LIST")
@click.option(
    "--at", type=click.DateTime(_TIMES),
    help="Do what is due at this time (2026-06-01T07:30) instead, and nothing more.",
)  # fmt: skip
@with_app
def send(app: App, name: str, at: datetime | None) -> None:
    """Send an issue to every digest reader for whom posts wait, whatever their hour. The next one
    comes when it would have come anyway."""
    mlist = app.store.read(lambda tx: lists.find(tx, name))
    if mlist.on_hold:
        raise ListservError(f"{mlist.address} is on hold; run listserv list free {name}")
    then = at.replace(tzinfo=app.config.site.timezone) if at is not None else None
    ask = Ask.ALL if then is None else Ask.DUE_THEN
    served = digests.send_now(app.store, app.site, mlist.id, ask, app.clock.now(), at=then)
    click.echo(f"sent to {served} members" if served != 1 else "sent to 1 member")


@digest.command()
@click.argument("name", metavar="LIST")
@click.argument("address", metavar="ADDRESS")
@click.option(
    "--into", type=click.Path(file_okay=False, exists=True, path_type=Path), default=Path(),
    help="The folder to write into; default: this one.",
)  # fmt: skip
@with_app
def preview(app: App, name: str, address: str, into: Path) -> None:
    """Write the issue that a member would get now into files: each mail as .eml, and its page as
    .html. Sends nothing."""

    def look(tx: Tx) -> tuple[MailingList, Plan]:
        mlist = lists.find(tx, name)
        member = find_member(tx, mlist, address)
        return mlist, due_digests.preview(tx, app.site, mlist, member.id, app.clock.now())

    mlist, plan = app.store.read(look)
    built = make_digests.build(app.site, plan)
    parts = [part for content in plan.readers for part in built.get(content, ())]
    if not parts:
        raise ListservError(f"no posts of {mlist.address} wait for {address}")
    for at, part in enumerate(parts, 1):
        path = into / (f"{mlist.name}-{at}.eml" if len(parts) > 1 else f"{mlist.name}.eml")
        raw = digest_message(mlist, part, f"<preview@{mlist.domain}>", app.clock.now())
        path.write_bytes(raw)
        click.echo(path)
        page = _page(message_from_bytes(raw))
        if page is not None:
            path.with_suffix(".html").write_bytes(page)
            click.echo(path.with_suffix(".html"))


def _page(message: Message) -> bytes | None:
    """Of the digest, not of a post that is whole in it."""
    if message.get_content_type() != "multipart/alternative":
        return None
    for part in message.walk():
        if part.get_content_type() == "text/html":
            page = part.get_payload(decode=True)
            return page if isinstance(page, bytes) else None
    return None
