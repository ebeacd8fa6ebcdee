"""Runs commands as a person would, and says how they ended."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from listserv import config
from listserv.app import App, build
from listserv.cli import main
from listserv.domain.authorship import Authorship, Level
from listserv.domain.post import Client, Incoming, Transport
from listserv.flow import receive
from listserv.mail.parse import parse

DOMAIN = "lists.test"
PROVEN = Authorship(Level.PROVEN, ("it is signed by its author's domain",))


@dataclass(frozen=True)
class Shell:
    """`config` is what --config names."""

    config: Path

    def run(self, *words: str, given: bytes | None = None) -> Result:
        """Run a command; our own bugs come out as exceptions."""
        command = ["--config", str(self.config), *words]
        return CliRunner().invoke(main, command, input=given, catch_exceptions=False)

    def ok(self, *words: str, given: bytes | None = None) -> str:
        """What a command printed that did what it was told."""
        done = self.run(*words, given=given)
        assert (done.exit_code, done.stderr) == (0, ""), done.stderr
        return done.stdout

    def json(self, *words: str) -> Any:
        """The same, read; --json is the last option."""
        return json.loads(self.ok(*words, "--json"))

    def refused(self, *words: str, given: bytes | None = None) -> str:
        """The one line that a command said which refused."""
        line = self.complaint(*words, given=given)
        assert line.count("\n") == 0, line
        return line

    def complaint(self, *words: str, given: bytes | None = None) -> str:
        """What a command said which refused, on however many lines."""
        done = self.run(*words, given=given)
        assert (done.exit_code, done.stdout) == (1, ""), done.output
        assert done.stderr.startswith("listserv: ") and done.stderr.endswith("\n")
        return done.stderr.removeprefix("listserv: ").removesuffix("\n")

    def misused(self, *words: str) -> str:
        """What a command said that was called in a wrong way."""
        done = self.run(*words)
        assert (done.exit_code, done.stdout) == (2, ""), done.output
        return done.stderr

    @contextmanager
    def app(self) -> Iterator[App]:
        """The installation itself."""
        app = build(config.load(self.config))
        yield app
        app.store.close()

    def post(
        self,
        author: str,
        subject: str = "Hello",
        text: str = "A text.",
        authorship: Authorship = PROVEN,
        to: str = "town",
        kind: str = "text/plain",
    ) -> None:
        """A post to town, or a mail to another address, as the SMTP server hands it in."""
        raw = (
            f"From: <{author}>\r\nTo: <{to}@{DOMAIN}>\r\nSubject: {subject}\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@x.test>\r\n"
            f"Content-Type: {kind}\r\n\r\n{text}\r\n"
        ).encode()
        client = Client("192.0.2.1", "client.test", trusted=True)
        incoming = Incoming(Transport.SMTP, client, author, (f"{to}@{DOMAIN}",), raw)
        with self.app() as app:
            read, now = parse(raw), app.clock.now()
            app.store.write(
                lambda tx: receive.message(tx, app.site, incoming, read, now, authorship)
            )
