"""init: a configuration and a database to begin with."""

import os
import re
import socket
from pathlib import Path

import click

from listserv import config
from listserv.cli.opening import storage_errors
from listserv.config import Config
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
    """Make a configuration and a database in DIR, and print the DNS records to publish."""
    folder = folder.absolute()
    path = folder / FILE
    _refuse_existing(path)
    text = _example(folder, domain or _own_name())
    made = config.parse(text, path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with storage_errors():
            _make_database(made.storage.database)
        _write(path, text)
    except OSError as wrong:
        raise ListservError(f"{wrong.filename or folder}: {wrong.strerror}") from None
    click.echo(f"made {path} and its database; look through the file, then:")
    click.echo(f"  listserv --config {path} serve\n")
    click.echo(_dns(made))


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


def _dns(made: Config) -> str:
    domain, hostname = made.site.domain, made.site.hostname
    records = (
        (f"{hostname}.", "A", "the IPv4 address of this machine (and AAAA its IPv6 address)"),
        (f"{domain}.", "MX", f"10 {hostname}."),
        (f"{domain}.", "TXT", '"v=spf1 mx ~all"'),
        (f"_dmarc.{domain}.", "TXT", f'"v=DMARC1; p=none; rua=mailto:{made.site.operator}"'),
    )
    lines = [f"  {name:{len(domain) + 8}}  IN  {kind:4}{data}" for name, kind, data in records]
    return f"Publish in the DNS, so that mail for {domain} finds its way:\n" + "\n".join(lines)
