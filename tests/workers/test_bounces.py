"""What came back is weighed by itself, people hear of it, and a fault in one list leaves others."""

import asyncio
import logging
from dataclasses import replace

import pytest
from sqlalchemy import update

from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.store.session import Store
from listserv.store.tables import BounceRow, ListRow
from listserv.workers import bounces as worker
from tests.flow.bouncing import POLICY, bounce, sent_to, standing, suspend
from tests.flow.world import DOMAIN, World, an_address
from tests.workers.test_deliver import until
from tests.workers.test_storage import IMPATIENT, locked

PATIENCE = 90.0
ANN, BOB = "ann@example.org", "bob@example.net"


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn every hundredth of a second, not every one."""
    monkeypatch.setattr(worker, "_EVERY", 0.01)


def a_list(world: World, name: str) -> tuple[MailingList, Member]:
    mlist = world.found(name)
    world.join(mlist, ANN, role="owner")
    return mlist, world.join(mlist, BOB)


def test_a_fault_in_one_list_stops_no_other_and_a_locked_database_only_delays(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    (_, first), (_, second) = a_list(world, "alpha"), a_list(world, "beta")
    caplog.set_level(logging.WARNING, "listserv.bounce")
    store = Store(world.store.url, busy_timeout=IMPATIENT)

    def come_back(name: str) -> None:
        world.post(ANN, name)
        (copy,) = sent_to(world, BOB)
        bounce(world, copy)

    async def main() -> None:
        come_back("alpha")
        odd = update(BounceRow).values(kind="odd")
        world.store.write(lambda tx: tx.execute(odd).close())
        come_back("beta")
        running = asyncio.create_task(worker.weigh_bounces(store, world.site, world.clock))
        async with asyncio.timeout(PATIENCE):
            await until(lambda: standing(world, second).score == 1)
            await until(lambda: "could not be weighed" in caplog.text)
            mended = update(BounceRow).values(kind="hard")
            world.store.write(lambda tx: tx.execute(mended).close())
            await until(lambda: standing(world, first).score == 1)
            with locked(world, "LOCK TABLE bounce IN ACCESS EXCLUSIVE MODE"):
                world.clock.pass_by(minutes=2)
                await until(lambda: "bounces wait" in caplog.text)
        running.cancel()

    asyncio.run(main())
    store.close()


def test_owners_and_the_operator_hear_of_it_by_themselves(world: World) -> None:
    world.site = replace(world.site, operators={DOMAIN: an_address("op@example.com")})
    town, bob = a_list(world, "town")
    world.join(town, "eve@example.net")
    world.post(ANN, "town")
    for copy in sent_to(world, BOB, "eve@example.net"):
        bounce(world, copy, POLICY)
    suspend(world, bob)

    async def main() -> None:
        running = asyncio.create_task(worker.weigh_bounces(world.store, world.site, world.clock))
        heard: set[str] = set()
        async with asyncio.timeout(PATIENCE):
            while heard < {ANN, "op@example.com"}:
                heard |= set(await asyncio.to_thread(world.deliver))
                world.clock.pass_by(minutes=1)
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(main())


def test_owners_hear_although_those_of_another_list_cannot_be_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    (bad, first), (_, second) = a_list(world, "alpha"), a_list(world, "beta")
    for member in (first, second):
        suspend(world, member)
    broken = update(ListRow).where(ListRow.id == bad.id)
    world.store.write(lambda tx: tx.execute(broken.values(settings=[])).close())

    async def main() -> None:
        running = asyncio.create_task(worker.weigh_bounces(world.store, world.site, world.clock))
        heard: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while not heard:
                heard = await asyncio.to_thread(world.deliver)
                await asyncio.sleep(0.01)
        assert heard == [ANN]
        running.cancel()

    asyncio.run(main())
    assert f"list={bad.id}: its owners could not be told" in caplog.text
