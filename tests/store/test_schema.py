"""The schema: made where there is none, left alone where it is ours, refused otherwise."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from listserv.domain.authorship import UNCHECKED
from listserv.domain.errors import ListservError
from listserv.store import posts, schema, site
from listserv.store.session import StorageError, Store, Tx
from listserv.store.tables import Base


def _do(store: Store, statement: str) -> None:
    store.write(lambda tx: tx.execute(text(statement)))


def _tables(store: Store) -> int:
    return store.read(lambda tx: len(inspect(tx).get_table_names()))


def _differences(tx: Tx) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(tx), Base.metadata))


def test_the_migrated_schema_is_that_of_the_tables(store: Store) -> None:
    assert store.read(_differences) == []


def test_a_wrong_column_would_be_noticed(store: Store) -> None:
    _do(store, "ALTER TABLE site ADD COLUMN odd TEXT")
    assert len(store.read(_differences)) == 1


def test_a_database_with_the_first_schema_keeps_its_posts(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "migrations"
    ignored = shutil.ignore_patterns("__pycache__", "000[2-9]_*")
    shutil.copytree(schema.MIGRATIONS, first, ignore=ignored)
    store = Store(database)
    with monkeypatch.context() as then:
        then.setattr(schema, "MIGRATIONS", first)
        then.setattr(schema, "HEAD", "0001")
        schema.prepare(store)
    true = "1" if store.is_sqlite else "true"
    _do(store, "INSERT INTO list VALUES (1, 'town', 'x.test', 'town.x.test', 0, "
               f"{true}, 0, '{{}}')")  # fmt: skip
    empty = "X''" if store.is_sqlite else "''"
    _do(store, f"INSERT INTO post VALUES (1, 1, NULL, '<1@x>', {empty}, {empty}, 'a@x', 'a@x',"
               " 'Hello', 1, 0, 'hold', '[]', NULL, NULL)")  # fmt: skip
    _do(store, "INSERT INTO held VALUES (1, 1, 1, 'held', 0, NULL, '', '')")
    with pytest.raises(ListservError, match="older"):
        schema.prepare(store)

    assert schema.upgrade(store) == ("0001", schema.HEAD)
    assert store.read(_differences) == []
    assert store.read(lambda tx: posts.get(tx, 1)).authorship == UNCHECKED
    store.close()


def test_of_an_older_database_the_authors_of_posts_and_the_mailboxes_of_members_are_known(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "migrations"
    ignored = shutil.ignore_patterns("__pycache__", "000[3-9]_*")
    shutil.copytree(schema.MIGRATIONS, second, ignore=ignored)
    store = Store(database)
    with monkeypatch.context() as then:
        then.setattr(schema, "MIGRATIONS", second)
        then.setattr(schema, "HEAD", "0002")
        schema.prepare(store)
    true = "1" if store.is_sqlite else "true"
    _do(store, "INSERT INTO list VALUES (1, 'town', 'x.test', 'town.x.test', 0, "
               f"{true}, 0, '{{}}')")  # fmt: skip
    people = {"Ann.Lee@gmail.com": "annlee@gmail.com", "bob@x.test": None, '"a@b"@y.test': None}
    for number, address in enumerate(people, 1):
        _do(store, f"INSERT INTO member VALUES ({number}, 1, '{address}', '{address.lower()}', '',"
                   " 'member', 'mail', 'active', '{}', 0, NULL, '', 0, 0)")  # fmt: skip
    empty = "X''" if store.is_sqlite else "''"
    for number, key in enumerate(("bob@x.test", "zoe@x.test"), 1):
        _do(store, f"INSERT INTO post VALUES ({number}, 1, NULL, '', {empty}, {empty}, '{key}',"
                   f" '{key}', '', 1, 0, 'hold', '[]', NULL, NULL, NULL)")  # fmt: skip

    assert schema.upgrade(store) == ("0002", schema.HEAD)
    columns = text("SELECT address, mailbox, domain FROM member")
    kept = store.read(lambda tx: tx.execute(columns).all())
    assert {row.address: row.mailbox for row in kept} == people
    assert sorted(row.domain for row in kept) == ["gmail.com", "x.test", "y.test"]
    assert [store.read(lambda tx: posts.get(tx, n)).member_id for n in (1, 2)] == [2, None]  # noqa: B023
    store.close()


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_heads() == [schema.HEAD]


def test_an_empty_database_gets_the_schema_and_a_secret(database: str) -> None:
    store = Store(database)
    schema.prepare(store)
    secret = store.read(site.secret)
    assert len(secret) == 32
    schema.prepare(store)
    assert store.read(site.secret) == secret
    store.close()


def test_two_commands_at_once_make_one_schema(database: str) -> None:
    stores = [Store(database) for _ in range(4)]
    ready = threading.Barrier(len(stores))
    secrets: list[bytes] = []

    def command(store: Store) -> None:
        ready.wait()
        schema.prepare(store)
        secrets.append(store.read(site.secret))

    threads = [threading.Thread(target=command, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(secrets) == len(stores) and len(set(secrets)) == 1
    for store in stores:
        store.close()


def test_a_migration_that_fails_leaves_the_database_empty(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, broken, ignore=shutil.ignore_patterns("__pycache__"))
    (first,) = (broken / "versions").glob("0001_*.py")
    first.write_text(first.read_text() + '\n    op.execute("NO SQL AT ALL")\n')
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    store = Store(database)
    with pytest.raises((StorageError, DBAPIError)):
        schema.prepare(store)
    assert _tables(store) == 0
    store.close()


def test_an_older_schema_is_refused_until_it_is_upgraded(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    later = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, later, ignore=shutil.ignore_patterns("__pycache__"))
    head, newer = schema.HEAD, f"{int(schema.HEAD) + 1:04}"
    (later / "versions" / f"{newer}_more.py").write_text(
        f'revision = "{newer}"\ndown_revision = "{head}"\n\n\ndef upgrade() -> None:\n'
        "    from alembic import op\n    op.execute('CREATE TABLE later (id INTEGER)')\n"
    )
    secret = store.read(site.secret)
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    monkeypatch.setattr(schema, "HEAD", newer)
    before = _tables(store)
    with pytest.raises(ListservError, match=r"run `listserv db upgrade`$"):
        schema.prepare(store)
    assert _tables(store) == before
    assert schema.upgrade(store) == (head, newer)
    assert _tables(store) == before + 1
    schema.prepare(store)
    assert schema.upgrade(store) == (newer, newer)
    assert store.read(site.secret) == secret


@pytest.mark.parametrize("command", [schema.prepare, schema.upgrade])
def test_a_newer_schema_is_refused(store: Store, command: Callable[[Store], object]) -> None:
    _do(store, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ListservError, match="newer version"):
        command(store)


def test_a_database_of_another_program_is_refused(database: str) -> None:
    store = Store(database)
    _do(store, "CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(ListservError, match="another program"):
        schema.prepare(store)
    assert _tables(store) == 1
    store.close()


def test_the_file_is_for_its_owner_only_and_gives_back_space(tmp_path: Path) -> None:
    file = tmp_path / "listserv.db"
    store = Store(f"sqlite:///{file}")
    schema.prepare(store)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("listserv.db*")}
    assert modes == {"listserv.db": 0o600, "listserv.db-wal": 0o600, "listserv.db-shm": 0o600}
    pragma = "PRAGMA auto_vacuum"
    incremental = 2
    assert store.read(lambda tx: tx.execute(text(pragma)).scalar_one()) == incremental
    store.close()


def test_a_reader_opens_the_database_while_somebody_writes(database: str) -> None:
    """Each connection set auto_vacuum again, which waits for the writer: for a command that read
    in its own transaction it waited for ever."""
    writer = Store(database)
    schema.prepare(writer)

    def write(tx: Tx) -> bytes:
        site.pause(tx, "for a while")
        reader = Store(database, busy_timeout=0.0)
        try:
            return reader.read(site.secret)
        finally:
            reader.close()

    assert writer.write(write) == writer.read(site.secret)
    writer.close()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "diary.txt"
    file.write_text("Dear diary, " * 1000)
    store = Store(f"sqlite:///{file}")
    with pytest.raises(ListservError, match=r"storage\.database: .*not a database"):
        schema.prepare(store)
    store.close()
    assert file.read_text().startswith("Dear diary")


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/nowhere/listserv.db")
    with pytest.raises(ListservError, match=r"storage\.database: .*/nowhere/listserv\.db: No such"):
        schema.prepare(store)


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ListservError, match="names no file"):
        schema.prepare(Store("sqlite://"))


@pytest.mark.postgresql
def test_a_missing_database_is_made_on_its_server(postgresql: str) -> None:
    store = Store(postgresql.format("never_made_before"))
    schema.prepare(store)
    assert _tables(store) > 1
    store.close()


@pytest.mark.postgresql
def test_a_server_that_is_gone_is_a_storage_error(postgresql: str, tmp_path: Path) -> None:
    url = make_url(postgresql.format("x")).set(query={"host": str(tmp_path)})
    store = Store(url.render_as_string(hide_password=False))
    with pytest.raises(StorageError):
        schema.prepare(store)
    store.close()


def test_looking_at_the_version_does_not_import_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'listserv.db'}"
    schema.prepare(Store(url))
    program = (
        "import sys; from listserv.store import schema; from listserv.store.session import Store\n"
        f"schema.prepare(Store({url!r})); print([m for m in sys.modules if 'alembic' in m])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert said.stdout == "[]\n"


def test_the_migrations_are_in_the_package() -> None:
    package = Path(schema.__file__).parent.parent
    assert schema.MIGRATIONS.is_relative_to(package)
    assert sorted(os.listdir(schema.MIGRATIONS / "versions"))[0].startswith("0001_")
