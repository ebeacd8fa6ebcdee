"""parse_address: what is an address, what is not, and which spellings are one person's."""

# ruff: noqa: RUF001 - look-alikes are what is tested

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import (
    MAX_LOCAL,
    Address,
    ascii_lower,
    masked_in,
    parse_address,
)

READ = {
    "plain": ("ann@example.org", "ann@example.org"),
    "the local part keeps its case, the domain does not": (
        "Ann.Lee@Example.ORG",
        "Ann.Lee@example.org",
    ),
    "every atext character": (
        "!#$%&'*+/=?^_`{|}~-@example.org",
        "!#$%&'*+/=?^_`{|}~-@example.org",
    ),
    "a domain of one label": ("root@localhost", "root@localhost"),
    "an IDN domain": ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    "an IDN domain with an ideographic dot": ("ann@bücher。example", "ann@xn--bcher-kva.example"),
    "an internationalised local part": ("дмитрий@example.org", "дмитрий@example.org"),
    "a local part that is not NFC": ("rene\u0301@example.org", "ren\u00e9@example.org"),
    "joiners that Persian needs": ("می\u200cخواهم@example.org", "می\u200cخواهم@example.org"),
    "quotes that are needed": ('"ann lee"@example.org', '"ann lee"@example.org'),
    "quotes that are not needed": ('"ann"@example.org', "ann@example.org"),
    "backslashes that are not needed": (r'"a\n\n lee"@example.org', '"ann lee"@example.org'),
    "a quoted @": ('"ann@home"@example.org', '"ann@home"@example.org'),
    "a quoted quote and backslash": (r'"a\"b\\c"@example.org', r'"a\"b\\c"@example.org'),
    "an empty quoted string": ('""@example.org', '""@example.org'),
    "an IPv4 literal": ("ann@[192.0.2.1]", "ann@[192.0.2.1]"),
    "an IPv6 literal": ("ann@[IPv6:2001:DB8:0::1]", "ann@[ipv6:2001:db8::1]"),
    "64 octets before the @": (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    "64 octets in quotes with a backslash each": (
        '"' + "\\a" * 64 + '"@example.org',
        f"{'a' * 64}@example.org",
    ),
    "the longest domain": (f"a@{'.'.join(['d' * 63] * 4)}", f"a@{'.'.join(['d' * 63] * 4)}"),
}

NOT_READ = {
    "nothing": "",
    "no @": "ann",
    "only an @": "@",
    "no local part": "@example.org",
    "no domain": "ann@",
    "two @": "ann@home@example.org",
    "space before": " ann@example.org",
    "space after": "ann@example.org ",
    "space inside": "ann lee@example.org",
    "a no-break space": "ann\u00a0lee@example.org",
    "an ideographic space": "ann\u3000@example.org",
    "a dot first": ".ann@example.org",
    "a dot last": "ann.@example.org",
    "two dots": "ann..lee@example.org",
    "angle brackets": "<ann@example.org>",
    "a display name": "Ann <ann@example.org>",
    "two addresses": "ann@example.org,bob@example.org",
    "a group": "friends:ann@example.org;",
    "a comment": "ann(home)@example.org",
    "a comment that hides another address": "a(@victim.example)b@evil.example",
    "spaces around the dots": "a . b @ evil . example",
    "an encoded word": "=?utf-8?q?a=0d=0aX?= <x@evil.example>",
    "an encoded word with a space": "=?utf-8?q?a b?=@evil.example",
    "a source route": "@relay.example:ann@example.org",
    "a source route of two hops": "@a.example,@b.example:ann@example.org",
    "CR LF": "ann\r\nBcc: eve@example.org",
    "LF at the end": "ann@example.org\n",
    "CR LF in quotes": '"ann\r\nx"@example.org',
    "CR behind a backslash": '"ann\\\rx"@example.org',
    "NUL": "ann\0@example.org",
    "tab": "ann\t@example.org",
    "DEL": "ann\x7f@example.org",
    "a C1 control": "ann\x85@example.org",
    "a line separator": "ann\u2028@example.org",
    "a paragraph separator in quotes": '"ann\u2029"@example.org',
    "a mark that turns the writing around": "ann\u202egro.elpmaxe@example.org",
    "a soft hyphen": "an\u00adn@example.org",
    "a zero-width space": "ann\u200b@example.org",
    "a lone surrogate": "ann\ud800@example.org",
    "a lone surrogate in quotes": '"ann\udcff"@example.org',
    "a lone surrogate in the domain": "ann@example\udcff.org",
    "a Greek question mark, which NFC makes a semicolon": "ann\u037elee@example.org",
    "a backslash before what NFC makes an accented letter": '"\\e\u0301"@example.org',
    "a private character": "ann\ue000@example.org",
    "an open quote": '"ann@example.org',
    "a quote inside": 'an"n@example.org',
    "a backslash outside quotes": "an\\n@example.org",
    "text beside the quotes": '"ann"lee@example.org',
    "a quoted string with a stray backslash at its end": '"ann\\"@example.org',
    "an underscore in the domain": "ann@ex_ample.org",
    "a label with a hyphen first": "ann@-example.org",
    "a label with a hyphen last": "ann@example-.org",
    "an empty label": "ann@example..org",
    "a domain that ends in a dot": "ann@example.org.",
    "a label of 64 characters": f"ann@{'d' * 64}.org",
    "a domain of 256 characters": f"ann@{'.'.join(['d' * 50] * 5)}.d",
    "an IDN domain that is too long as A-labels": f"ann@{'.'.join(['ü' * 30] * 8)}",
    "an IDN label that is too long": f"ann@{'ü' * 63}.org",
    "a very long domain": f"ann@{'d.' * 100_000}org",
    "a very long local part": f"{'a' * 100_000}@example.org",
    "65 octets before the @": f"{'a' * 65}@example.org",
    "65 octets in 33 characters": f"{'é' * 32}a@example.org",
    "64 octets that NFC makes longer": "\u0958" * 21 + "@example.org",
    "a sharp s, which IDNA 2003 takes to another domain": "ann@straße.example",
    "a percent sign that IDNA makes of ℅": "ann@exam℅ple.org",
    "a full-width @": "ann＠example.org",
    "a full-width @ in the domain": "ann@x＠example.org",
    "a literal out of range": "ann@[256.1.1.1]",
    "a literal with Arabic digits": "ann@[١.٢.٣.٤]",
    "a literal without its end": "ann@[192.0.2.1",
    "an IPv6 literal without its tag": "ann@[2001:db8::1]",
    "an IPv6 literal that is none": "ann@[IPv6:1:2]",
    "an IPv6 literal with a zone": "ann@[IPv6:fe80::1%eth0]",
    "a very long IPv6 literal": f"ann@[IPv6:{'a' * 400}]",
    "a literal of something else": "ann@[X400:c=de]",
}


@pytest.mark.parametrize(("text", "wanted"), READ.values(), ids=READ.keys())
def test_an_address_is_read_into_one_spelling(text: str, wanted: str) -> None:
    assert str(parse_address(text)) == wanted


@pytest.mark.parametrize("text", NOT_READ.values(), ids=NOT_READ.keys())
def test_what_is_no_address_is_refused(text: str) -> None:
    assert parse_address(text) is None


# Characters that parsers stumble over, met far more often than `st.text()` alone would.
HOSTILE = st.text(
    st.one_of(
        st.sampled_from('ab.@"\\ <>(),:;[]%!+=?-_\r\n\0\u0301\u037e\u212a\u2028\u202eé。ßıK'),
        st.characters(),
        st.characters(categories=["Cs", "Mn", "Cf"]),
    ),
    max_size=80,
)


@given(st.one_of(HOSTILE, st.builds("{}@{}".format, HOSTILE, st.just("example.org"))))
def test_any_text_is_an_address_or_none_and_reading_twice_changes_nothing(text: str) -> None:
    address = parse_address(text)
    if address is not None:
        assert parse_address(str(address)) == address
        assert len(address.local.encode("utf-8")) <= MAX_LOCAL
        assert address.domain.isascii() and address.domain == address.domain.lower()
        assert address.local.translate({0x200C: "", 0x200D: ""}).isprintable()


@given(st.text(st.sampled_from("ab.@\"\\ é\u0301'+"), max_size=40))
def test_a_quoted_local_part_is_read_into_one_spelling(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    address = parse_address(f'"{escaped}"@example.org')
    assert address is not None
    assert parse_address(str(address)) == address


ONE_PERSON = [
    ("Ann@Example.org", "ann@EXAMPLE.ORG"),
    ('"Ann"@example.org', "ann@example.org"),
    ("rene\u0301@example.org", "ren\u00e9@example.org"),
    ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
]
TWO_PEOPLE = [
    ("mike@example.org", "mıke@example.org"),
    ("file@example.org", "ﬁle@example.org"),
    ("ann@example.org", "аnn@example.org"),
    ("ÉVA@example.org", "éva@example.org"),
    ("a.nn@example.org", "ann@example.org"),
    ("ann+list@example.org", "ann@example.org"),
]


def key(text: str) -> str:
    address = parse_address(text)
    assert address is not None
    return address.key


@pytest.mark.parametrize(("one", "other"), ONE_PERSON)
def test_spellings_of_one_mailbox_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), TWO_PEOPLE)
def test_look_alikes_are_different_people(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_only_ascii_letters_are_lowered() -> None:
    assert ascii_lower("AZaz09ÉİΣ\u212a") == "azaz09ÉİΣ\u212a"


@pytest.mark.parametrize(
    ("local", "untagged"),
    [("Ann+list", "ann"), ("ann", "ann"), ("Ann+a+b", "ann"), ("+Tag", "+tag")],
)
def test_a_ban_covers_every_tag_of_a_mailbox(local: str, untagged: str) -> None:
    assert Address(local, "example.org").untagged_key == f"{untagged}@example.org"


def test_a_log_shows_an_address_by_its_first_letter() -> None:
    assert Address("ann.lee", "example.org").masked == "a…@example.org"


@pytest.mark.parametrize(
    ("local", "shown"),
    [
        ("town", "town@x.test"),
        ("town-confirm+abc234", "town-confirm+…@x.test"),
        ("listserv-bounces+a+b", "listserv-bounces+…@x.test"),
    ],
)
def test_a_log_shows_an_address_of_ours_without_its_token(local: str, shown: str) -> None:
    assert Address(local, "x.test").untokened == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("550 5.1.1 <ann.lee@x.test>: no such user", "550 5.1.1 <a…@x.test>: no such user"),
        ("(ann@x.test,bob@y.test)", "(a…@x.test,b…@y.test)"),
        ("ann+tag=x@y.test@z.test", "a…@y…@z.test"),
        ("no @ here, nor@ there", "no @ here, nor@ there"),
        ("é@x.test", "é…@x.test"),
        ("", ""),
    ],
)
def test_a_log_shows_the_addresses_in_a_text_so_too(words: str, shown: str) -> None:
    assert masked_in(words) == shown
