"""What listserv cannot read, will not take or is not there to take makes nobody write to a sender
who may be forged: neither us nor the Postfix in front of us."""

import smtplib

import pytest

from tests.postfix.harness import wait_until
from tests.postfix.installation import (
    DOMAIN,
    MEMBERS,
    STRANGER,
    TOWN,
    Installation,
    message,
)

pytestmark = pytest.mark.postfix

ODD_MAILS = {
    "a NUL": message(STRANGER, "nul", b"a\0b\r\n"),
    "a bare CR": message(STRANGER, "cr", b"a\rb\r\n"),
    "a header of 150 kB": message(STRANGER, "long", more=b"X-Long: abcdefgh\r\n" * 8000),
    "a line of 100 kB": message(STRANGER, "line", b"x" * 100_000 + b"\r\n"),
    "300 parts": message(
        STRANGER,
        "parts",
        b"--b\r\n\r\nx\r\n" * 300,
        b"Content-Type: multipart/mixed; boundary=b\r\n",
    ),
    "no header": b"\r\nHello.\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("data", ODD_MAILS.values(), ids=ODD_MAILS)
def test_an_odd_mail_ends_here(site: Installation, data: bytes) -> None:
    site.send(STRANGER, TOWN, data)
    assert site.left_for_others() == []


@pytest.mark.parametrize(
    "sender",
    [
        "forged@under_score.victim.example",
        "forged@-victim-.example",
        '"for ged"@victim.example',
        f"{'f' * 100}@victim.example",
        "forged@[192.0.2.1]",
        "forged",
        "f\xf6rged@victim.example",
        "=?utf-8?q?f=40x?=@victim.example",
    ],
)
def test_an_odd_sender_is_not_written_to(site: Installation, sender: str) -> None:
    site.send(sender, TOWN, message(STRANGER, "odd sender"))
    assert site.left_for_others() == []


@pytest.mark.parametrize(
    "local",
    [
        *("postmaster", "abuse", "fbl", "listserv-bounces+abc", "listserv-confirm+abc"),
        *(
            "town-owner",
            "town-moderate+abc",
            '"town+x y"',
            "town+x..y",
            "town+",
            "town-leave+abc",
            "town-confirm+abc",
        ),
        f"town+{'z' * 90}",
        "town+=?utf-8?q?x?=",
    ],
)
def test_an_odd_recipient_makes_nobody_write_to_the_sender(site: Installation, local: str) -> None:
    site.send(STRANGER, f"{local}@{DOMAIN}", message(STRANGER, "odd recipient"))
    assert site.left_for_others() == []


@pytest.mark.parametrize(
    "local", ["listserv", "town-request", "town-join", "town-leave", "town+digest"]
)
def test_a_command_in_a_forged_name_is_asked_about_without_its_words(
    site: Installation, local: str
) -> None:
    """The one mail that whoever is forged may get from us: a question, once a day."""
    victim = f"{local.replace('+', '-')}@victim.example"
    for words in ("help", "signoff", "subscribe Buy Now"):
        site.send(victim, f"{local}@{DOMAIN}", message(victim, words))
    (asked,) = site.left_for_others()
    assert asked.recipients == (victim,)
    assert b"with one word: yes" in asked.data and b"Buy" not in asked.data


def test_nobody_gets_a_receipt_in_a_forged_name(site: Installation) -> None:
    with smtplib.SMTP("127.0.0.1", site.postfix.port, "client.example", timeout=90) as client:
        client.ehlo()
        assert not client.has_extn("dsn")
        client.mail(STRANGER)
        assert client.docmd("RCPT", f"TO:<{TOWN}> NOTIFY=SUCCESS")[0] == 501


def test_mail_waits_or_comes_again_while_listserv_is_down(site: Installation) -> None:
    site.stop_serving()
    post = message(MEMBERS[1], "outage")
    said = site.send(MEMBERS[1], TOWN, post)
    if site.way == "dedicated":
        assert said == 451
        site.serve()
        said = site.send(MEMBERS[1], TOWN, post)
    else:
        site.serve()
        site.postfix.run("postqueue", "-f")
    assert said == 250
    assert len(site.arrived("outage")) == len(MEMBERS)
    assert site.left_for_others() == []


def test_what_the_next_hop_refuses_comes_back_to_us_and_goes_no_further(
    site: Installation,
) -> None:
    pattern = rf"to=<town-bounces\+[a-z2-7]+@{DOMAIN}>.* status="
    before = len(site.postfix.logged(pattern))
    site.sink.start("-f", "RCPT")
    try:
        assert site.send(MEMBERS[1], TOWN, message(MEMBERS[1], "refused")) == 250
        wait_until(
            lambda: len(site.postfix.logged(pattern)) == before + len(MEMBERS),
            "reports about the copies",
        )
        site.postfix.wait_until_empty()
    finally:
        site.sink.start()
    assert all("status=sent" in line for line in site.postfix.logged(pattern)[before:])
    assert site.left_for_others() == []
