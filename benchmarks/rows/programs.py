"""Other people's programs: smtp-sink and smtp-source (Debian's postfix), openssl; and what all
processes cost."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows.table import Missing

POST_SIZE = 4096
SESSIONS = 20
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"
_TICKS = os.sysconf("SC_CLK_TCK")


def program(name: str, package: str) -> str:
    """Where a program is; Missing where it is not."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise Missing(f"no {name} here: apt-get install {package}")
    return found


@dataclass(frozen=True)
class Running:
    """A process that listens on a port of loopback."""

    process: "subprocess.Popen[bytes]"
    port: int

    @property
    def pid(self) -> int:
        return self.process.pid


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[Running]:
    """Start a server, wait until it listens, stop it in the end."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield Running(process, port)
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def sink(*options: str, before: Sequence[str] = ()) -> Iterator[Running]:
    """smtp-sink on a free port; `before` is a command that runs it, as taskset does."""
    port = free_port()
    path = program("smtp-sink", "postfix")
    command = [*before, path, "-u", "nobody", *options, f"127.0.0.1:{port}", "100"]
    with running(command, port) as one:
        yield one


def feed(port: int, messages: int, *options: str) -> float:
    """Messages a second that smtp-source hands to whoever listens there. It never pipelines."""
    path = program("smtp-source", "postfix")
    began = time.monotonic()
    subprocess.run(
        [path, "-d", "-s", str(SESSIONS), "-m", str(messages), "-l", str(POST_SIZE), *options,
         f"127.0.0.1:{port}"],
        check=True,
    )  # fmt: skip
    return messages / (time.monotonic() - began)


def openssl() -> float:
    """RSA-2048 signatures a second on two cores, by the clock on the wall."""
    command = [program("openssl", "openssl"), "speed", "-elapsed", "-seconds", "2"]
    done = subprocess.run(
        [*command, "-multi", "2", "rsa2048"], check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[-2])


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def resident(pids: Iterable[int]) -> float:
    """The sum of the processes' peaks of resident memory, in MB."""
    total = 0
    for pid in pids:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        total += int(found[1]) if found is not None else 0
    return total / 1024


class Busy:
    """How many cores each of some processes used since this was made."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids
        self._began = time.monotonic()
        self._before = {name: _cpu(pid) for name, pid in pids.items()}
        self._machine, self._stolen = _machine()

    def taken(self) -> float:
        """How much the machine's host took away, in cores."""
        return (_machine()[1] - self._stolen) / (time.monotonic() - self._began)

    def cpu(self, name: str) -> float:
        """The seconds of CPU that one of them used."""
        return _cpu(self._pids[name]) - self._before[name]

    def words(self) -> str:
        """For the note below a line."""
        seconds = time.monotonic() - self._began
        used = {name: self.cpu(name) for name in self._pids}
        machine, stolen = _machine()
        used["all of the machine"] = machine - self._machine
        used["taken away by its host"] = stolen - self._stolen
        shares = (f"{name} {100 * cpu / seconds:.0f} %" for name, cpu in used.items())
        return f"of a core: {', '.join(shares)}"


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _machine() -> tuple[float, float]:
    """Seconds of all cores: used, and used by others on the same host (a virtual machine's)."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq) / _TICKS, steal / _TICKS


# Of a core, by the machine's host. Where it takes more, what the machine can do changes from one
# second to the next, and a ratio of two things done one after the other says nothing.
_MOST_TAKEN = 0.1


class Pairs:
    """Pairs of rates, of ours and of what is beside it, taken in turns. One that the machine's host
    disturbed is taken again, but no more of them than there shall be pairs."""

    def __init__(self, wanted: int) -> None:
        self.ours: list[float] = []
        self.theirs: list[float] = []
        self.again = 0
        self._wanted = wanted

    def take(self, pair: Callable[[], tuple[float, float]]) -> None:
        """Measure so many pairs, and one before them that warms up."""
        pair()
        while len(self.ours) < self._wanted:
            busy = Busy()
            ours, theirs = pair()
            if self.again < self._wanted and busy.taken() > _MOST_TAKEN:
                self.again += 1
                continue
            self.ours.append(ours)
            self.theirs.append(theirs)

    def words(self) -> str:
        """For the row's note."""
        return f"; {self.again} pairs were taken again, the host disturbed them" * bool(self.again)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 20) -> None:
    """Until somebody listens there; RuntimeError when nobody does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")
