"""list: make, show, change and delete lists."""

import sys

import click

from listserv.app import App
from listserv.cli.opening import BY, with_app
from listserv.cli.printing import (
    json_option,
    print_object,
    print_rows,
    settings_help,
    works_as_written,
)
from listserv.domain.errors import ListservError
from listserv.domain.lists import LIST_SETTINGS, MailingList
from listserv.domain.members import MemberState
from listserv.flow import administer
from listserv.store import events, members
from listserv.store import lists as stored_lists
from listserv.store.session import Tx


@click.group("list")
def lists() -> None:
    """Make, show, change and delete lists. LIST is the posting address or, where it is unique,
    the name."""


@lists.command()
@click.argument("address")
@click.option("--style", default="discussion", help="discussion (the default) or announce.")
@click.option("--owner", "owners", multiple=True, help="An owner's address; may be repeated.")
@click.option("--title", default=None, help="The name people see.")
@with_app
def create(app: App, address: str, style: str, owners: tuple[str, ...], title: str | None) -> None:
    """Make a list at ADDRESS. Nobody gets mail about it."""
    domains = app.site.domains
    mlist = app.store.write(
        lambda tx: administer.create_list(
            tx,
            address,
            domains=domains,
            style=style,
            settings={} if title is None else {"title": title},
            owners=owners,
            by=BY,
            now=app.clock.now(),
        )
    )
    click.echo(f"made {mlist.address}")


@lists.command()
@json_option
@with_app
def ls(app: App, as_json: bool) -> None:
    """Show every list."""
    rows = app.store.read(lambda tx: [_row(tx, mlist) for mlist in stored_lists.every(tx)])
    columns = ("address", "title", "members", "posting", "moderation", "on_hold")
    print_rows(rows, columns, as_json=as_json, zone=app.config.site.timezone)


@lists.command()
@click.argument("name", metavar="LIST")
@json_option
@with_app
def show(app: App, name: str, as_json: bool) -> None:
    """Show a list with all its settings."""
    row = app.store.read(lambda tx: _row(tx, stored_lists.find(tx, name)))
    print_object(row, as_json=as_json, zone=app.config.site.timezone)


@lists.command("set", epilog=settings_help(LIST_SETTINGS))
@click.argument("name", metavar="LIST")
@click.argument("settings", metavar="KEY=VALUE...", nargs=-1, required=True)
@with_app
def set_(app: App, name: str, settings: tuple[str, ...]) -> None:
    """Change settings of a list: all of them, or none."""
    given, rule_files = key_values(settings), app.site.rule_files
    app.store.write(
        lambda tx: administer.change_list(
            tx,
            stored_lists.find(tx, name).id,
            given,
            rule_files=rule_files,
            by=BY,
            now=app.clock.now(),
        )
    )


@lists.command()
@click.argument("name", metavar="LIST")
@click.argument("new")
@with_app
def rename(app: App, name: str, new: str) -> None:
    """Give a list a NEW name or address. The old addresses keep working, and List-Id stays."""
    domains = app.site.domains
    mlist = app.store.write(
        lambda tx: administer.rename_list(
            tx,
            stored_lists.find(tx, name).id,
            new,
            domains=domains,
            by=BY,
            now=app.clock.now(),
        )
    )
    click.echo(f"renamed to {mlist.address}; the old addresses keep working")


@lists.command()
@click.argument("name", metavar="LIST")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_app
def delete(app: App, name: str, yes: bool) -> None:
    """Delete a list with its members, posts and log. It cannot be undone."""
    row = app.store.read(lambda tx: _row(tx, stored_lists.find(tx, name)))
    if not yes:
        _confirm(f"Delete {row['address']} with {row['members']} members and all its posts?")
    mlist = app.store.write(
        lambda tx: administer.delete_list(
            tx, stored_lists.find(tx, name).id, by=BY, now=app.clock.now()
        )
    )
    click.echo(f"deleted {mlist.address}")


@lists.command()
@click.argument("name", metavar="LIST")
@json_option
@with_app
def log(app: App, name: str, as_json: bool) -> None:
    """Show who did what to a list, oldest first."""
    found = app.store.read(lambda tx: events.ls(tx, stored_lists.find(tx, name).id))
    rows = [{"at": event.at, "who": event.who, "what": event.what} for event in found]
    print_rows(rows, ("at", "who", "what"), as_json=as_json, zone=app.config.site.timezone)


@lists.command()
@click.argument("name", metavar="LIST")
@with_app
def hold(app: App, name: str) -> None:
    """Hold every post of a list until a person decides about it."""
    _hold(app, name, True)


@lists.command()
@click.argument("name", metavar="LIST")
@with_app
def free(app: App, name: str) -> None:
    """End `list hold`. What is held already stays held."""
    _hold(app, name, False)


def key_values(settings: tuple[str, ...]) -> dict[str, str]:
    """KEY=VALUE words as a mapping; usage errors for anything else."""
    given: dict[str, str] = {}
    for word in settings:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{word!r} is not KEY=VALUE")
        if key in given:
            raise click.BadParameter(f"{key} is given twice")
        given[key] = value
    return given


def _hold(app: App, name: str, on: bool) -> None:
    app.store.write(
        lambda tx: administer.hold_list(
            tx, stored_lists.find(tx, name).id, on, by=BY, now=app.clock.now()
        )
    )


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise ListservError(f"{question} There is nobody to ask: say --yes")
    click.confirm(question, abort=True)


def _row(tx: Tx, mlist: MailingList) -> dict[str, object]:
    states = members.count(tx, mlist.id)
    return {
        "address": mlist.address,
        "title": mlist.title,
        "members": states[MemberState.ACTIVE] + states[MemberState.SUSPENDED],
        **{k: v for k, v in works_as_written(LIST_SETTINGS, mlist.stored).items() if k != "title"},
        "on_hold": mlist.on_hold,
        "list_id": mlist.list_id,
        "former": stored_lists.former(tx, mlist.id),
        "created": mlist.created,
    }
