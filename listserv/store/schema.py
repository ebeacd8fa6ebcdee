"""The schema: made when the database is missing or empty, refused when it is not the one that
this program was written for. Only `upgrade` changes an existing one.

Alembic is imported when something has to be made: every command looks at the version.
"""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import column, create_engine, inspect, make_url, select, table, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from listserv.domain.errors import ListservError
from listserv.store import site
from listserv.store.session import StorageError, Store, Tx

# The newest file in migrations/versions; a test compares them.
HEAD = "0007"

MIGRATIONS = Path(__file__).resolve().parent / "migrations"

# Held on PostgreSQL while the schema is made: two commands may start at once on a new database.
_LOCK = 7_573_476_938
_VERSION = table("alembic_version", column("version_num"))


def prepare(store: Store) -> None:
    """Make the database and its schema if they are missing; refuse any other schema than ours."""
    version = _look(store)
    if version is None:
        store.write(_upgrade)
    elif version < HEAD:
        raise ListservError("the database is of an older version; run `listserv db upgrade`")
    else:
        _refuse_newer(version)


def upgrade(store: Store) -> tuple[str | None, str]:
    """Bring the schema to HEAD; returns the versions before (None: there was none) and after."""
    _look(store)
    return store.write(_upgrade), HEAD


def _look(store: Store) -> str | None:
    """The schema's version, None when empty; makes the database itself if it is missing."""
    try:
        if store.is_sqlite:
            _make_file(store.url)
        try:
            return store.read(_version)
        except StorageError:
            if store.is_sqlite or not _made_on_server(make_url(store.url)):
                raise
            return store.read(_version)
    except (DBAPIError, sqlite3.Error) as wrong:
        raise ListservError(f"storage.database: {wrong}") from None


def _upgrade(tx: Tx) -> str | None:
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = _version(tx)
    if before is not None:
        _refuse_newer(before)
    if before != HEAD:
        _run_migrations(tx)
    site.make_secret(tx)
    return before


def _version(tx: Tx) -> str | None:
    """The schema's version; None for an empty database."""
    tables = inspect(tx)
    if tables.has_table(_VERSION.name):
        found = tx.execute(select(_VERSION.c.version_num)).scalars().all()
        if len(found) == 1:
            return str(found[0])
    if tables.get_table_names():
        raise ListservError(
            "storage.database: it holds tables of another program; name an empty one"
        )
    return None


def _refuse_newer(version: str) -> None:
    if version > HEAD:
        raise ListservError(
            f"the database is of a newer version ({version}) than this program ({HEAD});"
            " install the program that made it"
        )


def _run_migrations(tx: Tx) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic reads % in an option as interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")


def _make_file(url: str) -> None:
    """Make an empty file that nobody else may read; SQLite gives its companions the same mode."""
    name = make_url(url).database
    if not name or name == ":memory:":
        raise ListservError(f"storage.database: {url} names no file")
    if Path(name).exists():
        return  # and is left alone: closing it here would drop SQLite's locks on it
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return  # another command was faster
    except OSError as wrong:
        raise ListservError(f"storage.database: {name}: {wrong.strerror}") from None


def _made_on_server(url: URL) -> bool:
    """Make a database that is missing on its server; False when something else is wrong."""
    maintenance = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    there = text("SELECT count(*) FROM pg_database WHERE datname = :name")
    try:
        with maintenance.connect() as server:
            if server.execute(there, {"name": url.database}).scalar_one():
                return False
            quoted = maintenance.dialect.identifier_preparer.quote_identifier(url.database or "")
            server.exec_driver_sql(
                f"CREATE DATABASE {quoted} ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"
            )
            return True
    except OperationalError:
        return False
    finally:
        maintenance.dispose()
