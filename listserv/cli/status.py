"""status: one look at what is going on."""

from datetime import datetime, timedelta

import click

from listserv.app import App
from listserv.cli.opening import with_app
from listserv.cli.printing import json_option, print_object, watching
from listserv.domain.decision import Verdict
from listserv.store import counters, site
from listserv.store import status as stored
from listserv.store.session import Tx

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@click.command("status")
@click.option("--watch", is_flag=True, help="Look again every two seconds.")
@json_option
@with_app
def status(app: App, watch: bool, as_json: bool) -> None:
    """Show the queue, the rates, what is held, what is full."""
    for _ in watching(watch, as_json):
        row = app.store.read(lambda tx: _row(tx, app.store.path, app.clock.now()))
        print_object(row, as_json=as_json, zone=app.config.site.timezone)


def _row(tx: Tx, path: str | None, now: datetime) -> dict[str, object]:
    queue = stored.queue(tx)
    held, oldest_held = stored.held(tx)
    lists, members = stored.lists_and_members(tx)
    space = stored.space(tx, path, now)
    return {
        "lists": lists,
        "members": members,
        "queue_mailings": queue.mailings,
        "queue_recipients": queue.recipients,
        "queue_oldest": queue.oldest,
        "relay_paused": site.relay_paused(tx),
        "held": held,
        "held_oldest": oldest_held,
        **{f"{v}_last_hour": counters.total(tx, v, now - _HOUR) for v in Verdict},
        "delivered_last_hour": stored.delivered(tx, now - _HOUR),
        "refused_last_day": stored.refused(tx, now - _DAY),
        "database_bytes": space.database,
        "disk_free_bytes": space.free,
        "days_to_full": space.days_to_full,
    }
