"""A day's digest for many members: is it quick to see who is due, is each issue built once, does it
leave as fast as a plain post of that size to as many?

    .venv/bin/python -m benchmarks.digest [--members 100000] [--posts 100]

Runs `listserv serve` with SQLite in a temporary folder and Debian's smtp-sink as its relay. The
members have 24 different hours; the posts of the day are short, so that one issue is one mail. Then
the 24 hours come, as fast as they can be made, and are timed from the first to the record of the
last recipient. Beside that stands one post as large as an issue, fanned out to as many members who
get each post by mail, in the same run.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.rows.programs import sink
from benchmarks.rows.server import DOMAIN, Server, addresses, message
from benchmarks.rows.table import Line, limit, show
from listserv import config
from listserv.app import App, build
from listserv.clock import SystemClock
from listserv.domain.address import Address
from listserv.domain.members import Delivery, MemberRole
from listserv.flow import due_digests, make_digests
from listserv.flow.due_digests import Plan
from listserv.store import digests, lists, members, queue_view
from listserv.store.members import LOOK_NOW, NewMember
from listserv.store.tables import MessageRow

_HOURS = 24
_SECOND = 1000.0  # ms
_AT_ONCE = 50_000


def _readers(people: int) -> Iterator[NewMember]:
    for number, address in enumerate(addresses(people)):
        local, _, domain = address.rpartition("@")
        hour = {"digest_hour": f"{number % _HOURS:02}:00"}
        yield NewMember(Address(local, domain), "", MemberRole.MEMBER, Delivery.DIGEST, hour)


def _add(app: App, list_id: int, people: int) -> None:
    waiting, now = list(_readers(people)), app.clock.now()
    for start in range(0, people, _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        app.store.write(
            lambda tx, some=some: members.add_many(tx, list_id, some, began="bench", now=now)
        )


def measure(people: int, posts: int) -> Sequence[Line]:
    with tempfile.TemporaryDirectory() as name, sink() as relay:
        server = Server(Path(name), relay.port, relay="burst_bytes = 1000000000000\n")
        server.add_list("day")
        server.add_list("plain", addresses(people))
        app = build(config.load(server.path))
        list_id = app.store.read(lambda tx: lists.find(tx, f"day@{DOMAIN}").id)
        _add(app, list_id, people)
        with server.serving():
            for number in range(posts):
                author, words = f"a{number}@example.org", b"\r\nA few words of a post.\r\n"
                server.post("day", message(author, f"day@{DOMAIN}", words), author)
            _planned(app)
            seconds, look, builds, size = _day(app, server)
            body = b"\r\n" + b"The quick brown fox jumps over the lazy dog.\r\n" * (size // 46)
            plain = server.fan_out("plain", message("ann@example.org", f"plain@{DOMAIN}", body))
            memory = server.memory
        app.store.close()
    per_build = Counter(builds).most_common(1)[0][1]
    return [
        limit("who is due, and what they get: a page", 1000 * look, "ms", _SECOND),
        limit("builds of one issue", per_build, "times", 2, note=f"{len(set(builds))} issues"),
        limit(
            f"digests of {size // 1000} KB, {people:,} members", seconds, "s",
            1.3 * plain.seconds, beside="a post as large", theirs=plain.seconds,
            note=f"{people / seconds:,.0f}/s; memory {memory:.0f} MB",
        ),
    ]  # fmt: skip


def _next_hour() -> datetime:
    now = SystemClock().now()
    return now.replace(minute=15, second=0, microsecond=0) + timedelta(hours=1)


def _planned(app: App) -> None:
    """Wait until the server has worked out when everybody's next digest comes."""
    while app.store.read(lambda tx: digests.list_due(tx, LOOK_NOW)) is not None:
        time.sleep(0.2)


def _turn(app: App, then: datetime, now: datetime) -> tuple[Plan, float] | None:
    """A turn for who is due then, sent now; and the seconds that it took to see who that is."""
    began = time.monotonic()
    plan = app.store.read(lambda tx: due_digests.due(tx, app.site, then))
    took = time.monotonic() - began
    if plan is None:
        return None
    built = make_digests.build(app.site, plan)
    app.store.write(lambda tx: make_digests.write(tx, app.site, plan, built, now))
    return plan, took


def _day(app: App, server: Server) -> tuple[float, float, list[bytes], int]:
    """Hour after hour: seconds until the last recipient, the longest look, the key of each build,
    octets of a mail."""
    looks, builds = [], list[bytes]()
    first, began = _next_hour(), SystemClock().now()
    for hour in range(_HOURS):
        then = first + timedelta(hours=hour)
        while turned := _turn(app, then, SystemClock().now()):
            looks.append(turned[1])
            builds.extend(content.key for content in turned[0].issues)
    while server.waiting():
        time.sleep(0.05)
    everything = server.store.read(lambda tx: queue_view.mailings(tx, ended=True))
    mine = [one for one in everything if one.kind == "digest"]
    if any(one.delivered != one.recipients for one in mine):
        raise RuntimeError("a digest did not reach everybody")
    seconds = max((one.finished - began).total_seconds() for one in mine if one.finished)
    largest = select(func.max(func.length(MessageRow.raw)))
    size = app.store.read(lambda tx: int(tx.execute(largest).scalar_one()))
    return seconds, max(looks), builds, size


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--members", type=int, default=100_000)
    options.add_argument("--posts", type=int, default=100)
    chosen = options.parse_args()
    lines = measure(chosen.members, chosen.posts)
    return show(f"{chosen.members:,} digest readers, {chosen.posts} posts", lines)


if __name__ == "__main__":
    sys.exit(main())
