"""`listserv worker`: delivery alone, on a further machine."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from listserv.store import leases
from tests.program.fan_out import RelayThread, Town, wait_until

# Python runs a file of this name first: nobody looks for work but when woken.
_ONLY_WHEN_WOKEN = "import listserv.workers.deliver\nlistserv.workers.deliver._LOOK = 3600\n"


@pytest.fixture
def relay() -> Iterator[RelayThread]:
    thread = RelayThread()
    yield thread
    thread.close()


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_delivery_elsewhere_is_woken_by_new_work_and_stops_politely(
    tmp_path: Path, database: str, relay: RelayThread
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_ONLY_WHEN_WOKEN)
    town = Town(tmp_path, database, relay.relay, {"PYTHONPATH": str(tmp_path)})
    try:
        town.deliver()
        for number, person in enumerate(["ann@example.net", "bob@example.net"], 1):
            town.write_to(person)
            wait_until(lambda: len(relay.relay.taken) == number)  # noqa: B023
            wait_until(town.is_done)
        assert town.process is not None
        town.process.send_signal(signal.SIGTERM)
        assert town.process.wait(90) == 0
        town.process = None
        assert not town.store.read(leases.holders)
        assert relay.relay.copies == {"ann@example.net": 1, "bob@example.net": 1}
    finally:
        town.close()
