"""What commands print: JSON for programs; for people tables on a terminal, and columns separated
by tabs where the output goes elsewhere."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from listserv.domain.settings import Setting, Value, shown
from listserv.mail.words import shown as one_line

# How long --watch shows one look.
_WATCH_SECONDS = 2.0

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """The --json of every command that prints data."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def print_rows(
    rows: Iterable[Mapping[str, object]], columns: Sequence[str], *, as_json: bool, zone: ZoneInfo
) -> None:
    """An array of objects, or a table of some of their keys."""
    if as_json:
        _print_array(rows)
        return
    lines = ([_cell(row[column], zone) for column in columns] for row in rows)
    if sys.stdout.isatty():
        _print_table(columns, lines)
    else:
        click.echo("\t".join(columns))
        for line in lines:
            click.echo("\t".join(line))


def print_object(row: Mapping[str, object], *, as_json: bool, zone: ZoneInfo) -> None:
    """One object, or one line for each of its keys."""
    if as_json:
        click.echo(_dumps(row))
        return
    width = max(map(len, row))
    for key, value in row.items():
        click.echo(f"{key:{width}}  {_cell(value, zone)}".rstrip())


def watching(watch: bool, as_json: bool) -> Iterator[None]:
    """One turn; or with --watch turns until Ctrl-C, each on a clean screen."""
    if watch and as_json:
        raise click.UsageError("--watch is for people: say it without --json")
    yield
    while watch:
        try:
            time.sleep(_WATCH_SECONDS)
        except KeyboardInterrupt:
            return
        click.clear()
        yield


def works_as_written(table: Iterable[Setting], stored: Mapping[str, Value]) -> dict[str, str | int]:
    """Every working setting: numbers as numbers, yes and no as words."""
    values = {row.key: stored.get(row.key, row.default) for row in table if row.works}
    return {k: ("yes" if v else "no") if isinstance(v, bool) else v for k, v in values.items()}


def settings_help(table: Iterable[Setting]) -> str:
    """The working settings for --help, one a line."""
    lines = [f"  {row.key}={shown(row.default)}\n      {row.help}" for row in table if row.works]
    return "\b\nSettings, with their defaults:\n" + "\n".join(lines)


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; it is told how much is done."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


def _print_array(rows: Iterable[Mapping[str, object]]) -> None:
    separator = "["
    for row in rows:
        click.echo(separator + "\n" + _dumps(row), nl=False)
        separator = ","
    click.echo("[]" if separator == "[" else "\n]")


def _dumps(row: Mapping[str, object]) -> str:
    return json.dumps(row, default=_iso, indent=2)


def _iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat(timespec="seconds")


def _cell(value: object, zone: ZoneInfo) -> str:
    """A value on one line. Much of it comes from mail: nothing in it may steer the terminal."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        case list() | tuple():
            return one_line("; ".join(str(item) for item in value))
        case _:
            return one_line(str(value).replace("\n", "\\n"))


def _print_table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=SIMPLE_HEAD)
    for line in lines:
        table.add_row(*map(Text, line))
    Console().print(table)
