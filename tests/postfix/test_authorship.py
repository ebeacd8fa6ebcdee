"""Who wrote it, behind a real Postfix: SPF looks at the client that Postfix names by XFORWARD."""

from collections.abc import Callable

import pytest

from tests.postfix.harness import wait_until
from tests.postfix.installation import TOWN, Installation, message

pytestmark = pytest.mark.postfix

DORA = "dora@spf.example"
# Loopback addresses; Postfix itself is 127.0.0.1.
HERS, FORGERS = "127.0.0.2", "127.0.0.3"


@pytest.fixture
def dora(site: Installation) -> str:
    """A member whose domain names one server and asks to refuse what comes from others."""
    members = {row["address"] for row in site.shown("member", "ls", TOWN)}
    if DORA not in members:
        site.dns.add("spf.example", "TXT", f"v=spf1 ip4:{HERS} -all")
        site.dns.add("_dmarc.spf.example", "TXT", "v=DMARC1; p=reject")
        site.listserv("member", "add", TOWN, DORA, "--delivery", "nomail")
    return DORA


def held(site: Installation, subject: str) -> Callable[[], str]:
    """The reasons for which a post is held, in one line; "" while it is not."""

    def reasons() -> str:
        rows = [row for row in site.shown("held", "ls", TOWN) if row["subject"] == subject]
        return "; ".join(str(row["reasons"]) for row in rows)

    return reasons


def test_a_post_from_the_domains_own_server_is_passed_on(site: Installation, dora: str) -> None:
    assert site.send(dora, TOWN, message(dora, "from her server"), source=HERS) == 250
    assert len(site.arrived("from her server")) == 3


def test_a_forged_post_of_a_member_is_held_with_the_reason_in_words(
    site: Installation, dora: str
) -> None:
    assert site.send(dora, TOWN, message(dora, "forged"), source=FORGERS) == 250
    reasons = held(site, "forged")
    wait_until(lambda: bool(reasons()), "the forged post is held")
    assert "spf.example does not name the server that sent it" in reasons()
    assert "spf.example asks to refuse such mail" in reasons()
    assert site.left_for_others() == []


def test_a_client_cannot_say_itself_who_it_is(site: Installation, dora: str) -> None:
    """Neither by a header nor by HELO."""
    forged = b"Authentication-Results: mx.example.org; dmarc=pass header.from=spf.example\r\n"
    raw = forged + message(dora, "says so itself", more=b"Received-SPF: pass\r\n")
    assert site.send(dora, TOWN, raw, source=FORGERS) == 250
    wait_until(lambda: bool(held(site, "says so itself")()), "the forged post is held")
