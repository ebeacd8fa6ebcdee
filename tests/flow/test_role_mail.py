"""Mail to the owners of a list and to whoever runs the domain."""

import email
import logging
from dataclasses import replace

import pytest

from listserv.domain.post import Transport
from listserv.flow import role_mail
from tests.flow.test_receive import answer_to_rcpt
from tests.flow.world import DOMAIN, World, a_message, an_address

OPERATOR = "op@office.test"


@pytest.fixture
def town(world: World) -> World:
    world.site = replace(world.site, operators={DOMAIN: an_address(OPERATOR)})
    mlist = world.found("town", title="Our Town")
    world.join(mlist, "ann@example.org", role="owner")
    world.join(mlist, "ben@example.org", role="owner", delivery="nomail")
    world.join(mlist, "cem@example.org", role="moderator")
    return world


def write(world: World, to: str, **header: str) -> list[str]:
    """Who gets a mail of Bob's, a stranger."""
    raw = a_message("bob@example.net", (f"{to}@{DOMAIN}",), **header)
    (reply,) = world.post("bob@example.net", f"{to}@{DOMAIN}", raw=raw)
    assert reply.code == 250
    return world.deliver()


def test_mail_to_the_owners_reaches_each_of_them_from_the_list(town: World) -> None:
    assert write(town, "town-owner", subject="Please help") == [
        "ann@example.org",
        "ben@example.org",
    ]
    copy = email.message_from_bytes(town.last())
    assert copy["From"] == '"bob via Our Town" <town-owner@lists.example.org>'
    assert (copy["Reply-To"], copy["Subject"]) == ("bob@example.net", "Please help")
    assert all(sent.sender.startswith("town-bounces+") for sent in town.sent)


@pytest.mark.parametrize("role", ["postmaster", "abuse", "fbl"])
def test_mail_to_the_domain_reaches_its_operator(town: World, role: str) -> None:
    assert write(town, role) == [OPERATOR]
    copy = email.message_from_bytes(town.last())
    assert copy["From"] == f'"bob via {role} of {DOMAIN}" <{role}@{DOMAIN}>'


def test_a_list_without_owners_is_the_operators(town: World) -> None:
    town.found("empty")
    assert write(town, "empty-owner") == [OPERATOR]


@pytest.mark.parametrize(
    ("to", "header", "sender"),
    [
        ("town-owner", {"x_spam": "yes"}, "bob@example.net"),
        ("postmaster", {"x_spam": "yes"}, "bob@example.net"),
        ("town-owner", {"auto_submitted": "auto-replied"}, "bob@example.net"),
        ("town-owner", {}, ""),
        ("town-owner", {"received": "\r\nReceived: ".join(["from a by b"] * 31)}, "b@example.net"),
    ],
)
def test_what_no_person_wrote_does_not_go_on(
    town: World, to: str, header: dict[str, str], sender: str
) -> None:
    raw = a_message("bob@example.net", (f"{to}@{DOMAIN}",), **header)
    town.post("bob@example.net", f"{to}@{DOMAIN}", sender=sender, raw=raw)
    assert town.deliver() == []


def test_a_report_without_a_return_path_reaches_the_postmaster(town: World) -> None:
    town.post("mailer-daemon@example.net", f"postmaster@{DOMAIN}", sender="")
    assert town.deliver() == [OPERATOR]


def test_our_own_copy_that_comes_back_does_not_go_round(town: World) -> None:
    write(town, "town-owner")
    copy = town.last()
    town.post("x@example.net", f"town-owner@{DOMAIN}", raw=copy)
    assert town.deliver() == []


def test_an_operator_who_is_a_role_address_of_ours_gets_nothing_and_the_log_says_so(
    town: World, caplog: pytest.LogCaptureFixture
) -> None:
    town.site = replace(town.site, operators={DOMAIN: an_address(f"postmaster@{DOMAIN}")})
    with caplog.at_level(logging.ERROR):
        assert write(town, "abuse") == []
    assert "site.operator" in caplog.text


def test_fifty_a_day_then_the_client_is_told_to_wait(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert role_mail.MOST_A_DAY == 50
    monkeypatch.setattr(role_mail, "MOST_A_DAY", 2)
    owners = f"town-owner@{DOMAIN}"
    for _ in range(2):
        assert answer_to_rcpt(town, owners) == 250
        assert len(write(town, "town-owner")) == 2
    assert answer_to_rcpt(town, owners) == 452
    assert answer_to_rcpt(town, owners, Transport.LMTP) == 250, "or the writer hears a bounce"
    assert write(town, "town-owner") == []
    assert write(town, "abuse") == [OPERATOR], "each address has its own number"
    town.clock.pass_by(days=1, hours=1)
    assert answer_to_rcpt(town, owners) == 250


def test_a_post_to_the_list_and_its_owners_does_both(town: World) -> None:
    replies = town.post("ann@example.org", "town", f"town-owner@{DOMAIN}")
    assert [reply.code for reply in replies] == [250, 250]
    assert town.deliver() == sorted(
        ["ann@example.org", "ann@example.org", "ben@example.org", "cem@example.org"]
    )
