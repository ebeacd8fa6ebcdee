"""doctor's questions to this machine: the relay, the certificate, the clock, the database."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from listserv import config
from listserv.cli import host_checks
from listserv.cli.findings import Finding, State
from listserv.cli.host_checks import HOST_CHECKS, Machine
from listserv.store import events, lists, schema
from listserv.store.session import Store
from tests.relay import Script, ScriptedRelay, obedient

DOMAIN = "lists.test"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def examine(
    check: str, text: str = "", store: Store | None = None, folder: Path = Path("/nowhere")
) -> list[Finding]:
    made = config.parse(f"[site]\ndomain = '{DOMAIN}'\n{text}\n", folder / "listserv.toml")
    machine = Machine(made, store, NOW)
    return [f for each in HOST_CHECKS for f in each(machine) if f.check == check]


@contextmanager
def relay(script: Script) -> Iterator[ScriptedRelay]:
    """On a loop of its own, because doctor has one, too."""
    scripted, up = ScriptedRelay(script), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with scripted:
            up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert up.wait(10)
    yield scripted
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_a_relay_that_greets_us_is_good_and_gets_no_mail() -> None:
    with relay(obedient) as scripted:
        (found,) = examine("relay", f"[relay]\nport = {scripted.port}")
    assert (found.state, found.about) == (State.GOOD, f"127.0.0.1:{scripted.port}")
    assert "QUIT" in scripted.seen and not scripted.taken


@pytest.mark.parametrize(
    ("command", "answer", "more", "says"),
    [
        ("connect", "554 5.3.2 closed", "", "554 5.3.2 closed"),
        ("connect", "", "", ""),
        ("EHLO", "550 not you", "", "550"),
        ("no command", "250 ok", "tls = 'required'", "SMTP STARTTLS extension not supported"),
    ],
)
def test_a_relay_that_does_not_is_told_in_its_words(
    command: str, answer: str, more: str, says: str
) -> None:
    def script(line: str) -> str | None:
        return answer if line.upper().startswith(command.upper()) else None

    with relay(script) as scripted:
        (found,) = examine("relay", f"[relay]\nport = {scripted.port}\n{more}")
    assert found.state is State.WRONG
    assert found.says.startswith("takes nothing from us: ") and says in found.says
    assert "[relay]" in found.next_step


def test_a_relay_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_checks, "RELAY_SECONDS", 0.1)
    with asyncio.Runner() as runner:

        async def listen() -> asyncio.Server:
            return await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)

        server = runner.run(listen())
        port = server.sockets[0].getsockname()[1]
        found = examine("relay", f"[relay]\nport = {port}")[0]
        server.close()
    assert found.says == "takes nothing from us: no answer within 0 s"


def test_both_ports_of_the_relay_are_tried() -> None:
    with relay(obedient) as scripted:
        closed = 1
        found = examine("relay", f"[relay]\nport = {scripted.port}\nnotice_port = {closed}")
    assert [each.state for each in found] == [State.GOOD, State.WRONG]


def test_a_maildir_is_a_folder_that_can_be_written(tmp_path: Path) -> None:
    text = "[relay]\nkind = 'maildir'\npath = 'mail'"
    (found,) = examine("relay", text, folder=tmp_path)
    assert found.state is State.NOTE and "no further" in found.says
    (tmp_path / "mail").touch()
    (found,) = examine("relay", text, folder=tmp_path)
    assert (found.state, found.about) == (State.WRONG, str(tmp_path / "mail"))


def a_certificate(folder: Path, begins: datetime, ends: datetime, *names: str) -> str:
    """The [smtp] section for a certificate of these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "anything")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = made.public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(begins).not_valid_after(ends)
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        made = made.add_extension(alternative, critical=False)
    signed = made.sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return "[smtp]\ntls_cert = 'cert.pem'\ntls_key = 'key.pem'"


@pytest.mark.parametrize(
    ("begins", "ends", "names", "state", "says"),
    [
        (-30, 60, [DOMAIN], "good", "is valid until 2027-01-20"),
        (-30, 60, ["x.example", "*.test"], "good", "is valid until 2027-01-20"),
        (-30, 60, ["other.example"], "note", f"is not for {DOMAIN} (site.hostname)"),
        (-30, 60, [f"*.{DOMAIN}"], "note", f"is not for {DOMAIN} (site.hostname)"),
        (-30, 60, [], "note", f"is not for {DOMAIN} (site.hostname)"),
        (-30, 14, [DOMAIN], "good", "is valid until 2026-12-05"),
        (-30, 13, [DOMAIN], "wrong", "ends on 2026-12-04, and has not been renewed"),
        (-30, -1, [DOMAIN], "wrong", "ended on 2026-11-20"),
        (1, 60, [DOMAIN], "wrong", "is valid from 2026-11-22 only"),
    ],
)
def test_the_certificate(
    tmp_path: Path, begins: int, ends: int, names: list[str], state: str, says: str
) -> None:
    days = timedelta(days=1)
    text = a_certificate(tmp_path, NOW + begins * days, NOW + ends * days, *names)
    (found,) = examine("tls", text, folder=tmp_path)
    assert (found.state, found.says) == (state, says)
    assert bool(found.next_step) == (state != "good")


@pytest.mark.parametrize(
    ("listen", "notes"), [("127.0.0.1:8025", 0), ("[::1]:8025", 0), ("0.0.0.0:25", 1), ("", 0)]
)
def test_a_listener_for_the_world_without_encryption_is_noted(listen: str, notes: int) -> None:
    found = examine("tls", f"[smtp]\nlisten = '{listen}'")
    assert [each.state for each in found] == [State.NOTE] * notes


def test_a_clock_that_was_put_back_is_found(store: Store) -> None:
    (found,) = examine("clock", store=store)
    if store.is_sqlite:
        assert found.state is not State.WRONG
    future = NOW + timedelta(hours=1)
    store.write(lambda tx: events.log(tx, None, "test", "something", future))
    (found,) = examine("clock", store=store)
    assert found.state is State.WRONG
    assert found.says.endswith("of 2026-11-21 13:00 UTC") and "NTP" in found.next_step


def test_a_clock_that_differs_from_the_databases_is_found(store: Store) -> None:
    """The clock of the test stands still, PostgreSQL's does not."""
    (found,) = examine("clock", store=store)
    away = "away from the clock of the database's machine" in found.says
    assert away == (not store.is_sqlite)


def test_the_clock_is_looked_at_without_a_database_too() -> None:
    (found,) = examine("clock")
    assert (found.state is State.NOTE) == (host_checks.is_synchronized() is False)
    assert found.about == "2026-11-21 12:00 UTC"


def test_a_database_that_works_is_good(store: Store) -> None:
    (found,) = examine("database", store=store)
    assert (found.state, found.says) == (State.GOOD, "has 0 lists and 0 members")


def test_a_database_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    path = tmp_path / "listserv.db"
    store = Store(f"sqlite:///{path}", busy_timeout=0.1)
    schema.prepare(store)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        (found,) = examine("database", store=store)
    other.close()
    store.close()
    assert (found.state, found.about) == (State.WRONG, str(path))
    assert found.says == "cannot be written: database is locked"
    assert "storage.database" in found.next_step


def test_content_rules_are_read_and_what_is_wrong_with_them_is_said(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'listserv.db'}")
    schema.prepare(store)
    for name, settings in (("plain", {}), ("town", {"content_rules": "town.txt"})):
        store.write(
            lambda tx: lists.create(tx, name=name, domain=DOMAIN, settings=settings, now=NOW)  # noqa: B023
        )
    rules = tmp_path / "rules" / "town.txt"
    rules.parent.mkdir()
    rules.write_text("when post has link then urgent")
    (found,) = examine("content rules", store=store, folder=tmp_path)
    assert (found.state, found.about) == (State.GOOD, f"town@{DOMAIN}")
    rules.write_text("\nwhen")
    (found,) = examine("content rules", store=store, folder=tmp_path)
    assert found.state is State.WRONG
    assert found.says.startswith(f"{rules}: line 2: ")
    store.close()


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("", State.NOTE),
        (f"ABUSE@{DOMAIN}", State.NOTE),
        ("postmaster@elsewhere.test", State.GOOD),
        (f"eve@{DOMAIN}", State.GOOD),
    ],
)
def test_an_operator_whose_mail_would_go_to_the_operator_is_named(
    operator: str, state: State
) -> None:
    (found,) = examine("operator", f"operator = '{operator}'" if operator else "")
    assert (found.state, found.about) == (state, DOMAIN)
    assert (operator or f"postmaster@{DOMAIN}").lower() in found.says.lower()
