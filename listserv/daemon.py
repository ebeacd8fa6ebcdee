"""serve: the listeners, delivery and housekeeping, started together and stopped politely."""

import asyncio
import fcntl
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvloop

from listserv.app import App
from listserv.delivery import DeliveryProcess, is_dead
from listserv.domain.errors import ListservError
from listserv.flow import tidy
from listserv.smtp.server import start_lmtp, start_smtp
from listserv.store.session import Store
from listserv.web.limits import Limits
from listserv.web.server import start_web
from listserv.workers.bounces import weigh_bounces
from listserv.workers.digests import send_digests
from listserv.workers.tidy import keep_tidy

log = logging.getLogger("listserv.daemon")


@dataclass(frozen=True)
class Ports:
    """Where the listeners are; None for one that is off."""

    smtp: int | None
    lmtp: int | None
    web: int | None


def run(app: App) -> None:
    """Serve until SIGTERM or SIGINT. Raises ListservError for what the operator must mend."""
    if os.geteuid() == 0:
        log.warning("running as root; the systemd unit drops it, nothing here needs it")
    # What is there now stays: to look through it for garbage each time stops everything for 80 ms.
    gc.freeze()

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(app, stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def serve(
    app: App, stop: asyncio.Event, ready: Callable[[Ports], None] | None = None
) -> None:
    """Serve until `stop` is set; `ready` hears where once all listeners are up."""
    app.keys.check()
    with _only_server(app.store):
        async with AsyncExitStack() as stack:
            stack.callback(_tell_systemd, "STOPPING=1")
            tasks = await _start_workers(app, stack)
            ports = await _listen(app, stack)
            log.info(
                "serving %s smtp=%s lmtp=%s web=%s",
                app.config.site.domain, ports.smtp, ports.lmtp, ports.web,
            )  # fmt: skip
            _tell_systemd("READY=1")
            if ready is not None:
                ready(ports)
            waiting = asyncio.create_task(stop.wait())
            await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            for task in tasks:
                if task.done():
                    task.result()  # it failed: that is our bug, and loud
            log.info("stopping")


async def _start_workers(app: App, stack: AsyncExitStack) -> list[asyncio.Task[None]]:
    loop = asyncio.get_running_loop()
    keep = timedelta(days=app.config.storage.retention_days)
    await asyncio.to_thread(
        app.store.record, lambda tx: tidy.take_back(tx, app.clock.now(), is_dead)
    )
    deliveries = [DeliveryProcess(app) for _ in range(app.config.delivery.workers)]

    def wake() -> None:
        for delivery in deliveries:
            with suppress(RuntimeError):  # the loop has ended, and delivery too
                loop.call_soon_threadsafe(delivery.wake)

    app.store.on_commit = wake
    tasks = [asyncio.create_task(delivery.run()) for delivery in deliveries]
    loops = [
        asyncio.create_task(keep_tidy(app.store, app.site, app.clock, keep, is_dead)),
        asyncio.create_task(send_digests(app.store, app.site, app.clock)),
        asyncio.create_task(weigh_bounces(app.store, app.site, app.clock)),
    ]
    tasks += loops

    async def end() -> None:
        await asyncio.gather(*(delivery.stop() for delivery in deliveries))
        for endless in loops:
            endless.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(end)
    return tasks


async def _listen(app: App, stack: AsyncExitStack) -> Ports:
    smtp, lmtp = app.config.smtp.listen, app.config.lmtp.listen
    if smtp is None and lmtp is None:
        raise ListservError("neither smtp.listen nor lmtp.listen is set: nothing to listen on")
    intake = app.intake()
    ports: dict[str, int | None] = {"smtp": None, "lmtp": None, "web": None}
    for name, where, start in (("smtp", smtp, start_smtp), ("lmtp", lmtp, start_lmtp)):
        if where is not None:
            listener = await start(where, app.server_settings, intake)
            stack.push_async_callback(listener.close)
            ports[name] = listener.port
    if app.config.web.listen is not None:
        limits = Limits()
        web = await start_web(app.config.web.listen, app.pages(limits), limits)
        stack.push_async_callback(web.close)
        ports["web"] = web.port
    return Ports(**ports)


@contextmanager
def _only_server(store: Store) -> Iterator[None]:
    """One server for each SQLite file: two would each think the other's leases dead."""
    path = store.path
    if path is None:
        yield
        return
    with Path(f"{path}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ListservError(f"{path}: another `listserv serve` uses this database") from None
        yield


def _tell_systemd(state: str) -> None:
    """sd_notify(3), where we were started by systemd."""
    where = os.environ.get("NOTIFY_SOCKET")
    if where:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(f"\0{where[1:]}" if where.startswith("@") else where)
            sock.sendall(state.encode())
