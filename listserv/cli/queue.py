"""queue: what goes out."""

import dataclasses
import sys
from zoneinfo import ZoneInfo

import click

from listserv.app import App
from listserv.cli.opening import BY, with_app
from listserv.cli.printing import json_option, print_object, print_rows, watching
from listserv.cli.status import standstills
from listserv.flow import administer
from listserv.store import queue_view
from listserv.store.queue_view import QueueRow, Waiting
from listserv.store.session import Tx


@click.group("queue")
def queue() -> None:
    """Show, retry, drop and pause what goes out."""


@queue.command()
@click.option("--watch", is_flag=True, help="Follow it; on a terminal with progress bars.")
@json_option
@with_app
def ls(app: App, watch: bool, as_json: bool) -> None:
    """Show what has not gone out yet."""
    if watch and not as_json and sys.stdout.isatty():
        from listserv.cli.progress import follow

        follow(app)
        return
    columns = (
        "id", "list", "kind", "subject", "state", "recipients", "delivered", "deferred", "failed",
        "next_attempt", "words",
    )  # fmt: skip
    for _ in watching(watch, as_json):
        found, why = app.store.read(lambda tx: (queue_view.mailings(tx), standstills(tx, app)))
        rows = [_row(row) for row in found]
        print_rows(rows, columns, as_json=as_json, zone=app.config.site.timezone)
        for line in why:
            click.echo(line, err=True)


@queue.command()
@click.argument("mailing_id", metavar="ID", type=int)
@json_option
@with_app
def show(app: App, mailing_id: int, as_json: bool) -> None:
    """Show a mailing: who waits for another attempt and why, who was refused for good."""

    def look(tx: Tx) -> dict[str, object]:
        row = _row(queue_view.get(tx, mailing_id))
        waiting = queue_view.waiting(tx, mailing_id)
        refused = queue_view.refusals(tx, mailing_id)
        if as_json:
            row["waiting"] = [dataclasses.asdict(one) for one in waiting]
            row["refused"] = [dataclasses.asdict(one) for one in refused]
        else:
            row["waiting"] = [_told(one, app.config.site.timezone) for one in waiting]
            row["refused"] = [f"{one.address}: {one.words}" for one in refused]
        return row

    print_object(app.store.read(look), as_json=as_json, zone=app.config.site.timezone)


@queue.command()
@click.argument("mailing_id", metavar="ID", type=int)
@with_app
def retry(app: App, mailing_id: int) -> None:
    """Try a mailing now, whatever it waits for."""
    app.store.write(lambda tx: administer.retry_mailing(tx, mailing_id, by=BY, now=app.clock.now()))
    click.echo(f"mailing {mailing_id} is due now")


@queue.command()
@click.argument("mailing_id", metavar="ID", type=int)
@with_app
def drop(app: App, mailing_id: int) -> None:
    """Give a mailing up: who has not got it will not."""
    app.store.write(lambda tx: administer.drop_mailing(tx, mailing_id, by=BY, now=app.clock.now()))
    click.echo(f"dropped mailing {mailing_id}")


@queue.command()
@with_app
def pause(app: App) -> None:
    """Hand nothing to the relay until `queue resume`."""
    app.store.write(lambda tx: administer.pause_relay(tx, by=BY, now=app.clock.now()))


@queue.command()
@with_app
def resume(app: App) -> None:
    """Hand mail to the relay again."""
    app.store.write(lambda tx: administer.resume_relay(tx, by=BY, now=app.clock.now()))


def _row(row: QueueRow) -> dict[str, object]:
    return {
        "id": row.id,
        "list": row.list_address,
        "kind": row.kind,
        "subject": row.subject,
        "state": row.state,
        "recipients": row.recipients,
        "delivered": row.delivered,
        "deferred": row.deferred,
        "failed": row.failed,
        "skipped": row.skipped,
        "set_aside": row.set_aside,
        "expanded": row.expanded,
        "next_attempt": row.next_attempt,
        "words": row.words,
        "created": row.created,
        "finished": row.finished,
    }


def _told(one: Waiting, zone: ZoneInfo) -> str:
    more = one.recipients - len(one.addresses)
    whom = ", ".join(one.addresses) + (f" and {more} more" if more > 0 else "")
    when = f"{one.next_attempt.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"{whom}: {one.words} (attempts {one.attempts}, next {when})"
