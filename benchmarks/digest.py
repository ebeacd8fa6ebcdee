"""A day's digest for many members: is it quick to see who is due, is each issue built once, does it
leave as fast as a plain post of that size to as many?

    .venv/bin/python -m benchmarks.digest [--members 100000] [--posts 100]

Runs `listserv serve` with SQLite in a temporary folder and Debian's smtp-sink as its relay. The
members have 24 different hours; the posts of the day are short, so that one issue is one mail. Then
each hour comes, as `listserv digest send --at` has it come, and is timed from there to the record
of its last recipient. Beside the sum of these stands one post as large as an issue, fanned out to
as many members who get each post by mail, in the same run.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.rows.programs import sink
from benchmarks.rows.server import DOMAIN, Server, addresses, message
from benchmarks.rows.table import Line, cells, head, limit
from listserv import config
from listserv.app import App, build
from listserv.clock import SystemClock
from listserv.domain.address import Address
from listserv.domain.members import Delivery, MemberRole
from listserv.flow import make_digests
from listserv.flow.make_digests import Ask, Content, Plan, of_list
from listserv.flow.site import Site
from listserv.mail.issue import Part
from listserv.store import lists, members, queue_view
from listserv.store.members import NewMember
from listserv.store.tables import MessageRow
from listserv.workers import digests as worker

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
                server.post("day", message(f"a{number}@example.org", f"day@{DOMAIN}",
                                           b"\r\nA few words of a post of the day.\r\n"))  # fmt: skip
            plan, took = _due_check(app, list_id)
            seconds, builds, size = _hours(app, server, list_id)
            body = b"\r\n" + b"The quick brown fox jumps over the lazy dog.\r\n" * (size // 46)
            plain = server.fan_out("plain", message("ann@example.org", f"plain@{DOMAIN}", body))
            memory = server.memory
        app.store.close()
    per_build = Counter(builds).most_common(1)[0][1]
    return [
        limit("who is due: first look", 1000 * took, "ms", _SECOND, note=f"{plan} in a page"),
        limit("builds of one issue", per_build, "times", 2, note=f"{len(set(builds))} issues"),
        limit(
            f"digests of {size // 1000} KB, {people:,} members", seconds, "s",
            1.3 * plain.seconds, beside="a post as large", theirs=plain.seconds,
            note=f"{people / seconds:,.0f}/s; memory {memory:.0f} MB",
        ),
    ]  # fmt: skip


def _tomorrow() -> datetime:
    day = datetime.now(UTC).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _due_check(app: App, list_id: int) -> tuple[int, float]:
    """A page of readers, with what they are to get: how many, and the seconds it took."""
    then, began = _tomorrow() + timedelta(minutes=15), time.monotonic()
    with_all = app.store.read(lambda tx: of_list(tx, app.site, list_id, 0, then, Ask.DUE_THEN))
    assert with_all is not None
    return len(with_all.settled), time.monotonic() - began


def _hours(app: App, server: Server, list_id: int) -> tuple[float, list[bytes], int]:
    """Each hour in its turn: seconds in all, the key of each build, octets of a mail."""
    builds: list[bytes] = []
    real = make_digests.build

    def counted(site: Site, plan: Plan) -> dict[Content, tuple[Part, ...]]:
        builds.extend(content.key for content in plan.issues)
        return real(site, plan)

    make_digests.build = counted
    seconds = 0.0
    for hour in range(_HOURS):
        then = _tomorrow() + timedelta(hours=hour, minutes=15)
        now = SystemClock().now()
        worker.send_now(app.store, app.site, list_id, Ask.DUE_THEN, now, at=then)
        while server.waiting():
            time.sleep(0.05)
        everything = server.store.read(lambda tx: queue_view.mailings(tx, ended=True))
        mine = [one for one in everything if one.kind == "digest" and one.created >= now]
        if not mine or any(one.delivered != one.recipients for one in mine):
            raise RuntimeError(f"the digest of {hour}:00 did not reach everybody")
        seconds += max((one.finished - now).total_seconds() for one in mine if one.finished)
    largest = select(func.max(func.length(MessageRow.raw)))
    return seconds, builds, app.store.read(lambda tx: int(tx.execute(largest).scalar_one()))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--members", type=int, default=100_000)
    options.add_argument("--posts", type=int, default=100)
    chosen = options.parse_args()
    lines = measure(chosen.members, chosen.posts)
    print(f"{chosen.members:,} digest readers, {chosen.posts} posts\n\n{head()}")
    for line in lines:
        print(cells(line))
    print("".join(f"\n{line.row}: {line.note}" for line in lines if line.note))
    return 0 if all(line.reached == "yes" for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
