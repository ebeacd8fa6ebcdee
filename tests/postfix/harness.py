"""A private Postfix and the sink behind it, for the tests of this folder.

Postfix runs as root from a configuration, queue and data directory of its own, begun from what
Debian installs, on free loopback ports; smtp-sink is the relayhost, so nothing leaves the machine.
"""

import json
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 30.0  # seconds, for whatever is awaited
_DEBIAN = Path("/usr/share/postfix/master.cf.dist")
_PROGRAMS = ("postfix", "postconf", "postqueue", "postmap", "smtp-sink")


def why_not() -> str | None:
    """Why the tests of this folder cannot run here, or None."""
    missing = [name for name in _PROGRAMS if tool(name) is None]
    if missing:
        return f"Debian's postfix is not installed (no {', '.join(missing)})"
    return None if os.geteuid() == 0 else "Postfix can only be started by root"


def tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Ask until it is so; an AssertionError that names `what` when it does not become so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Whether a mail server greets on this loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            return peer.recv(4).startswith(b"220")
    except OSError:
        return False


@dataclass(frozen=True)
class Sunk:
    """One transaction as smtp-sink wrote it down: `data` has CRLF line ends."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


class Sink:
    """smtp-sink, dumping each transaction into a file."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder = folder
        folder.mkdir()
        owner = pwd.getpwnam("nobody")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        program = tool("smtp-sink")
        assert program
        dump = ["-d", f"{folder}/%s."]
        listen = [f"inet:127.0.0.1:{self.port}", "128"]
        self._process = subprocess.Popen([program, "-u", "nobody", *options, *dump, *listen])
        wait_until(lambda: answers(self.port), "smtp-sink answers")

    def messages(self) -> list[Sunk]:
        """What has arrived; complete when Postfix's queue is empty."""
        return [_read_dump(path.read_bytes()) for path in sorted(self._folder.iterdir())]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)


def _read_dump(raw: bytes) -> Sunk:
    """smtp-sink(1), "dump format": X- lines about the session, its own Received field in three
    lines, the message with LF line ends and dots unstuffed, one empty line."""
    lines = raw.removesuffix(b"\n").split(b"\n")
    about = [line.decode("utf-8") for line in lines if line.startswith(b"X-")]
    first = next(at for at, line in enumerate(lines) if line.startswith(b"Received:")) + 3

    def said(name: str) -> list[str]:
        pairs = (line.partition(": ") for line in about[:first])
        return [value.split(">")[0].lstrip("<") for key, _, value in pairs if key == name]

    return Sunk(said("X-Mail-Args")[0], tuple(said("X-Rcpt-Args")), b"\r\n".join(lines[first:]))


class Postfix:
    """One private instance. `conf` is its configuration directory, `port` its public smtpd."""

    def __init__(self, root: Path, relayhost_port: int) -> None:
        self.port = free_port()
        self.conf = root / "etc"
        self._log = root / "log"
        for name in ("etc", "queue", "data"):
            (root / name).mkdir()
        os.chown(root / "data", pwd.getpwnam("postfix").pw_uid, -1)
        shutil.copy(_DEBIAN, self.conf / "master.cf")
        (self.conf / "main.cf").touch()
        self.run(
            "postconf", "-e", "compatibility_level = 3.6",
            f"queue_directory = {root}/queue", f"data_directory = {root}/data",
            f"maillog_file = {self._log}", f"maillog_file_prefixes = {root}",
            "inet_interfaces = 127.0.0.1", "inet_protocols = ipv4",
            "myhostname = mx.example.org", "myorigin = $myhostname", "mydestination = $myhostname",
            "alias_maps =", "alias_database =", "local_recipient_maps = inline:{ root=ok }",
            "mynetworks = 192.0.2.0/24",  # whoever comes from loopback is the world outside
            f"relayhost = [127.0.0.1]:{relayhost_port}", "smtp_dns_support_level = disabled",
        )  # fmt: skip
        self.run("postconf", "-F", "*/*/chroot=n")
        self.run("postconf", "-MX", "smtp/inet")
        public = f"127.0.0.1:{self.port}"
        self.run("postconf", "-M", f"{public}/inet = {public} inet n - n - - smtpd")

    def run(self, *command: str, stdin: str = "") -> str:
        """Run one of Postfix's programs, or a shell script that calls them, on this instance."""
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=PATIENCE,
            env={"PATH": path, "MAIL_CONFIG": str(self.conf), "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        self.run("postfix", "start")
        wait_until(lambda: answers(self.port), "Postfix answers")

    def stop(self) -> None:
        self.run("postfix", "stop")

    def queue(self) -> list[dict[str, object]]:
        """What `postqueue -j` lists."""
        return [json.loads(line) for line in self.run("postqueue", "-j").splitlines()]

    def wait_until_empty(self) -> None:
        wait_until(lambda: not self.queue(), "Postfix has delivered everything it holds")

    def log(self) -> str:
        return self._log.read_text(errors="replace")
