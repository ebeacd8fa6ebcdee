"""db: the database."""

import click

from listserv import config
from listserv.cli.opening import config_path, storage_errors
from listserv.store import schema
from listserv.store.session import Store


@click.group("db")
def db() -> None:
    """Upgrade the database."""


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the database to this program's version. Stop the server first."""
    with storage_errors():
        store = Store(config.load(config_path(ctx)).storage.database)
        try:
            before, after = schema.upgrade(store)
        finally:
            store.close()
    if before == after:
        click.echo(f"the database is of version {after} already")
    else:
        click.echo(f"upgraded the database from version {before or '(none)'} to {after}")
