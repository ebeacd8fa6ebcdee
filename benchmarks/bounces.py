"""How many reports of mail that came back a server takes and weighs, end to end on SQLite.

    .venv/bin/python -m benchmarks.bounces [--reports 5000] [--members 40000]

A server runs on loopback with a list of so many members: each second one at one big provider, the
others ten to a domain. A post went to all of them, and reports come back by SMTP, over 8
connections, each to the return path of another member. Each second member's address has been gone
on two days before, so that those at the small domains are probed, which is the most that follows
from a report; the provider's are so many that it is frozen. Measured is the time from the first
report until the last one is weighed. Exits with 1 under 200 a second.
"""

import argparse
import asyncio
import smtplib
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, select, update

from listserv import config
from listserv.app import App, build
from listserv.daemon import Ports, serve
from listserv.domain.address import Address
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Mode
from listserv.domain.members import Delivery, MemberRole
from listserv.mail.verp import return_paths
from listserv.policy.bounce_kind import BounceKind
from listserv.store import bounces, lists, members, posts, queue, site
from listserv.store.bounces import BounceState
from listserv.store.members import NewMember
from listserv.store.session import Tx
from listserv.store.tables import BounceRow, MailingRow, MemberRow, ProbeRow
from tests.flow.bouncing import HARD, a_report
from tests.ports import free_port

TARGET = 200
CONNECTIONS = 8
DOMAIN = "lists.example.org"
# Numbers of mailings that were before.
FIRST_OLD = 900_000_000


def settings(folder: Path) -> Path:
    path = folder / "listserv.toml"
    path.write_text(
        f'[site]\ndomain = "{DOMAIN}"\n\n[storage]\ndatabase = "sqlite:///{folder}/listserv.db"\n\n'
        f'[smtp]\nlisten = "127.0.0.1:{free_port()}"\n\n'
        f'[relay]\nkind = "maildir"\npath = "{folder}/mail"\n'
    )
    return path


def fill(tx: Tx, app: App, count: int) -> tuple[MailingList, int, list[int]]:
    """The list, a mailing to it, and its members' numbers."""
    now = app.clock.now()
    mlist = lists.create(tx, name="town", domain=DOMAIN, settings={}, now=now)
    new = [
        NewMember(
            Address(f"m{at}", "big.example" if at % 2 else f"d{at // 20}.example"),
            "",
            MemberRole.MEMBER,
            Delivery.MAIL,
        )
        for at in range(count)
    ]
    members.add_many(tx, mlist.id, new, began="benchmark", now=now)
    numbers = list(tx.execute(select(MemberRow.id).order_by(MemberRow.id)).scalars())
    for ago in (1, 2):
        at = now - timedelta(days=ago)
        for number, one in zip(numbers[::2], new[::2], strict=True):
            bounces.add(
                tx, list_id=mlist.id, member=number, mailing_id=FIRST_OLD + ago,
                domain=one.address.domain, kind=BounceKind.HARD, words="550 5.1.1 gone", now=at,
                day=app.site.today(at),
            )  # fmt: skip
    tx.execute(update(BounceRow).values(state=BounceState.COUNTS))
    queue.add_digest(
        tx, list_id=mlist.id, message_id=posts.keep_raw(tx, b"", now), subject="a mail",
        groups=[numbers], mode=Mode.VERP, now=now,
    )  # fmt: skip
    mailing = tx.execute(select(func.max(MailingRow.id))).scalar_one()
    site.pause(tx, "only reports are measured")
    return mlist, mailing, numbers


def send(port: int, paths: Sequence[str]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        for path in paths:
            client.sendmail("", [path], a_report(path, HARD, "somebody@elsewhere.example"))


def is_done(tx: Tx) -> bool:
    return not bounces.is_waiting(tx)


async def measure(app: App, count: int, reports: int) -> float:
    mlist, mailing, numbers = app.store.write(partial(fill, app=app, count=count))
    there = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    server = asyncio.create_task(serve(app, stop, there.set_result))
    ports: Ports = await there
    assert ports.smtp is not None
    step = len(numbers) // reports
    wanted = numbers[:: step | 1][:reports]
    paths = return_paths(mlist, app.site.secret, wanted, mailing)
    cpu, began = time.process_time(), time.monotonic()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [paths[at::CONNECTIONS] for at in range(CONNECTIONS)]
        await asyncio.gather(*(loop.run_in_executor(pool, send, ports.smtp, s) for s in shares))
    taken = time.monotonic() - began
    while not await asyncio.to_thread(app.store.read, is_done):
        await asyncio.sleep(0.05)
    lasted = time.monotonic() - began
    spent = time.process_time() - cpu
    stop.set()
    await server
    print(f"{len(paths)} reports taken in {taken:.1f} s, weighed in {lasted:.1f} s")
    print(f"{1000 * spent / len(paths):.2f} ms of CPU each, the client's included")
    return len(paths) / lasted


def found(tx: Tx) -> tuple[int, int, int]:
    """Bounces that count, that are excused, and probes."""
    by_state = select(BounceRow.state, func.count()).where(BounceRow.mailing_id < FIRST_OLD)
    states = {state: number for state, number in tx.execute(by_state.group_by(BounceRow.state))}
    probes = tx.execute(select(func.count()).select_from(ProbeRow)).scalar_one()
    return states.get(BounceState.COUNTS, 0), states.get(BounceState.EXCUSED, 0), probes


def main() -> int:
    reading = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reading.add_argument("--reports", type=int, default=5000)
    reading.add_argument("--members", type=int, default=40_000)
    chosen = reading.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = build(config.load(settings(Path(folder))))
        rate = asyncio.run(measure(app, chosen.members, chosen.reports))
        counts, excused, probes = app.store.read(found)
        app.store.close()
    print(f"{counts} bounces count, {excused} are excused, {probes} members were probed")
    within = rate >= TARGET
    print(f"{rate:.0f} a second, {'at least' if within else 'NOT'} {TARGET}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
