"""rules: what becomes of which post, and how far a mail is believed."""

import click

from listserv.app import App
from listserv.cli.opening import with_app
from listserv.policy.posting import rules_table
from listserv.policy.trust import trust_table
from listserv.store import lists


@click.command("rules")
@click.argument("name", metavar="[LIST]", required=False)
@click.option("--trust", is_flag=True, help="Show how far a mail acts by who wrote it instead.")
def rules(name: str | None, trust: bool) -> None:
    """Show the posting rules in force on LIST, with its values; or without LIST all of them."""
    if name is not None:
        click.echo(_of_list(name, trust), nl=False)
    else:
        click.echo(
            trust_table(require_proven_author=True) if trust else rules_table(None), nl=False
        )


@with_app
def _of_list(app: App, name: str, trust: bool) -> str:
    mlist = app.store.read(lambda tx: lists.find(tx, name))
    required = app.config.auth.require_proven_author
    if trust:
        return trust_table(require_proven_author=required)
    return rules_table(mlist, require_proven_author=required)
