"""The DKIM keys of the domains, and whose turn it is to sign.

A key is one file in dkim.keys_dir, and its name says all there is to know:

    dkim.DOMAIN.SELECTOR.key    signs now
    dkim.DOMAIN.SELECTOR.next   waits for its record to be published, then for `dkim switch`
    dkim.DOMAIN.SELECTOR.old    signed before; its record stays until what it signed has arrived

A switch renames files, so every process sees it with the next mailing. A key of the operator's own,
named by the configuration, signs until the first .key file takes its place.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from listserv.config_sections import Config, Domain
from listserv.config_values import read_private
from listserv.domain.errors import ListservError
from listserv.mail.sign import LIFETIME_SECONDS, Signer, read_key

log = logging.getLogger("listserv.dkim")

# What verifiers read everywhere, in a record that fits into one packet.
BITS = 2048
# A signature is good for so long after the last mail that has it.
RECORD_STAYS = timedelta(seconds=LIFETIME_SECONDS)

_SUFFIXES = ("", *"bcdefghijklmnopqrstuvwxyz")
# A file may be renamed while the folder is listed, or before it is read.
_LOOKS = 3


class Turn(StrEnum):
    """As the file names end."""

    NEXT = "next"
    NOW = "key"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a domain. `since` is when its turn began; `pem` is there for a key of the
    operator's own, which was read with the configuration."""

    domain: str
    selector: str
    turn: Turn
    since: datetime
    path: Path
    pem: bytes | None = None

    @property
    def record_until(self) -> datetime | None:
        """How long the record of an old key stays."""
        return self.since + RECORD_STAYS if self.turn is Turn.OLD else None

    def read(self) -> rsa.RSAPrivateKey:
        """The private key, or ListservError; FileNotFoundError when it was renamed meanwhile."""
        try:
            return read_key(self.pem or read_private(self.path), str(self.path))
        except ValueError as wrong:
            if not self.path.exists():
                raise FileNotFoundError(self.path) from None
            raise ListservError(f"the DKIM key {wrong}") from None


class KeyRing:
    """The keys of one installation. Safe to use from many threads and processes at once."""

    def __init__(self, config: Config) -> None:
        self._folder = config.dkim.keys_dir
        self._domains = {domain.name: domain for domain in config.domains}
        self._signers: dict[str, tuple[Key, Signer]] = {}

    @property
    def domains(self) -> Sequence[str]:
        """Every domain that lists may be at, site.domain first."""
        return tuple(self._domains)

    def keys(self, domain: str) -> list[Key]:
        """The keys of a domain: what signs, what is to come, what was, the latest first. Raises
        ListservError when the folder cannot be read."""
        with _named_folder(self._folder):
            found = list(self._files(domain))
            if not any(key.turn is Turn.NOW for key in found):
                # A file that gets another name while the folder is read may be seen under neither.
                found = list(self._files(domain))
        signing = sorted((k for k in found if k.turn is Turn.NOW), key=lambda k: k.since)
        if signing:
            # More than one: a switch was cut short between its two names.
            began = signing[-1].since
            left = [replace(key, turn=Turn.OLD, since=began) for key in signing[:-1]]
            found = [key for key in found if key.turn is not Turn.NOW] + left + signing[-1:]
        own = _own(self._domains.get(domain))
        if own is not None and not any(key.selector == own.selector for key in found):
            ended = min((key.since for key in found if key.turn is not Turn.NEXT), default=None)
            found.append(own if ended is None else replace(own, turn=Turn.OLD, since=ended))
        order = (Turn.NOW, Turn.NEXT, Turn.OLD)
        return sorted(found, key=lambda k: (order.index(k.turn), -k.since.timestamp(), k.selector))

    def turn(self, domain: str, turn: Turn) -> Key | None:
        """The key whose turn it is, or will be."""
        return next((key for key in self.keys(domain) if key.turn is turn), None)

    def signer(self, domain: str) -> Signer | None:
        """Who signs for a domain now; None while it has no key. Never raises: when a key cannot be
        read any more, the last one that could goes on signing."""
        last = self._signers.get(domain)
        try:
            current = self._load(domain, last)
        except ListservError as wrong:
            log.warning("%s; %s", wrong, "the last key signs on" if last else "nothing is signed")
            return last[1] if last else None
        if current is None:
            self._signers.pop(domain, None)
            return None
        self._signers[domain] = current
        return current[1]

    def check(self) -> Sequence[str]:
        """Raise ListservError for a key that has its turn and cannot be used. Returns the domains
        for which nothing is signed."""
        return [domain for domain in self._domains if self._load(domain, None) is None]

    def make(self, domain: str, turn: Turn, now: datetime) -> Key:
        """Make a key of BITS bits in a file of its own, for nobody else to read."""
        selector = self._new_selector(domain, now)
        key = Key(domain, selector, turn, now, self._path(domain, selector, turn))
        private = rsa.generate_private_key(65537, BITS)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with _named_folder(self._folder):
            self._write(key.path, pem)
            _stamp(key.path, now)
        return key

    def switch(self, domain: str, now: datetime) -> Key:
        """Let the next key sign; the one that did becomes old. Returns the new one."""
        following = self.turn(domain, Turn.NEXT)
        if following is None:
            raise ListservError(
                f"{domain} has no next key; make one: listserv dkim key --next, publish its record"
            )
        path = self._path(domain, following.selector, Turn.NOW)
        with _named_folder(self._folder):
            _stamp(following.path, now)
            following.path.rename(path)
            for key in self._files(domain):
                if key.turn is Turn.NOW and key.selector != following.selector:
                    _stamp(key.path, now)
                    key.path.rename(self._path(domain, key.selector, Turn.OLD))
        return replace(following, turn=Turn.NOW, since=now, path=path)

    def _files(self, domain: str) -> Iterator[Key]:
        prefix = f"dkim.{domain}."
        try:
            entries = list(os.scandir(self._folder))
        except FileNotFoundError:
            return
        for entry in entries:
            if not entry.name.startswith(prefix):
                continue
            selector, _, ending = entry.name.removeprefix(prefix).partition(".")
            if ending in set(Turn) and selector:
                try:
                    since = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
                except FileNotFoundError:  # renamed meanwhile
                    continue
                yield Key(domain, selector, Turn(ending), since, Path(entry.path))

    def _load(self, domain: str, last: tuple[Key, Signer] | None) -> tuple[Key, Signer] | None:
        for _ in range(_LOOKS):
            key = self.turn(domain, Turn.NOW)
            if key is None:
                continue
            if last is not None and key == last[0]:
                return last
            with suppress(FileNotFoundError):
                return key, Signer(domain, key.selector, key.read())
        return None

    def _new_selector(self, domain: str, now: datetime) -> str:
        taken = {key.selector for key in self.keys(domain)}
        names = (f"s{now:%Y%m%d}{suffix}" for suffix in _SUFFIXES)
        free = next((name for name in names if name not in taken), None)
        if free is None:
            raise ListservError(f"{domain} has {len(_SUFFIXES)} keys of today already")
        return free

    def _path(self, domain: str, selector: str, turn: Turn) -> Path:
        return self._folder / f"dkim.{domain}.{selector}.{turn}"

    def _write(self, path: Path, pem: bytes) -> None:
        """A new file, complete under its name or not there."""
        made = path.with_name(f"{path.name}.made")
        made.unlink(missing_ok=True)
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            if os.geteuid() == 0:
                # The server that shall read it runs as whoever has the folder.
                folder = self._folder.stat()
                os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
            os.fsync(file.fileno())
        os.link(made, path)  # never overwrites
        made.unlink()


def _own(domain: Domain | None) -> Key | None:
    """The key that the configuration names."""
    if domain is None or domain.key_file is None:
        return None
    began = datetime.fromtimestamp(0, UTC)
    return Key(domain.name, domain.selector, Turn.NOW, began, domain.key_file, domain.key)


def _stamp(path: Path, when: datetime) -> None:
    os.utime(path, (when.timestamp(), when.timestamp()))


@contextmanager
def _named_folder(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as wrong:
        raise ListservError(
            f"dkim.keys_dir: {wrong.filename or folder}: {wrong.strerror}; do this as the user of "
            "the server, and name a folder that is theirs"
        ) from None
