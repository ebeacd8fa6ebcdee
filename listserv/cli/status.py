"""status: one look at what is going on, and why nothing goes out when nothing does."""

from datetime import datetime, timedelta

import click

from listserv.app import App
from listserv.cli.opening import with_app
from listserv.cli.printing import json_option, print_object, watching
from listserv.domain.decision import Verdict
from listserv.flow.deliver import DELIVERED
from listserv.mail.words import shown
from listserv.store import counters, excused, quarantine, site
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
        row, why = app.store.read(lambda tx: (_row(tx, app), standstills(tx, app)))
        print_object(row, as_json=as_json, zone=app.config.site.timezone)
        for line in why if not as_json else ():
            click.echo(line, err=True)


def standstills(tx: Tx, app: App) -> list[str]:
    """Why nothing goes out, a line each; most of the time none."""
    reasons = [site.relay_paused(tx)]
    down = site.relay_down(tx)
    if down is not None:
        reasons.append(f"the relay takes nothing, {down}")
    allowed = app.config.relay.max_per_day
    if allowed and _sent_today(tx, app.clock.now()) >= allowed:
        reasons.append(f"relay.max_per_day = {allowed} is reached")
    return [f"nothing goes out: {shown(reason)}" for reason in reasons if reason is not None]


def _sent_today(tx: Tx, now: datetime) -> int:
    return counters.total(tx, DELIVERED, now - _DAY)


def _not_scored(tx: Tx, now: datetime) -> list[str]:
    """Which domains refused mail within a day so that it is not about their members, and how."""
    latest = {one.domain: one for one in reversed(excused.alarms(tx, now - _DAY))}
    return [f"{one.domain or 'many domains'} ({one.why}): {one.words}" for one in latest.values()]


def _row(tx: Tx, app: App) -> dict[str, object]:
    path, now = app.store.path, app.clock.now()
    queue = stored.queue(tx)
    minute = counters.last_minute(tx, DELIVERED, now)
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
        "relay_down": site.relay_down(tx),
        "quarantined": quarantine.count(tx),
        "held": held,
        "held_oldest": oldest_held,
        **{f"{v}_last_hour": counters.total(tx, v, now - _HOUR) for v in Verdict},
        "rate_per_second": round(minute / 60, 1),
        "delivered_last_minute": minute,
        "delivered_last_hour": counters.total(tx, DELIVERED, now - _HOUR),
        "delivered_last_day": _sent_today(tx, now),
        "refused_last_day": stored.refused(tx, now - _DAY),
        "bounces_last_day": stored.bounces(tx, now - _DAY),
        "members_suspended": stored.suspended(tx),
        "domains_not_scored": _not_scored(tx, now),
        "database_bytes": space.database,
        "disk_free_bytes": space.free,
        "days_to_full": space.days_to_full,
    }
