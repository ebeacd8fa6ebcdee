"""A private Postfix and the sink behind it, for the tests of this folder.

Postfix runs as root from a configuration, queue and data directory of its own, begun from what
Debian installs, on free loopback ports; smtp-sink is the relayhost, so nothing leaves the machine.
"""

import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

PATIENCE = 90.0  # seconds, for whatever is awaited
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


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Ask until it is so; an AssertionError that names `what` when it does not become so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.02)


def wait_until_answers(port: int, log: Path | None = None) -> None:
    """Wait for a mail server's greeting on this loopback port; `log` says why it does not come."""

    def greets() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
                return peer.recv(4).startswith(b"220")
        except OSError:
            return False

    try:
        wait_until(greets, f"a greeting on port {port}")
    except AssertionError as late:
        if log is not None:
            late.add_note(log.read_text(errors="replace"))
        raise


@dataclass(frozen=True)
class Sunk:
    """One transaction as smtp-sink wrote it down: `data` has CRLF line ends."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


class Sink:
    """smtp-sink, dumping each transaction into a file."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start, or start again with other options."""
        self.stop()
        self._folder.mkdir(exist_ok=True)
        owner = pwd.getpwnam("nobody")
        os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        program = tool("smtp-sink")
        assert program
        dump = ["-d", f"{self._folder}/%s."]
        listen = [f"inet:127.0.0.1:{self.port}", "128"]
        self._process = subprocess.Popen([program, "-u", "nobody", *options, *dump, *listen])
        wait_until_answers(self.port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def forget(self) -> None:
        """Begin again with no messages."""
        for path in self._folder.iterdir():
            path.unlink()

    def messages(self) -> list[Sunk]:
        """What has arrived. smtp-sink finishes a file before it answers the final dot, so this is
        everything when Postfix's queue is empty."""
        dumps = [path.read_bytes() for path in sorted(self._folder.iterdir())]
        return [_read_dump(raw) for raw in dumps if raw.endswith(b"\n\n")]


def _read_dump(raw: bytes) -> Sunk:
    """smtp-sink(1), "dump format": X- lines about the session, its own Received field in three
    lines, the message with LF line ends and dots unstuffed, one empty line."""
    lines = raw.removesuffix(b"\n").split(b"\n")
    about = [line.decode("utf-8", "replace") for line in lines if line.startswith(b"X-")]
    first = next(at for at, line in enumerate(lines) if line.startswith(b"Received:")) + 3

    def said(name: str) -> list[str]:
        pairs = (line.partition(": ") for line in about[:first])
        return [value.split(">")[0].lstrip("<") for key, _, value in pairs if key == name]

    return Sunk(said("X-Mail-Args")[0], tuple(said("X-Rcpt-Args")), b"\r\n".join(lines[first:]))


def below_postfix(data: bytes) -> bytes:
    """A mail without the one Received field that Postfix puts on top."""
    top = re.match(rb"Received: from [^\r]*\r\n(?:\t[^\r]*\r\n)+", data)
    assert top is not None and b"(Postfix)" in top[0]
    return data[top.end() :]


class Postfix:
    """One private instance. `conf` is its configuration directory, `port` its public smtpd."""

    def __init__(self, root: Path, relayhost_port: int) -> None:
        self.port = free_port()
        self.conf = root / "etc"
        self._log = root / "log"
        self._started = False
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
            "mynetworks = 192.0.2.0/24",
            f"relayhost = [127.0.0.1]:{relayhost_port}", "smtp_dns_support_level = disabled",
            f"local_transport = smtp:[127.0.0.1]:{relayhost_port}",  # no mailbox of this machine
        )  # fmt: skip
        self.run("postconf", "-F", "*/*/chroot=n")
        self.run("postconf", "-MX", "smtp/inet")
        # Who comes to this port from loopback stands for the world outside.
        public = f"127.0.0.1:{self.port}"
        outside = "smtpd -o local_header_rewrite_clients="
        self.run("postconf", "-M", f"{public}/inet = {public} inet n - n - - {outside}")

    def run(self, *command: str, stdin: str = "") -> str:
        """Run one of Postfix's programs, or a shell script that calls them, on this instance."""
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=PATIENCE,
            env={"PATH": path, "MAIL_CONFIG": str(self.conf), "LC_ALL": "C"},
        )  # fmt: skip
        # Postfix waits before it reads what was written within the last second.
        os.utime(self.conf / "main.cf", (0, 0))
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        self.run("postfix", "start")
        self._started = True
        wait_until_answers(self.port, self._log)

    def reload(self) -> None:
        """Start again, so that a change of the configuration is surely in use."""
        self.stop()
        self.start()

    def stop(self) -> None:
        if self._started:
            self.run("postfix", "stop")
            self._started = False

    def queue(self) -> list[dict[str, object]]:
        """What `postqueue -j` lists."""
        return [json.loads(line) for line in self.run("postqueue", "-j").splitlines()]

    def wait_until_empty(self) -> None:
        wait_until(lambda: not self.queue(), "Postfix has delivered everything it holds")

    def logged(self, pattern: str) -> list[str]:
        """The lines of Postfix's log in which `pattern` is found."""
        lines = self._log.read_text(errors="replace").splitlines()
        return [line for line in lines if re.search(pattern, line)]


def _chunks(said: bytes, at: int) -> bytes:
    """What BDAT and those that follow it carry, until LAST (RFC 3030)."""
    data = b""
    while chunk := re.compile(rb"BDAT (\d+)( LAST)?\r\n").match(said, at):
        at = chunk.end() + int(chunk[1])
        data += said[chunk.end() : at]
        if chunk[2]:
            break
    return data


class Recorder:
    """Stands between a client and a server on loopback, and keeps what the client said."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._said: list[bytearray] = []

    def start(self) -> None:
        self._in_background(self._accept)

    def messages(self) -> dict[str, list[bytes]]:
        """What came by DATA, dots unstuffed, or by BDAT, by recipient."""
        found: dict[str, list[bytes]] = {}
        for said in map(bytes, self._said):
            for begun in re.finditer(
                rb"RCPT TO:<([^>]+)>[^\r]*\r\n(?:DATA\r\n(.*?\r\n)\.\r\n|(?=BDAT ))",
                said,
                re.DOTALL,
            ):
                rcpt, data = begun.groups()
                plain = re.sub(rb"(^|\r\n)\.", rb"\1", data) if data else _chunks(said, begun.end())
                found.setdefault(rcpt.decode(), []).append(plain)
        return found

    def stop(self) -> None:
        # shutdown wakes the thread that waits in accept; close alone does not.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            said = bytearray()
            self._said.append(said)
            server = socket.create_connection(("127.0.0.1", self._server_port))
            self._in_background(self._pass_on, client, server, said)
            self._in_background(self._pass_on, server, client, bytearray())

    def _pass_on(self, source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        with source:
            while True:
                try:
                    chunk = source.recv(65_536)
                    kept += chunk
                    target.sendall(chunk)
                    if not chunk:
                        target.shutdown(socket.SHUT_WR)
                        return
                except OSError:
                    return

    def _in_background(self, target: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()
