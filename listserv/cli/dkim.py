"""dkim: make the keys that sign, and let the next one take its turn."""

import sys
from collections.abc import Callable, Iterator, Sequence

import click

from listserv import config as configuration
from listserv.cli.dns_checks import DnsSilent, published
from listserv.cli.opening import config_path
from listserv.cli.printing import json_option, print_rows
from listserv.clock import SystemClock
from listserv.config import Config
from listserv.dkim_keys import Key, KeyRing, Turn
from listserv.domain.errors import ListservError
from listserv.mail import dns_records
from listserv.resolver import Resolver

_domain_option = click.option("--domain", help="Only this domain; default: every domain.")


@click.group("dkim")
def dkim() -> None:
    """Make and rotate the keys that sign our mail. A running server takes part at once."""


@dkim.command()
@click.option("--next", "is_next", is_flag=True, help="Make the key that follows the present one.")
@_domain_option
@click.pass_context
def key(ctx: click.Context, is_next: bool, domain: str | None) -> None:
    """Make a key where there is none, and print its record to publish."""
    ring, _ = _ring(ctx)
    wants = _needs_next if is_next else _needs_first
    todo = _those(ring, domain, wants)
    now = SystemClock().now()
    for name in todo:
        made = ring.make(name, Turn.NEXT if is_next else Turn.NOW, now)
        click.echo(f"made {made.path}; publish its record:\n")
        click.echo(dns_records.dkim(name, made.selector, made.read()).line + "\n")
    click.echo("`listserv doctor` says whether the DNS shows it", nl=False)
    click.echo("; when it does: listserv dkim switch" if is_next else "; it signs from now on")


@dkim.command()
@_domain_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def switch(ctx: click.Context, domain: str | None, yes: bool) -> None:
    """Let the next key sign from now on. The record of the one before stays in the DNS for 14 days.

    Receivers distrust what they cannot check: when the DNS does not show the new record yet, you
    are asked on a terminal, and told elsewhere."""
    ring, config = _ring(ctx)
    todo = _those(ring, domain, _has_no_next)
    for flaw in _unpublished(config, ring, todo):
        click.echo(f"{flaw}; publish what `listserv dns` prints")
        if not yes and sys.stdin.isatty():
            click.confirm("Switch all the same?", abort=True)
    now = SystemClock().now()
    for name in todo:
        before = ring.turn(name, Turn.NOW)
        after = ring.switch(name, now)
        click.echo(f"{name} signs with {after.selector} from now on")
        if before is not None:
            _say_goodbye(ring, before)


@dkim.command()
@json_option
@click.pass_context
def ls(ctx: click.Context, as_json: bool) -> None:
    """Show every key."""
    ring, config = _ring(ctx)
    rows = [_row(each) for name in ring.domains for each in ring.keys(name)]
    columns = ("domain", "selector", "turn", "since", "record_until", "file")
    print_rows(rows, columns, as_json=as_json, zone=config.site.timezone)


def _ring(ctx: click.Context) -> tuple[KeyRing, Config]:
    config = configuration.load(config_path(ctx))
    return KeyRing(config), config


def _those(
    ring: KeyRing, domain: str | None, why_not: Callable[[KeyRing, str], str]
) -> Sequence[str]:
    """The domains for which nothing speaks against it; ListservError when there is none."""
    if domain is not None and domain not in ring.domains:
        raise ListservError(f"{domain} is no domain of ours; there are {', '.join(ring.domains)}")
    asked = ring.domains if domain is None else [domain]
    reasons = {name: why_not(ring, name) for name in asked}
    todo = [name for name in asked if not reasons[name]]
    if not todo:
        raise ListservError("; ".join(reasons.values()))
    return todo


def _needs_first(ring: KeyRing, domain: str) -> str:
    there = ring.turn(domain, Turn.NOW)
    if there is None:
        return ""
    return f"{domain} has a key, {there.path}; for one to follow it: listserv dkim key --next"


def _needs_next(ring: KeyRing, domain: str) -> str:
    if ring.turn(domain, Turn.NOW) is None:
        return f"{domain} has no key that one could follow; make the first: listserv dkim key"
    there = ring.turn(domain, Turn.NEXT)
    if there is None:
        return ""
    return f"{domain} has a next key, {there.path}; let it sign: listserv dkim switch"


def _has_no_next(ring: KeyRing, domain: str) -> str:
    if ring.turn(domain, Turn.NEXT) is not None:
        return ""
    return f"{domain} has no next key; make one: listserv dkim key --next"


def _unpublished(config: Config, ring: KeyRing, domains: Sequence[str]) -> Iterator[str]:
    """Why receivers could not check the next keys, as far as the DNS says so."""
    resolver = Resolver(config.dns.servers, SystemClock().monotonic)
    for name in domains:
        following = ring.turn(name, Turn.NEXT)
        assert following is not None
        try:
            flaw = published(resolver, following)
        except DnsSilent as silent:
            flaw = f"the DNS does not say whether the record is there ({silent})"
        if flaw:
            yield flaw


def _say_goodbye(ring: KeyRing, before: Key) -> None:
    gone = next(each for each in ring.keys(before.domain) if each.selector == before.selector)
    name = dns_records.dkim_name(gone.domain, gone.selector)
    click.echo(f"leave {name} in the DNS until {gone.record_until:%Y-%m-%d}")


def _row(each: Key) -> dict[str, object]:
    return {
        "domain": each.domain,
        "selector": each.selector,
        "turn": each.turn,
        "since": each.since if each.turn is not Turn.NOW or each.pem is None else None,
        "record_until": each.record_until,
        "file": str(each.path),
    }
