"""Who asks, behind proxies that may lie, and how often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.web.limits import Limiter, Limits, client_of

TRUSTED = frozenset({"127.0.0.1", "::1", "192.0.2.1"})
CLIENTS = (
    # who connects, X-Forwarded-For, who is counted
    ("203.0.113.5", (), "203.0.113.5"),
    ("203.0.113.5", ("198.51.100.1",), "203.0.113.5"),  # no proxy of ours: a lie
    ("127.0.0.1", (), ""),
    ("127.0.0.1", ("198.51.100.1",), "198.51.100.1"),
    ("127.0.0.1", ("10.9.9.9, 198.51.100.1",), "198.51.100.1"),  # the left one is the client's word
    ("127.0.0.1", ("10.9.9.9", "198.51.100.1"), "198.51.100.1"),
    ("127.0.0.1", ("198.51.100.1, 192.0.2.1",), "198.51.100.1"),  # two proxies of ours
    ("127.0.0.1", ("198.51.100.1, 203.0.113.9, 192.0.2.1",), "203.0.113.9"),
    ("127.0.0.1", ("192.0.2.1",), ""),
    ("127.0.0.1", ("nonsense",), "127.0.0.1"),
    ("127.0.0.1", ("198.51.100.1, ",), "127.0.0.1"),
    ("127.0.0.1", ("",), "127.0.0.1"),
    ("::1", ("2001:db8:1:2:3::4",), "2001:db8:1:2::/64"),  # one customer, many addresses
    ("::ffff:127.0.0.1", ("::ffff:198.51.100.1",), "198.51.100.1"),
    ("127.0.0.1", ("198.51.100.1:4711",), "127.0.0.1"),
    ("", (), ""),
)


@pytest.mark.parametrize(("peer", "forwarded", "expected"), CLIENTS)
def test_the_last_one_who_is_no_proxy_of_ours_is_the_client(
    peer: str, forwarded: tuple[str, ...], expected: str
) -> None:
    assert client_of(peer, forwarded, TRUSTED) == expected


@given(st.lists(st.text()), st.ip_addresses())
def test_what_a_client_says_of_itself_changes_nothing(lies: list[str], real: object) -> None:
    said = client_of("127.0.0.1", [*lies, str(real)], frozenset({"127.0.0.1"}))
    assert said == client_of("127.0.0.1", [str(real)], frozenset({"127.0.0.1"}))


def test_a_client_has_its_burst_and_then_its_pace() -> None:
    now = [1000.0]
    limiter = Limiter(Limits(burst=3, per_second=0.5), lambda: now[0])
    assert [limiter.take("a") for _ in range(5)] == [0, 0, 0, 2, 2]
    assert limiter.take("b") == 0
    now[0] += 1.5
    assert limiter.take("a") == 0.5
    now[0] += 0.5
    assert [limiter.take("a"), limiter.take("a")] == [0, 2]
    now[0] += 1000
    assert [limiter.take("a") for _ in range(4)] == [0, 0, 0, 2]


def test_of_more_clients_than_there_is_room_for_the_oldest_are_forgotten() -> None:
    limiter = Limiter(Limits(burst=1, per_second=0.5, clients=2), lambda: 0.0)
    assert [limiter.take(name) for name in "abab"] == [0, 0, 2, 2]
    assert [limiter.take(name) for name in "cab"] == [0, 0, 0]
