"""Addresses that an operator types: what is taken, what is stored, what is refused by name."""

from datetime import UTC, datetime

import pytest

from listserv.domain.address import parse_address
from listserv.domain.errors import ListservError
from listserv.flow.address_input import ban_pattern, known_address, new_address, ours
from listserv.store import lists
from listserv.store.session import Store

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)

TAKEN = {
    "ann@example.org": "ann@example.org",
    "Ann.O'Hara@EXAMPLE.org": "Ann.O'Hara@example.org",
    "ann@host.test": "ann@host.test",
    "söder@exämple.org": "söder@xn--exmple-cua.org",
    "ann@straße.de": "ann@xn--strae-oqa.de",
    "so\u0308der@example.org": "söder@example.org",
    '"mary"@example.org': "mary@example.org",
    '"mary ann"@example.org': '"mary ann"@example.org',
    "用户@例子.test": "用户@xn--fsqu00a.test",
}

REFUSED = [
    "", "ann", "ann@", "@example.org", "ann@localhost", "ann@host.local", "ann@[192.0.2.1]",
    "a@b@example.org", "ann@example..org", ".ann@example.org", "ann@-example.org",
    " ann@example.org", "ann@example.org ", "ann@example.org\n", "an\x00n@example.org",
    "an\x1bn@example.org", "ann\u2028@example.org", "ann\u202e@example.org",
    "Ann <ann@example.org>", "ann@example.org, bob@example.org", "@a.test:b@example.org",
    "a" * 65 + "@example.org", "ann@" + "a" * 64 + ".org", "ann@example.org\r\nBcc: x@y.org",
    "\ud800@example.org",
]  # fmt: skip


@pytest.mark.parametrize(("text", "stored"), TAKEN.items())
def test_an_address_is_stored_in_one_spelling(text: str, stored: str) -> None:
    assert str(new_address(text)) == stored
    assert new_address(str(new_address(text))) == new_address(text)


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_cannot_get_mail_is_refused_by_name(text: str) -> None:
    with pytest.raises(ListservError) as refused:
        new_address(text)
    assert str(refused.value).isprintable()
    if text.isprintable() and text and len(text) < 60:
        assert text in str(refused.value)


def test_an_address_that_could_not_be_added_today_can_be_looked_up() -> None:
    assert str(known_address("ann@localhost")) == "ann@localhost"
    with pytest.raises(ListservError, match=r"^ann@@x: "):
        known_address("ann@@x")


def test_a_ban_is_of_an_address_or_of_a_domain() -> None:
    assert ban_pattern("Ann+Tag@EXAMPLE.org") == "ann+tag@example.org"
    assert ban_pattern("@EXÄMPLE.org") == "@xn--exmple-cua.org"
    for wrong in ("ann", "@", "@example..org", "@a@b.org", ""):
        with pytest.raises(ListservError):
            ban_pattern(wrong)


def test_which_addresses_are_our_own(store: Store) -> None:
    made = store.write(
        lambda tx: lists.create(tx, name="old", domain="lists.test", settings={}, now=NOW)
    )
    store.write(lambda tx: lists.rename(tx, made.id, "new", "lists.test"))
    is_ours = store.read(lambda tx: ours(tx, {"lists.test"}))
    cases = {
        "new@lists.test": True,
        "NEW@lists.test": True,
        "old@lists.test": True,
        "new-request@lists.test": True,
        "new-bounces+abc@lists.test": True,
        "new+anything@lists.test": True,
        "listserv@lists.test": True,
        "postmaster@lists.test": True,
        "newer@lists.test": False,
        "ann@lists.test": False,
        "new@example.org": False,
        "postmaster@example.org": False,
    }
    for text, expected in cases.items():
        address = parse_address(text)
        assert address is not None and is_ours(address) is expected, text
