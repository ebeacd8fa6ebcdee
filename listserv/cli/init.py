"""init: a configuration, a database and a DKIM key to begin with."""

import os
import re
import socket
from pathlib import Path

import click

from listserv import config
from listserv.cli.dns import zone_lines
from listserv.cli.opening import storage_errors
from listserv.clock import SystemClock
from listserv.dkim_keys import KeyRing, Turn
from listserv.domain.errors import ListservError
from listserv.resources import config_example
from listserv.store import schema
from listserv.store.session import Store

FILE = "listserv.toml"
# Of the example, and when this machine does not know its full name.
_DOMAIN = "lists.example.org"


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--domain", default=None, help="The part after the @; default: this machine's name.")
def init(folder: Path, domain: str | None) -> None:
    """Make a configuration, a database and a DKIM key in DIR, and print the DNS records to
    publish."""
    folder = folder.absolute()
    path = folder / FILE
    _refuse_existing(path)
    text = _example(folder, domain or _own_name())
    made = config.parse(text, path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with storage_errors():
            _make_database(made.storage.database)
        keys, now = KeyRing(made), SystemClock().now()
        if keys.turn(made.site.domain, Turn.NOW) is None:
            keys.make(made.site.domain, Turn.NOW, now)
        _write(path, text)
    except OSError as wrong:
        raise ListservError(f"{wrong.filename or folder}: {wrong.strerror}") from None
    click.echo(f"made {path}, its database and a DKIM key; look through the file, then:")
    click.echo(f"  listserv --config {path} serve\n")
    click.echo("Publish in the DNS, then look with `listserv doctor`:\n")
    click.echo("\n".join(zone_lines(made, keys, now)))


def _own_name() -> str:
    name = socket.getfqdn()
    return name if "." in name and not name.startswith("localhost") else _DOMAIN


def _refuse_existing(path: Path) -> None:
    try:
        if path.stat().st_size > 0:
            raise ListservError(f"{path} is there already; nothing was changed")
    except FileNotFoundError:
        return
    except OSError as wrong:
        raise ListservError(f"{path}: {wrong.strerror}") from None


def _example(folder: Path, domain: str) -> str:
    values = {
        "domain": domain,
        "hostname": domain,
        "operator": f"postmaster@{domain}",
        "database": f"sqlite:///{_in_url(folder / 'listserv.db')}",
        "# url": f"https://{domain}",
    }
    text = config_example().read_text("utf-8")
    for key, value in values.items():
        before, there, after = re.split(rf"(?m)^({key} = ).*$", text, maxsplit=1)
        text = f"{before}{there}{_toml(value)}{after}"
    return text


def _in_url(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3F")


def _toml(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def _make_database(url: str) -> None:
    store = Store(url)
    try:
        schema.prepare(store)
    finally:
        store.close()


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
