"""The delivery process and who starts it."""

import asyncio
from pathlib import Path

import uvloop

from listserv.app import build
from listserv.config import Config, Relay, Site, Storage
from listserv.delivery import DeliveryProcess
from listserv.domain.address import Address

_DOMAIN = "lists.example.org"


def test_work_that_comes_after_the_process_has_ended_wakes_nobody(tmp_path: Path) -> None:
    app = build(
        Config(
            site=Site(_DOMAIN, _DOMAIN, Address("operator", "example.org")),
            storage=Storage(f"sqlite:///{tmp_path / 'listserv.db'}"),
            relay=Relay(kind="maildir", path=tmp_path / "Maildir"),
        )
    )

    async def stopped_then_woken() -> None:
        delivery = DeliveryProcess(app)
        running = asyncio.create_task(delivery.run())
        while delivery.pid is None:
            await asyncio.sleep(0)
        await delivery.stop()
        await running
        ended = delivery.pid
        delivery.wake()
        assert delivery.pid == ended

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(stopped_then_woken())
    app.store.close()
