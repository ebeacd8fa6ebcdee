"""Mail through a real Postfix in front of us and behind us, set up by `listserv postfix`, in both
ways: `dedicated` (smtpd_proxy_filter to our SMTP listener) and `shared` (LMTP)."""

import re
import smtplib

import pytest

from tests.postfix.harness import below_postfix
from tests.postfix.installation import DOMAIN, MEMBERS, STRANGER, TOWN, Installation, message

pytestmark = pytest.mark.postfix

# What the client hears of a refusal of ours: over LMTP Postfix has taken the mail by then.
REFUSED = {"dedicated": 550, "shared": 250}


def test_each_of_three_members_gets_one_copy(site: Installation) -> None:
    assert site.send(MEMBERS[0], TOWN, message(MEMBERS[0], "tomatoes")) == 250
    copies = site.arrived("tomatoes")
    assert sorted(sunk.recipients for sunk in copies) == [(member,) for member in sorted(MEMBERS)]
    senders = {sunk.sender for sunk in copies}
    assert len(senders) == len(MEMBERS)
    assert all(re.fullmatch(rf"town-bounces\+[a-z2-7]{{24}}@{DOMAIN}", s) for s in senders)


def test_a_forged_strangers_post_makes_nobody_write_to_the_stranger(site: Installation) -> None:
    said = site.send(STRANGER, TOWN, message(STRANGER, "spam"))
    assert said == REFUSED[site.way]
    assert site.left_for_others() == []


def test_what_is_refused_over_lmtp_can_be_looked_at(site: Installation) -> None:
    site.send(STRANGER, TOWN, message(STRANGER, "look at me"))
    site.postfix.wait_until_empty()
    kept = [row["subject"] for row in site.shown("held", "ls", TOWN, "--discarded")]
    assert ("look at me" in kept) == (site.way == "shared")


@pytest.mark.parametrize(
    "local", ["town-moderate+garbage", "town-bounces+garbage", "town+garbage", "TOWN+Garbage"]
)
def test_a_bad_address_of_a_list_makes_nobody_write_to_a_forged_sender(
    site: Installation, local: str
) -> None:
    said = site.send(STRANGER, f"{local}@{DOMAIN}", message(STRANGER, "approve"))
    assert said == REFUSED[site.way]
    assert site.left_for_others() == []


@pytest.mark.parametrize("local", ["nobody", "town-nonsense", "nobody-bounces+abc"])
def test_the_client_hears_that_an_address_does_not_exist(site: Installation, local: str) -> None:
    assert site.send(STRANGER, f"{local}@{DOMAIN}", message(STRANGER, "hello")) == 550


def test_an_unknown_recipient_is_refused_by_itself(site: Installation) -> None:
    with smtplib.SMTP("127.0.0.1", site.postfix.port, "client.example", timeout=90) as client:
        client.ehlo()
        client.mail(MEMBERS[0])
        codes = [client.rcpt(address)[0] for address in (f"nobody@{DOMAIN}", TOWN)]
        codes.append(client.data(message(MEMBERS[0], "one of two"))[0])
    assert codes == [550, 250, 250]
    assert len(site.arrived("one of two")) == len(MEMBERS)


@pytest.mark.parametrize(
    "recipient",
    [
        "x@elsewhere.example",
        f"x%elsewhere.example@{DOMAIN}",
        f'"x@elsewhere.example"@{DOMAIN}',
        f"@{DOMAIN}:x@elsewhere.example",
        f"elsewhere.example!x@{DOMAIN}",
        f"x@sub.{DOMAIN}",
    ],
)
def test_nothing_is_relayed_for_others(site: Installation, recipient: str) -> None:
    assert site.send(STRANGER, recipient, message(STRANGER, "relay")) in {454, 550, 553, 554}


def test_vrfy_tells_no_more_than_rcpt(site: Installation) -> None:
    with smtplib.SMTP("127.0.0.1", site.postfix.port, "client.example", timeout=90) as client:
        said = {client.vrfy(f"{local}@{DOMAIN}")[0] for local in ("town", "nobody")}
    assert said == ({502} if site.way == "dedicated" else {252, 550})


def test_a_copy_reaches_the_next_hop_byte_for_byte(site: Installation) -> None:
    body = b"caf\xe9, na\xc3\xafve, \x80\xff  \r\n.a dot\r\n..\r\nFrom the start\r\n\r\n"
    post = message(MEMBERS[1], "eight bits", body, b"Cc: mary\r\nContent-Type: text/plain\r\n")
    assert site.send(MEMBERS[1], TOWN, post, "BODY=8BITMIME") == 250
    copies = site.arrived("eight bits")
    sent = site.sent.messages()
    for sunk in copies:
        (ours,) = [data for data in sent[sunk.recipients[0]] if b"Subject: eight bits" in data]
        assert re.search(rb"^Cc: mary\r$", ours, re.MULTILINE)
        assert ours.endswith(b"\r\n\r\n" + body)
        assert below_postfix(sunk.data) == ours
