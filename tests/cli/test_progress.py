"""queue ls --watch on a terminal: the picture, and the program that draws it."""

import os
import pty
import select
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from listserv.cli.progress import Rates, picture
from listserv.domain.mailing import Kind, MailingState
from listserv.store.queue_view import QueueRow
from tests.cli.shell import Shell

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ROW = QueueRow(
    id=17, list_id=1, list_address="town@lists.test", kind=Kind.POST, subject="Tomatoes",
    state=MailingState.ACTIVE, created=NOON, finished=None, expanded=True, recipients=2000,
    delivered=900, deferred=0, failed=0, skipped=100, set_aside=0, next_attempt=None, words="",
)  # fmt: skip
# The program looks twice a second; this only ends a test that has failed.
PATIENCE = 90.0


def drawn(*rows: QueueRow, rates: Rates | None = None, why: tuple[str, ...] = ()) -> str:
    if rates is None:
        rates = Rates()
        rates.look(0.0, {})
    console = Console(file=StringIO(), width=100, force_terminal=True, color_system=None)
    with console.capture() as caught:
        console.print(picture(rows, rates, why, ZoneInfo("Europe/Berlin")))
    return caught.get()


def test_a_bar_is_as_full_as_recipients_had_their_turn() -> None:
    said = drawn(ROW)
    assert "Tomatoes" in said and "1,000 of 2,000 " in said
    whole = drawn(replace(ROW, delivered=1900)).count("━")
    assert 2 * said.count("━") == pytest.approx(whole, abs=1)
    assert drawn(replace(ROW, recipients=0, delivered=0, skipped=0)).count("0 of 0") == 1


def test_recipients_that_are_not_written_yet_are_hinted_at() -> None:
    assert "1,000 of 2,000+ " in drawn(replace(ROW, expanded=False))


@pytest.mark.parametrize(
    ("row", "note"),
    [
        (
            replace(ROW, deferred=3, failed=2, next_attempt=NOON, words="451 later"),
            "2 failed; 3 deferred; next 13:00; 451 later",
        ),
        (
            replace(ROW, state=MailingState.PAUSED, next_attempt=NOON, words="554 spam"),
            "paused; next 13:00; 554 spam",
        ),
        (replace(ROW, state=MailingState.SET_ASIDE, words="it crashes"), "set aside; it crashes"),
        (replace(ROW, set_aside=1), "1 set aside"),
        (replace(ROW, state=MailingState.DONE, finished=NOON), "done"),
    ],
)
def test_what_does_not_go_by_itself_stands_below_its_bar(row: QueueRow, note: str) -> None:
    lines = [line.strip() for line in drawn(row).splitlines()]
    assert note in lines
    assert note not in drawn(ROW)


def test_nothing_in_it_steers_the_terminal() -> None:
    said = drawn(replace(ROW, subject="To\x1b[2J\nma", words="4\x1b[2J51", deferred=1, failed=1))
    assert "\x1b[2J" not in said
    assert "[bold]" in drawn(replace(ROW, subject="[bold]x"))


def test_an_empty_queue_and_a_standstill_are_said() -> None:
    said = drawn(why=("nothing goes out: paused by command line",))
    assert "nothing goes out: paused by command line" in said
    assert "nothing is queued" in said


def test_a_rate_is_that_of_the_last_looks() -> None:
    rates = Rates()
    for second in range(30):
        rates.look(float(second), {17: 100 * second * second, 18: 0})
    assert rates.of(17) == pytest.approx(100 * (29**2 - 20**2) / 9)
    assert (rates.of(18), rates.of(19)) == (0, 0)
    assert f"{rates.of(17):,.0f}/s" in drawn(ROW, rates=rates)


def test_a_mailing_that_came_since_began_with_nothing() -> None:
    rates = Rates()
    rates.look(0.0, {})
    assert rates.of(17) == 0
    rates.look(2.0, {17: 50})
    assert rates.of(17) == 25


def test_on_a_terminal_bars_are_drawn_until_ctrl_c(town: Shell) -> None:
    town.post("ann@x.test", "Tomatoes")
    (row,) = town.json("queue", "ls")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "listserv", "--config", str(town.config), "queue", "ls"]
    terminal = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "24"}
    with subprocess.Popen(
        [*command, "--watch"], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=terminal,
        start_new_session=True,
    ) as watching:  # fmt: skip
        os.close(theirs)
        try:
            read_until(ours, "Tomatoes")
            town.ok("queue", "drop", str(row["id"]))
            read_until(ours, "dropped")
            watching.send_signal(signal.SIGINT)
            read_until(ours, "")
            assert watching.stderr is not None
            assert (watching.wait(PATIENCE), watching.stderr.read()) == (0, b"")
        finally:
            watching.kill()
            os.close(ours)


def read_until(terminal: int, words: str) -> None:
    """Read what is drawn until these words come, or with "" until the program ends."""
    seen = b""
    while not words or words.encode() not in seen:
        assert select.select([terminal], [], [], PATIENCE)[0], f"no {words!r} in {seen!r}"
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # Linux says EIO when the other side is closed
            chunk = b""
        if not chunk:
            assert not words, f"no {words!r} in {seen!r}"
            return
        seen += chunk
