"""Reports to a running server, from the copy that arrived to what an operator sees: somebody is
gone and comes back, and a domain wants no mail of ours."""

import logging
import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from email.message import Message
from functools import partial
from pathlib import Path

import pytest

from listserv.clock import SystemClock
from listserv.flow import enrol, weigh
from listserv.flow.administer import create_list
from tests.cli.shell import Shell
from tests.flow.bouncing import HARD, POLICY, Said, a_report
from tests.flow.world import a_message
from tests.program.running import DOMAIN, OPERATOR, PATIENCE, Running

TOWN = f"town@{DOMAIN}"
ANN, BOB = "ann@example.org", "bob@example.net"
BIG = ("dan@big.example", "eve@big.example", "fay@big.example")


class Calendar(SystemClock):
    """The machine's clock, days ago, until days pass. It never is ahead of that of the process that
    delivers."""

    def __init__(self) -> None:
        self._ago = timedelta(days=30)
        self._jumped = 0.0

    def now(self) -> datetime:
        return super().now() - self._ago

    def monotonic(self) -> float:
        return super().monotonic() + self._jumped

    def pass_by(self, **some: float) -> None:
        self._ago -= timedelta(**some)
        self._jumped += timedelta(**some).total_seconds()


class Town:
    """A running server with one list."""

    def __init__(self, folder: Path) -> None:
        self.clock = Calendar()
        self.running = Running(folder, clock=self.clock)
        self._seen: set[Path] = set()
        self._posts = 0
        try:
            self._set_up()
        except BaseException:
            self.running.close()
            raise
        config = folder / "listserv.toml"
        config.write_text(
            f'[site]\ndomain = "{DOMAIN}"\n'
            f'[storage]\ndatabase = "sqlite:///{folder / "listserv.db"}"\n'
        )
        self.shell = Shell(config)

    def _set_up(self) -> None:
        app, by = self.running.app, "test"
        now = app.clock.now()
        town = app.store.write(
            lambda tx: create_list(
                tx, TOWN, domains={DOMAIN}, style="discussion", settings={"title": "Town"},
                owners=[ANN], by=by, now=now,
            )
        )  # fmt: skip
        app.store.write(
            lambda tx: enrol.add_members(
                tx, town.id, [BOB, *BIG], domains={DOMAIN}, settings={}, by=by, now=now
            )
        )
        self._id = town.id

    def writes(self, author: str, to: str, body: str = "Hello.") -> str:
        """Somebody sends a mail; its subject."""
        self._posts += 1
        subject = f"Post {self._posts}"
        raw = a_message(author, (to,), subject=subject, body=body)
        with smtplib.SMTP("127.0.0.1", self.running.smtp or 0) as client:
            client.sendmail(author, [to], raw)
        return subject

    def new_mail(self) -> Sequence[Message]:
        """What has been sent since this was asked last, once nothing is under way."""
        return self.running.new_mail(self._seen)

    def mail_about(self, subject: str) -> dict[str, Message]:
        """That of it whose subject begins so, by recipient."""
        about = [one for one in self.new_mail() if one["Subject"].startswith(subject)]
        return {one["Delivered-To"]: one for one in about}

    def comes_back(self, mail: Message, said: Said) -> None:
        path = mail["Return-Path"].strip("<>")
        with smtplib.SMTP("127.0.0.1", self.running.smtp or 0) as client:
            client.sendmail("", [path], a_report(path, said, mail["Delivered-To"]))

    def rows(self) -> list[tuple[str, int, str]]:
        """The table of `bounce ls`, at the time of the server."""
        app = self.running.app
        page = partial(weigh.page, site=app.site, list_id=self._id, now=app.clock.now(), after=0)
        found, _ = app.store.read(page)
        return [(str(row.address), row.score, row.state) for row in found]

    def close(self) -> None:
        self.running.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    opened = Town(tmp_path)
    yield opened
    opened.close()


def until(true: Callable[[], bool], what: str) -> None:
    """Ask until it is so; `what` was to be."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_who_is_gone_is_tried_then_gets_nothing_and_comes_back_by_a_reply(town: Town) -> None:
    for score in (1, 2, 3):
        town.clock.pass_by(days=1)
        copies = town.mail_about(town.writes(ANN, TOWN))
        assert copies.keys() == {ANN, BOB, *BIG}
        town.comes_back(copies[BOB], HARD)
        state = "probed" if score == 3 else "active"
        until(lambda: town.rows() == [(BOB, score, state)], "the report is weighed")  # noqa: B023
    trial = town.mail_about("A trial: ")
    assert trial.keys() == {BOB}
    town.comes_back(trial[BOB], HARD)
    until(lambda: town.rows() == [(BOB, 3, "suspended")], "the trial counts")
    assert town.shell.json("member", "show", TOWN, BOB)["state"] == "suspended"
    assert town.shell.json("status")["members_suspended"] == 1

    town.clock.pass_by(minutes=2)
    until(lambda: ANN in town.mail_about("Mail to a member of Town is stopped"), "owners are told")
    assert town.mail_about(town.writes(ANN, TOWN)).keys() == {ANN, *BIG}

    town.writes(BOB, TOWN)
    told = town.mail_about("No mail from Town comes to you")
    assert told.keys() == {BOB}
    town.writes(BOB, told[BOB]["Reply-To"], "yes")
    assert town.mail_about("Mail from Town comes to you again").keys() == {BOB}
    assert town.rows() == []
    assert town.mail_about(town.writes(ANN, TOWN)).keys() == {ANN, BOB, *BIG}
    log = town.shell.ok("list", "log", TOWN)
    assert f"suspended {BOB}: bounces" in log and f"resumed {BOB}" in log


def test_a_domain_that_wants_no_mail_of_ours_stops_nobody_and_alarms_the_operator(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "listserv.bounce")
    town.clock.pass_by(days=29, hours=23)  # a command looks back over a day of its own clock
    copies = town.mail_about(town.writes(ANN, TOWN))
    for one in BIG:
        town.comes_back(copies[one], POLICY)
    said = f"big.example (ours): {POLICY[1]}"
    until(lambda: town.shell.json("status")["domains_not_scored"] == [said], "it is in the status")
    assert "domain=big.example" in caplog.text and "not scored (ours)" in caplog.text
    town.clock.pass_by(minutes=2)
    told: list[Message] = []

    def is_told() -> bool:
        told.extend(town.new_mail())
        return bool(told)

    until(is_told, "the operator is told")
    (mail,) = told
    assert mail["Delivered-To"] == str(OPERATOR)
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes) and POLICY[1] in text.decode()
    assert town.rows() == []
    assert town.shell.json("bounce", "ls", TOWN) == []
    assert town.shell.json("status")["members_suspended"] == 0
    assert town.mail_about(town.writes(ANN, TOWN)).keys() == {ANN, BOB, *BIG}
