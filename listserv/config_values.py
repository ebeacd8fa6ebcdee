"""What a value of the config file may be: readers, one for each kind.

A reader turns what TOML holds into what Config holds, or raises ValueError with a clause that
follows the key's name ("wants a whole number from 1 to 65535"). The path it gets is the folder of
the config file: relative paths start from there.
"""

import ipaddress
import os
import re
import ssl
import stat
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from listserv.domain.address import Address, parse_address
from listserv.domain.times import hour_of

Reader = Callable[[Any, Path], object]

_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql+psycopg://"
# RFC 6376 3.1: sub-domain.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAX_SELECTOR = 128
# With a token behind it, it stands on a line of a mail's header.
_MAX_URL = 200
# RFC 3986 3.3, without what has to be escaped; no empty folder, no dots alone.
_URL_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*/?")
# A password or a key is shorter.
_MAX_PRIVATE = 65_536


def text(value: Any, _: Path) -> str:
    """A text without control characters."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("wants a text in quotes, not empty, on one line")
    return value


def whole(low: int, high: int) -> Reader:
    """A reader for a whole number from `low` to `high`."""

    def read(value: Any, _: Path) -> int:
        if type(value) is not int or not low <= value <= high:  # True is an int, too
            raise ValueError(f"wants a whole number from {low} to {high}")
        return value

    return read


def rate(value: Any, _: Path) -> float:
    """So many a second, not necessarily whole; 0 is no limit."""
    if type(value) not in (int, float) or not 0 <= value <= 1_000_000:  # NaN is not, either
        raise ValueError("wants a number from 0 to 1000000")
    return float(value)


def one_of(*words: str) -> Reader:
    """A reader for a fixed choice of words."""

    def read(value: Any, _: Path) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError("wants " + " or ".join(f'"{word}"' for word in words))
        return value

    return read


def yes_or_no(value: Any, _: Path) -> bool:
    """true or false."""
    if type(value) is not bool:
        raise ValueError("wants true or false")
    return value


def domain_name(value: Any, folder: Path) -> str:
    """A domain name, as A-labels in lower case."""
    name = _domain(text(value, folder))
    if name is None:
        raise ValueError('wants a domain name such as "lists.example.org"')
    return name


def mail_address(value: Any, folder: Path) -> Address:
    """The address of a person."""
    address = parse_address(text(value, folder))
    if address is None:
        raise ValueError('wants a mail address such as "postmaster@example.org"')
    return address


def time_zone(value: Any, folder: Path) -> ZoneInfo:
    """A zone of the IANA time zone database."""
    try:
        return ZoneInfo(text(value, folder))
    except (KeyError, ValueError, OSError):  # OSError: "Europe" is a folder of zones
        raise ValueError('wants the name of a time zone such as "Europe/London"') from None


def hour_of_day(value: Any, folder: Path) -> time:
    """A whole hour, or a time of day as a text."""
    at = hour_of(str(value)) if type(value) in {int, str} else None
    if at is None:
        raise ValueError('wants an hour such as 7, or "07:30"')
    return at


def host(value: Any, folder: Path) -> str:
    """A host's name or its IP address."""
    name = text(value, folder)
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        found = _domain(name)
    if found is None:
        raise ValueError("wants a host name or an IP address")
    return found


def listener(value: Any, folder: Path) -> str | None:
    """A "host:port", [...] round an IPv6 address; port 0 takes any free one. Empty is off: None."""
    if value == "":
        return None
    name, _, port = text(value, folder).rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError('wants "host:port" such as "127.0.0.1:8025", with a port up to 65535')
    bracketed = name.startswith("[") and name.endswith("]")
    where = host(name[1:-1] if bracketed else name, folder)
    if bracketed != (":" in where):
        raise ValueError('wants an IPv6 address, and only that, in brackets: "[::1]:8025"')
    return f"[{where}]:{int(port)}" if bracketed else f"{where}:{int(port)}"


def web_url(value: Any, folder: Path) -> str:
    """Where people reach our pages, without a final slash; in the clear only on this machine."""
    wanted = 'wants an address such as "https://lists.example.org", without ? and #'
    if len(text(value, folder)) > _MAX_URL:
        raise ValueError(f"has more than {_MAX_URL} characters")
    try:
        parts = urlsplit(value)
        where = host(parts.hostname, folder)
        port = parts.port
    except ValueError:
        raise ValueError(wanted) from None
    if parts.scheme not in {"https", "http"} or not _URL_PATH.fullmatch(parts.path):
        raise ValueError(wanted)
    if {"@", "\\"} & {*parts.netloc} or {"?", "#"} & {*value} or port == 0:
        raise ValueError(wanted)
    if parts.scheme == "http" and not is_loopback(where):
        raise ValueError("wants https: mail programs take no other address for leaving a list")
    where = f"[{where}]" if ":" in where else where
    return f"{parts.scheme}://{where}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def ip_addresses(value: Any, folder: Path) -> frozenset[str]:
    """IP addresses, each in its shortest form."""
    try:
        if isinstance(value, list):
            return frozenset(str(ipaddress.ip_address(text(item, folder))) for item in value)
    except ValueError:
        pass
    raise ValueError('wants a list of IP addresses such as ["127.0.0.1", "::1"]')


def dns_servers(value: Any, folder: Path) -> tuple[str, ...]:
    """DNS servers as "IP:port", [...] round an IPv6 address; port 53 when none is given."""
    try:
        if isinstance(value, list):
            return tuple(_dns_server(text(item, folder), folder) for item in value)
    except ValueError:
        pass
    raise ValueError('wants a list of IP addresses with or without port: ["127.0.0.1:5353", "::1"]')


def _dns_server(server: str, folder: Path) -> str:
    try:
        address = ipaddress.ip_address(server)
        return f"[{address}]:53" if address.version == 6 else f"{address}:53"
    except ValueError:
        found = listener(server, folder)
    address_and_port = re.fullmatch(r"\[?(.+?)\]?:([1-9][0-9]*)", found or "")
    if address_and_port is None:
        raise ValueError(server)
    ipaddress.ip_address(address_and_port[1])
    return address_and_port[0]


def authserv_ids(value: Any, folder: Path) -> frozenset[str]:
    """The names by which other mail servers begin their Authentication-Results (RFC 8601 2.5), in
    lower case."""
    wanted = 'wants a list of names such as ["mx.example.org"]'
    if not isinstance(value, list):
        raise ValueError(wanted)
    try:
        names = [text(item, folder) for item in value]
    except ValueError:
        raise ValueError(wanted) from None
    if any(re.search(r"[\s;]", name) for name in names):
        raise ValueError(wanted)
    return frozenset(name.lower() for name in names)


def header_line(value: Any, folder: Path) -> str:
    """A name and a value, as they stand in the header of a message."""
    line = text(value, folder)
    if not re.fullmatch(r"[A-Za-z0-9-]+: [!-~][ -~]*", line):
        raise ValueError('wants a header line such as "X-Spam: yes"')
    return line


def selector(value: Any, folder: Path) -> str:
    """The first labels of a key's DNS record (RFC 6376 3.1), in lower case."""
    name = text(value, folder)
    if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name) or len(name) > _MAX_SELECTOR:
        raise ValueError('wants the selector of a DNS record such as "s2026"')
    return name.lower()


def any_path(value: Any, folder: Path) -> Path:
    """A file or folder that need not exist yet."""
    return folder / text(value, folder)


def readable_file(value: Any, folder: Path) -> Path:
    """A file that can be read now."""
    path = any_path(value, folder)
    try:
        path.open("rb").close()
    except OSError as wrong:
        raise ValueError(f"cannot be read: {path}: {wrong.strerror}") from None
    return path


def readable_folder(value: Any, folder: Path) -> Path:
    """A folder that can be listed now."""
    path = any_path(value, folder)
    try:
        next(path.iterdir(), None)
    except OSError as wrong:
        raise ValueError(f"cannot be read: {path}: {wrong.strerror}") from None
    return path


def database_url(value: Any, folder: Path) -> str:
    """An SQLAlchemy URL: a SQLite file with an absolute path, or PostgreSQL through psycopg."""
    url = text(value, folder)
    # A file, never memory: what was acknowledged is there after a restart.
    if url.startswith(_SQLITE) and url.removeprefix(_SQLITE) not in {"", ":memory:"}:
        absolute = f"{_SQLITE}{folder / url.removeprefix(_SQLITE)}"
        if "?" not in absolute:
            return absolute
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", _POSTGRESQL, 1)
    if url.startswith(_POSTGRESQL) and _names_a_database(url):
        return url
    raise ValueError(
        "wants sqlite:///PATH (an absolute path makes it four slashes; no question mark) "
        "or postgresql+psycopg://USER@HOST/DATABASE"
    )


def sqlite_path(url: str) -> Path | None:
    """The file of a database URL that `database_url` passed; None for PostgreSQL."""
    return Path(unquote(url.removeprefix(_SQLITE))) if url.startswith(_SQLITE) else None


def read_private(path: Path) -> bytes:
    """What stands in a file that not everybody may read."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                raise ValueError(f"may be read by everybody: {path}; chmod 600 it")
            return file.read(_MAX_PRIVATE)
    except OSError as wrong:
        raise ValueError(f"cannot be read: {path}: {wrong.strerror}") from None


def read_secret(path: Path) -> str:
    """The one line of such a file; surrounding blanks are dropped."""
    try:
        line = read_private(path).decode("utf-8").strip()
    except UnicodeDecodeError:
        line = ""
    if not line or not line.isprintable():
        raise ValueError(f"wants a file with the password on its only line: {path}")
    return line


def check_certificate(cert: Path, key: Path) -> None:
    """Raise ValueError unless the two files are a certificate chain and its key, in PEM."""
    try:
        # A key under a passphrase is refused too: nobody is there to type it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: "")
    except (OSError, ssl.SSLError, ValueError):
        raise ValueError(f"is not a PEM certificate with the key in {key}: {cert}") from None


def is_loopback(name: str) -> bool:
    """Whether `name`, as `host` reads it, is this machine."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _domain(name: str) -> str | None:
    address = parse_address(f"postmaster@{name}")
    return address.domain if address and not address.domain.startswith("[") else None


def _names_a_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.port != 0 and len(parts.path) > 1
    except ValueError:  # the port; its text may quote the password, so it is not passed on
        return False
