"""A server in processes of its own, and a relay in a thread that counts copies."""

import asyncio
import os
import signal
import smtplib
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from listserv.clock import SystemClock
from listserv.domain.members import Delivery, MemberRole
from listserv.store import lists, members, queue, queue_view, schema
from listserv.store.members import NewMember
from listserv.store.session import Store, Tx
from tests import sink
from tests.dns import NO_DNS
from tests.flow.world import a_message, an_address
from tests.ports import free_port
from tests.program.test_serve import DOMAIN, LISTSERV
from tests.relay import ScriptedRelay

# What takes longer has failed.
PATIENCE = 180.0


def wait_until(is_true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.002)


class RelayThread:
    """A relay on a loop of its own; `relay.taken` may be looked at from anywhere."""

    def __init__(self) -> None:
        self.relay = ScriptedRelay()
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._up.wait(PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.relay:
            self._up.set()
            await self._stop.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)


class Town:
    """An installation with one list; `environ` is for its processes."""

    def __init__(
        self,
        folder: Path,
        database: str,
        relay: ScriptedRelay,
        environ: Mapping[str, str],
        mode: str = "verp",
        max_rcpt: int = 50,
    ) -> None:
        self.relay = relay
        self._environ = {**os.environ, **environ}
        self._port = free_port()
        self._log = folder / "log"
        self._config = folder / "listserv.toml"
        sink.put_key(folder, DOMAIN)
        self._config.write_text(
            f'[site]\ndomain = "{DOMAIN}"\nhostname = "{DOMAIN}"\noperator = "op@example.org"\n'
            f'[storage]\ndatabase = "{database}"\n'
            f'[smtp]\nlisten = "127.0.0.1:{self._port}"\n'
            f'[relay]\nhost = "127.0.0.1"\nport = {relay.port}\ntls = "off"\n'
            f'max_rcpt = {max_rcpt}\n[delivery]\nmode = "{mode}"\n{NO_DNS}'
            f'[dkim]\nkeys_dir = "{folder}"\n'
        )
        self._config.chmod(0o600)
        self.store = Store(database)
        schema.prepare(self.store)
        self.process: subprocess.Popen[bytes] | None = None

    def settle(self, size: int) -> set[str]:
        """A list with so many members; their addresses."""
        addresses = [f"m{n}@example.org" for n in range(size)]
        now = SystemClock().now()

        def enter(tx: Tx) -> None:
            town = lists.create(tx, name="town", domain=DOMAIN, settings={}, now=now)
            new = [
                NewMember(
                    address=an_address(text),
                    name="",
                    role=MemberRole.MEMBER,
                    delivery=Delivery.MAIL,
                )
                for text in addresses
            ]
            members.add_many(tx, town.id, new, began="test", now=now)

        self.store.write(enter)
        return set(addresses)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def deliver(self) -> None:
        """Start delivery alone, as on a further machine."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [LISTSERV, "--config", self._config, "worker"],
                stderr=log,
                env=self._environ,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start serving, in a process group of its own."""
        served = self.log.count("serving ") if self._log.exists() else 0
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [LISTSERV, "--config", self._config, "serve"],
                stderr=log,
                env=self._environ,
                start_new_session=True,
            )
        wait_until(lambda: self.log.count("serving ") > served)

    def delivery(self) -> int:
        """The number of the delivery process, once there is one."""
        assert self.process is not None
        pid = self.process.pid
        found: list[str] = []

        def is_there() -> bool:
            found[:] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return bool(found)

        wait_until(is_there)
        return int(found[0])

    def kill(self) -> None:
        """`kill -9` of everything at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.process = None

    def write_to(self, address: str) -> None:
        """Queue a notice, as a command on another machine does."""
        now = SystemClock().now()
        automatic = {"auto_submitted": "auto-generated", "x_auto_response_suppress": "All"}
        raw = a_message(f"listserv@{DOMAIN}", (address,), **automatic)
        self.store.write(
            lambda tx: queue.add_notice(
                tx, list_id=None, raw=raw, subject="", member=0, address=address, now=now
            )
        )

    def post(self) -> None:
        text = (
            f"From: m1@example.org\r\nTo: town@{DOMAIN}\r\nSubject: Hello\r\n"
            "Message-ID: <1@example.org>\r\n\r\nText.\r\n"
        )
        with smtplib.SMTP("127.0.0.1", self._port) as client:
            client.sendmail("m1@example.org", [f"town@{DOMAIN}"], text)

    def wait_for_copies(self, more: int) -> None:
        """Until the relay took so many more, or everything is sent."""
        wanted = len(self.relay.taken) + more
        wait_until(lambda: len(self.relay.taken) >= wanted or self.is_done())

    def is_done(self) -> bool:
        return not self.store.read(queue_view.mailings)

    def finish(self) -> None:
        """Until nothing is left in the queue."""
        wait_until(self.is_done)

    def close(self) -> None:
        if self.process is not None:
            self.kill()
        self.store.close()
