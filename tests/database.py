"""An SQLite database that has the schema, to be copied: making the schema anew in each test would
take longer than most tests."""

import tempfile
from functools import cache
from pathlib import Path

from listserv.store import schema
from listserv.store.session import Store


@cache
def with_schema() -> bytes:
    """The file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "listserv.db"
        prepare(f"sqlite:///{path}")
        return path.read_bytes()


def prepare(url: str) -> None:
    """Make the schema in a database."""
    store = Store(url)
    schema.prepare(store)
    store.close()
