"""The database cannot take progress for a while: it is full or locked. Sending waits for it; nobody
is missed, and what a crash then repeats is no more than ever."""

import asyncio
import logging
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, select

from listserv.flow.deliver import Deliveries
from listserv.smtp.relay import RelaySettings, SmtpCarrier
from listserv.store import counters, leases
from listserv.store.session import Store
from listserv.store.tables import BatchRow
from listserv.workers.deliver import DeliveryWorker
from listserv.workers.desk import Desk
from listserv.workers.journal import Journal
from listserv.workers.pace import Pace
from listserv.workers.storage import Storage
from tests.flow.world import DOMAIN, World, a_message
from tests.relay import ScriptedRelay
from tests.workers.test_deliver import at_copy, found_town, until
from tests.workers.test_faults import is_done, pass_until

PATIENCE = 90.0
SIZE = 300
FAULT_AT = 100
# docs/queue.md, "What a crash costs".
REPEATS = 64
# A writer waits so long for another one; seconds.
IMPATIENT = 0.2


@contextmanager
def locked(world: World, how: str = "LOCK TABLE batch IN EXCLUSIVE MODE") -> Iterator[None]:
    """Another program writes, and takes its time; `how` is for PostgreSQL."""
    sqlite, url = world.store.is_sqlite, world.store.url
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
        if not sqlite:
            other.exec_driver_sql(how)
        yield
        other.exec_driver_sql("ROLLBACK")
    engine.dispose()


@contextmanager
def full(world: World) -> Iterator[None]:
    """No file of this process grows any more, and the write-ahead log would have to."""
    assert world.store.path is not None
    room = os.path.getsize(f"{world.store.path}-wal") // 2
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def server_full(world: World) -> Iterator[None]:
    """The server answers to every change of a batch what it says when its disk is full."""
    engine = create_engine(world.store.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as other:
        other.exec_driver_sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
            " 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        other.exec_driver_sql(
            "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON batch"
            " FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
        yield
        other.exec_driver_sql("DROP FUNCTION full_disk CASCADE")
    engine.dispose()


Fault = Callable[[World], AbstractContextManager[None]]
FAULTS = [
    pytest.param("sqlite", locked, id="sqlite-locked"),
    pytest.param("sqlite", full, id="sqlite-full"),
    pytest.param("postgresql", locked, id="postgresql-locked", marks=pytest.mark.postgresql),
    pytest.param("postgresql", server_full, id="postgresql-full", marks=pytest.mark.postgresql),
]


def a_worker(world: World, store: Store, relay: ScriptedRelay) -> DeliveryWorker:
    where = RelaySettings("127.0.0.1", relay.port, "lists.example.org", connections=5)
    return DeliveryWorker(
        store,
        world.clock,
        Deliveries(world.site, "here:1:1"),
        lambda desk, seven_bit: [SmtpCarrier(where, desk, seven_bit)],
        relay_first=0.05,
    )


async def come_to_a_halt(worker: DeliveryWorker, relay: ScriptedRelay) -> None:
    """Until nothing has gone for a second, in which the worker hardly did anything."""
    await until(lambda: worker._storage.is_down)
    seen, spent = -1, 0.0
    while seen != len(relay.seen):
        seen, began = len(relay.seen), time.process_time()
        await asyncio.sleep(1)
        spent = time.process_time() - began
    assert spent < 0.5, "it spins"


@pytest.mark.parametrize("dies", [False, True], ids=["it heals", "delivery dies meanwhile"])
@pytest.mark.parametrize(("database", "fault"), FAULTS, indirect=["database"])
def test_a_database_that_takes_no_progress_costs_time_only(
    world: World, caplog: pytest.LogCaptureFixture, fault: Fault, dies: bool
) -> None:
    everybody = found_town(world, SIZE)
    relay = ScriptedRelay()
    caplog.set_level(logging.WARNING)

    async def story(store: Store) -> None:
        broken = fault(world)
        relay.script = at_copy(FAULT_AT, lambda: broken.__enter__())
        worker = a_worker(world, store, relay)
        running = asyncio.create_task(worker.run())
        world.post("m1@example.org", "town")
        worker.wake()
        await come_to_a_halt(worker, relay)
        assert FAULT_AT <= len(relay.taken) <= FAULT_AT + REPEATS
        if dies:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        broken.__exit__(None, None, None)
        if dies:
            now = world.clock.now()
            world.store.record(lambda tx: leases.take_back(tx, now, ["here:1:1"]))
            worker = a_worker(world, store, relay)
            running = asyncio.create_task(worker.run())
        await pass_until(world, worker, is_done(world), seconds=1)
        worker.stop()
        await running

    async def main() -> None:
        async with relay, asyncio.timeout(PATIENCE):
            store = Store(world.store.url, busy_timeout=IMPATIENT)
            try:
                await story(store)
            finally:
                store.close()

    asyncio.run(main())
    assert set(relay.copies) == everybody
    assert sum(relay.copies.values()) - SIZE <= (REPEATS if dies else 0)
    waits, *takes = [r.getMessage() for r in caplog.records if r.name == "listserv.deliver"]
    assert waits.startswith("delivery waits for the database: ")
    assert takes == ([] if dies else ["the database takes progress again"])
    if not dies:
        day = world.clock.now() - timedelta(days=1)
        assert world.store.read(lambda tx: counters.total(tx, "delivered", day)) == SIZE


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_batch_that_is_leased_and_cannot_be_read_waits_and_is_no_crash(world: World) -> None:
    everybody = found_town(world, 10)
    world.post("m1@example.org", "town")
    relay = ScriptedRelay()

    async def main() -> None:
        store = Store(world.store.url, busy_timeout=IMPATIENT)
        async with relay, asyncio.timeout(PATIENCE):
            worker = a_worker(world, store, relay)
            with locked(world, 'LOCK TABLE "list" IN ACCESS EXCLUSIVE MODE'):
                running = asyncio.create_task(worker.run())
                await until(lambda: worker._storage.is_down)
                assert world.store.read(leases.holders) == {"here:1:1"}
            await pass_until(world, worker, is_done(world), seconds=1)
            worker.stop()
            await running
        store.close()

    asyncio.run(main())
    assert relay.copies == dict.fromkeys(everybody, 1)
    fences = world.store.read(lambda tx: tx.execute(select(BatchRow.fence)).scalars().all())
    assert fences == [1]


def test_a_mailing_that_is_refused_while_the_database_takes_nothing_is_remembered(
    world: World,
) -> None:
    desk = Desk(world.clock, Pace(world.clock), lambda hand, groups: None)
    store = Store(world.store.url, busy_timeout=IMPATIENT)
    journal = Journal(desk, Storage(store), world.clock, lambda: None)
    desk.paused = {1: "554 5.6.0 not this"}

    async def main() -> None:
        with locked(world, "LOCK TABLE mailing IN ACCESS EXCLUSIVE MODE"):
            writing = asyncio.create_task(journal._write_all())
            await asyncio.sleep(0)  # it waits for the database, in another thread
            desk.paused[2] = "554 5.6.0 nor this"
            assert not await writing

    asyncio.run(main())
    store.close()
    assert desk.paused == {1: "554 5.6.0 not this", 2: "554 5.6.0 nor this"}


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_copy_under_way_when_the_relay_turns_out_to_take_7_bits_is_made_anew(
    world: World,
) -> None:
    everybody = found_town(world, 10)
    header = {"mime_version": "1.0", "content_transfer_encoding": "8bit"}
    raw = a_message(
        "m1@example.org", (f"town@{DOMAIN}",), body="Grüße.",
        content_type="text/plain; charset=utf-8", **header,
    )  # fmt: skip
    world.post("m1@example.org", "town", raw=raw)
    relay = ScriptedRelay(extensions=("PIPELINING",))
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"

    async def main() -> None:
        async with relay, asyncio.timeout(PATIENCE):
            worker = a_worker(world, world.store, relay)
            with locked(world, 'LOCK TABLE "list" IN ACCESS EXCLUSIVE MODE'):
                running = asyncio.create_task(worker.run())
                await until(
                    lambda: world.store.read(lambda tx: tx.exec_driver_sql(waits).scalar_one()) > 0
                )
                worker._relay_is_seven_bit()  # says a connection
            await pass_until(world, worker, is_done(world), seconds=1)
            worker.stop()
            await running

    asyncio.run(main())
    assert relay.copies == dict.fromkeys(everybody, 1)
    assert all(message.data.isascii() for message in relay.taken)
