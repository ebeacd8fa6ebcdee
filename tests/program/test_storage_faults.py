"""The database is locked, full or away: 451, and the same post accepted once when it heals."""

import smtplib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from listserv.flow import administer, enrol
from listserv.store import queue_view, session
from tests.program.running import DOMAIN, Running

POST = (
    f"From: ann@example.org\r\nTo: town@{DOMAIN}\r\nSubject: Hello\r\n"
    "Message-ID: <once@example.org>\r\n\r\nGood morning.\r\n"
)


@pytest.fixture
def town(running: Running) -> Running:
    now = running.app.clock.now()

    def set_up(tx: session.Tx) -> None:
        mlist = administer.create_list(
            tx, f"town@{DOMAIN}", domains={DOMAIN}, style="discussion", settings={}, owners=(),
            by="test", now=now,
        )  # fmt: skip
        enrol.add_members(
            tx, mlist.id, ["ann@example.org"], domains={DOMAIN}, settings={}, by="test", now=now
        )

    running.app.store.write(set_up)
    return running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that waits a second for another one, not ten."""
    init = session.Store.__init__

    def short(self: session.Store, url: str) -> None:
        init(self, url, busy_timeout=1.0)

    monkeypatch.setattr(session.Store, "__init__", short)


def post(town: Running) -> tuple[int, bytes]:
    assert town.smtp is not None
    with smtplib.SMTP("127.0.0.1", town.smtp) as client:
        client.ehlo()
        client.mail("ann@example.org")
        code, text = client.rcpt(f"town@{DOMAIN}")
        return client.data(POST) if code == 250 else (code, text)


def posted_once(town: Running) -> bool:
    return (
        set(town.mail()) == {"ann@example.org"}
        and len(town.app.store.read(lambda tx: queue_view.mailings(tx, ended=True))) == 1
    )


def test_a_locked_database_is_a_temporary_fault(impatient: None, town: Running) -> None:
    assert town.app.store.path is not None
    with sqlite3.connect(town.app.store.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = post(town)
        other.execute("ROLLBACK")
    other.close()

    assert refused[0] == 451
    assert b"sqlite" not in refused[1].lower()
    assert str(Path(town.app.store.path).parent).encode() not in refused[1]
    assert post(town)[0] == 250
    assert post(town)[0] == 250
    assert posted_once(town)


class Disk:
    """What SQLite does when a write finds no room: SQLITE_FULL, and the transaction is gone."""

    def __init__(self) -> None:
        self._connections: list[sqlite3.Connection] = []
        self._pages = 1_000_000_000

    def connected(self, connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.execute(f"PRAGMA max_page_count = {self._pages}")
        self._connections.append(connection)

    def closed(self, connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        self._connections.remove(connection)

    def fill(self, full: bool) -> None:
        self._pages = 1 if full else 1_000_000_000
        for connection in self._connections:
            connection.execute(f"PRAGMA max_page_count = {self._pages}")


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    event.listen(Engine, "connect", disk.connected)
    event.listen(Engine, "close", disk.closed)
    yield disk
    event.remove(Engine, "connect", disk.connected)
    event.remove(Engine, "close", disk.closed)


def test_a_full_disk_is_a_temporary_fault(disk: Disk, town: Running) -> None:
    big = POST + 4000 * ("x" * 70 + "\r\n")
    assert town.smtp is not None
    with smtplib.SMTP("127.0.0.1", town.smtp) as client:
        client.ehlo()
        client.mail("ann@example.org")
        client.rcpt(f"town@{DOMAIN}")
        disk.fill(True)
        refused = client.data(big)
    disk.fill(False)

    assert refused[0] == 451
    assert post(town)[0] == 250
    assert posted_once(town)
