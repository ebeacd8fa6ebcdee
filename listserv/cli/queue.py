"""queue: what goes out."""

import click

from listserv.app import App
from listserv.cli.opening import BY, with_app
from listserv.cli.printing import json_option, print_object, print_rows, watching
from listserv.flow import administer, deliver
from listserv.store import queue_view, site
from listserv.store.queue_view import QueueRow


@click.group("queue")
def queue() -> None:
    """Show, retry, drop and pause what goes out."""


@queue.command()
@click.option("--watch", is_flag=True, help="Look again every two seconds.")
@json_option
@with_app
def ls(app: App, watch: bool, as_json: bool) -> None:
    """Show what has not gone out yet."""
    columns = (
        "id", "list", "kind", "subject", "state", "recipients", "delivered", "deferred", "failed",
        "next_attempt",
    )  # fmt: skip
    for _ in watching(watch, as_json):
        rows = [_row(row) for row in app.store.read(queue_view.mailings)]
        print_rows(rows, columns, as_json=as_json, zone=app.config.site.timezone)
        paused = app.store.read(site.relay_paused)
        if paused is not None:
            click.echo(f"nothing goes out: {paused}", err=True)


@queue.command()
@click.argument("mailing_id", metavar="ID", type=int)
@json_option
@with_app
def show(app: App, mailing_id: int, as_json: bool) -> None:
    """Show a mailing, and who was refused for good."""
    row = _row(app.store.read(lambda tx: queue_view.get(tx, mailing_id)))
    refused = app.store.read(lambda tx: queue_view.refusals(tx, mailing_id))
    if as_json:
        row["refused"] = [{"address": r.address, "words": r.words, "at": r.at} for r in refused]
    else:
        row["refused"] = [f"{r.address}: {r.words}" for r in refused]
    print_object(row, as_json=as_json, zone=app.config.site.timezone)


@queue.command()
@click.argument("mailing_id", metavar="ID", type=int)
@with_app
def retry(app: App, mailing_id: int) -> None:
    """Try a mailing now, whatever it waits for."""
    app.store.write(lambda tx: deliver.retry(tx, mailing_id, app.clock.now()))
    click.echo(f"mailing {mailing_id} is due now")


@queue.command()
@click.argument("mailing_id", metavar="ID", type=int)
@with_app
def drop(app: App, mailing_id: int) -> None:
    """Give a mailing up: who has not got it will not."""
    app.store.write(lambda tx: deliver.drop(tx, mailing_id, app.clock.now()))
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
        "next_attempt": row.next_attempt,
        "words": row.words,
        "created": row.created,
    }
