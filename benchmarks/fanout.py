"""One post to many members: how many recipients a second reach the relay, and in how much memory.

    .venv/bin/python benchmarks/fanout.py [--members 10000] [--runs 3]

Starts `listserv serve` with SQLite in a temporary folder and Debian's smtp-sink (package postfix)
as its relay, posts by SMTP, and reads the times from the queue: from the post's arrival to the
record of its last recipient, progress written down on the way. Beside each row, in the same run,
what it is measured against: smtp-source (C) into the same sink, or the RSA signatures a second of
`openssl speed -multi 2`. These machines are noisy: the ratios count. Figures are medians. Neither
smtp-source nor smtp-sink pipelines bodies; where our rate is near the sink's own end (smtp-sink
uses one core), the sink is what is measured.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from listserv.store import queue_view
from listserv.store.session import Store

DOMAIN = "lists.example.org"
POST_SIZE = 4096
SESSIONS = 20


@dataclass(frozen=True)
class Row:
    """`mode` as in the configuration; `against` runs what it is compared with, per second."""

    mode: str
    what: str
    against: Callable[[int, int], float]
    name: str
    at_least: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--members", type=int, default=10_000)
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    for program in ("smtp-sink", "smtp-source", "openssl"):
        if shutil.which(program, path="/usr/sbin:/usr/bin") is None:
            sys.exit(f"{program} is missing: apt-get install postfix openssl")
    print(f"one post of {POST_SIZE} bytes to {chosen.members:,} members, {chosen.runs} runs")
    print("| mode | recipients/s | beside it | a second | ratio | at least | memory |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in ROWS:
        with tempfile.TemporaryDirectory() as folder, sink() as relay:
            measure(row, Path(folder), relay, chosen.members, chosen.runs)


def measure(row: Row, folder: Path, relay: int, members: int, runs: int) -> None:
    """Print one row of the table."""
    config = install(row.mode, folder, relay, members)
    ours, theirs = [], []
    with serving(config) as (server, port):
        store = Store(f"sqlite:///{folder / 'listserv.db'}")
        for run in range(runs + 1):
            seconds = fan_out(store, port, run)
            beside = row.against(relay, members)
            if run:  # the first warms up
                ours.append(members / seconds)
                theirs.append(beside)
        memory = resident(server.pid)
        store.close()
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"| {row.what} | {median(ours):,.0f} | {row.name} | {median(theirs):,.0f}"
        f" | {ratio:.2f} | {row.at_least} | {memory:.0f} MB |"
    )


def install(mode: str, folder: Path, relay: int, members: int) -> Path:
    """A configuration, a list, its members."""
    key = folder / "dkim.pem"
    made = rsa.generate_private_key(65537, 2048)
    key.touch(mode=0o600)
    key.write_bytes(
        made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    signing = f'[dkim]\nselector = "s"\nkey_file = "{key}"\n' if mode == "personal" else ""
    config = folder / "listserv.toml"
    config.write_text(
        f'[site]\ndomain = "{DOMAIN}"\nhostname = "{DOMAIN}"\noperator = "op@example.org"\n'
        f'[storage]\ndatabase = "sqlite:///{folder / "listserv.db"}"\n'
        f'[smtp]\nlisten = "127.0.0.1:{free_port()}"\n'
        f'[delivery]\nmode = "{mode}"\n{signing}'
        f'[relay]\nhost = "127.0.0.1"\nport = {relay}\nmax_rcpt = 100\n'
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


def one_by_one(port: int, members: int) -> float:
    """Messages a second of smtp-source into the sink, one recipient each."""
    return feed(port, 2 * members)


def by_the_hundred(port: int, members: int) -> float:
    """Recipients a second of smtp-source into the sink, 100 a message."""
    return 100 * feed(port, max(members // 50, SESSIONS), "-r", "100")


def feed(port: int, messages: int, *options: str) -> float:
    """Messages a second that smtp-source hands to the sink."""
    began = time.monotonic()
    subprocess.run(
        ["/usr/sbin/smtp-source", "-d", "-s", str(SESSIONS), "-m", str(messages),
         "-l", str(POST_SIZE), *options, f"127.0.0.1:{port}"],
        check=True,
    )  # fmt: skip
    return messages / (time.monotonic() - began)


def openssl(port: int, members: int) -> float:
    """RSA-2048 signatures a second on two cores."""
    done = subprocess.run(
        ["openssl", "speed", "-seconds", "2", "-multi", "2", "rsa2048"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout.split()[-2])


ROWS = (
    Row("verp", "verp", one_by_one, "smtp-source (C), same sink", 1.0),
    Row("personal", "personal + RSA-2048 each", openssl, "openssl speed -multi 2, alone", 0.65),
    Row("batched", "batched, 100 RCPT", by_the_hundred, "smtp-source -r 100, same sink", 0.5),
)


def resident(pid: int) -> float:
    """Peak resident memory of a process and its children, in MB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for number in (str(pid), *children):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{number}/status").read_text())
        total += int(found[1]) if found is not None else 0
    return total / 1024


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
