"""A held post is decided once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from listserv.domain.errors import ListservError
from listserv.flow import moderate
from listserv.store import events, held
from listserv.store.session import Tx
from tests.flow.world import World


@pytest.fixture
def waiting(world: World) -> int:
    """The id of a stranger's held post to a list with one member."""
    mlist = world.found("town", title="Town")
    world.join(mlist, "ann@example.org")
    world.post("zoe@example.net", "town", subject="Seeds", message_id="<seeds@example.net>")
    (row,) = world.store.read(held.ls)
    return row.id


def test_a_rejected_post_tells_its_author_why_and_does_not_quote_it(
    world: World, waiting: int
) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: moderate.reject(tx, world.site, waiting, "No adverts, please.", "mo", now)
    )

    assert world.deliver() == ["zoe@example.net"]
    notice = world.last().decode()
    assert "No adverts, please." in notice
    assert "In-Reply-To: <seeds@example.net>" in notice
    assert "Auto-Submitted: auto-replied" in notice
    assert "Good morning." not in notice


def test_a_discarded_post_goes_nowhere_and_nobody_is_told(world: World, waiting: int) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: moderate.discard(tx, waiting, "mo", now))

    assert world.deliver() == []


def test_a_second_decision_hears_who_decided_and_when(world: World, waiting: int) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: moderate.approve(tx, world.site, waiting, "mo@example.com", now))

    def reject(tx: Tx) -> object:
        return moderate.reject(tx, world.site, waiting, "too late", "al", now)

    with pytest.raises(ListservError, match=r"approved by mo@example.com at 2026-11-21 12:00"):
        world.store.write(reject)
    assert world.deliver() == ["ann@example.org"]


def test_twenty_moderators_at_once_decide_once(world: World, waiting: int) -> None:
    now = world.clock.now()

    def approve(number: int) -> bool:
        try:
            world.store.write(
                lambda tx: moderate.approve(tx, world.site, waiting, f"mo{number}", now)
            )
        except ListservError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        decided = list(pool.map(approve, range(20)))

    assert decided.count(True) == 1
    assert world.deliver() == ["ann@example.org"]


def test_every_decision_is_in_the_lists_log(world: World, waiting: int) -> None:
    now = world.clock.now()
    done = world.store.write(
        lambda tx: moderate.approve(tx, world.site, waiting, "mo@example.com", now)
    )
    (event,) = world.store.read(lambda tx: events.ls(tx, done.list_id))

    assert (event.who, event.what) == ("mo@example.com", f"approved held post {waiting}")
