"""postfix: what makes a Postfix hand us its mail and carry ours on. docs/postfix.md says why.

The scripts stand in templates/postfix-*.txt; they are run through sh and call postconf, so that
Postfix itself judges and writes its configuration.
"""

from collections.abc import Iterable, Iterator, Mapping

import click

from listserv.app import App
from listserv.cli.opening import with_app
from listserv.config import Config
from listserv.config_values import is_loopback
from listserv.domain.address import DOMAIN_FORMS, FORMS, Form
from listserv.domain.errors import ListservError
from listserv.resources import JinjaTemplates
from listserv.store import lists

# Where our copies go in, unless relay.port names a port that Postfix does not use already.
COPIES_PORT = 10026
# Where our notices go in, when relay.notice_port is set to a port that Postfix uses already.
NOTICES_PORT = 10027
_TAKEN = {25, 465, 587}
_LOOPBACK = ("127.0.0.0/8", "[::1]/128")
# What Postfix adds to a mail before we see it: Received, Message-ID, Date.
_TRACE_BYTES = 65_536
# What we add to a post: header fields and footers.
_COPY_BYTES = 1_048_576

TEMPLATES: Mapping[str, str] = {
    "dedicated": "postfix-dedicated.txt",
    "shared": "postfix-shared.txt",
}

_CHOOSE = """\
# Two ways to stand behind Postfix; choose one. docs/postfix.md compares them.
#   listserv postfix dedicated    a host for lists only
#   listserv postfix shared       a host that has other mail too
echo 'listserv postfix: say which way: dedicated or shared' >&2
exit 1
"""


@click.command("postfix")
@click.argument("way", required=False, type=click.Choice(tuple(TEMPLATES)))
@click.option("--recipients", is_flag=True, help="Print relay_recipient_maps for all lists.")
@with_app
def postfix(app: App, way: str | None, recipients: bool) -> None:
    """Print what sets Postfix up, as a shell script; without WAY every way there is a listener
    for."""
    if recipients:
        if way is not None:
            raise click.UsageError("--recipients goes without WAY")
        for line in recipient_map(app.store.read(lists.names), *app.keys.domains):
            click.echo(line)
        return
    templates = JinjaTemplates(app.config.templates_dir)
    scripts = [
        templates.render(TEMPLATES[each], values(each, app.config))
        for each in ((way,) if way else _possible(app.config))
    ]
    click.echo("\n".join(scripts if way else [_CHOOSE, *scripts]))
    advice = relay_advice(app.config)
    if advice:
        click.echo(f"listserv postfix: {advice}", err=True)


def _possible(config: Config) -> list[str]:
    """The ways that have their listener; all of them when none is on, so that one complains."""
    listeners = {"dedicated": config.smtp.listen, "shared": config.lmtp.listen}
    return [way for way in TEMPLATES if listeners[way]] or list(TEMPLATES)


def values(way: str, config: Config) -> dict[str, object]:
    """What the templates are filled in with, or a ListservError for a listener that is off."""
    smtp, lmtp, largest = config.smtp.listen, config.lmtp.listen, config.smtp.max_message_bytes
    needed, key = (smtp, "smtp.listen") if way == "dedicated" else (lmtp, "lmtp.listen")
    if needed is None:
        raise ListservError(f"{key} is not set: that is where Postfix would bring the mail")
    return {
        "domains": [domain.name for domain in config.domains],
        "listen_smtp": _reachable(smtp),
        "listen_lmtp": _reachable(lmtp),
        "inward": f"lmtp:inet:{_reachable(lmtp)}" if lmtp else f"smtp:{_nexthop(smtp)}",
        "copies": _copies(config),
        "notices": _notices(config),
        "trusted": _LOOPBACK,
        "max_rcpt": max(config.relay.max_rcpt, 1000),
        "max_message_bytes": largest,
        "mta_bytes": max(largest - _TRACE_BYTES, largest // 2),
        "copy_bytes": largest + _COPY_BYTES,
    }


def relay_advice(config: Config) -> str:
    """What the operator has to change so that our mail leaves by its listeners; "" if nothing.
    A relay on another host is the operator's own choice."""
    relay, copies = config.relay, _copies(config)
    if relay.kind == "smtp":
        if not is_loopback(relay.host):
            return ""
        if copies != f"{_bracketed(relay.host)}:{relay.port}":
            return f"set relay.port = {COPIES_PORT}: there Postfix takes our copies as they are"
        if relay.notice_port in _TAKEN:
            return f"set relay.notice_port = {NOTICES_PORT}: there Postfix takes our notices"
        return ""
    return f'our copies stay here, because of relay.kind = "{relay.kind}"'


def recipient_map(names: Iterable[tuple[str, str]], *domains: str) -> Iterator[str]:
    """The lines of relay_recipient_maps, one for each address. `names` are (name, domain) of all
    lists, former addresses too; `domains` are those that lists may be at.

    Postfix looks an address up as it is and then without its +extension, so that a form with a
    token stands here without it, and what is unknown behind a + reaches us.
    """
    yield "# made by listserv postfix --recipients; make it again when lists come, move or go"
    addresses = [(form, "", domain) for domain in domains for form in DOMAIN_FORMS]
    addresses += [(form, name, where) for name, where in sorted(names) for form in FORMS]
    yield from dict.fromkeys(f"{name}{_looked_up(form)}@{at} ok" for form, name, at in addresses)


def _looked_up(form: Form) -> str:
    return form.suffix if form.argument is None else form.suffix.partition("+")[0]


def _copies(config: Config) -> str:
    relay = config.relay
    if relay.kind != "smtp" or not is_loopback(relay.host) or relay.port in _TAKEN:
        return f"127.0.0.1:{COPIES_PORT}"
    return f"{_bracketed(relay.host)}:{relay.port}"


def _notices(config: Config) -> str | None:
    """Where notices go in, when they have a listener of their own."""
    relay = config.relay
    if relay.notice_port is None or not is_loopback(relay.host):
        return None
    port = NOTICES_PORT if relay.notice_port in _TAKEN else relay.notice_port
    where = f"{_bracketed(relay.host)}:{port}"
    if where == _copies(config):
        raise ListservError(f"relay.notice_port = {port} is where our copies go in; take another")
    return where


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _reachable(listen: str | None) -> str | None:
    """Where a listener on this machine is reached: one on every address, on loopback."""
    if listen is None:
        return None
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    if set(bare) <= set("0.:"):
        bare = "::1" if ":" in bare else "127.0.0.1"
    return f"{_bracketed(bare)}:{port}"


def _nexthop(listen: str | None) -> str:
    host, _, port = (_reachable(listen) or "").rpartition(":")
    return f"[{host.strip('[]')}]:{port}"
