"""Housekeeping goes on by itself, and waits when the database does not take it."""

import asyncio
import logging
from datetime import timedelta

import pytest
from sqlalchemy import update

from listserv.domain.members import Delivery
from listserv.flow.deliver import Deliveries
from listserv.store import leases, members
from listserv.store.session import Store
from listserv.store.tables import ConfirmationRow, MemberRow
from listserv.workers import tidy
from tests.flow.letters import ANN, MO, PROVEN, is_member
from tests.flow.test_unsubscribe import click, token_of
from tests.flow.waiting import MAX, a_town, shown
from tests.flow.world import World
from tests.workers.test_deliver import until
from tests.workers.test_storage import IMPATIENT, locked

PATIENCE = 90.0
BOB = "bob@example.org"


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn every hundredth of a second, not every ten."""
    monkeypatch.setattr(tidy, "_LEASES_EVERY", 0.01)


def test_breaks_end_once_a_minute_and_a_locked_database_only_delays_them(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    town = world.found("town")
    bob = world.join(town, BOB)
    caplog.set_level(logging.WARNING, "listserv.tidy")

    def is_back() -> bool:
        found = world.store.read(lambda tx: members.get(tx, bob.id))
        return found is not None and found.delivery is Delivery.MAIL

    def away() -> None:
        until = (world.clock.now() + timedelta(days=1)).date().isoformat()
        world.store.write(lambda tx: members.change(tx, bob, {"until": until}))

    store = Store(world.store.url, busy_timeout=IMPATIENT)

    async def main() -> None:
        away()
        world.clock.pass_by(days=1)
        keep = timedelta(days=30)
        loop = tidy.keep_tidy(store, world.site, world.clock, keep, lambda worker: False)
        running = asyncio.create_task(loop)
        async with asyncio.timeout(PATIENCE):
            await until(is_back)
            away()
            with locked(world, "LOCK TABLE member IN EXCLUSIVE MODE"):
                world.clock.pass_by(days=1)
                await until(lambda: "housekeeping waits" in caplog.text)
                assert not is_back()
            await until(is_back)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    store.close()  # when no thread of the loop uses it any more
    assert world.deliver() == [BOB, BOB]


def test_a_new_moderator_is_shown_what_waits_although_another_list_has_a_fault(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = a_town(world), world.found("village", title="Village", moderation="all")
    world.join(good, MAX, role="moderator")
    world.join(good, ANN)
    world.post(ANN, "town", "village", authorship=PROVEN)
    shown(world)
    world.join(good, MO, role="moderator")
    broken = update(MemberRow).where(MemberRow.list_id == bad.id)
    world.store.write(lambda tx: tx.execute(broken.values(settings={"away": "for ever"})).close())

    async def main() -> None:
        keep = timedelta(days=30)
        loop = tidy.keep_tidy(world.store, world.site, world.clock, keep, lambda worker: False)
        running = asyncio.create_task(loop)
        async with asyncio.timeout(PATIENCE):
            await until(lambda: [one.to for one in shown(world)] == [MO])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    assert f"list={bad.id}: what waits could not be shown" in caplog.text


def test_who_was_asked_and_is_silent_leaves_although_somebody_else_has_a_fault(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    town = world.found("town", one_click="pause")
    others = [world.join(town, f"reader{number}@example.org") for number in range(4)]
    for one in others:
        click(world, token_of(world, town, str(one.address)))
    broken = update(ConfirmationRow).where(ConfirmationRow.member_id == others[1].id)
    world.store.write(lambda tx: tx.execute(broken.values(data={})).close())
    world.clock.pass_by(days=40)

    def gone() -> list[bool]:
        return [not is_member(world, town, str(one.address)) for one in others]

    async def main() -> None:
        keep = timedelta(days=30)
        loop = tidy.keep_tidy(world.store, world.site, world.clock, keep, lambda worker: False)
        running = asyncio.create_task(loop)
        async with asyncio.timeout(PATIENCE):
            await until(lambda: gone() == [True, False, True, True])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    assert "has said nothing could not leave" in caplog.text


def test_a_fault_in_one_chore_leaves_the_others_and_the_server_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.join(world.found("town"), ANN)
    bob = world.join(world.found("village"), BOB)
    day = (world.clock.now() + timedelta(days=1)).date().isoformat()
    world.store.write(lambda tx: members.change(tx, bob, {"until": day}))
    broken = update(MemberRow).where(MemberRow.id == bob.id).values(kept="broken")
    world.store.write(lambda tx: tx.execute(broken).close())
    world.clock.pass_by(days=1)
    deliveries = Deliveries(world.site, "here:1:1")

    async def main() -> None:
        keep = timedelta(days=30)
        loop = tidy.keep_tidy(world.store, world.site, world.clock, keep, lambda worker: False)
        running = asyncio.create_task(loop)
        async with asyncio.timeout(PATIENCE):
            await until(lambda: "housekeeping could not end all breaks" in caplog.text)
            world.post(ANN, "town", authorship=PROVEN)
            assert world.store.record(lambda tx: deliveries.lease(tx, world.clock.now()))
            world.clock.pass_by(minutes=1)
            await until(lambda: running.done() or not world.store.read(leases.holders))
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
