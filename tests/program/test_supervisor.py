"""The delivery process and who starts it."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from listserv.app import build
from listserv.config import Config, Relay, Site, Storage
from listserv.delivery import DeliveryProcess
from listserv.domain.address import Address
from tests.program.running import Running

_DOMAIN = "lists.example.org"
# Only ends a test that has failed.
PATIENCE = 90.0


def supervise(folder: Path, story: Callable[[DeliveryProcess], Awaitable[None]]) -> None:
    """Let the story happen beside a supervisor, then stop it."""
    app = build(
        Config(
            site=Site(_DOMAIN, _DOMAIN, Address("operator", "example.org")),
            storage=Storage(f"sqlite:///{folder / 'listserv.db'}"),
            relay=Relay(kind="maildir", path=folder / "Maildir"),
        )
    )

    async def main() -> None:
        delivery = DeliveryProcess(app)
        running = asyncio.create_task(delivery.run())
        async with asyncio.timeout(PATIENCE):
            await story(delivery)
            await delivery.stop()
            await running

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    app.store.close()


async def until(is_true: Callable[[], bool]) -> None:
    while not is_true():
        await asyncio.sleep(0.01)


def test_work_that_comes_after_the_process_has_ended_wakes_nobody(tmp_path: Path) -> None:
    async def stopped_then_woken(delivery: DeliveryProcess) -> None:
        await until(lambda: delivery.pid is not None)
        await delivery.stop()
        ended = delivery.pid
        delivery.wake()
        assert delivery.pid == ended

    supervise(tmp_path, stopped_then_woken)


def test_a_process_that_cannot_be_started_now_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "listserv.delivery")
    there = sys.executable
    monkeypatch.setattr(sys, "executable", str(tmp_path / "not" / "there"))

    async def it_comes(delivery: DeliveryProcess) -> None:
        await until(lambda: "the delivery process could not be started" in caplog.text)
        assert delivery.pid is None
        monkeypatch.setattr(sys, "executable", there)
        await until(lambda: delivery.pid is not None)

    supervise(tmp_path, it_comes)


def test_what_is_committed_when_the_server_has_stopped_wakes_nobody(tmp_path: Path) -> None:
    server = Running(tmp_path)
    server.close()
    store = server.app.store
    assert store.submit(lambda tx: "kept").result(PATIENCE) == "kept"
    store.close()
