"""Many recipients in one transaction: what one domain among them is refused for is its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from listserv.domain.mailing import Mode
from listserv.store import leases, queue_view
from listserv.workers.deliver import DeliveryWorker
from tests.flow.world import World
from tests.relay import Script, ScriptedRelay
from tests.workers.test_deliver import until
from tests.workers.test_faults import is_done, pass_until, refused, run, worker_for

PICKY = "picky.example"


@pytest.fixture
def town(world: World) -> set[str]:
    """Twelve members at twelve domains, five more at one; their addresses."""
    world.site = replace(world.site, mode=Mode.BATCHED, max_rcpt=5)
    people = [f"m{n}@own{n}.example" for n in range(12)] + [f"m{n}@big.example" for n in range(5)]
    people.insert(3, f"pia@{PICKY}")
    mlist = world.found("town", posting="anyone")
    for address in people:
        world.join(mlist, address)
    return set(people)


def no_dot_for(domain: str, answer: str) -> Script:
    """A relay that asks the next server before it answers a final dot; over one connection."""
    recipients: list[str] = []

    def script(line: str) -> str | None:
        if line.startswith("MAIL"):
            recipients.clear()
        elif line.startswith("RCPT"):
            recipients.append(line)
        return answer if line == "." and any(domain in one for one in recipients) else None

    return script


def deliver(world: World, relay: ScriptedRelay, until_so: Callable[[], bool]) -> None:
    async def story(worker: DeliveryWorker) -> None:
        world.post("ann@example.org", "town")
        worker.wake()
        await until(until_so)
        await until(lambda: not world.store.read(leases.holders))
        relay.script = lambda line: None
        await pass_until(world, worker, is_done(world), minutes=1)

    run(world, relay, story, lambda w, r: worker_for(w, r, connections=1))


def test_small_domains_share_transactions_and_a_large_one_has_its_own(
    world: World, town: set[str]
) -> None:
    relay = ScriptedRelay()
    deliver(world, relay, is_done(world))

    assert relay.copies == dict.fromkeys(town, 1)
    assert sorted(len(message.recipients) for message in relay.taken) == [3, 5, 5, 5]
    at_big = [m.recipients for m in relay.taken if any("@big" in one for one in m.recipients)]
    assert [len(recipients) for recipients in at_big] == [5]


def test_a_domain_that_takes_no_such_mail_keeps_it_from_nobody_else(
    world: World, town: set[str]
) -> None:
    relay = ScriptedRelay(no_dot_for(PICKY, "554 5.6.0 no such content here"))
    others = town - {f"pia@{PICKY}"}
    # No time passes: the others of its transaction had theirs within the same attempt.
    deliver(world, relay, lambda: set(relay.copies) == others)

    assert relay.copies == dict.fromkeys(town, 1)
    assert refused(world) == []


def test_a_domain_that_is_deferred_at_the_final_dot_is_asked_alone_the_next_time(
    world: World, town: set[str]
) -> None:
    relay = ScriptedRelay(no_dot_for(PICKY, "451 4.3.0 not now"))

    async def story(worker: DeliveryWorker) -> None:
        world.post("ann@example.org", "town")
        worker.wake()
        await until(lambda: len(relay.taken) == 3 and not world.store.read(leases.holders))
        (row,) = world.store.read(queue_view.mailings)
        assert 1 < row.deferred <= 5
        others = town - {f"pia@{PICKY}"}
        await pass_until(world, worker, lambda: set(relay.copies) == others, minutes=2)
        relay.script = lambda line: None
        await pass_until(world, worker, is_done(world), minutes=20)

    run(world, relay, story, lambda w, r: worker_for(w, r, connections=1))
    assert relay.copies == dict.fromkeys(town, 1)
