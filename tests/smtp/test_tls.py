"""STARTTLS: offered with a certificate only, read again when the file changes, no injection."""

import logging
import shutil
import socket
import ssl
from pathlib import Path

import pytest

from listserv.domain.errors import ListservError
from listserv.smtp.server import Limits, ServerSettings
from listserv.smtp.tls import Certificate
from tests.smtp.listening import House, Talk

TLS = Path(__file__).parent / "tls"


def settings(cert: Path, key: Path | None = None) -> ServerSettings:
    limits = Limits(linger_seconds=1)
    return ServerSettings("lists.example.org", tls_cert=cert, tls_key=key, limits=limits)


def start_tls(talk: Talk, name: str) -> None:
    """Handshake; the server must show the certificate tls/NAME.pem."""
    context = ssl.create_default_context(cafile=str(TLS / f"{name}.pem"))
    talk.wrap(context.wrap_socket(talk.socket, server_hostname=f"{name}.example.org"))


def test_a_message_comes_in_over_tls(house: House, caplog: pytest.LogCaptureFixture) -> None:
    listener = house.smtp(settings(TLS / "first.pem"))
    with Talk(listener.port) as talk:
        assert "250 STARTTLS" in talk.offers
        assert talk.ask("STARTTLS").startswith("220")
        start_tls(talk, "first")
        assert talk.ask("MAIL FROM:<ann@example.org>").startswith("503 5.5.1 Say hello")
        offers = talk.ask("EHLO client.example")
        assert "STARTTLS" not in offers
        assert "AUTH" not in offers
        assert talk.ask("STARTTLS").startswith("503")
        talk.begin("town@lists.example.org")
        assert talk.ask("Subject: hello\r\n.").startswith("250")
        assert talk.ask("QUIT").startswith("221")
    house.thread.run(listener.close())
    assert house.intake.messages[0].raw == b"Subject: hello\r\n"
    assert not caplog.records


def test_what_was_said_before_tls_counts_for_nothing_after_it(house: House) -> None:
    """CVE-2011-0411, CVE-2024-34083: commands in the segment of STARTTLS, run after it."""
    with Talk(house.smtp(settings(TLS / "first.pem")).port) as talk:
        talk.send(
            b"STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<ann@example.org>\r\n"
            b"RCPT TO:<town@lists.example.org>\r\n"
        )
        assert talk.reply().startswith("220")
        start_tls(talk, "first")
        assert talk.ask("DATA").startswith("503 5.5.1 No recipient")
        assert talk.ask("MAIL FROM:<ann@example.org>").startswith("503 5.5.1 Say hello")
    assert not house.intake.asked


def test_a_transaction_before_tls_is_forgotten_too(house: House) -> None:
    with Talk(house.smtp(settings(TLS / "first.pem")).port) as talk:
        talk.ask("MAIL FROM:<ann@example.org>")
        talk.ask("RCPT TO:<town@lists.example.org>")
        talk.ask("STARTTLS")
        start_tls(talk, "first")
        assert talk.ask("DATA").startswith("503 5.5.1 No recipient")


def test_a_certificate_that_changed_is_shown_to_the_next_client(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "listserv.smtp")
    path = tmp_path / "cert.pem"
    shutil.copy(TLS / "first.pem", path)
    port = house.smtp(settings(path)).port
    with Talk(port) as before:
        for name in "first", "second":
            shutil.copy(TLS / f"{name}.pem", path)
            with Talk(port) as talk:
                talk.ask("STARTTLS")
                start_tls(talk, name)
                assert talk.ask("NOOP").startswith("250")
        path.write_text("half a certif")
        with Talk(port) as talk:
            talk.ask("STARTTLS")
            start_tls(talk, "second")
        path.unlink()
        before.ask("STARTTLS")
        start_tls(before, "second")
    assert f"certificate not read, the last one stays: {path}" in caplog.text


def test_without_a_certificate_there_is_no_tls(house: House) -> None:
    with Talk(house.smtp(ServerSettings("lists.example.org")).port) as talk:
        assert not any("STARTTLS" in offer for offer in talk.offers)
        assert talk.ask("STARTTLS").startswith("502")
        assert talk.ask("NOOP").startswith("250")


def test_a_client_that_cannot_shake_hands_harms_nobody(house: House) -> None:
    port = house.smtp(settings(TLS / "first.pem")).port
    with Talk(port) as talk:
        talk.ask("STARTTLS")
        talk.send(b"EHLO this is no handshake\r\n" * 20)
        assert talk.socket.recv(1) in {b"", b"\x15"}  # an alert, or the end
    with Talk(port) as talk:
        talk.ask("STARTTLS")
        talk.socket.shutdown(socket.SHUT_WR)
        assert talk.socket.recv(1) == b""
    with Talk(port) as talk:
        talk.ask("STARTTLS")
        start_tls(talk, "first")
        assert talk.ask("NOOP").startswith("250")


@pytest.mark.parametrize("text", ["", "no certificate", None])
def test_a_certificate_that_cannot_be_read_at_the_start_is_named(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "cert.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ListservError, match=f"smtp.tls_cert, smtp.tls_key: {path}"):
        Certificate(path, None)


def test_a_locked_key_is_refused_and_nobody_is_asked_for_its_password() -> None:
    locked = Path(__file__).parent.parent / "tls" / "locked-key.pem"
    with pytest.raises(ListservError, match="locked-key"):
        Certificate(TLS / "first.pem", locked)
