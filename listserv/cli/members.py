"""member: add, import, show, change and remove members."""

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from listserv.app import App
from listserv.cli.lists import key_values
from listserv.cli.opening import BY, with_app
from listserv.cli.printing import (
    json_option,
    print_object,
    print_rows,
    progress,
    settings_help,
    works_as_written,
)
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Lane
from listserv.domain.members import MEMBER_SETTINGS, Member
from listserv.flow import enrol, notices, roster_import
from listserv.flow.address_input import known_address
from listserv.flow.roster_file import COLUMNS, read_roster
from listserv.store import lists
from listserv.store import members as stored
from listserv.store.session import Tx

# Members welcomed in one transaction: mail that comes in waits no longer than for these.
_WELCOMES = 100
# How `member import` says why somebody was left alone.
_LEFT_ALONE = {
    "member": "members already",
    "left": "left before",
    "suspended": "suspended",
    "banned": "banned",
    "repeated": "repeated in the file",
}


@click.group("member")
def members() -> None:
    """Add, import, show, change and remove members. LIST is the posting address or, where it is
    unique, the name."""


@members.command()
@click.argument("name", metavar="LIST")
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--name", "person", default=None, help="The member's name (with one address).")
@click.option("--delivery", default=None, help="mail, digest or nomail; default: the list's.")
@click.option("--role", default=None, help="member (the default), moderator or owner.")
@click.option("--welcome", is_flag=True, help="Send them a mail that says so.")
@with_app
def add(
    app: App,
    name: str,
    addresses: tuple[str, ...],
    person: str | None,
    delivery: str | None,
    role: str | None,
    welcome: bool,
) -> None:
    """Add members at once: all of them, or none. It brings back who left."""
    if person is not None and len(addresses) > 1:
        raise click.UsageError("--name is for one ADDRESS")
    domains = app.site.domains
    options = {"name": person, "delivery": delivery, "role": role}
    added = app.store.write(
        lambda tx: enrol.add_members(
            tx,
            lists.find(tx, name).id,
            addresses,
            domains=domains,
            settings={key: value for key, value in options.items() if value is not None},
            by=BY,
            now=app.clock.now(),
            welcome=_welcome(app) if welcome else None,
        )
    )
    for member in added:
        click.echo(f"added {member.address}")


@members.command("import")
@click.argument("name", metavar="LIST")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--welcome", is_flag=True, help="Send those who are new a mail that says so.")
@click.option("--revive", is_flag=True, help="Bring back who left.")
@click.option("--overwrite", is_flag=True, help="Change members to what the file says.")
@with_app
def import_(app: App, name: str, file: Path, welcome: bool, revive: bool, overwrite: bool) -> None:
    """Add everybody in FILE, or nobody when one line is bad.

    FILE is CSV whose first line names its columns (address, and any of name, delivery, role, also,
    format, digest_hour, digest_days, timezone), or has one address a line. Who left, is banned or
    suspended stays out, and a member's own settings stay as they are.
    """
    data = _read(file)
    with progress("reading", data.count(b"\n")) as tell:
        roster = read_roster(data, tell)
    domains = app.site.domains
    list_id = app.store.read(lambda tx: lists.find(tx, name).id)
    with progress("adding", len(roster.rows)) as tell:
        result = app.store.write(
            lambda tx: roster_import.import_members(
                tx,
                list_id,
                roster,
                domains=domains,
                revive=revive,
                overwrite=overwrite,
                by=BY,
                now=app.clock.now(),
                progress=tell,
            )
        )
    click.echo(
        f"{result.added} added, {result.revived} revived, {result.overwritten} overwritten,"
        f" {result.left_alone.total()} left alone"
    )
    for why, count in (+result.left_alone).items():
        click.echo(f"  {count} {_LEFT_ALONE[why]}")
    if welcome:
        _welcome_all(app, list_id, result.entered)


@members.command()
@click.argument("name", metavar="LIST")
@with_app
def export(app: App, name: str) -> None:
    """Print the members as CSV that `member import` reads."""

    def write(tx: Tx) -> None:
        mlist = lists.find(tx, name)
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(COLUMNS)
        for member in stored.ls(tx, mlist.id):
            known = {**asdict(member.settings), "address": member.address, "name": member.name,
                     "delivery": member.delivery, "role": member.role}  # fmt: skip
            table.writerow([known[column] for column in COLUMNS])

    app.store.read(write)


@members.command()
@click.argument("name", metavar="LIST")
@json_option
@with_app
def ls(app: App, name: str, as_json: bool) -> None:
    """Show the members of a list."""
    columns = ("address", "name", "role", "delivery", "state", "waiting", "joined")

    def show_all(tx: Tx) -> None:
        mlist = lists.find(tx, name)
        rows = _rows(tx, mlist)
        print_rows(rows, columns, as_json=as_json, zone=app.config.site.timezone)

    app.store.read(show_all)


@members.command()
@click.argument("name", metavar="LIST")
@click.argument("address")
@json_option
@with_app
def show(app: App, name: str, address: str, as_json: bool) -> None:
    """Show a member with all their settings."""

    def find(tx: Tx) -> dict[str, object]:
        member = enrol.find_member(tx, lists.find(tx, name), address)
        return _row(member, stored.waiting(tx, member))

    print_object(app.store.read(find), as_json=as_json, zone=app.config.site.timezone)


@members.command("set", epilog=settings_help(MEMBER_SETTINGS))
@click.argument("name", metavar="LIST")
@click.argument("address")
@click.argument("settings", metavar="KEY=VALUE...", nargs=-1, required=True)
@with_app
def set_(app: App, name: str, address: str, settings: tuple[str, ...]) -> None:
    """Change settings of a member: all of them, or none."""
    given = key_values(settings)
    domains, now = app.site.domains, app.clock.now()
    app.store.write(
        lambda tx: enrol.change_member(
            tx, lists.find(tx, name).id, address, given,
            domains=domains, by=BY, now=now, zone=app.site.zone,
        )
    )  # fmt: skip


@members.command()
@click.argument("words", metavar="[LIST] ADDRESS...", nargs=-1, required=True)
@click.option("--all-lists", is_flag=True, help="Remove the addresses from every list.")
@with_app
def remove(app: App, words: tuple[str, ...], all_lists: bool) -> None:
    """Remove members from LIST, or with --all-lists from every list. They get nothing any more,
    not from the queue either."""
    now = app.clock.now()

    def remove_all(tx: Tx) -> Iterator[str]:
        if all_lists:
            for address in words:
                for mlist in enrol.remove_everywhere(tx, address, by=BY, now=now):
                    yield f"removed {known_address(address)} from {mlist.address}"
            return
        mlist = lists.find(tx, words[0])
        for member in enrol.remove_members(tx, mlist.id, words[1:], by=BY, now=now):
            yield f"removed {member.address} from {mlist.address}"

    if not all_lists and len(words) < 2:
        raise click.UsageError("which ADDRESS? Or say --all-lists")
    for line in app.store.write(lambda tx: list(remove_all(tx))):
        click.echo(line)


@members.command()
@click.argument("address")
@json_option
@with_app
def find(app: App, address: str, as_json: bool) -> None:
    """Show on which lists an address is, or was."""
    key = known_address(address).key

    def look(tx: Tx) -> list[dict[str, object]]:
        return [
            {"list": lists.get(tx, m.list_id).address, **_row(m, stored.waiting(tx, m))}
            for m in stored.find(tx, key)
        ]

    columns = ("list", "address", "name", "role", "delivery", "state", "joined")
    print_rows(app.store.read(look), columns, as_json=as_json, zone=app.config.site.timezone)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as wrong:
        raise ListservError(f"{file}: cannot be read: {wrong.strerror}") from None


def _welcome(app: App) -> enrol.Welcome:
    def send(tx: Tx, mlist: MailingList, member: Member) -> None:
        notices.welcome(tx, app.site, mlist, member, app.clock.now(), lane=Lane.BULK)

    return send


def _welcome_all(app: App, list_id: int, keys: Sequence[str]) -> None:
    with progress("welcoming", len(keys)) as tell:
        for start in range(0, len(keys), _WELCOMES):
            some = keys[start : start + _WELCOMES]
            app.store.write(
                partial(enrol.welcome_members, list_id=list_id, keys=some, welcome=_welcome(app))
            )
            tell(start + len(some))


def _rows(tx: Tx, mlist: MailingList) -> Iterator[dict[str, object]]:
    after = 0
    while page := stored.page(tx, mlist.id, after=after):
        waiting = stored.waiting_of(tx, page)
        for member in page:
            yield _row(member, waiting[member.id])
        after = page[-1].id


def _row(member: Member, waiting: int) -> dict[str, object]:
    settings = works_as_written(MEMBER_SETTINGS, member.stored)
    return {
        "address": str(member.address),
        "name": member.name,
        "role": member.role,
        "delivery": member.delivery,
        "state": member.state,
        **{k: v for k, v in settings.items() if k not in {"name", "role", "delivery", "until"}},
        "until": member.until.isoformat() if member.until else "",
        "waiting": waiting,
        "posts": member.posts,
        "joined": member.joined,
        "began": member.began,
    }
