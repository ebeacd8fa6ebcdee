"""One post to many members: how many recipients a second reach the relay, and in how much memory.

    .venv/bin/python benchmarks/fanout.py [--members 1000] [--runs 5]

Starts `listserv serve` with SQLite in a temporary folder and Debian's smtp-sink (package postfix)
as its relay, posts by SMTP, and reads the times from the queue: from the post's arrival to the
record of its last recipient. Beside it, in the same run, what smtp-source (C) hands to the same
sink: these machines are noisy, so the ratio counts. A figure is the median of the runs.
"""

import argparse
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from listserv.store import queue_view
from listserv.store.session import Store

DOMAIN = "lists.example.org"
POST_SIZE = 4096
SESSIONS = 20


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--members", type=int, default=1000)
    options.add_argument("--runs", type=int, default=5)
    chosen = options.parse_args()
    for program in ("smtp-sink", "smtp-source"):
        if shutil.which(program, path="/usr/sbin:/usr/bin") is None:
            sys.exit(f"{program} is missing: apt-get install postfix")
    with tempfile.TemporaryDirectory() as folder, sink() as relay:
        measure(Path(folder), relay, chosen.members, chosen.runs)


def measure(folder: Path, relay: int, members: int, runs: int) -> None:
    """Print the table."""
    config = install(folder, relay, members)
    with serving(config) as (server, port):
        store = Store(f"sqlite:///{folder / 'listserv.db'}")
        ours, theirs = [], []
        for run in range(runs + 1):
            seconds = fan_out(store, port, run)
            source = feed(relay, 20 * members)
            if run:  # the first warms up
                ours.append(members / seconds)
                theirs.append(20 * members / source)
        memory = resident(server.pid)
        store.close()
    print(f"one post of {POST_SIZE} bytes to {members:,} members, verp, {runs} runs, medians")
    print(f"  listserv -> smtp-sink        {median(ours):10,.0f} recipients/s")
    print(f"  smtp-source -> smtp-sink (C) {median(theirs):10,.0f} messages/s")
    print(f"  ratio                        {median(ours) / median(theirs):10.2f}")
    print(f"  resident memory, peak        {memory:10.0f} MB")


def install(folder: Path, relay: int, members: int) -> Path:
    """A configuration, a list, its members."""
    config = folder / "listserv.toml"
    config.write_text(
        f'[site]\ndomain = "{DOMAIN}"\nhostname = "{DOMAIN}"\noperator = "op@example.org"\n'
        f'[storage]\ndatabase = "sqlite:///{folder / "listserv.db"}"\n'
        f'[smtp]\nlisten = "127.0.0.1:{free_port()}"\n'
        f'[relay]\nhost = "127.0.0.1"\nport = {relay}\n'
    )
    config.chmod(0o600)
    roster = folder / "members.txt"
    roster.write_text("".join(f"m{n}@example{n % 7}.org\n" for n in range(members)))
    for words in (
        ["list", "create", f"big@{DOMAIN}"],
        ["list", "set", "big", "posting=anyone"],
        ["member", "import", "big", str(roster)],
    ):
        command(config, *words)
    return config


def command(config: Path, *words: str) -> None:
    listserv = Path(sys.executable).with_name("listserv")
    subprocess.run([listserv, "--config", config, *words], check=True, capture_output=True)


@contextmanager
def serving(config: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A running server and its SMTP port."""
    found = re.search(r'listen = "127\.0\.0\.1:(\d+)"', config.read_text())
    assert found is not None
    port = int(found[1])
    listserv = Path(sys.executable).with_name("listserv")
    with (config.parent / "serve.log").open("wb") as log:
        server = subprocess.Popen([listserv, "--config", config, "serve"], stderr=log)
    try:
        wait_for(port)
        yield server, port
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def sink() -> Iterator[int]:
    """Debian's smtp-sink on a free port."""
    port = free_port()
    running = subprocess.Popen(
        ["/usr/sbin/smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield port
    finally:
        running.terminate()
        running.wait(10)


def fan_out(store: Store, port: int, run: int) -> float:
    """Post once; seconds until the last recipient is recorded."""
    text = "x" * 70 + "\r\n"
    message = (
        f"From: ann@example.org\r\nTo: big@{DOMAIN}\r\nSubject: run {run}\r\n"
        f"Message-ID: <{run}.{time.time_ns()}@example.org>\r\n"
        f"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n{text * (POST_SIZE // len(text))}"
    )
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("ann@example.org", [f"big@{DOMAIN}"], message)
    while store.read(queue_view.mailings):
        time.sleep(0.05)
    last = store.read(lambda tx: queue_view.mailings(tx, ended=True))[-1]
    assert last.finished is not None
    return (last.finished - last.created).total_seconds()


def feed(port: int, messages: int) -> float:
    """Seconds that smtp-source needs to hand so many messages to the sink."""
    began = time.monotonic()
    subprocess.run(
        ["/usr/sbin/smtp-source", "-d", "-s", str(SESSIONS), "-m", str(messages),
         "-l", str(POST_SIZE), f"127.0.0.1:{port}"],
        check=True,
    )  # fmt: skip
    return time.monotonic() - began


def resident(pid: int) -> float:
    """Peak resident memory in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


if __name__ == "__main__":
    main()
