"""The certificate for STARTTLS, read again when its files change."""

import logging
import ssl
from pathlib import Path

from listserv.domain.errors import ListservError

log = logging.getLogger("listserv.smtp")

_Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """A certificate and its key. At the start a file that cannot be read is the operator's
    mistake; later the last good one stays in use, so that a renewal half done does no harm."""

    def __init__(self, cert: Path, key: Path | None) -> None:
        self._cert, self._key = cert, key
        self._files = (cert,) if key is None else (cert, key)
        try:
            self._stamp = self._read_stamp()
            self._context = self._load()
        except OSError as error:
            raise ListservError(f"smtp.tls_cert, smtp.tls_key: {self._names}: {error}") from None

    def context(self) -> ssl.SSLContext:
        """The context for the next handshake. Looks at the files' times, nothing more, unless
        they changed."""
        try:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._stamp = stamp
                self._context = self._load()
                log.info("certificate read again: %s", self._names)
        except OSError as error:
            log.warning("certificate not read, the last one stays: %s: %s", self._names, error)
        return self._context

    @property
    def _names(self) -> str:
        return ", ".join(str(path) for path in self._files)

    def _read_stamp(self) -> _Stamp:
        stats = [path.stat() for path in self._files]
        return tuple((s.st_mtime_ns, s.st_size, s.st_ino) for s in stats)

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # An empty password: a locked key is an error, and nobody is asked on a terminal.
        context.load_cert_chain(self._cert, self._key, password="")
        return context
