"""ban: keep addresses and domains out."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click

from listserv.app import App
from listserv.cli.opening import BY, with_app
from listserv.cli.printing import json_option, print_rows
from listserv.flow import administer
from listserv.store import bans as stored
from listserv.store import lists
from listserv.store.session import Tx

_SITE = click.option("--site", is_flag=True, help="On every list, instead of LIST.")


@click.group("ban")
def bans() -> None:
    """Keep addresses and domains out, of one list or with --site of every list. Who is banned can
    neither post nor be added, and gets nothing."""


@bans.command()
@click.argument("words", metavar="[LIST] ADDRESS|@DOMAIN", nargs=-1, required=True)
@_SITE
@click.option("--until", default=None, metavar="DATE", help="The last day of it: 2030-12-31.")
@click.option("--reason", default="", help="For those who look at the bans.")
@with_app
def add(app: App, words: tuple[str, ...], site: bool, until: str | None, reason: str) -> None:
    """Ban an address, with every +tag of it, or everybody at a domain."""
    name, who = _place_and_who(words, site)
    end = None if until is None else _end_of(until, app.config.site.timezone)
    pattern = app.store.write(
        lambda tx: administer.ban(
            tx, _list_id(tx, name), who, until=end, reason=reason, by=BY, now=app.clock.now()
        )
    )
    click.echo(f"banned {pattern}")


@bans.command()
@click.argument("name", metavar="[LIST]", required=False)
@_SITE
@json_option
@with_app
def ls(app: App, name: str | None, site: bool, as_json: bool) -> None:
    """Show the bans of LIST, those of --site, or without either all there are."""
    if name and site:
        raise click.UsageError("LIST or --site, not both")

    def look(tx: Tx) -> list[dict[str, object]]:
        everywhere = [("", ban) for ban in stored.ls(tx, None)] if not name else []
        chosen = [lists.find(tx, name)] if name else [] if site else lists.every(tx)
        of_lists = [(mlist.address, ban) for mlist in chosen for ban in stored.ls(tx, mlist.id)]
        return [
            {
                "list": address or None,
                "pattern": ban.pattern,
                "until": ban.until,
                "reason": ban.reason,
                "created": ban.created,
            }
            for address, ban in everywhere + of_lists
        ]

    columns = ("list", "pattern", "until", "reason", "created")
    rows = app.store.read(look)
    print_rows(rows, columns, as_json=as_json, zone=app.config.site.timezone)


@bans.command()
@click.argument("words", metavar="[LIST] ADDRESS|@DOMAIN", nargs=-1, required=True)
@_SITE
@with_app
def remove(app: App, words: tuple[str, ...], site: bool) -> None:
    """Lift a ban."""
    name, who = _place_and_who(words, site)
    pattern = app.store.write(
        lambda tx: administer.unban(tx, _list_id(tx, name), who, by=BY, now=app.clock.now())
    )
    click.echo(f"lifted the ban of {pattern}")


def _place_and_who(words: tuple[str, ...], site: bool) -> tuple[str | None, str]:
    if len(words) != (1 if site else 2):
        raise click.UsageError("say LIST and ADDRESS|@DOMAIN, or --site and ADDRESS|@DOMAIN")
    return (None, words[0]) if site else (words[0], words[1])


def _list_id(tx: Tx, name: str | None) -> int | None:
    return None if name is None else lists.find(tx, name).id


def _end_of(text: str, zone: ZoneInfo) -> datetime:
    """The end of a day, in the site's time zone."""
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day + timedelta(days=1), time(), zone)
    except (ValueError, OverflowError):
        hint = f"{text!r} is not a date such as 2030-12-31"
        raise click.BadParameter(hint, param_hint="--until") from None
