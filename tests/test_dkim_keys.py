"""The ring of keys: whose turn it is, a switch that may be cut short, files that cannot be read."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from listserv.config import Config, Dkim, Domain, Site
from listserv.dkim_keys import RECORD_STAYS, Key, KeyRing, Turn
from listserv.domain.address import Address
from listserv.domain.errors import ListservError

DOMAIN, OTHER = "lists.example.org", "example.org"
OPERATOR = Address("operator", "example.org")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
PEM = rsa.generate_private_key(65537, 2048).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)


def a_ring(folder: Path, own: Dkim | None = None) -> KeyRing:
    dkim = own or Dkim(keys_dir=folder)
    config = Config(Site(DOMAIN, DOMAIN, OPERATOR), dkim=dkim, others=(Domain(OTHER, OPERATOR),))
    return KeyRing(config)


def a_key(
    folder: Path, selector: str, turn: str, since: datetime = NOW, domain: str = DOMAIN
) -> Path:
    path = folder / f"dkim.{domain}.{selector}.{turn}"
    path.write_bytes(PEM)
    path.chmod(0o600)
    os.utime(path, (since.timestamp(), since.timestamp()))
    return path


def shown(keys: list[Key]) -> list[tuple[str, str, datetime]]:
    return [(key.selector, key.turn, key.since) for key in keys]


def signing(ring: KeyRing, domain: str = DOMAIN) -> str | None:
    signer = ring.signer(domain)
    return signer.selector if signer is not None else None


def test_without_a_key_nobody_signs(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not there"):
        ring = a_ring(folder)
        assert (ring.keys(DOMAIN), signing(ring)) == ([], None)
        assert ring.check() == [DOMAIN, OTHER]


def test_a_key_is_made_for_nobody_else_to_read(tmp_path: Path) -> None:
    made = a_ring(tmp_path).make(DOMAIN, Turn.NOW, NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["dkim.lists.example.org.s20261121.key"]
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.read().key_size == 2048
    assert a_ring(tmp_path).keys(DOMAIN) == [made]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_whoever_has_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 4321)
    owner = a_ring(tmp_path).make(DOMAIN, Turn.NOW, NOW).path.stat()
    assert (owner.st_uid, owner.st_gid) == (1234, 4321)


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    first = ring.make(DOMAIN, Turn.NEXT, NOW)
    content = first.path.read_bytes()
    second = ring.make(DOMAIN, Turn.NEXT, NOW)
    assert (first.selector, second.selector) == ("s20261121", "s20261121b")
    assert first.path.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(ListservError, match=rf"dkim\.keys_dir: {folder}"):
            a_ring(folder).make(DOMAIN, Turn.NOW, NOW)


def test_each_domain_has_its_own_keys(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    a_key(tmp_path, "a", "key")
    a_key(tmp_path, "b", "key", domain=OTHER)
    # A longer domain's file is no key of the shorter one.
    a_key(tmp_path, "c", "key", domain=f"{OTHER}.uk")
    assert (signing(ring), signing(ring, OTHER)) == ("a", "b")
    assert ring.domains == (DOMAIN, OTHER)
    assert len(ring.keys(OTHER)) == 1


def test_a_switch_is_seen_at_once_and_the_old_record_stays_for_14_days(tmp_path: Path) -> None:
    operator, server = a_ring(tmp_path), a_ring(tmp_path)
    first = operator.make(DOMAIN, Turn.NOW, NOW)
    following = operator.make(DOMAIN, Turn.NEXT, LATER)
    assert signing(server) == first.selector

    operator.switch(DOMAIN, LATER)
    assert signing(server) == following.selector
    assert shown(server.keys(DOMAIN)) == [
        (following.selector, "key", LATER),
        (first.selector, "old", LATER),
    ]
    (old,) = (key for key in server.keys(DOMAIN) if key.turn is Turn.OLD)
    assert old.record_until == LATER + RECORD_STAYS == LATER + timedelta(days=14)
    assert server.keys(DOMAIN)[0].record_until is None


def test_there_is_no_switch_without_a_next_key(tmp_path: Path) -> None:
    a_key(tmp_path, "s1", "key")
    with pytest.raises(ListservError, match="listserv dkim key --next"):
        a_ring(tmp_path).switch(DOMAIN, NOW)
    assert signing(a_ring(tmp_path)) == "s1"


def test_a_switch_that_was_cut_short_between_its_two_names_has_happened(tmp_path: Path) -> None:
    a_key(tmp_path, "s1", "key", NOW)
    a_key(tmp_path, "s2", "key", LATER)
    ring = a_ring(tmp_path)
    assert shown(ring.keys(DOMAIN)) == [("s2", "key", LATER), ("s1", "old", LATER)]
    a_key(tmp_path, "s3", "next")
    ring.switch(DOMAIN, LATER + timedelta(days=1))
    assert [(s, t) for s, t, _ in shown(ring.keys(DOMAIN))] == [
        ("s3", "key"), ("s1", "old"), ("s2", "old"),
    ]  # fmt: skip


def test_a_key_that_the_configuration_names_signs_until_the_first_switch(tmp_path: Path) -> None:
    ring = a_ring(tmp_path, Dkim("own", tmp_path / "my.pem", PEM, tmp_path))
    assert signing(ring) == "own"
    following = ring.make(DOMAIN, Turn.NEXT, NOW)
    assert signing(ring) == "own"
    ring.switch(DOMAIN, LATER)
    assert signing(ring) == following.selector
    assert shown(ring.keys(DOMAIN))[1:] == [("own", "old", LATER)]
    # Its clock does not begin anew with the next switch.
    ring.make(DOMAIN, Turn.NEXT, LATER)
    ring.switch(DOMAIN, LATER + timedelta(days=5))
    (own,) = (key for key in ring.keys(DOMAIN) if key.selector == "own")
    assert own.since <= LATER + timedelta(days=5)


@pytest.mark.parametrize("broken", ["everybody reads", "nonsense", "gone"])
def test_a_key_that_breaks_does_not_end_signing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    path = a_key(tmp_path, "s1", "key")
    running = a_ring(tmp_path)
    assert signing(running) == "s1"
    if broken == "everybody reads":
        path.chmod(0o644)
        os.utime(path, (0, 0))
    elif broken == "nonsense":
        path.write_bytes(b"nonsense")
    else:
        path.unlink()
        a_key(tmp_path, "s2", "key").write_bytes(b"nonsense")
    assert signing(running) == "s1"
    assert "the last key signs on" in caplog.text
    with pytest.raises(ListservError, match=r"dkim\.lists\.example\.org\.s[12]\.key"):
        a_ring(tmp_path).check()
    caplog.clear()
    assert signing(a_ring(tmp_path)) is None
    assert "nothing is signed" in caplog.text


def test_what_is_left_of_making_a_key_is_no_key(tmp_path: Path) -> None:
    for name in ("dkim.lists.example.org.s1.key.made", "dkim.lists.example.org..key", "dkim.x"):
        (tmp_path / name).write_bytes(PEM)
    assert a_ring(tmp_path).keys(DOMAIN) == []


def test_there_is_always_somebody_to_sign_while_keys_are_switched(tmp_path: Path) -> None:
    operator, server = a_ring(tmp_path), a_ring(tmp_path)
    a_key(tmp_path, "s0", "key")
    missing = []
    done = threading.Event()

    def sign() -> None:
        while not done.is_set():
            if server.signer(DOMAIN) is None or a_ring(tmp_path).signer(DOMAIN) is None:
                missing.append(server.keys(DOMAIN))

    thread = threading.Thread(target=sign)
    thread.start()
    for number in range(1, 50):
        a_key(tmp_path, f"s{number}", "next")
        operator.switch(DOMAIN, NOW + timedelta(seconds=number))
    done.set()
    thread.join()
    assert missing == []
