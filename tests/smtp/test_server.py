"""Listeners: where they listen, how they close, and the limits' arithmetic."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from listserv.domain.errors import ListservError
from listserv.domain.post import Client, Transport
from listserv.domain.replies import Reply
from listserv.smtp.limits import Gate
from listserv.smtp.server import Limits, ServerSettings
from tests.smtp.listening import House, Talk

SETTINGS = ServerSettings(
    "mx.example.org", trusted_mtas=frozenset({"127.0.0.1", "192.0.2.0/24", "2001:db8::1"}),
    domain="lists.example.org", limits=Limits(linger_seconds=1),
)  # fmt: skip


def test_a_message_is_handed_over_as_it_was_given(house: House) -> None:
    raw = b"From: ann@example.org\r\nSubject: gr\xc3\xbc\xc3\x9fe\r\n\r\n\xff\xfe 8-bit\r\n"
    with Talk(house.smtp(SETTINGS).port) as talk:
        assert talk.ask("MAIL FROM:<Ann@EXAMPLE.org> BODY=8BITMIME").startswith("250")
        for recipient in "Town@LISTS.example.org", "postmaster", '"x y"@lists.example.org':
            assert talk.ask(f"RCPT TO:<{recipient}>").startswith("250")
        talk.ask("DATA")
        talk.send(raw + b".\r\n")
        assert talk.reply().startswith("250")
    (message,) = house.intake.messages
    assert message.transport is Transport.SMTP
    assert message.client == Client("127.0.0.1", "client.example", True)
    assert message.sender == "Ann@EXAMPLE.org"
    assert message.recipients == (
        "Town@LISTS.example.org", "postmaster@lists.example.org", '"x y"@lists.example.org',
    )  # fmt: skip
    assert message.raw == raw


def test_a_thousand_recipients_are_one_transaction(house: House) -> None:
    with Talk(house.lmtp(SETTINGS).port, greet="LHLO") as talk:
        recipients = [f"list{number}@lists.example.org" for number in range(1000)]
        talk.send(b"MAIL FROM:<ann@example.org>\r\n")
        talk.send(b"".join(f"RCPT TO:<{r}>\r\n".encode() for r in recipients))
        assert {talk.reply()[:3] for _ in range(1001)} == {"250"}
        assert talk.ask("RCPT TO:<onemore@lists.example.org>").startswith("452 4.5.3")
        talk.ask("DATA")
        talk.send(b"Subject: hello\r\n.\r\n")
        assert {talk.reply() for _ in range(1000)} == {"250 2.0.0 Message accepted"}
    assert house.intake.messages[0].recipients == tuple(recipients)


DIFFERING = (
    (("refused", "refused"), "550"),
    (("town", "refused"), "250"),
    (("town", "later"), "451"),
    (("refused", "later"), "451"),
)


@pytest.mark.parametrize(("locals_", "code"), DIFFERING)
def test_over_smtp_one_answer_stands_for_all_and_loses_nothing(
    house: House, locals_: tuple[str, ...], code: str
) -> None:
    with Talk(house.smtp(SETTINGS).port) as talk:
        talk.begin(*(f"{local}@lists.example.org" for local in locals_))
        assert talk.ask("Subject: hello\r\n.").startswith(code)
        assert talk.ask("NOOP").startswith("250")


def test_an_intake_that_forgets_a_recipient_is_a_fault_of_ours(house: House) -> None:
    with Talk(house.lmtp(SETTINGS).port, greet="LHLO") as talk:
        talk.begin("short@lists.example.org", "town@lists.example.org")
        talk.send(b"Subject: hello\r\n.\r\n")
        assert [talk.reply()[:9] for _ in range(2)] == ["451 4.3.0"] * 2


def test_a_client_that_does_not_read_our_replies_is_cut_off(house: House, tmp_path: Path) -> None:
    """Else they fill our memory."""
    limits = Limits(command_seconds=1, junk_commands=1_000_000)
    house.lmtp(replace(SETTINGS, limits=limits), f"unix:{tmp_path / 'lmtp'}")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(90)
        client.connect(str(tmp_path / "lmtp"))
        with pytest.raises(ConnectionError):
            for _ in range(5_000):
                client.sendall(b"LHLO client.example\r\n" * 10)


def test_a_listener_at_a_unix_socket(house: House, tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    listener = house.lmtp(SETTINGS, f"unix:{path}")
    assert listener.port == 0
    assert path.stat().st_mode & 0o777 == 0o660
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(90)
        client.connect(str(path))
        with client.makefile("rb") as lines:
            assert lines.readline() == b"220 mx.example.org LMTP listserv\r\n"
            client.sendall(b"LHLO mx.example.org\r\nXFORWARD ADDR=192.0.2.7\r\nQUIT\r\n")
            assert lines.read().endswith(b"250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n")
    house.thread.run(listener.close())
    assert not path.exists()


def test_a_listener_at_an_ipv6_address(house: House) -> None:
    listener = house.smtp(SETTINGS, "[::1]:0")
    with socket.create_connection(("::1", listener.port), 90) as client:
        assert client.recv(3) == b"220"


@pytest.mark.parametrize(
    "listen", ["", "25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:smtp", "127.0.0.1:65536"]
)
def test_an_address_to_listen_at_that_is_none_is_named(house: House, listen: str) -> None:
    with pytest.raises(ListservError, match=f"lmtp.listen: '{listen}' is not host:port"):
        house.lmtp(SETTINGS, listen)


def test_a_port_that_is_taken_is_named(house: House, tmp_path: Path) -> None:
    listen = f"127.0.0.1:{house.smtp(SETTINGS).port}"
    with pytest.raises(ListservError, match=f"smtp.listen: cannot listen at '{listen}'"):
        house.smtp(SETTINGS, listen)
    with pytest.raises(ListservError, match=r"smtp\.listen: cannot listen at"):
        house.smtp(SETTINGS, f"unix:{tmp_path}/no/such/folder")


def test_a_trusted_mta_that_is_no_address_is_named() -> None:
    with pytest.raises(ListservError, match=r"smtp\.trusted_mtas: 'mx\.example\.org'"):
        ServerSettings("lists.example.org", trusted_mtas=frozenset({"mx.example.org"}))


TRUSTED = {
    "127.0.0.1": True, "127.0.0.2": False, "::ffff:127.0.0.1": True, "192.0.2.200": True,
    "2001:db8::1": True, "2001:db8::1%eth0": True, "2001:db8::2": False, "": False,
}  # fmt: skip


@pytest.mark.parametrize(("peer", "trusted"), TRUSTED.items())
def test_trust_is_in_addresses(peer: str, trusted: bool) -> None:
    assert SETTINGS.trusts(peer) is trusted


def test_closing_lets_a_transaction_finish_and_sends_the_others_away(house: House) -> None:
    listener = house.smtp(SETTINGS)
    with Talk(listener.port) as idle, Talk(listener.port) as busy:
        busy.begin("slow@lists.example.org")
        busy.send(b"Subject: hello\r\n.\r\n")
        assert house.intake.arrived.wait(90)
        closing = house.thread.start(listener.close(20))
        assert idle.reply().startswith("421 4.3.2 Closing")
        assert idle.is_closed()
        idle.close()
        with pytest.raises(ConnectionRefusedError):
            Talk(listener.port)
        house.go_on()
        assert busy.reply().startswith("250")
        assert busy.reply().startswith("421 4.3.2")
        busy.close()
        closing.result(90)
    assert len(house.intake.messages) == 1


def test_closing_waits_for_a_store_whose_client_is_gone(house: House) -> None:
    listener = house.smtp(SETTINGS)
    with Talk(listener.port) as talk:
        talk.begin("slow@lists.example.org")
        talk.send(b"Subject: hello\r\n.\r\n")
        assert house.intake.arrived.wait(90)
    closing = house.thread.start(listener.close(20))
    house.go_on()
    closing.result(90)
    assert len(house.intake.messages) == 1


def test_closing_takes_no_longer_than_it_may(house: House) -> None:
    listener = house.smtp(SETTINGS)
    with Talk(listener.port) as talk:
        talk.begin("town@lists.example.org")
        house.thread.run(listener.close(0.05))
        assert talk.is_closed()
    assert not house.intake.messages


class Silent:
    """A connection that waits since `since`."""

    def __init__(self, since: float | None) -> None:
        self.waiting_since = since
        self.sent_away = False

    def dismiss(self, reply: Reply, *, at_once: bool) -> None:
        self.sent_away = True


def test_places_are_given_back_and_a_network_of_ipv6_counts_as_one_client() -> None:
    gate = Gate(Limits(connections=4, per_ip=2), 100)
    guests = [Silent(None) for _ in range(5)]

    def admit(number: int, peer: str) -> bool:
        return gate.admit(guests[number], peer, trusted=False, now=0.0)

    assert admit(0, "2001:db8::1")
    assert admit(1, "2001:db8::2")
    assert not admit(2, "2001:db8::3")
    assert admit(2, "2001:db8:0:1::1")
    gate.leave(guests[1])
    gate.leave(guests[1])
    assert admit(1, "2001:db8::3")
    assert admit(3, "192.0.2.1")
    assert not admit(4, "192.0.2.2")


def test_nobody_makes_room_who_is_being_served_or_spoke_just_now() -> None:
    gate = Gate(Limits(connections=3, silent_seconds=1.0), 100)
    served, spoke, silent = Silent(None), Silent(9.5), Silent(8.0)
    for guest in served, spoke, silent:
        assert gate.admit(guest, "192.0.2.1", trusted=True, now=9.6)
    assert gate.admit(Silent(None), "192.0.2.1", trusted=True, now=10.0)
    assert [served.sent_away, spoke.sent_away, silent.sent_away] == [False, False, True]
    assert not gate.admit(Silent(None), "192.0.2.1", trusted=True, now=10.0)


def test_memory_is_given_back_with_its_message() -> None:
    gate = Gate(Limits(), 100)
    with gate.memory() as first:
        assert first.take(60)
        with gate.memory() as second:
            assert second.take(40)
            assert not second.take(1)
        assert first.take(40)
    with gate.memory() as third:
        assert third.take(100)
