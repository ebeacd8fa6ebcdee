"""serve: the daemon."""

import logging
import sys

import click

from listserv.app import App
from listserv.cli.opening import with_app


@click.command("serve")
@with_app
def serve(app: App) -> None:
    """Run the daemon: listeners, delivery, housekeeping."""
    from listserv import daemon
    from listserv.delivery import LOG_FORMAT

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=LOG_FORMAT)
    daemon.run(app)
