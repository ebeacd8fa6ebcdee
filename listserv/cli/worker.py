"""worker: delivery only, on a further machine."""

import logging
import sys

import click

from listserv.app import App
from listserv.cli.opening import with_app
from listserv.domain.errors import ListservError


@click.command("worker")
@with_app
def worker(app: App) -> None:
    """Deliver only: on a machine beside the one that serves, with PostgreSQL."""
    from listserv import delivery

    if app.store.is_sqlite:
        raise ListservError(
            "storage.database is an SQLite file, for one machine; there `listserv serve` delivers"
        )
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=delivery.LOG_FORMAT)
    delivery.run_alone(app)
