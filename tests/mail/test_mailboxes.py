"""Who stands in a From, To or Cc: one strict reading, or none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.domain.address import parse_address
from listserv.mail.mailboxes import MAX_NAME, read_mailboxes, write_mailbox

# value -> (name, address) of each, odd
PLAIN: dict[str, list[tuple[str, str]]] = {
    "ann@example.org": [("", "ann@example.org")],
    "<ann@example.org>": [("", "ann@example.org")],
    "Ann Lee <ann@example.org>": [("Ann Lee", "ann@example.org")],
    "Ann Q. Lee <ann@EXAMPLE.org>": [("Ann Q. Lee", "ann@example.org")],
    '"Lee, Ann" <ann@example.org>': [("Lee, Ann", "ann@example.org")],
    '"Ann \\"Q\\" Lee" <ann@example.org>': [('Ann "Q" Lee', "ann@example.org")],
    '"Ann" Lee <ann@example.org>': [("Ann Lee", "ann@example.org")],
    "Ann [Lee] <ann@example.org>": [("Ann [Lee]", "ann@example.org")],
    "=?utf-8?q?J=C3=B6rg?= Lee <j@example.org>": [("Jörg Lee", "j@example.org")],
    '"=?utf-8?q?J=C3=B6rg?=" <j@example.org>': [("Jörg", "j@example.org")],
    "Jörg <j@example.org>": [("Jörg", "j@example.org")],
    "ann@example.org (Ann Lee)": [("Ann Lee", "ann@example.org")],
    "Ann <ann@example.org> (home)": [("Ann", "ann@example.org")],
    "(a (nested) one) ann@example.org": [("a (nested) one", "ann@example.org")],
    "(an escaped \\) one) ann@example.org": [("an escaped \\) one", "ann@example.org")],
    "< ann@example.org >": [("", "ann@example.org")],
    '"ann lee"@example.org': [("", '"ann lee"@example.org')],
    '<"a>b"@example.org>': [("", '"a>b"@example.org')],
    '"ann@example.org" <eve@example.net>': [("ann@example.org", "eve@example.net")],
    "a@example.org, B <b@example.org>": [("", "a@example.org"), ("B", "b@example.org")],
    "a@example.org,, b@example.org,": [("", "a@example.org"), ("", "b@example.org")],
    "": [],
    " , (nobody) ,": [],
}

ODD: dict[str, list[tuple[str, str]]] = {
    "mary": [],
    "mary, bob@example.org": [("", "bob@example.org")],
    "ann@example.org <eve@example.net>": [],
    "eve@example.net ann@example.org": [],
    "<ann@example.org> eve@example.net": [],
    "<ann@example.org> <eve@example.net>": [],
    "ann@example.org@example.net": [],
    "Lee, Ann <ann@example.org>": [("Ann", "ann@example.org")],
    "<>": [],
    "<@relay.example:ann@example.org>": [],
    "ann @ example.org": [],
    "ann(home)@example.org": [],
    "=?utf-8?q?ann=40example.org?=": [],
    "<=?utf-8?q?ann?=@example.org>": [],
    "Ann <ann@example.org": [],
    '"Ann <ann@example.org>': [],
    "(Ann <ann@example.org>": [],
    "Ann) <ann@example.org>": [],
    "Ann \\ <ann@example.org>": [],
    ".. <ann@@example.org>": [],
    "ann@exa\udce9mple.org": [],
    "ann@example.org, \\, bob@example.org": [("", "ann@example.org")],
}

GROUPS: dict[str, list[tuple[str, str]]] = {
    "friends: ann@example.org, Bob <b@example.org>;": [
        ("", "ann@example.org"),
        ("Bob", "b@example.org"),
    ],
    "undisclosed-recipients:;": [],
    "a: x@example.org; , y@example.org": [("", "x@example.org"), ("", "y@example.org")],
    "Re: Ann <ann@example.org>": [("Ann", "ann@example.org")],
}


def _shown(value: str) -> tuple[list[tuple[str, str]], bool, bool]:
    reading = read_mailboxes(value)
    return [(m.name, str(m.address)) for m in reading.mailboxes], reading.odd, reading.groups


@pytest.mark.parametrize("value", PLAIN)
def test_plain_mailboxes_are_read(value: str) -> None:
    assert _shown(value) == (PLAIN[value], False, False)


@pytest.mark.parametrize("value", ODD)
def test_what_has_no_one_reading_is_odd(value: str) -> None:
    assert _shown(value) == (ODD[value], True, False)


@pytest.mark.parametrize("value", GROUPS)
def test_groups_are_read_and_named(value: str) -> None:
    assert _shown(value) == (GROUPS[value], False, True)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from(["<", ">", '"', "\\", "(", ")", ",", ";", ":", "@", "a@b", " ", "=?", "é"])
        | st.text(max_size=3)
    ).map("".join)
)
def test_nothing_makes_reading_raise(value: str) -> None:
    for mailbox in read_mailboxes(value).mailboxes:
        assert parse_address(str(mailbox.address)) == mailbox.address


def test_a_thousand_nested_comments_cost_no_recursion() -> None:
    value = "(" * 1000 + ")" * 1000 + "ann@example.org"
    assert [str(m.address) for m in read_mailboxes(value).mailboxes] == ["ann@example.org"]


def test_a_name_is_cut_where_it_gets_absurd() -> None:
    (mailbox,) = read_mailboxes(f"{'A' * 5000} <ann@example.org>").mailboxes
    assert mailbox.name == "A" * MAX_NAME


NAMES = ["Ann Lee", 'Ann "Q" Lee', "back\\slash", "Lee, Ann", "Jörg", "=?utf-8?q?x?=", "a" * 100]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_written_is_read_back(name: str) -> None:
    written = write_mailbox(name, "ann@example.org")
    assert written.isascii()
    assert _shown(written) == ([(name, "ann@example.org")], False, False)


def test_without_a_name_the_address_stands_alone() -> None:
    assert write_mailbox("", "ann@example.org") == "ann@example.org"
