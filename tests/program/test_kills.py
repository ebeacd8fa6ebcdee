"""`kill -9` in the middle of a fan-out, and what crashes delivery by itself: nobody is missed, and
at most 64 transactions are repeated for each kill, as docs/queue.md promises: 64 copies, but for
`batched`."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from listserv.store import leases, quarantine
from tests.program.fan_out import RelayThread, Town, wait_until
from tests.relay import Taken

REPEATS = 64
MANY = 10_000
SOME = 2_000

Make = Callable[..., Town]


@pytest.fixture
def make_town(tmp_path: Path, database: str) -> Iterator[Make]:
    """Makes a town whose copies go out like this and whose processes get this environment."""
    thread = RelayThread()
    made: list[Town] = []

    def make(mode: str = "verp", max_rcpt: int = 50, **environ: str) -> Town:
        made.append(Town(tmp_path, database, thread.relay, environ, mode, max_rcpt))
        return made[-1]

    yield make
    for town in made:
        town.close()
    thread.close()


def is_gone(pid: int) -> bool:
    """A process that ended and that nobody has asked for yet is gone too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def repeated(taken: Sequence[Taken]) -> int:
    """How many transactions were for nothing: somebody of theirs got the copy once more."""
    latest: dict[str, int] = {}
    again = set()
    for number, message in enumerate(taken):
        for recipient in message.recipients:
            if recipient in latest:
                again.add(latest[recipient])
            latest[recipient] = number
    return len(again)


@dataclass(frozen=True)
class FanOut:
    """`kills` on SQLite and on PostgreSQL; each after so many transactions `between`."""

    mode: str
    members: int
    kills: tuple[int, int]
    between: tuple[int, int]
    max_rcpt: int = 50


FAN_OUTS = [
    FanOut("verp", MANY, (20, 5), (70, 400)),
    FanOut("batched", MANY, (4, 2), (70, 300), max_rcpt=5),
    # Copies are signed ahead: three kills could meet a batch of which nothing was sent yet.
    FanOut("personal", SOME, (2, 2), (70, 300)),
]


@pytest.mark.parametrize("fan_out", FAN_OUTS, ids=lambda fan_out: fan_out.mode)
def test_kills_at_random_moments_of_a_fan_out_make_nobody_miss_it(
    make_town: Make, fan_out: FanOut
) -> None:
    town = make_town(fan_out.mode, fan_out.max_rcpt)
    everybody = town.settle(fan_out.members)
    kills = fan_out.kills[0 if town.store.is_sqlite else 1]
    chance = random.Random(kills)
    town.start()
    town.post()
    for _ in range(kills):
        town.wait_for_copies(chance.randint(*fan_out.between))
        assert not town.is_done(), "the kill would come too late"
        town.kill()
        town.start()
    town.finish()

    assert set(town.relay.copies) == everybody
    assert repeated(town.relay.taken) <= REPEATS * kills
    largest = max(len(message.recipients) for message in town.relay.taken)
    assert largest == (fan_out.max_rcpt if fan_out.mode == "batched" else 1)
    own_bytes = len({message.data for message in town.relay.taken}) >= fan_out.members
    assert own_bytes == (fan_out.mode == "personal")
    # Each lease got further: so many crashes set nobody aside.
    assert not town.store.read(quarantine.ls)


def test_a_delivery_process_that_is_killed_is_started_again(make_town: Make) -> None:
    town = make_town()
    everybody = town.settle(SOME)
    town.start()
    town.post()
    town.wait_for_copies(200)
    os.kill(town.delivery(), signal.SIGKILL)
    town.finish()

    assert set(town.relay.copies) == everybody
    assert sum(town.relay.copies.values()) - SOME <= REPEATS
    assert "the delivery process ended with status -9" in town.log


def test_sigterm_in_a_fan_out_ends_everything_and_repeats_nothing(make_town: Make) -> None:
    town = make_town()
    everybody = town.settle(SOME)
    town.start()
    town.post()
    town.wait_for_copies(200)
    delivery = town.delivery()
    assert town.process is not None
    began = time.monotonic()
    town.process.terminate()
    assert town.process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert is_gone(delivery)
    assert not town.store.read(leases.holders)
    assert not town.is_done()

    town.start()
    town.finish()
    assert town.relay.copies == dict.fromkeys(everybody, 1)


def test_delivery_ends_by_itself_when_the_server_is_killed(make_town: Make) -> None:
    town = make_town()
    everybody = town.settle(SOME)
    town.start()
    town.post()
    town.wait_for_copies(200)
    delivery = town.delivery()
    assert town.process is not None
    town.process.kill()
    town.process.wait(20)
    wait_until(lambda: is_gone(delivery), 10)
    assert not town.store.read(leases.holders)

    town.start()
    town.finish()
    assert town.relay.copies == dict.fromkeys(everybody, 1)


# Python runs a file of this name first: one recipient's copy ends the process at this step.
_DEADLY = """
import os
from {module} import {owner}

def deadly(self, *args, _real={owner}.{step}):
    if "m40@example.org" in {whom}:
        os._exit(77)
    return _real(self, *args)

{owner}.{step} = deadly
"""
_DEADLY_STEPS = {
    "made": _DEADLY.format(
        module="listserv.flow.deliver",
        owner="Deliveries",
        step="transactions",
        whom="[args[0].targets[group[0]] for _, group in args[1]]",
    ),
    "sent": _DEADLY.format(
        module="listserv.smtp.pipeline",
        owner="Pipeline",
        step="send",
        whom="args[0].recipients",
    ),
}


@pytest.mark.parametrize("step", _DEADLY_STEPS)
def test_a_recipient_whose_copy_crashes_delivery_is_set_aside_and_the_others_get_theirs(
    make_town: Make, tmp_path: Path, step: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_DEADLY_STEPS[step])
    town = make_town(PYTHONPATH=str(tmp_path))
    everybody = town.settle(100)
    town.start()
    town.post()
    wait_until(lambda: len(town.relay.copies) == 99)
    wait_until(lambda: not town.store.read(leases.holders))

    assert set(town.relay.copies) == everybody - {"m40@example.org"}
    assert sum(town.relay.copies.values()) - 99 <= REPEATS
    (aside,) = town.store.read(quarantine.ls)
    assert (aside.recipient, aside.is_mailing) == ("m40@example.org", False)
    # Among the others, perhaps once after progress, which does not count; then three times alone.
    assert 3 <= town.log.count("ended with status 77") <= 5, town.log
    assert town.is_done()
