"""The records that a domain of lists publishes."""

import re

import dns.rdata
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from dkim import evaluate_pk
from dns.rdtypes.ANY.TXT import TXT
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import Address
from listserv.mail.dns_records import (
    Record,
    dkim,
    dmarc,
    mx,
    public_half,
    quoted,
    report_permission,
    spf,
)

DOMAIN = "lists.example.org"
KEY = rsa.generate_private_key(65537, 2048)
OPERATOR = Address("eve", "example.net")


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (mx(DOMAIN, "mx.example.org"), "lists.example.org. IN MX 10 mx.example.org."),
        (
            spf(DOMAIN, "a:smtp.example.com"),
            'lists.example.org. IN TXT "v=spf1 mx a:smtp.example.com ~all"',
        ),
        (
            dmarc(DOMAIN, OPERATOR),
            '_dmarc.lists.example.org. IN TXT "v=DMARC1; p=none; rua=mailto:eve@example.net"',
        ),
        (
            # RFC 9989 4.6: in an address ! and , and ; are written in percent.
            dmarc(DOMAIN, Address("a!b", "example.net")),
            '_dmarc.lists.example.org. IN TXT "v=DMARC1; p=none; rua=mailto:a%21b@example.net"',
        ),
    ],
)
def test_a_record_is_one_line_of_a_zone_file(record: Record, line: str) -> None:
    assert record.line == line


def test_receivers_find_the_key_in_its_record() -> None:
    record = dkim(DOMAIN, "s1", KEY)
    assert record.name == "s1._domainkey.lists.example.org"
    public, bits, kind, _ = evaluate_pk(record.name.encode(), record.value.encode())
    assert (public["modulus"], bits, kind) == (KEY.public_key().public_numbers().n, 2048, b"rsa")
    assert record.value == f"v=DKIM1; k=rsa; p={public_half(KEY)}"


def test_the_key_is_cut_into_strings_that_dns_can_carry() -> None:
    line = dkim(DOMAIN, "s1", KEY).line
    strings = re.findall('"([^"]*)"', line)
    assert [len(string) for string in strings] == [255, len(dkim(DOMAIN, "s1", KEY).value) - 255]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=900))
def test_a_name_server_reads_the_same_text(text: str) -> None:
    read = dns.rdata.from_text("IN", "TXT", quoted(text))
    assert isinstance(read, TXT)
    assert b"".join(read.strings).decode() == text
    assert all(len(string) <= 255 for string in read.strings)


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        ("example.net", "lists.example.org._report._dmarc.example.net"),
        ("example.org", None),
        ("lists.example.org", None),
        ("mail.lists.example.org", None),
    ],
)
def test_reports_to_a_strange_domain_need_its_permission(operator: str, name: str | None) -> None:
    record = report_permission(DOMAIN, Address("eve", operator))
    assert (record and record.name) == name
