"""What waits for moderators: how fast it is listed, decided and sent, and that it is decided once.

    .venv/bin/python -m benchmarks.held [--posts 1000] [--moderators 20] [--rounds 200]

Runs `listserv serve` with SQLite in a temporary folder, with so many posts held at one list and so
many moderators, each of whom got a notice of each. Measured are `listserv held ls`, a whole
command, in seconds of CPU, beside a command that reads no posts; a held post while it comes in,
which writes a notice to each moderator; and a moderator's `approve`, by SMTP and signed, until the
first copy's final dot at a relay on loopback. Then two moderators answer the same notices at the
same moment, `approve` and `discard`, so many rounds. Exits with 1 when a limit is not kept, or a
post was decided more or less often than once.
"""

import argparse
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median

from sqlalchemy import func, select

from benchmarks.rows.latency import arrivals, far_relay
from benchmarks.rows.server import DOMAIN, Server, addresses, message
from benchmarks.rows.table import Line, limit, show
from listserv.clock import SystemClock
from listserv.domain.mailing import MailingState
from listserv.store import held
from listserv.store.held import HeldState
from listserv.store.tables import HeldRow, MailingRow, MemberRow, ModerationRow
from tests.smtp.correspondence import key_record, signed

_SECOND = 1000  # ms
_MODS = "mods.example"
_READERS = 100
_DECISIONS = 9
# Posts that come in at a time, while all of them are made.
_AT_A_TIME = 8
_number = count()


class Desk:
    """A server at which posts wait. `log` is where the relay writes down what arrives."""

    def __init__(self, server: Server, log: Path, moderators: int) -> None:
        self.server, self.log = server, log
        self.moderators = [f"mo{n}@{_MODS}" for n in range(moderators)]
        server.dns.add(f"s1._domainkey.{_MODS}", "TXT", key_record())
        server.add_list("town", addresses(_READERS), moderation="all")
        options = ("--role", "moderator", "--delivery", "nomail")
        server.command("member", "add", "town", *self.moderators, *options)

    def hold(self, number: int) -> float:
        """A member's post comes in; seconds until it was answered."""
        author = f"m{number % _READERS}@example{number % _READERS % 7}.org"
        return self.server.post("town", message(author, f"town@{DOMAIN}"), author)

    def settle(self) -> None:
        """Wait until nothing is in the queue."""
        query = select(func.count()).where(MailingRow.state == MailingState.ACTIVE)
        while self.server.store.read(lambda tx: tx.execute(query).scalar_one()):
            time.sleep(0.1)

    def tokens(self, moderator: str) -> dict[int, str]:
        """Of all that waits, by its number."""
        query = (
            select(ModerationRow.held_id, ModerationRow.token)
            .join(MemberRow, MemberRow.id == ModerationRow.member_id)
            .join(HeldRow, HeldRow.id == ModerationRow.held_id)
            .where(MemberRow.address == moderator, HeldRow.state == HeldState.HELD)
            .order_by(ModerationRow.held_id)
        )
        rows = self.server.store.read(lambda tx: tx.execute(query).all())
        return {number: token for number, token in rows}

    def reply(self, moderator: str, token: str, word: str) -> None:
        """A moderator answers."""
        local = f"town-moderate+{token}"
        raw = (
            f"From: {moderator}\r\nTo: {local}@{DOMAIN}\r\nSubject: Re: A post waits\r\n"
            f"Message-ID: <{next(_number)}@{_MODS}>\r\n"
            f"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n{word}\r\n"
        )
        self.server.post(local, signed(raw.encode(), _MODS), moderator)

    def answers(self) -> int:
        """How many moderators heard that it is decided already."""
        query = select(func.count()).where(MailingRow.subject == "moderator answer")
        return int(self.server.store.read(lambda tx: tx.execute(query).scalar_one()))


def listed(desk: Desk) -> Iterator[Line]:
    beside, _ = _command(desk, "list", "ls")
    for words in ("held ls", "held ls town --json"):
        cpu, wall = _command(desk, *words.split())
        yield limit(f"`{words}`, CPU", cpu, "ms", _SECOND, beside="`list ls`", theirs=beside,
                    note=f"{wall:.0f} ms by the clock on the wall")  # fmt: skip


def _command(desk: Desk, *words: str) -> tuple[float, float]:
    """Milliseconds of CPU, and by the clock on the wall; medians of three."""
    cpu, wall = [], []
    for _ in range(3):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        desk.server.command(*words)
        wall.append(1000 * (time.monotonic() - began))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        cpu.append(1000 * used)
    return median(cpu), median(wall)


def arrived(desk: Desk) -> Line:
    """A post comes in and is written to all of them; nothing else comes."""
    took = []
    for number in range(_DECISIONS):
        took.append(desk.hold(number))
        desk.settle()
    title = f"a post that is held and shown to {len(desk.moderators)}"
    return limit(title, 1000 * median(took), "ms", _SECOND,
                 note=f"median of {len(took)}; the slowest {1000 * max(took):.0f} ms")  # fmt: skip


def decided(desk: Desk) -> Line:
    """From the beginning of a moderator's mail to the first copy."""
    took = []
    tokens = list(desk.tokens(desk.moderators[0]).values())
    for token in tokens[:_DECISIONS]:
        before = len(arrivals(desk.log))
        began = SystemClock().now().timestamp()
        desk.reply(desk.moderators[0], token, "approve")
        desk.settle()
        took.append(arrivals(desk.log)[before][0] - began)
    note = f"median of {len(took)}; the slowest {1000 * max(took):.0f} ms"
    return limit("`approve` comes in until the first copy", 1000 * median(took), "ms", _SECOND,
                 note=note)  # fmt: skip


def at_once(desk: Desk, rounds: int) -> Line:
    """Two moderators, the same notices, at the same moment."""
    one, two = (desk.tokens(moderator) for moderator in desk.moderators[:2])
    chosen = list(one)[:rounds]
    before = desk.answers()
    meet = threading.Barrier(2)

    def answer(moderator: str, tokens: dict[int, str], word: str) -> None:
        for number in chosen:
            meet.wait()
            desk.reply(moderator, tokens[number], word)

    people = [
        threading.Thread(target=answer, args=args)
        for args in ((desk.moderators[0], one, "approve"), (desk.moderators[1], two, "discard"))
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    became = desk.server.store.read(lambda tx: [held.get(tx, number) for number in chosen])
    first = sum(post.decided_by == desk.moderators[0] for post in became)
    once = sum(post.state in {HeldState.APPROVED, HeldState.DISCARDED} for post in became)
    wrong = rounds - once + abs(rounds - (desk.answers() - before))
    return limit("two moderators at once: not decided exactly once", wrong, "posts", 0,
                 note=f"{rounds} rounds; the one who approved was first in {first}")  # fmt: skip


def measure(posts: int, moderators: int, rounds: int) -> Sequence[Line]:
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "arrived"
        with far_relay("--log", str(log)) as relay:
            server = Server(Path(name), relay.port)
            desk = Desk(server, log, moderators)
            with server.serving():
                with ThreadPoolExecutor(_AT_A_TIME) as clients:
                    list(clients.map(desk.hold, range(posts)))
                desk.settle()
                return [*listed(desk), arrived(desk), decided(desk), at_once(desk, rounds)]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--posts", type=int, default=1000)
    options.add_argument("--moderators", type=int, default=20)
    options.add_argument("--rounds", type=int, default=200)
    chosen = options.parse_args()
    lines = measure(chosen.posts, chosen.moderators, chosen.rounds)
    return show(f"{chosen.posts} held posts, {chosen.moderators} moderators", lines)


if __name__ == "__main__":
    sys.exit(main())
