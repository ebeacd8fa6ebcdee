"""`listserv serve` as an operator has it: a process, and commands beside it."""

import json
import os
import selectors
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import sink
from tests.dns import NO_DNS
from tests.ports import free_port

LISTSERV = Path(sys.executable).with_name("listserv")
DOMAIN = "lists.example.org"
PATIENCE = 90.0


class Server:
    """A configured installation; `start` and `stop` its server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.config = folder / "listserv.toml"
        sink.put_key(folder, DOMAIN)
        self.config.write_text(
            f'[site]\ndomain = "{DOMAIN}"\nhostname = "{DOMAIN}"\noperator = "op@example.org"\n'
            f'[storage]\ndatabase = "sqlite:///{folder / "listserv.db"}"\n'
            f'[smtp]\nlisten = "127.0.0.1:{self.port}"\n'
            f'[relay]\nkind = "maildir"\npath = "{folder / "Maildir"}"\n{NO_DNS}'
        )
        self.config.chmod(0o600)
        self.process: subprocess.Popen[str] | None = None

    def run(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [LISTSERV, "--config", self.config, *words], capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def start(self) -> list[str]:
        """Start serving; what it logged until it served."""
        self.process = subprocess.Popen(
            [LISTSERV, "--config", self.config, "serve"], stderr=subprocess.PIPE, text=True
        )
        return self.read_until("serving")

    def read_until(self, word: str) -> list[str]:
        assert self.process is not None
        assert self.process.stderr is not None
        lines = []
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stderr, selectors.EVENT_READ)
            assert ready.select(PATIENCE), f"no line with {word!r}"
            for line in self.process.stderr:
                lines.append(line)
                if word in line:
                    return lines
        raise AssertionError(f"no line with {word!r} in {lines}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.process = None
        return code

    def post(self, message_id: str) -> None:
        text = (
            f"From: ann@example.org\r\nTo: town@{DOMAIN}\r\nSubject: Hello\r\n"
            f"Message-ID: <{message_id}@example.org>\r\n\r\nText.\r\n"
        )
        with smtplib.SMTP("127.0.0.1", self.port) as client:
            client.sendmail("ann@example.org", [f"town@{DOMAIN}"], text)

    def delivered(self, wanted: int) -> list[str]:
        """Who got mail, once there are so many."""
        new = self.folder / "Maildir" / "new"
        deadline = time.monotonic() + PATIENCE
        while len(found := list(new.glob("*"))) < wanted and time.monotonic() < deadline:
            os.sched_yield()
        return sorted(sink.check_maildir(path)["Delivered-To"] for path in found)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    made.run("list", "create", f"town@{DOMAIN}")
    made.run("member", "add", "town", "ann@example.org", "ben@example.org")
    yield made
    if made.process is not None:
        made.stop(signal.SIGKILL)


def test_mail_flows_commands_work_beside_it_and_sigterm_ends_it(server: Server) -> None:
    server.start()
    server.post("1")
    assert server.delivered(2) == ["ann@example.org", "ben@example.org"]
    server.run("member", "add", "town", "eve@example.org")
    server.post("2")
    assert server.delivered(5).count("eve@example.org") == 1
    shown = json.loads(server.run("member", "show", "town", "eve@example.org", "--json"))
    assert shown["delivery"] == "mail"
    assert server.stop() == 0


def test_a_post_approved_on_the_command_line_goes_out(server: Server) -> None:
    server.start()
    server.run("list", "set", "town", "moderation=all")
    server.post("1")
    (waiting,) = json.loads(server.run("held", "ls", "--json"))
    server.run("held", "approve", str(waiting["id"]))
    assert server.delivered(2) == ["ann@example.org", "ben@example.org"]
    assert "was approved by" in server.run("held", "approve", str(waiting["id"]), code=1)


def test_what_was_accepted_before_a_kill_is_delivered_after_it(server: Server) -> None:
    server.run("queue", "pause")
    server.start()
    server.post("1")
    server.stop(signal.SIGKILL)
    server.run("queue", "resume")
    server.start()
    assert server.delivered(2) == ["ann@example.org", "ben@example.org"]


def test_a_second_server_on_the_same_database_is_refused(server: Server) -> None:
    server.start()
    refused = server.run("serve", code=1)
    assert "another `listserv serve` uses this database" in refused
    assert refused.count("\n") <= 2  # the warning about root, and this line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is warned")
def test_root_is_warned_once(server: Server) -> None:
    lines = server.start()
    assert sum("root" in line for line in lines) == 1


def test_a_port_that_is_taken_is_one_clear_line(server: Server) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", server.port))
        squatter.listen()
        refused = server.run("serve", code=1)
    assert str(server.port) in refused
    assert "Traceback" not in refused


def test_the_demo_goes_as_expected() -> None:
    done = subprocess.run([LISTSERV, "demo"], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert done.stdout.count("✓") == 19
    assert done.stderr == ""
