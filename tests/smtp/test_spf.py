"""SPF through our wrapper: the cases of RFC 7208, and records that mean harm."""

import os
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from listserv.resolver import Resolver
from listserv.smtp.spf import Sent, SpfResult, check_spf
from tests import dns as odd
from tests.dns import DnsServer, dns_server

# The cases that come with pyspf's source, not with its wheel; .ci/run fetches them.
SUITE = os.environ.get("SPF_SUITE", "")
CLIENT = "192.0.2.1"


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    with dns_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _forget(server: DnsServer) -> None:
    server.forget()


def evaluated(server: DnsServer, sent: Sent, seconds: float = 10.0) -> SpfResult:
    inquiry = Resolver([server.address], time.monotonic).inquiry()
    with inquiry.within(seconds):
        return check_spf(sent, inquiry)


def result(server: DnsServer, record: str, sender: str = "ann@example.org") -> SpfResult:
    server.add("example.org", "TXT", record)
    return evaluated(server, Sent(CLIENT, sender, "client.example"))


@cache
def scenarios() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(Path(SUITE).read_bytes())) if SUITE else []


CASES = [
    pytest.param(scenario["zonedata"], case, id=name)
    for scenario in scenarios()
    for name, case in scenario["tests"].items()
]


def test_the_cases_of_rfc_7208_are_there() -> None:
    if not SUITE:
        if os.environ.get("CI"):
            pytest.fail("SPF_SUITE names no file: .ci/run fetches rfc7208-tests.yml")
        pytest.skip("SPF_SUITE names no file")
    assert len(CASES) > 200


@pytest.mark.parametrize(("zone", "case"), CASES)
def test_a_case_of_rfc_7208(server: DnsServer, zone: dict[str, Any], case: dict[str, Any]) -> None:
    for name, records in zone.items():
        publish(server, name, records)
    sent = Sent(str(case["host"]), case["mailfrom"], case["helo"])
    wanted = case["result"]
    assert evaluated(server, sent) in (wanted if isinstance(wanted, list) else [wanted])


def publish(server: DnsServer, name: str, records: list[Any]) -> None:
    """Zone data of the suite: an SPF record stands for a TXT too, unless there is one; TIMEOUT for
    all types that have none."""
    pairs = [pair for record in records if isinstance(record, dict) for pair in record.items()]
    texts = {kind for kind, _ in pairs if kind == "TXT"} or {"SPF"}
    found: dict[str, list[Any]] = {}
    for kind, value in pairs:
        if value != "NONE" and kind not in {"SPF", "TXT"} - texts:
            found.setdefault("TXT" if kind == "SPF" else kind, []).append(value)
    for kind in {"A", "AAAA", "MX", "PTR", "TXT"} if "TIMEOUT" in records else ():
        found.setdefault(kind, ["TIMEOUT"])
    for kind, values in found.items():
        if "TIMEOUT" in values:
            server.misbehave(name, kind, odd.fails)
        else:
            server.add(name, kind, *(written(kind, value) for value in values))


def written(kind: str, value: Any) -> str:
    if kind == "MX":
        preference, host = value
        return f"{preference} {host or '.'}"
    if kind == "TXT":
        text = value if isinstance(value, str) else "".join(value)
        return text.encode("utf-8").decode("latin-1")
    return str(value)


PADDING = " ".join(f"ip4:198.51.100.{n}" for n in range(10))


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (f"v=spf1 ip4:{CLIENT} -all", SpfResult.PASS),
        ("v=spf1 -all", SpfResult.FAIL),
        ("v=spf1 ~all", SpfResult.SOFTFAIL),
        ("v=spf1 ?all", SpfResult.NEUTRAL),
        ("hello", SpfResult.NONE),
        # Ten lookups are allowed, not eleven (RFC 7208 4.6.4).
        ("v=spf1 " + "a:mx.example.org " * 10 + "+all", SpfResult.PASS),
        ("v=spf1 " + "a:mx.example.org " * 11 + "+all", SpfResult.PERMERROR),
        ("v=spf1 " + "exists:%{l}.mx.example.org " * 3 + "+all", SpfResult.PERMERROR),
        ("v=spf1 include:example.org +all", SpfResult.PERMERROR),
        ("v=spf1 redirect=example.org", SpfResult.PERMERROR),
        ("v=spf1 a:loop.example.org +all", SpfResult.PERMERROR),
        ("v=spf1 a:silent.example.org +all", SpfResult.TEMPERROR),
        ("v=spf1 a:huge.example.org +all", SpfResult.PERMERROR),
        (f"v=spf1 {PADDING} +all", SpfResult.PASS),
        (f"v=spf1 {PADDING * 30} +all", SpfResult.PERMERROR),
        ("v=spf1 a:" + "a" * 3000 + "!.example +all", SpfResult.PERMERROR),
        ("v=spf1 a:." + "-a" * 2000 + "! +all", SpfResult.PERMERROR),
        ("v=spf1 exists:" + "%{l}." * 700 + "x +all", SpfResult.PERMERROR),
        ("v=spf1 \xff +all", SpfResult.PERMERROR),
    ],
)
def test_a_record(server: DnsServer, record: str, outcome: SpfResult) -> None:
    server.add("mx.example.org", "A", "198.51.100.1")
    server.add("huge.example.org", "A", *(f"10.0.{n // 256}.{n % 256}" for n in range(1500)))
    server.misbehave("loop.example.org", "A", odd.loops)
    server.misbehave("silent.example.org", "A", odd.fails)
    began = time.process_time()
    assert result(server, record) is outcome
    assert time.process_time() - began < 1


def test_silence_takes_the_time_of_spf_and_is_temporary(server: DnsServer) -> None:
    server.misbehave("example.org", "TXT", odd.silence)
    assert evaluated(server, Sent(CLIENT, "ann@example.org", ""), 0.2) is SpfResult.TEMPERROR


def test_an_explanation_is_not_looked_up(server: DnsServer) -> None:
    assert result(server, "v=spf1 exp=why.example.org -all") is SpfResult.FAIL
    assert server.asked == [("example.org", "TXT")]


def test_a_name_of_the_client_that_cannot_be_looked_up_is_passed_over(server: DnsServer) -> None:
    server.add("1.2.0.192.in-addr.arpa", "PTR", "bad.example.org.", "good.example.org.")
    server.misbehave("bad.example.org", "A", odd.fails)
    server.add("good.example.org", "A", CLIENT)
    assert result(server, "v=spf1 ptr -all") is SpfResult.PASS


def test_who_does_not_know_the_names_of_the_client_does_not_match_it(server: DnsServer) -> None:
    server.misbehave("1.2.0.192.in-addr.arpa", "PTR", odd.fails)
    assert result(server, "v=spf1 ptr ?all") is SpfResult.NEUTRAL


@pytest.mark.parametrize(
    "sender", ["\u00e4nn@example.org", '"a b"@example.org', '"\\\\"@example.org']
)
def test_an_odd_local_part_is_no_name(server: DnsServer, sender: str) -> None:
    record = "v=spf1 exists:%{l}.ok.example.org -all"
    assert result(server, record, sender) in {SpfResult.FAIL, SpfResult.PERMERROR}


def test_the_null_sender_is_judged_by_what_the_client_said(server: DnsServer) -> None:
    server.add("client.example", "TXT", f"v=spf1 ip4:{CLIENT} -all")
    assert evaluated(server, Sent(CLIENT, "", "client.example")) is SpfResult.PASS
    assert evaluated(server, Sent(CLIENT, "", "")) is SpfResult.NONE


@pytest.mark.parametrize("address", ["2001:db8::1", "::ffff:192.0.2.1", CLIENT])
def test_both_families_are_known(server: DnsServer, address: str) -> None:
    server.add("example.org", "TXT", f"v=spf1 ip4:{CLIENT} ip6:2001:db8::/32 -all")
    assert evaluated(server, Sent(address, "ann@example.org", "")) is SpfResult.PASS


def test_what_is_no_address_is_no_client(server: DnsServer) -> None:
    server.add("example.org", "TXT", "v=spf1 +all")
    sent = Sent("nonsense", "ann@example.org", "")
    assert evaluated(server, sent) is SpfResult.PERMERROR
