"""doctor: is everything in place? What is wrong, in plain words, and the one next step."""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from listserv import config as configuration
from listserv.app import build
from listserv.cli.dns_checks import Patient, check_dns
from listserv.cli.findings import Finding, State, good, wrong
from listserv.cli.host_checks import HOST_CHECKS, Machine
from listserv.cli.opening import config_path
from listserv.cli.printing import json_option, print_rows
from listserv.clock import SystemClock
from listserv.config import Config
from listserv.dkim_keys import KeyRing
from listserv.domain.errors import ListservError
from listserv.mail.words import shown
from listserv.resolver import Resolver
from listserv.resources import JinjaTemplates
from listserv.store.session import StorageError, Store

_MARKS = {State.GOOD: ("✓", "green"), State.NOTE: ("·", "yellow"), State.WRONG: ("✗", "red")}


@click.command("doctor")
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check the configuration, database, relay, certificate, clock and DNS, and say what to mend.
    Ends with status 1 when something is wrong."""
    found = []
    for finding in findings(config_path(ctx)):
        found.append(finding)
        if not as_json:
            _tell(finding)
    if as_json:
        print_rows(map(_row, found), (), as_json=True, zone=ZoneInfo("UTC"))
    to_mend = sum(finding.state is State.WRONG for finding in found)
    if to_mend:
        raise ListservError(f"{to_mend} of {len(found)} findings are to be mended")


def findings(path: Path) -> Iterator[Finding]:
    """All that is found out about the installation that this file configures."""
    try:
        config = configuration.load(path)
        JinjaTemplates(config.templates_dir)
    except ListservError as refused:
        says = str(refused).removeprefix(f"{path}: ")
        yield wrong("config", str(path), says, "mend that; `listserv config example` has all keys")
        return
    yield good("config", str(path), "can be used")
    clock = SystemClock()
    store, why_not = _open(config)
    if why_not:
        yield wrong("database", "storage.database", why_not, "mend storage.database, or its server")
    try:
        for check in HOST_CHECKS:
            yield from check(Machine(config, store, clock.now()))
    finally:
        if store is not None:
            store.close()
    keys, resolver = KeyRing(config), Resolver(config.dns.servers, clock.monotonic)
    for domain in config.domains:
        yield from check_dns(Patient(config, domain, keys, resolver, clock.now()))


def _open(config: Config) -> tuple[Store | None, str]:
    """The database, or why not."""
    try:
        return build(config).store, ""
    except (ListservError, StorageError) as refused:
        return None, " ".join(str(refused).split())


def _tell(finding: Finding) -> None:
    mark, colour = _MARKS[finding.state]
    says = shown(f"{finding.check}: {finding.about}: {finding.says}")
    click.echo(f"{click.style(mark, fg=colour)} {says}")
    if finding.next_step:
        click.echo(f"    {shown(finding.next_step)}")


def _row(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "about": finding.about,
        "state": finding.state,
        "says": finding.says,
        "next_step": finding.next_step,
    }
