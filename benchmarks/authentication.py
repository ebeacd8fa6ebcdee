"""What it costs to find out who wrote a post, and how much of that the event loop feels.

    .venv/bin/python -m benchmarks.authentication [--posts 100]

A post is signed by its author's domain (RSA-2048, relaxed/relaxed); SPF takes four lookups, DMARC
two. A DNS server on loopback is asked once and its answers are kept, so what is measured is
computing: CPU seconds of the process while posts are authenticated one after another. Exits with 1
when a post of 20 kB needs 10 ms or more.

The second table is about others: while posts are authenticated by so many at a time, a timer on the
event loop wants to run every millisecond; how late it comes, and what the loop itself computed.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable
from statistics import median, quantiles

from listserv.clock import SystemClock
from listserv.domain.authorship import Level
from listserv.domain.post import Incoming, Post, Transport
from listserv.mail.parse import parse
from listserv.resolver import Resolver
from listserv.smtp.authenticate import Authenticator
from tests.dns import DnsServer, dns_server
from tests.smtp.correspondence import CLIENT, TOWN, key_record, mail, signed

TARGET_MS = 10.0
LINE = "The quick brown fox jumps over the lazy dog, again and again.\r\n"


def publish(dns: DnsServer) -> None:
    dns.add("_dmarc.example.org", "TXT", "v=DMARC1; p=reject")
    dns.add("example.org", "TXT", "v=spf1 include:_spf.example.org mx ~all")
    dns.add("_spf.example.org", "TXT", "v=spf1 include:_net.example.org -all")
    networks = " ".join(f"ip4:198.51.{n}.0/24" for n in range(20))
    dns.add("_net.example.org", "TXT", f"v=spf1 {networks} -all")
    dns.add("example.org", "MX", "10 mx.example.org.")
    dns.add("mx.example.org", "A", CLIENT.address)
    for name in ("example.org", *(f"mailer{n}.example" for n in range(9))):
        dns.add(f"s1._domainkey.{name}", "TXT", key_record())


def a_post(octets: int, signatures: int = 1) -> bytes:
    raw = signed(mail(body=LINE * (octets // len(LINE))))
    for n in range(signatures - 1):
        raw = signed(raw, f"mailer{n}.example", names=["from", "subject", "to"])
    return raw


class Edge:
    """An authenticator with a warm cache, and what it is given."""

    def __init__(self, dns: DnsServer) -> None:
        clock = SystemClock()
        resolver = Resolver([dns.address], clock.monotonic)
        self._authenticator = Authenticator(resolver, clock, lambda _: False)

    async def authenticate(self, raw: bytes, post: Post) -> None:
        incoming = Incoming(Transport.SMTP, CLIENT, "ann@example.org", (TOWN,), raw)
        found = await self._authenticator.authenticate(incoming, post)
        assert found.level is Level.PROVEN and found.spf_aligned

    async def cost(self, raw: bytes, times: int) -> float:
        """Milliseconds of CPU for one."""
        post = parse(raw)
        await self.authenticate(raw, post)
        spent = []
        for _ in range(times):
            began = time.process_time()
            await self.authenticate(raw, post)
            spent.append(time.process_time() - began)
        return 1000 * median(spent)

    async def lateness(self, raw: bytes, at_a_time: int, seconds: float) -> list[str]:
        """A row of the second table."""
        post = parse(raw)
        done = 0
        end = time.monotonic() + seconds

        async def keep_busy() -> None:
            nonlocal done
            while time.monotonic() < end:
                await self.authenticate(raw, post)
                done += 1

        began = time.thread_time()
        busy = [asyncio.create_task(keep_busy()) for _ in range(at_a_time)]
        late = []
        while time.monotonic() < end:
            asked = time.monotonic()
            await asyncio.sleep(0.001)
            late.append(1000 * (time.monotonic() - asked - 0.001))
        await asyncio.gather(*busy)
        computed = 1000 * (time.thread_time() - began)
        hundredths = quantiles(late, n=100)
        own = computed / done if done else 0.0
        rates = [done / seconds, median(late), hundredths[98], max(late), own]
        return [f"{rate:.2f}" for rate in rates]


def show(title: str, row: Iterable[str]) -> None:
    print(f"{title:40}" + "".join(f"{cell:>11}" for cell in row), flush=True)


async def measure(dns: DnsServer, times: int) -> bool:
    edge = Edge(dns)
    show("ms of CPU for a post of", ["1 signature", "10 of them"])
    first = 0.0
    for title, octets in (
        ("4 kB", 4_000),
        ("20 kB", 20_000),
        ("1 MB", 10**6),
        ("20 MB", 2 * 10**7),
    ):
        rounds = times if octets < 10**6 else 5
        costs = [await edge.cost(a_post(octets, number), rounds) for number in (1, 10)]
        first = costs[0] if octets == 20_000 else first
        show(title, (f"{cost:.2f}" for cost in costs))
    within = first < TARGET_MS
    print(f"20 kB: {first:.2f} ms, {'under' if within else 'NOT under'} {TARGET_MS:.0f} ms\n")
    show("posts of 20 kB at a time", ["a second", "late ms", "99 %", "worst", "of the loop"])
    for at_a_time in (0, 1, 10, 50):
        row = await edge.lateness(a_post(20_000), at_a_time, 3.0)
        show(f"{at_a_time}", row)
    show("one of 20 MB", await edge.lateness(a_post(2 * 10**7), 1, 5.0))
    return within


def main() -> int:
    reading = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reading.add_argument("--posts", type=int, default=100)
    chosen = reading.parse_args()
    with dns_server() as dns:
        publish(dns)
        return 0 if asyncio.run(measure(dns, chosen.posts)) else 1


if __name__ == "__main__":
    sys.exit(main())
