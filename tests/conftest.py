"""What every test folder shares: a store on SQLite, and the same on a real PostgreSQL."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, make_url

from listserv.store.session import Store
from tests.database import prepare, with_schema

# No deadline: a slow machine is no fault of ours.
hypothesis.settings.register_profile("dev", max_examples=20, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=200, deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")

_SQLITE = pytest.param("sqlite", id="sqlite")
_POSTGRESQL = pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgresql)


@pytest.fixture(params=[_SQLITE, _POSTGRESQL])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; for a test that asks for `store`, of its copy of one that has
    the schema: to make that in each test would take longer than most tests."""
    has_schema = "store" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "listserv.db"
        if has_schema:
            path.write_bytes(with_schema())
        return f"sqlite:///{path}"
    make: Callable[[str], str] = request.getfixturevalue("new_postgresql_database")
    template = request.getfixturevalue("postgresql_with_schema") if has_schema else "template0"
    return make(template)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An open database with the schema, once on each kind of database."""
    opened = Store(database)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgresql_with_schema(new_postgresql_database: Callable[[str], str]) -> str:
    """The name of a database to be copied."""
    url = new_postgresql_database("template0")
    prepare(url)
    return str(make_url(url).database)


@pytest.fixture(scope="session")
def new_postgresql_database(postgresql: str) -> Iterator[Callable[[str], str]]:
    """Copies a database of the server and returns the new one's URL; all are gone with the
    server."""
    engine = create_engine(postgresql.format("postgres"), isolation_level="AUTOCOMMIT")
    numbers = itertools.count(1)

    def make(template: str) -> str:
        name = f"test_{next(numbers)}"
        with engine.connect() as server:
            server.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        return postgresql.format(name)

    yield make
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of our own, from Debian's binaries, on a socket in a temporary folder.
    Its URL has {} where the database's name goes."""
    programs = _postgresql_programs()
    # Below /tmp itself: pytest's own folders are closed to the server's user.
    home = Path(tempfile.mkdtemp(prefix="listserv-pg-", dir="/tmp"))
    try:
        as_user = _as_server_user(home)
        _initdb(programs, home, as_user)
        with _running(programs, home, as_user):
            yield f"postgresql+psycopg://postgres@/{{}}?host={home}"
    finally:
        shutil.rmtree(home)


def _postgresql_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if os.environ.get("CI"):
        pytest.fail("PostgreSQL is missing: apt-get install postgresql")
    pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")


def _as_server_user(home: Path) -> list[str]:
    """The words before a command that make it run as somebody else than root."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(home, user.pw_uid, user.pw_gid)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids, "--pdeathsig", "INT"]


def _initdb(programs: Path, home: Path, as_user: list[str]) -> None:
    options = ["--username=postgres", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"]
    command = [*as_user, str(programs / "initdb"), *options, str(home / "data")]
    subprocess.run(command, check=True, cwd=home, capture_output=True)


@contextmanager
def _running(programs: Path, home: Path, as_user: list[str]) -> Iterator[None]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": home,
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": 50,
        "shared_buffers": "32MB",
    }
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    command = [*as_user, str(programs / "postgres"), "-D", str(home / "data"), *options]
    with subprocess.Popen(command, cwd=home, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        said = []
        for line in server.stderr:
            said.append(line)
            if "ready to accept connections" in line:
                break
        else:
            pytest.fail("PostgreSQL did not start:\n" + "".join(said))
        reader = threading.Thread(target=server.stderr.read)
        reader.start()
        yield
        server.send_signal(signal.SIGINT)  # fast shutdown
        reader.join()
