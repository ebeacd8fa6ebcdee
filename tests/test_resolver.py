"""What the DNS says, and what it cannot do to us."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from listserv.clock import SystemClock
from listserv.dns_wire import MAX_OCTETS, read_server
from listserv.resolver import (
    MAIL_LOOKUPS,
    MAX_VALUES,
    Answer,
    Kind,
    Resolver,
    Status,
    reverse_name,
)
from tests import dns as odd
from tests.dns import NOWHERE, DnsServer, dns_server

# For what gets no answer.
SHORT = 0.2


class Ticking:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with dns_server() as running:
        yield running


@pytest.fixture
def resolver(server: DnsServer) -> Resolver:
    return Resolver([server.address], SystemClock().monotonic)


@pytest.mark.parametrize(
    ("kind", "written", "values"),
    [
        (Kind.A, ["192.0.2.1"], ("192.0.2.1",)),
        (Kind.AAAA, ["2001:db8::1"], ("2001:db8::1",)),
        (Kind.MX, ["20 B.Example.", "10 a.example.", "20 c.example."],
         ("a.example", "b.example", "c.example")),
        (Kind.MX, ["0 ."], ("",)),
        (Kind.PTR, ["Host.Example."], ("host.example",)),
        (Kind.TXT, ["v=spf1 -all"], ("v=spf1 -all",)),
        (Kind.TXT, ["x" * 600 + "y" * 600], ("x" * 600 + "y" * 600,)),
        (Kind.TXT, ["\x00\xe9\xff \\\""], ("\x00\xe9\xff \\\"",)),
    ],
)  # fmt: skip
def test_records_are_read(
    server: DnsServer, resolver: Resolver, kind: Kind, written: list[str], values: tuple[str, ...]
) -> None:
    server.add("example.org", kind, *written)
    assert resolver.look_up("Example.ORG.", kind) == Answer(Status.FOUND, values)


def test_a_cname_is_followed_and_a_missing_name_is_told_from_a_missing_type(
    server: DnsServer, resolver: Resolver
) -> None:
    server.add("example.org", "TXT", "hello")
    server.add("www.example.org", "CNAME", "example.org")
    assert resolver.look_up("www.example.org", Kind.TXT).values == ("hello",)
    assert resolver.look_up("example.org", Kind.MX) == Answer(Status.EXISTS)
    assert resolver.look_up("org", Kind.TXT) == Answer(Status.EXISTS)
    assert resolver.look_up("no.example.org", Kind.TXT) == Answer(Status.NO_NAME)


def test_what_does_not_fit_into_a_packet_comes_by_tcp(
    server: DnsServer, resolver: Resolver
) -> None:
    server.add("example.org", "TXT", "x" * 3000)
    assert resolver.look_up("example.org", Kind.TXT).values == ("x" * 3000,)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "name", ["a..b", "x" * 64 + ".example", ".".join(["abcdefgh"] * 40), "bücher.example", "\ud800"]
)
def test_what_is_no_name_is_not_asked_for(server: DnsServer, resolver: Resolver, name: str) -> None:
    assert resolver.look_up(name, Kind.TXT).status is Status.UNFIT
    assert server.asked == []


@pytest.mark.parametrize(
    ("how", "status"),
    [
        (odd.silence, Status.FAILED),
        (odd.fails, Status.FAILED),
        (odd.lies, Status.FAILED),
        (odd.answers_another, Status.FAILED),
        (odd.babbles, Status.FAILED),
        (odd.loops, Status.UNFIT),
        (odd.sends_too_much, Status.UNFIT),
    ],
)
def test_a_server_that_misbehaves_costs_no_more_than_the_time_given(
    server: DnsServer, resolver: Resolver, how: odd.Misbehaviour, status: Status
) -> None:
    server.misbehave("example.org", "TXT", how)
    began = time.monotonic()
    answer = resolver.look_up("example.org", Kind.TXT, SHORT)
    assert answer.status is status and answer.values == () and answer.why
    assert time.monotonic() - began < SHORT + 1


def test_a_hundred_kilobytes_are_not_read(server: DnsServer, resolver: Resolver) -> None:
    server.add("example.org", "TXT", *(f"{n}" + "x" * 600 for n in range(100)))
    answer = resolver.look_up("example.org", Kind.TXT)
    assert answer.status is Status.UNFIT
    assert f"more than {MAX_OCTETS} octets" in answer.why


@pytest.mark.parametrize("how", [odd.lies, odd.babbles, odd.silence])
def test_over_tcp_nonsense_is_no_answer_either(
    server: DnsServer, resolver: Resolver, how: odd.Misbehaviour
) -> None:
    server.misbehave("example.org", "TXT", odd.cut_short_then(how))
    assert resolver.look_up("example.org", Kind.TXT, SHORT).status is Status.FAILED


def test_more_records_than_anybody_has_are_none(server: DnsServer, resolver: Resolver) -> None:
    server.add("many.example", "A", *(f"10.0.0.{n}" for n in range(MAX_VALUES + 1)))
    server.add("some.example", "A", *(f"10.0.0.{n}" for n in range(MAX_VALUES)))
    assert resolver.look_up("many.example", Kind.A).status is Status.UNFIT
    assert len(resolver.look_up("some.example", Kind.A).values) == MAX_VALUES


@pytest.mark.parametrize("servers", [[NOWHERE], [NOWHERE, "[::1]:9"]])
def test_no_server_is_noticed_at_once(servers: list[str]) -> None:
    began = time.monotonic()
    assert Resolver(servers, time.monotonic).look_up("example.org", Kind.A).status is Status.FAILED
    assert time.monotonic() - began < 1


def test_the_second_server_is_asked_when_the_first_is_not_there(server: DnsServer) -> None:
    server.add("example.org", "TXT", "hello")
    resolver = Resolver([NOWHERE, server.address], time.monotonic)
    assert resolver.look_up("example.org", Kind.TXT).values == ("hello",)


def test_without_servers_of_its_own_it_asks_those_of_the_system() -> None:
    assert Resolver([], time.monotonic).look_up("a..b", Kind.A).status is Status.UNFIT


def test_an_answer_is_kept_as_long_as_it_says(server: DnsServer) -> None:
    clock = SystemClock()
    passed = Ticking()
    passed.now = clock.monotonic()
    server.add("example.org", "TXT", "hello")
    resolver = Resolver([server.address], passed)
    for seconds, asked in ((0, 1), (299, 1), (2, 2), (301, 3)):
        passed.now += seconds
        assert resolver.look_up("example.org", Kind.TXT).values == ("hello",)
        assert len(server.asked) == asked


def test_a_failure_is_kept_for_a_moment_unless_it_was_hurried(server: DnsServer) -> None:
    server.misbehave("example.org", "TXT", odd.fails)
    passed = Ticking()
    resolver = Resolver([server.address], passed)
    for _ in range(2):
        resolver.look_up("example.org", Kind.TXT)
    assert len(server.asked) == 1
    passed.now += 16
    for _ in range(2):
        resolver.look_up("example.org", Kind.TXT, SHORT)
    assert len(server.asked) == 3


def test_the_cache_is_bounded_and_forgets_the_oldest(server: DnsServer) -> None:
    resolver = Resolver([server.address], time.monotonic, cache_octets=3000)
    for n in (*range(10), 9, 0):
        resolver.look_up(f"n{n}.example", Kind.TXT)
    names = [name for name, _ in server.asked]
    assert names == [f"n{n}.example" for n in (*range(10), 0)]


def test_one_mail_asks_once_for_a_name_and_only_for_so_many(
    server: DnsServer, resolver: Resolver
) -> None:
    inquiry = resolver.inquiry()
    for n in range(MAIL_LOOKUPS):
        inquiry.look_up(f"n{n}.example", Kind.A)
        inquiry.look_up(f"N{n}.example", Kind.A)
    assert len(server.asked) == MAIL_LOOKUPS
    assert inquiry.look_up("one.more.example", Kind.A).status is Status.UNFIT
    assert len(server.asked) == MAIL_LOOKUPS


def test_who_may_not_ask_hears_what_is_known_and_that_something_is_not(
    server: DnsServer, resolver: Resolver
) -> None:
    server.add("example.org", "TXT", "hello")
    resolver.look_up("example.org", Kind.TXT)
    asked = list(server.asked)
    inquiry = resolver.inquiry(asks=False)
    assert inquiry.look_up("Example.org", Kind.TXT).values == ("hello",)
    assert not inquiry.missed
    assert inquiry.look_up("example.org", Kind.A).status is Status.FAILED
    assert inquiry.look_up("example.org", Kind.TXT).values == ("hello",)
    assert inquiry.missed
    assert server.asked == asked


def test_who_has_used_up_the_time_gets_no_answer_and_asks_nobody(server: DnsServer) -> None:
    passed = Ticking()
    inquiry = Resolver([server.address], passed).inquiry()
    with inquiry.within(3):
        passed.now += 4
        assert inquiry.look_up("a.example", Kind.A).status is Status.FAILED
    assert inquiry.look_up("b.example", Kind.A).status is Status.NO_NAME
    passed.now += 7
    assert inquiry.look_up("c.example", Kind.A).status is Status.FAILED
    assert [name for name, _ in server.asked] == ["b.example"]


def test_many_threads_may_ask_and_an_event_loop_too(server: DnsServer, resolver: Resolver) -> None:
    for n in range(20):
        server.add(f"n{n}.example", "TXT", f"{n}")

    async def all_of_them() -> list[Answer]:
        names = [f"n{n % 20}.example" for n in range(100)]
        return await asyncio.gather(*(resolver.find(name, Kind.TXT) for name in names))

    answers = asyncio.run(all_of_them())
    assert [answer.values for answer in answers] == [(f"{n % 20}",) for n in range(100)]


def test_addresses_of_servers_and_names_of_addresses() -> None:
    assert read_server("192.0.2.1") == ("192.0.2.1", 53)
    assert read_server("192.0.2.1:5353") == ("192.0.2.1", 5353)
    assert read_server("2001:db8::1") == ("2001:db8::1", 53)
    assert read_server("[2001:db8::1]") == ("2001:db8::1", 53)
    assert read_server("[2001:db8::1]:5353") == ("2001:db8::1", 5353)
    assert reverse_name("192.0.2.1") == "1.2.0.192.in-addr.arpa"
    assert reverse_name("2001:db8::1").startswith("1.0.0.0.0.0.0.0.")
