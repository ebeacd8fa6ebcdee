"""XFORWARD: what a trusted MTA tells of its client, and whom we then take for the client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.network import read_ip
from listserv.domain.post import Client
from listserv.domain.replies import Reply
from listserv.smtp.server import ServerSettings
from listserv.smtp.xforward import ATTRIBUTES, read_xforward, real_client
from tests.smtp.listening import House, Talk

PEER = Client("127.0.0.1", "mx.example.org", True)

TOLD = {
    "ADDR=192.0.2.7 HELO=mail.example.net": Client("192.0.2.7", "mail.example.net", True),
    "addr=192.0.2.7": Client("192.0.2.7", "", True),
    "ADDR=IPV6:2001:db8::7 HELO=x": Client("2001:db8::7", "x", True),
    "ADDR=IPv6:2001:DB8:0::7 HELO=x": Client("2001:db8::7", "x", True),
    "ADDR=IPv6:::ffff:192.0.2.7 HELO=x": Client("192.0.2.7", "x", True),
    "ADDR=192.0.2.7 HELO=[192.0.2.7]": Client("192.0.2.7", "[192.0.2.7]", True),
    "ADDR=192.0.2.7 HELO=mail+2Eexample.net": Client("192.0.2.7", "mail.example.net", True),
    "ADDR=192.0.2.7 HELO=[UNAVAILABLE]": Client("192.0.2.7", "", True),
    # A local submission of the MTA's own: our peer is the client, with all its attributes.
    "ADDR=[UNAVAILABLE] HELO=localhost": PEER,
    "NAME=[TEMPUNAVAIL] PORT=[unavailable]": PEER,
    "HELO=mail.example.net": PEER,
}
NOT_TOLD = (
    "",
    "ADDR",
    "ADDR=",
    "ADDR=mail.example.net",
    "ADDR=192.0.2.256",
    "ADDR=192.0.2.7  HELO=x",
    "HELO=a+0D+0Ab",
    "HELO=a+20b",
    "HELO=a+3Cb",
    "HELO=a+FFb",
    "HELO=a+2",
    "HELO=a+zz",
    "HELO=a=b",
    "HELO=bücher",
    f"HELO={'a' * 256}",
    "PORT=-1",
    "LOGIN=root",
    "ADDR=192.0.2.7 LOGIN=root",
)


@pytest.mark.parametrize(("argument", "client"), TOLD.items())
def test_what_is_told(argument: str, client: Client) -> None:
    told = read_xforward(argument, {})
    assert not isinstance(told, Reply)
    assert real_client(PEER, told) == client


@pytest.mark.parametrize("argument", NOT_TOLD)
def test_what_is_refused(argument: str) -> None:
    assert isinstance(read_xforward(argument, {}), Reply)


def test_a_later_command_overwrites_what_it_names_and_leaves_the_rest() -> None:
    first = read_xforward("ADDR=192.0.2.7 HELO=one", {})
    assert not isinstance(first, Reply)
    second = read_xforward("HELO=two", first)
    assert not isinstance(second, Reply)
    assert real_client(PEER, second) == Client("192.0.2.7", "two", True)


@given(st.sampled_from(ATTRIBUTES), st.text(st.characters(codec="ascii"), max_size=40))
def test_nothing_told_can_break_a_header_or_a_log_line(name: str, value: str) -> None:
    told = read_xforward(f"{name}={value}", {})
    if not isinstance(told, Reply):
        assert not set(told[name]) & set(' \t\r\n<>()",;\\@\x00\x7f')
        if name == "ADDR" and told[name]:
            assert read_ip(told[name]) is not None


def trusting(*peers: str) -> ServerSettings:
    return ServerSettings(hostname="lists.example.org", trusted_mtas=frozenset(peers))


@pytest.mark.parametrize("greet", ["EHLO", "LHLO"])
def test_the_intake_hears_of_the_real_client_for_one_transaction(house: House, greet: str) -> None:
    start = house.smtp if greet == "EHLO" else house.lmtp
    forwarded = Client("192.0.2.7", "mail.example.net", True)
    peer = Client("127.0.0.1", "client.example", True)
    with Talk(start(trusting("127.0.0.0/8")).port, greet=greet) as talk:
        assert "250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE" in talk.offers
        talk.ask("XFORWARD ADDR=192.0.2.7 HELO=mail.example.net")
        talk.begin("town@lists.example.org")
        talk.ask("Subject: one\r\n.")
        talk.begin("town@lists.example.org")
        talk.ask("Subject: two\r\n.")
        talk.ask("XFORWARD ADDR=192.0.2.7 HELO=mail.example.net")
        talk.ask("RSET")
        talk.begin("town@lists.example.org")
        talk.ask("Subject: three\r\n.")
    assert [message.client for message in house.intake.messages] == [forwarded, peer, peer]
    assert [asked[2] for asked in house.intake.asked] == [forwarded, peer, peer]


def test_only_a_trusted_mta_may_forward(house: House) -> None:
    port = house.smtp(trusting("127.0.0.2", "::1")).port
    with Talk(port) as talk:
        assert not any("XFORWARD" in offer for offer in talk.offers)
        assert talk.ask("XFORWARD ADDR=192.0.2.7").startswith("550 5.7.0")
        talk.begin("town@lists.example.org")
        talk.ask("Subject: hello\r\n.")
    assert house.intake.messages[0].client == Client("127.0.0.1", "client.example", False)
    with Talk(port, source="127.0.0.2") as talk:
        assert talk.ask("XFORWARD ADDR=192.0.2.7").startswith("250")
