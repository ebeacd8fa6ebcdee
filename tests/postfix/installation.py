"""listserv itself, as an operator has it: a folder made by `listserv init`, its command line, and
`listserv serve` as a process, with a private Postfix before and behind it."""

import json
import re
import smtplib
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from listserv.store import queue_view
from listserv.store.session import Store
from tests import sink
from tests.cli.shell import Shell
from tests.dns import DnsServer
from tests.morning import morning_zone
from tests.ports import free_port
from tests.postfix.harness import (
    PATIENCE,
    Postfix,
    Recorder,
    Sink,
    Sunk,
    wait_until,
    wait_until_answers,
)

DOMAIN = "lists.example.org"
TOWN = f"town@{DOMAIN}"
MEMBERS = ("ann@example.net", "ben@example.com", "cleo@example.edu")
STRANGER = "forged@victim.example"
POSTMASTER = "postmaster@mx.example.org"

# What a host for lists may have had before; the script has to turn each of them round.
BEFORE = (
    f"mydestination = $myhostname, {DOMAIN}", "smtpd_relay_restrictions = permit",
    "smtpd_proxy_options = speed_adjust", "relay_recipient_maps = inline:{ x@y.example=ok }",
    "relay_domains = elsewhere.example", "message_size_limit = 200",
)  # fmt: skip

_PROGRAM = Path(sys.executable).with_name("listserv")
_CONFIG = """\
[site]
domain = "{domain}"
hostname = "{domain}"
timezone = "{zone}"
[storage]
database = "sqlite:///{folder}/listserv.db"
[smtp]
listen = "127.0.0.1:{smtp}"
[lmtp]
listen = "127.0.0.1:{lmtp}"
[relay]
port = {relay}
[delivery]
mode = "{mode}"
[auth]
require_proven_author = {proof}
[dns]
servers = ["{dns}"]
"""


def message(author: str, subject: str, body: bytes = b"Hello.\r\n", more: bytes = b"") -> bytes:
    """A mail to the list; `more` is put at the end of its header."""
    return (
        f"From: {author}\r\nTo: {TOWN}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject.replace(' ', '.')}@example.net>\r\n"
    ).encode() + b"%s\r\n%s" % (more, body)


class Installation:
    """One list with three members, served, and set up behind Postfix in one of the two `way`s.
    `sent` is what listserv said to Postfix's listener for copies; `dns` is whom it asks. `proof`:
    who wrote a mail has to be proven, as it is unless somebody turns it off."""

    def __init__(self, folder: Path, way: str, *, proof: bool = False, mode: str = "verp") -> None:
        self.way = way
        self._settings = {"proof": str(proof).lower(), "mode": mode}
        self._zone = morning_zone()
        self.sink = Sink(folder / "sink")
        self.dns = DnsServer()
        self.postfix = Postfix(folder, self.sink.port)
        self.copies = free_port()
        self.sent = Recorder(self.copies)
        self._smtp, self._lmtp = free_port(), free_port()
        self._home = folder / "lists"
        self._log = folder / "listserv.log"
        self._serving: subprocess.Popen[bytes] | None = None
        self._undo = ExitStack()

    def __enter__(self) -> "Installation":
        with self._undo:
            self._undo.callback(self.dns.close)
            self._undo.callback(self.sink.stop)
            self._undo.callback(self.sent.stop)
            self._undo.callback(self.postfix.stop)
            self._undo.callback(self.stop_serving)
            self.sink.start()
            self.sent.start()
            self._set_up()
            self._undo = self._undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _set_up(self) -> None:
        """Everything an operator does, in the operator's order."""
        self._run("init", str(self._home), "--domain", DOMAIN)
        self._store = Store(f"sqlite:///{self._home}/listserv.db")
        self._undo.callback(self._store.close)
        self._configure(relay=self.copies)
        self._records = {each["name"]: each["value"] for each in self.shown("dns")}
        self.listserv("list", "create", TOWN, "--title", "Town")
        self.listserv("member", "add", TOWN, *MEMBERS)
        if self.way == "shared":
            self.load_recipients()
        else:
            self.postfix.run("postconf", "-e", *BEFORE)
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

    def send(
        self, sender: str, recipient: str, data: bytes, *options: str, source: str = "127.0.0.1"
    ) -> int:
        """Hand a mail to Postfix as somebody outside, from the address `source`: the code that the
        client hears last, of the first refusal or of the final dot."""
        here = (source, 0)
        with smtplib.SMTP(
            "127.0.0.1", self.postfix.port, "client.example", PATIENCE, source_address=here
        ) as client:
            client.command_encoding = "utf-8"
            client.ehlo()
            code, _ = client.docmd("MAIL", " ".join([f"FROM:<{sender}>", *options]))
            if code < 400:
                code, _ = client.docmd("RCPT", f"TO:<{recipient}>")
            if code < 400:
                code, _ = client.data(data)
            return code

    def arrived(self, subject: str) -> list[Sunk]:
        """The copies of a post, once all members have theirs and Postfix has nothing left."""

        def copies() -> list[Sunk]:
            title = re.compile(rb"^Subject: %s\r$" % re.escape(subject).encode(), re.MULTILINE)
            return [sunk for sunk in self._sunk() if title.search(sunk.data)]

        wait_until(lambda: len(copies()) >= len(MEMBERS), f"copies of {subject}")
        self.postfix.wait_until_empty()
        return copies()

    def left_for_others(self) -> list[Sunk]:
        """What has left Postfix for anybody but the members and its own postmaster, since this was
        asked the last time and once nothing is under way any more. What follows from a mail is in
        the database before Postfix hears that it was taken."""
        found = self.left()
        return [sunk for sunk in found if not set(sunk.recipients) <= {*MEMBERS, POSTMASTER}]

    def left(self) -> list[Sunk]:
        """All that has left Postfix, in the same way."""
        self.postfix.wait_until_empty()
        wait_until(lambda: not self._store.read(queue_view.mailings), "listserv has sent its mail")
        self.postfix.wait_until_empty()
        found = self._sunk()
        self.sink.forget()
        return found

    def _sunk(self) -> list[Sunk]:
        """What has arrived, our own mail as it should be behind all that Postfix does."""
        found = self.sink.messages()
        for sunk in found:
            if sink.is_ours(sunk.sender):
                sink.check(sunk.data, sunk.sender, self._records)
        return found

    def listserv(self, *words: str) -> str:
        """What `listserv` prints for a command; it has to succeed."""
        return self._run("--config", str(self._config), *words)

    def shown(self, *words: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.listserv(*words, "--json"))

    @property
    def shell(self) -> Shell:
        """The same commands in this process, where many are given."""
        return Shell(self._config)

    @property
    def _config(self) -> Path:
        return self._home / "listserv.toml"

    def _configure(self, relay: int) -> None:
        assert self._config.is_file()
        ports = {"smtp": self._smtp, "lmtp": self._lmtp, "relay": relay}
        self._config.write_text(
            _CONFIG.format(
                domain=DOMAIN,
                folder=self._home,
                dns=self.dns.address,
                zone=self._zone.key,
                **ports,
                **self._settings,
            )
        )

    def _run(self, *words: str) -> str:
        done = subprocess.run([_PROGRAM, *words], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, f"listserv {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout
