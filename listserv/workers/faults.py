"""A fault of ours in one thing leaves the others of a loop alone."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from listserv.store.session import StorageError


@contextmanager
def told(log: logging.Logger, what: str, *values: object) -> Iterator[None]:
    """Log a fault of what is done within as `what` (with %-signs for `values`), and go on. What
    the database does not take, StorageError, concerns everything and is passed on."""
    try:
        yield
    except StorageError:
        raise
    except Exception:
        log.exception(what, *values)
