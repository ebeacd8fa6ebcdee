"""listserv itself, as an operator has it: a folder made by `listserv init`, its command line, and
`listserv serve` as a process, with a private Postfix before and behind it."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.postfix.harness import (
    PATIENCE,
    Postfix,
    Recorder,
    Sink,
    free_port,
    wait_until_answers,
)

DOMAIN = "lists.example.org"
TOWN = f"town@{DOMAIN}"
MEMBERS = ("ann@example.net", "ben@example.com", "cleo@example.edu")

_PROGRAM = Path(sys.executable).with_name("listserv")
_CONFIG = """\
[site]
domain = "{domain}"
hostname = "{domain}"
[storage]
database = "sqlite:///{folder}/listserv.db"
[smtp]
listen = "127.0.0.1:{smtp}"
[lmtp]
listen = "127.0.0.1:{lmtp}"
[relay]
port = {relay}
"""


class Installation:
    """One list with three members, served, and set up behind Postfix in one of the two `way`s.
    `sent` is what listserv said to Postfix's listener for copies."""

    def __init__(self, folder: Path, way: str, *sink_options: str) -> None:
        self.way = way
        self.sink = Sink(folder / "sink", *sink_options)
        self.postfix = Postfix(folder, self.sink.port)
        self.copies = free_port()
        self.sent = Recorder(self.copies)
        self._smtp, self._lmtp = free_port(), free_port()
        self._home = folder / "lists"
        self._log = folder / "listserv.log"
        self._serving: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Installation":
        with ExitStack() as undo:
            undo.callback(self.sink.stop)
            undo.callback(self.sent.stop)
            undo.callback(self.postfix.stop)
            undo.callback(self.stop_serving)
            self.sink.start()
            self.sent.start()
            self._set_up()
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _set_up(self) -> None:
        """Everything an operator does, in the operator's order."""
        self._run("init", str(self._home))
        self._configure(relay=self.copies)
        self.listserv("list", "create", TOWN, "--title", "Town")
        self.listserv("member", "add", TOWN, *MEMBERS)
        if self.way == "shared":
            self.load_recipients()
        self.postfix.run("sh", stdin=self.listserv("postfix", self.way))
        self._configure(relay=self.sent.port)  # our copies pass the recorder on their way
        self.postfix.start()
        self.serve()

    def load_recipients(self) -> None:
        """What has to be done whenever a list was made."""
        path = self.postfix.conf / "listserv_recipients"
        path.write_text(self.listserv("postfix", "--recipients"))
        self.postfix.run("postmap", str(path))

    def serve(self) -> None:
        command = [str(_PROGRAM), "--config", str(self._config), "serve"]
        with self._log.open("a") as log:
            self._serving = subprocess.Popen(command, stdout=log, stderr=log)
        for port in (self._smtp, self._lmtp):
            wait_until_answers(port, self._log)

    def stop_serving(self) -> None:
        if self._serving is not None:
            self._serving.terminate()
            self._serving.wait(PATIENCE)
            self._serving = None

    def listserv(self, *words: str) -> str:
        """What `listserv` prints for a command; it has to succeed."""
        return self._run("--config", str(self._config), *words)

    def shown(self, *words: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.listserv(*words, "--json"))

    @property
    def _config(self) -> Path:
        return self._home / "listserv.toml"

    def _configure(self, relay: int) -> None:
        assert self._config.is_file()
        ports = {"smtp": self._smtp, "lmtp": self._lmtp, "relay": relay}
        self._config.write_text(_CONFIG.format(domain=DOMAIN, folder=self._home, **ports))

    def _run(self, *words: str) -> str:
        done = subprocess.run([_PROGRAM, *words], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, f"listserv {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout
