"""dns: what it prints can be pasted into a zone file, for every domain."""

from collections.abc import Iterator
from pathlib import Path

import dns.zone
import pytest

from listserv import config
from listserv.cli.dns_checks import sender_term
from tests.cli.publishing import OTHER, configure
from tests.cli.shell import DOMAIN, Shell
from tests.dns import dns_server


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with dns_server() as server:
        yield configure(tmp_path, server)


def test_a_name_server_takes_every_line(shell: Shell) -> None:
    shell.ok("dkim", "key")
    shell.ok("dkim", "key", "--next")
    printed = shell.ok("dns")
    zone = dns.zone.from_text(
        f"$TTL 300\n$ORIGIN .\n. IN SOA a. b. 1 1 1 1 1\n. IN NS a.\n{printed}", origin="."
    )
    for row in shell.json("dns"):
        rdataset = zone.get_rdataset(f"{row['name']}.", row["type"])
        assert rdataset is not None, row
        if row["type"] == "TXT":
            texts = [b"".join(each.strings).decode() for each in rdataset]
            assert row["value"] in texts
            assert all(len(string) <= 255 for each in rdataset for string in each.strings)


def test_each_domain_has_mx_spf_dkim_and_dmarc(shell: Shell) -> None:
    shell.ok("dkim", "key")
    for domain in (DOMAIN, OTHER):
        selector = next(k["selector"] for k in shell.json("dkim", "ls") if k["domain"] == domain)
        values = [
            (row["name"], row["value"]) for row in shell.json("dns") if row["domain"] == domain
        ]
        assert [name for name, _ in values] == [
            domain, domain, f"{selector}._domainkey.{domain}", f"_dmarc.{domain}",
        ]  # fmt: skip
        assert [value.split()[0] for _, value in values] == [
            "10", "v=spf1", "v=DKIM1;", "v=DMARC1;",
        ]  # fmt: skip
        # All domains come to this machine.
        assert values[0][1] == f"10 {DOMAIN}"


def test_a_domain_without_a_key_is_told(shell: Shell) -> None:
    shell.ok("dkim", "key", "--domain", OTHER)
    first, _, second = shell.ok("dns").partition(f"; -- {OTHER}")
    assert "make one: listserv dkim key" in first
    assert "make one" not in second


def test_an_operator_elsewhere_has_to_allow_reports(shell: Shell) -> None:
    text = shell.config.read_text().replace(f"eve@{OTHER}", "eve@elsewhere.example")
    shell.config.write_text(text)
    assert f'{OTHER}._report._dmarc.elsewhere.example. IN TXT "v=DMARC1"' in shell.ok("dns")
    assert "_report" not in shell.ok("dns").partition(f"; -- {OTHER}")[0]


@pytest.mark.parametrize(
    ("relay", "term"),
    [
        ("", "a:lists.test"),
        ("host = '::1'", "a:lists.test"),
        ("host = 'lists.test'", "a:lists.test"),
        ("host = 'smtp.example.com'", "a:smtp.example.com"),
        ("host = '192.0.2.9'", "ip4:192.0.2.9"),
        ("host = '2001:db8::9'", "ip6:2001:db8::9"),
        ("kind = 'maildir'\npath = 'm'", "a:lists.test"),
    ],
)
def test_the_host_that_sends_is_part_of_spf(relay: str, term: str) -> None:
    text = f"[site]\ndomain = '{DOMAIN}'\n[relay]\n{relay}\n"
    assert sender_term(config.parse(text, Path("listserv.toml"))) == term
