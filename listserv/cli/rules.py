"""rules: what becomes of which post."""

import click

from listserv.app import App
from listserv.cli.opening import with_app
from listserv.policy.posting import rules_table
from listserv.store import lists


@click.command("rules")
@click.argument("name", metavar="[LIST]", required=False)
def rules(name: str | None) -> None:
    """Show the posting rules in force on LIST, with its values; or without LIST all of them."""
    click.echo(rules_table(None) if name is None else _rules_of(name), nl=False)


@with_app
def _rules_of(app: App, name: str) -> str:
    return rules_table(app.store.read(lambda tx: lists.find(tx, name)))
