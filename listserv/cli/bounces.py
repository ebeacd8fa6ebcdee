"""bounce: members whose mail comes back, what is scored of it, and how it is forgotten."""

from collections.abc import Iterator
from functools import partial

import click

from listserv.app import App
from listserv.cli.opening import BY, with_app
from listserv.cli.printing import json_option, print_rows
from listserv.flow import bounce as flow
from listserv.flow import weigh
from listserv.flow.enrol import find_member
from listserv.store import lists
from listserv.store.session import Tx


@click.group("bounce")
def bounces() -> None:
    """Show whose mail comes back, and start it again. docs/bounces.md has the rules."""


@bounces.command()
@click.argument("name", metavar="LIST")
@json_option
@with_app
def ls(app: App, name: str, as_json: bool) -> None:
    """Show the members of LIST whose mail came back on days that count (score), and those who get
    none for now. Of whom a trial mail is on its way the state is probed."""
    mlist = app.store.read(lambda tx: lists.find(tx, name))

    def rows() -> Iterator[dict[str, object]]:
        after: int | None = 0
        while after is not None:
            page = partial(weigh.page, site=app.site, list_id=mlist.id, now=app.clock.now())
            found, after = app.store.read(partial(page, after=after))
            for one in found:
                yield {
                    "address": str(one.address),
                    "score": one.score,
                    "state": one.state,
                    "last": one.last,
                }

    columns = ("address", "score", "state", "last")
    print_rows(rows(), columns, as_json=as_json, zone=app.config.site.timezone)


@bounces.command()
@click.argument("name", metavar="LIST")
@click.argument("address", metavar="ADDRESS")
@with_app
def reset(app: App, name: str, address: str) -> None:
    """Forget what came back of a member's mail. Who was suspended gets mail again."""

    def forget(tx: Tx) -> str:
        mlist = lists.find(tx, name)
        member = find_member(tx, mlist, address)
        was = flow.reset(tx, mlist, member, BY, app.clock.now())
        return f"{member.address} gets mail again" if was else f"the score of {member.address} is 0"

    click.echo(app.store.write(forget))
