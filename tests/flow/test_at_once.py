"""Two mails at once never act twice: threads that share a store."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import pytest

from listserv.domain.lists import MailingList
from listserv.flow import confirm
from listserv.store.session import Store, Tx
from tests.flow.letters import (
    ANN,
    BOB,
    UNPROVEN,
    ZOE,
    answer,
    is_member,
    letters,
    letters_to,
    log_of,
    send,
    the_letter,
)
from tests.flow.world import World


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town", subscription="open")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, BOB)
    return mlist


def at_once(jobs: Sequence[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def meanwhile(world: World, first: Callable[[Tx], object], second: Callable[[], object]) -> None:
    """`first` is done, and before it is committed `second` comes: as far as it can with what was
    before. (On SQLite that is nowhere.)"""
    with ThreadPoolExecutor(1) as pool:

        def both(tx: Tx) -> "Future[object]":
            first(tx)
            other = pool.submit(second)
            while not (world.store.is_sqlite or other.done() or somebody_waits(world)):
                wait([other], timeout=0.01)
            return other

        world.store.write(both).result()


def somebody_waits(world: World) -> bool:
    """Whether a transaction on PostgreSQL waits for another one."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(world.store.read(lambda tx: tx.exec_driver_sql(waiting).scalar_one()))


def test_a_second_yes_that_comes_at_the_moment_of_the_first_is_not_called_late(
    world: World, town: MailingList
) -> None:
    send(world, ZOE, "", "town-join", UNPROVEN)
    question, now = the_letter(world, ZOE), world.clock.now()
    token = question.reply_to.partition("+")[2].partition("@")[0]
    meanwhile(
        world,
        lambda tx: confirm.by_code(tx, world.site, token, now),
        lambda: answer(world, question),
    )
    told = {one.subject: one for one in letters_to(world, ZOE)}
    assert told.keys() == {"Welcome to Our Town", "About your answer to Our Town"}
    assert "You have answered this before" in told["About your answer to Our Town"]


def test_two_yes(world: World, town: MailingList) -> None:
    send(world, ZOE, "", "town-join", UNPROVEN)
    question = the_letter(world, ZOE)
    at_once([lambda: answer(world, question)] * 4)
    subjects = [one.subject for one in letters_to(world, ZOE)]
    assert subjects.count("Welcome to Our Town") == 1
    assert set(subjects) <= {"Welcome to Our Town", "About your answer to Our Town"}
    assert log_of(world, town) == [(ZOE, f"added {ZOE}")]


def test_a_yes_and_an_undo(world: World, town: MailingList) -> None:
    send(world, BOB, "SIGNOFF")
    goodbye = the_letter(world, BOB)
    send(world, BOB, "", "town-join", UNPROVEN)
    question = the_letter(world, BOB)
    at_once([lambda: answer(world, question), lambda: answer(world, goodbye, "undo")])
    assert is_member(world, town, BOB)
    came_back = [what for _, what in log_of(world, town) if what != f"{BOB} left"]
    assert len(came_back) == 1
    assert {one.to for one in letters(world)} == {BOB}


def test_two_servers_on_one_database(world: World, town: MailingList, database: str) -> None:
    """Where one writer does not see what the other has not committed yet."""
    other = replace(world, store=Store(database))
    try:
        for number in range(6):
            who = f"reader{number}@example.org"
            send(world, who, "", "town-join", UNPROVEN)
            question = the_letter(world, who)
            at_once([lambda w=w, q=question: answer(w, q) for w in (world, other) * 2])  # type: ignore[misc]
            subjects = [one.subject for one in letters_to(world, who)]
            assert subjects.count("Welcome to Our Town") == 1
            at_once([lambda w=w, a=who: send(w, a, "SIGNOFF") for w in (world, other) * 2])  # type: ignore[misc]
            subjects = [one.subject for one in letters_to(world, who)]
            assert subjects.count("Goodbye from Our Town") == 1
    finally:
        other.store.close()


def test_two_signoffs(world: World, town: MailingList) -> None:
    at_once([lambda: send(world, BOB, "SIGNOFF")] * 4)
    assert log_of(world, town) == [(BOB, f"{BOB} left")]
    subjects = [one.subject for one in letters_to(world, BOB)]
    assert subjects.count("Goodbye from Our Town") == 1


def test_two_changes_to_the_same_address(world: World, town: MailingList) -> None:
    new = "new@example.com"
    send(world, BOB, f"CHANGE town {new}")
    (first,) = letters_to(world, new)
    world.clock.pass_by(days=1)
    send(world, ANN, f"CHANGE town {new}")
    (second,) = letters_to(world, new)
    at_once([lambda: answer(world, first), lambda: answer(world, second)])
    assert is_member(world, town, new)
    assert is_member(world, town, ANN) is not is_member(world, town, BOB)
    assert len([one for one in letters(world) if "not possible" in one]) == 1


def test_hold_and_free_and_a_post(world: World, town: MailingList) -> None:
    at_once([
        lambda: send(world, ANN, "HOLD"), lambda: world.post(BOB, "town"),
        lambda: send(world, ANN, "FREE"),
    ])  # fmt: skip
    send(world, ANN, "FREE")
    letters(world)
    assert sorted(what for _, what in log_of(world, town))[0] == "freed the list"
