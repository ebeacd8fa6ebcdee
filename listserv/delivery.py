"""Delivery in a process of its own, so that a fan-out never slows an answer to a post; and its
supervisor.

The process is `python -m listserv.delivery`. On its standard input it gets the configuration, then
a byte whenever there may be new work; the end of that input means that its supervisor is gone, and
that it must end too.
"""

import asyncio
import gc
import logging
import os
import pickle
import signal
import socket
import sys
from pathlib import Path

import uvloop

from listserv.app import App, build
from listserv.config import Config
from listserv.flow import tidy
from listserv.store import wakes
from listserv.store.session import StorageError
from listserv.workers.deliver import DeliveryWorker

log = logging.getLogger("listserv.delivery")

LOG_FORMAT = "%(levelname)s %(name)s %(message)s"

# A process that crashes is started again after RESTART_FIRST seconds, doubling to half a minute;
# one that lived a minute begins anew.
RESTART_FIRST = 0.1
_RESTART_LONGEST = 30.0
_LIVED = 60.0
# A polite stop takes at most this; then it is killed.
_STOP_SECONDS = 10.0
_LENGTH = 8
# Threads that sign or ask the database wait so long for a busy event loop, which has work for 1 ms
# at a time: that is three signatures, while a core stands idle. 5 ms is Python's default.
_SWITCH = 0.00005


class DeliveryProcess:
    """Starts one delivery process, starts it again when it ends, and stops it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process is not None else None

    def wake(self) -> None:
        """There may be new work."""
        stdin = self._process.stdin if self._process is not None else None
        if stdin is None or stdin.is_closing():
            return  # the process that comes next looks by itself
        # What is written already has not been read yet: that wakes it too.
        if not stdin.transport.get_write_buffer_size():
            stdin.write(b"\n")

    async def run(self) -> None:
        """Keep a process running until `stop`."""
        loop, wait = asyncio.get_running_loop(), RESTART_FIRST
        while not self._stopping.is_set():
            began = loop.time()
            try:
                how = f"ended with status {await self._live()}"
            except OSError as wrong:  # no memory or no process is left: perhaps there is later
                how = f"could not be started ({wrong})"
            if self._stopping.is_set():
                return
            wait = RESTART_FIRST if loop.time() - began >= _LIVED else wait
            log.error("the delivery process %s; again in %.1f s", how, wait)
            await self._take_back()
            await _wait(self._stopping, wait)
            wait = min(2 * wait, _RESTART_LONGEST)

    async def stop(self) -> None:
        """Let it finish what is on the wire, at most ten seconds."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            log.warning("the delivery process does not stop and is killed")
            process.kill()

    async def _live(self) -> int:
        command = [sys.executable, "-m", "listserv.delivery", str(log.getEffectiveLevel())]
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        self._process = process
        assert process.stdin is not None
        told = pickle.dumps(self._app.config)
        process.stdin.write(len(told).to_bytes(_LENGTH, "big") + told)
        if self._stopping.is_set():
            process.terminate()
        return await process.wait()

    async def _take_back(self) -> None:
        """Its leases are free at once."""
        now = self._app.clock.now()
        try:
            await asyncio.to_thread(
                self._app.store.record, lambda tx: tidy.take_back(tx, now, is_dead)
            )
        except StorageError as wrong:
            log.warning("leases wait until they expire: %s", wrong)


def run_alone(app: App) -> None:
    """Deliver without a supervisor, until SIGTERM or SIGINT: on a further machine."""
    _run(app, None)


def _run(app: App, supervisor: int | None) -> None:
    """Deliver; `supervisor` is the file descriptor by which it wakes us."""
    sys.setswitchinterval(_SWITCH)
    # What is there now stays: to look through it for garbage each time stops everything for 80 ms.
    gc.freeze()
    worker = app.delivery_worker(worker_name())

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        if supervisor is not None:
            os.set_blocking(supervisor, False)
            loop.add_reader(supervisor, _heard, worker, supervisor)
        with wakes.listening(app.store, worker.wake):
            await worker.run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def _heard(worker: DeliveryWorker, supervisor: int) -> None:
    try:
        octets = os.read(supervisor, 4096)
    except BlockingIOError:
        return
    if octets:
        worker.wake()
    else:
        asyncio.get_running_loop().remove_reader(supervisor)
        worker.stop()


def main() -> None:
    """The delivery process."""
    logging.basicConfig(stream=sys.stderr, level=int(sys.argv[1]), format=LOG_FORMAT)
    supervisor = sys.stdin.fileno()
    length = int.from_bytes(_read(supervisor, _LENGTH), "big")
    config = pickle.loads(_read(supervisor, length))  # noqa: S301 - our supervisor wrote it
    assert isinstance(config, Config)
    app = build(config)
    try:
        _run(app, supervisor)
    finally:
        app.store.close()


def _read(source: int, length: int) -> bytes:
    """So many bytes; the end of the input ends the process."""
    octets = b""
    while len(octets) < length:
        more = os.read(source, length - len(octets))
        if not more:
            sys.exit("the supervisor is gone")
        octets += more
    return octets


def worker_name() -> str:
    """host:pid:start, so that a lease's holder can be told from a later process of that pid."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(worker: str) -> bool:
    """Whether a lease's holder ran on this host and no more. Of other hosts only time tells."""
    host, pid, started = worker.rsplit(":", 2)
    return host == socket.gethostname() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; "" when there is none of that number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state == "Z" else rest[18]


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


if __name__ == "__main__":
    main()
