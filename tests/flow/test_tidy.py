"""What leaves the store by itself, and what does not."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from listserv.domain.authorship import UNCHECKED
from listserv.domain.mailing import Fate, Outcome
from listserv.flow import moderate, tidy
from listserv.flow.deliver import Deliveries
from listserv.store import held, leases, members, posts, queue_view
from listserv.store.session import Tx
from listserv.store.tables import BatchRow, MailingRow, MemberRow, MessageRow, PostRow
from tests.flow.world import World

KEEP = timedelta(days=30)
TABLES = MessageRow | PostRow | MailingRow | BatchRow


@pytest.fixture
def town(world: World) -> World:
    mlist = world.found("town")
    world.join(mlist, "ann@example.org")
    return world


def forget(world: World) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: tidy.forget(tx, KEEP, now))


def count(world: World, table: type[TABLES]) -> int:
    return world.store.read(lambda tx: tx.execute(select(func.count(table.id))).scalar_one())


def test_the_bytes_of_a_delivered_post_leave_and_the_rest_a_month_later(town: World) -> None:
    town.post("ann@example.org", "town")
    forget(town)
    assert count(town, MessageRow) == 1, "it is in the queue still"
    town.deliver()
    forget(town)
    assert (count(town, MessageRow), count(town, PostRow)) == (0, 1)

    town.clock.pass_by(days=31)
    forget(town)
    assert [count(town, t) for t in (PostRow, MailingRow, BatchRow)] == [0, 0, 0]


def test_without_its_bytes_a_post_is_known_as_a_duplicate_for_a_week(town: World) -> None:
    town.post("ann@example.org", "town", message_id="<1@example.org>")
    town.deliver()
    town.clock.pass_by(days=6)
    forget(town)
    town.post("ann@example.org", "town", message_id="<1@example.org>")

    assert town.deliver() == []


def test_a_post_that_a_digest_reader_waits_for_keeps_its_bytes_for_so_long(town: World) -> None:
    mlist = town.found("city")
    town.join(mlist, "cleo@example.net", delivery="digest")
    town.join(mlist, "ann@example.org")
    town.post("ann@example.org", "city")
    town.deliver()
    town.clock.pass_by(days=29)
    forget(town)
    assert count(town, MessageRow) == 1
    town.clock.pass_by(days=2)
    forget(town)
    assert count(town, MessageRow) == 0


@pytest.mark.parametrize(
    ("reader", "kept"),
    [
        ({"delivery": "digest"}, [("digest", True)]),
        ({"delivery": "digest"}, [("mail", True)]),  # it waits as one last digest
        ({"delivery": "mail"}, [("mail", False)]),
        ({"delivery": "mail", "until": "2026-12-20"}, [("nomail", True), ("mail", False)]),
        ({"delivery": "nomail"}, [("nomail", False)]),
        ({"delivery": "digest"}, [("left", False)]),
        ({"delivery": "mail", "until": "2026-12-20"}, [("left", False)]),
    ],
)
def test_a_post_stays_while_somebody_may_read_it_in_a_digest(
    town: World, reader: dict[str, str], kept: list[tuple[str, bool]]
) -> None:
    """`kept`: how they read then, or that they left, and whether the bytes are still there."""
    mlist = town.found("city")
    town.join(mlist, "ann@example.org", delivery="nomail")
    cleo = town.join(mlist, "cleo@example.net", reader["delivery"])
    if "until" in reader:
        town.store.write(lambda tx: members.change(tx, cleo, {"until": reader["until"]}))
    town.post("ann@example.org", "city")
    town.deliver()
    for how, expected in kept:

        def turn(tx: Tx) -> None:
            now = members.get(tx, cleo.id)
            assert now is not None
            if how == "left":  # noqa: B023
                members.leave(tx, now.id, town.clock.now())
            elif now.delivery != how:  # noqa: B023
                members.change(tx, now, {"delivery": how})  # noqa: B023

        town.store.write(turn)
        forget(town)
        assert (count(town, MessageRow) == 1) is expected, how


def test_a_post_that_every_digest_reader_has_read_leaves(town: World) -> None:
    mlist = town.found("city")
    town.join(mlist, "cleo@example.net", delivery="digest")
    town.join(mlist, "ann@example.org")
    town.post("ann@example.org", "city")
    town.deliver()
    town.store.write(lambda tx: tx.execute(update(MemberRow).values(cursor=1)))
    forget(town)

    assert count(town, MessageRow) == 0


def test_a_deferred_recipient_keeps_the_post(town: World) -> None:
    town.answers["ann@example.org"] = Outcome(Fate.DEFERRED, "451 later")
    town.post("ann@example.org", "town")
    town.deliver()
    forget(town)

    assert count(town, MessageRow) == 1


def test_a_held_post_waits_for_ever_and_a_decided_one_does_not(town: World) -> None:
    town.post("zoe@example.net", "town", authorship=UNCHECKED)
    town.clock.pass_by(days=100)
    forget(town)
    (waiting,) = town.store.read(held.ls)
    assert town.store.read(lambda tx: posts.raw(tx, waiting.post_id)) is not None

    now = town.clock.now()
    town.store.write(lambda tx: moderate.approve(tx, town.site, waiting.id, "mo", now))
    assert town.deliver() == ["ann@example.org"]
    forget(town)
    assert count(town, MessageRow) == 0


def test_what_was_discarded_can_be_looked_at_for_a_week(town: World) -> None:
    town.post("zoe@example.net", "town", authorship=UNCHECKED)
    (waiting,) = town.store.read(held.ls)
    now = town.clock.now()
    town.store.write(lambda tx: moderate.discard(tx, waiting.id, "mo", now))
    town.clock.pass_by(days=6)
    forget(town)
    assert count(town, MessageRow) == 1
    town.clock.pass_by(days=2)
    forget(town)
    assert count(town, MessageRow) == 0


def test_a_notice_leaves_with_its_mailing(town: World) -> None:
    town.notice("zoe@example.net")
    town.deliver()
    town.clock.pass_by(days=13)
    forget(town)
    assert (count(town, MessageRow), count(town, MailingRow)) == (1, 1)
    town.clock.pass_by(days=2)
    forget(town)
    assert (count(town, MessageRow), count(town, MailingRow)) == (0, 0)


def test_leases_of_the_dead_come_back_at_once_and_others_when_they_expire(town: World) -> None:
    def take_back(seconds: float) -> None:
        town.clock.pass_by(seconds=seconds)
        now = town.clock.now()
        town.store.record(lambda tx: tidy.take_back(tx, now, lambda who: who == "dead:1:1"))

    def take(who: str) -> bool:
        now = town.clock.now()
        worker = Deliveries(town.site, who)
        return town.store.record(lambda tx: worker.lease(tx, now)) is not None

    town.post("ann@example.org", "town")
    assert take("dead:1:1")
    take_back(0)
    assert take("alive:2:2")
    take_back(29)
    assert not take("third:3:3")
    take_back(2)
    assert take("third:3:3")
    assert town.store.read(leases.holders) == {"third:3:3"}


def test_the_queue_forgets_nothing_that_is_not_finished(town: World) -> None:
    town.answers["ann@example.org"] = Outcome(Fate.DEFERRED, "451 later")
    town.post("ann@example.org", "town")
    town.deliver()

    def look(tx: Tx) -> int:
        return len(queue_view.mailings(tx))

    town.clock.pass_by(days=40)
    forget(town)
    assert town.store.read(look) == 1
