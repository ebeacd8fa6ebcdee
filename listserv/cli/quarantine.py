"""quarantine: what was set aside because delivery crashed over it."""

import click

from listserv.app import App
from listserv.cli.opening import BY, with_app
from listserv.cli.printing import json_option, print_object, print_rows
from listserv.domain.mailing import MailingState
from listserv.flow import quarantine as decide
from listserv.store import quarantine as stored
from listserv.store import queue_view
from listserv.store.quarantine import Quarantined
from listserv.store.session import Tx

# Said where a whole mailing is set aside.
_EVERYBODY = "everybody who has not got it"


@click.group("quarantine")
def quarantine() -> None:
    """Show, retry and drop what delivery crashed over: a recipient of a mailing, or a mailing. It
    stays until somebody decides; the rest of the queue flows."""


@quarantine.command()
@json_option
@with_app
def ls(app: App, as_json: bool) -> None:
    """Show what is set aside."""
    columns = ("id", "mailing", "list", "kind", "subject", "recipient", "why", "at")
    rows = [_row(one, as_json) for one in app.store.read(stored.ls)]
    print_rows(rows, columns, as_json=as_json, zone=app.config.site.timezone)


@quarantine.command()
@click.argument("quarantine_id", metavar="ID", type=int)
@json_option
@with_app
def show(app: App, quarantine_id: int, as_json: bool) -> None:
    """Show one of them, and how far its mailing is."""

    def look(tx: Tx) -> dict[str, object]:
        one = stored.get(tx, quarantine_id)
        mailing = queue_view.get(tx, one.mailing_id)
        return {
            **_row(one, as_json),
            "mailing_state": mailing.state,
            "recipients": mailing.recipients,
            "delivered": mailing.delivered,
            "deferred": mailing.deferred,
            "failed": mailing.failed,
            "set_aside": mailing.set_aside,
        }

    print_object(app.store.read(look), as_json=as_json, zone=app.config.site.timezone)


@quarantine.command()
@click.argument("quarantine_id", metavar="ID", type=int)
@with_app
def retry(app: App, quarantine_id: int) -> None:
    """Try it again."""

    def job(tx: Tx) -> tuple[Quarantined, MailingState]:
        one = decide.retry(tx, quarantine_id, by=BY, now=app.clock.now())
        return one, queue_view.get(tx, one.mailing_id).state

    one, state = app.store.write(job)
    waits = "" if state is MailingState.ACTIVE else f", once that is no longer {state}"
    click.echo(f"{_whom(one)} gets mailing {one.mailing_id}{waits}")


@quarantine.command()
@click.argument("quarantine_id", metavar="ID", type=int)
@with_app
def drop(app: App, quarantine_id: int) -> None:
    """Give it up."""
    one = app.store.write(
        lambda tx: decide.drop(tx, quarantine_id, by=BY, now=app.clock.now()),
    )
    click.echo(f"{_whom(one)} does not get mailing {one.mailing_id}")


def _whom(one: Quarantined) -> str:
    return _EVERYBODY if one.is_mailing else one.recipient or f"member {one.member}"


def _row(one: Quarantined, as_json: bool) -> dict[str, object]:
    return {
        "id": one.id,
        "mailing": one.mailing_id,
        "list": one.list_address,
        "kind": one.kind,
        "subject": one.subject,
        "recipient": one.recipient if as_json else _whom(one),
        "why": one.why,
        "at": one.at,
    }
