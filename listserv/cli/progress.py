"""queue ls --watch on a terminal: a bar for each mailing, and how fast they go."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from listserv.app import App
from listserv.cli.status import standstills
from listserv.domain.mailing import MailingState
from listserv.mail.words import shown
from listserv.store import queue_view
from listserv.store.queue_view import QueueRow

# A look at the queue this often, in seconds; a rate is that of the last few looks.
_LOOK = 0.5
_LOOKS = 10
# Mailings that ended while we watched stay in sight, so many of them.
_ENDED = 10
# Columns: of a mailing's number, of "1,000,000 of 1,000,000+", of "100,000/s".
_ID, _COUNTS, _RATE = 6, 23, 9


class Rates:
    """Copies delivered a second, by mailing, over the last looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, Mapping[int, int]]] = deque(maxlen=_LOOKS)

    def look(self, now: float, delivered: Mapping[int, int]) -> None:
        """What is delivered by now, in seconds of any clock that does not jump."""
        self._looks.append((now, delivered))

    def of(self, mailing: int) -> float:
        """Of one mailing; one that came in between began with nothing delivered."""
        (began, then), (now, counts) = self._looks[0], self._looks[-1]
        more = counts.get(mailing, 0) - then.get(mailing, 0)
        return more / (now - began) if now > began else 0.0


def follow(app: App) -> None:
    """Draw what is in the queue until Ctrl-C."""
    rates, ended, open_before = Rates(), deque[int](maxlen=_ENDED), set[int]()
    with Live(console=Console(), auto_refresh=False) as live:
        try:
            while True:
                rows, why = _look(app, also={*ended, *open_before})
                is_open = {row.id for row in rows if row.finished is None}
                ended.extend(sorted(open_before - is_open))
                open_before = is_open
                rates.look(app.clock.monotonic(), {row.id: row.delivered for row in rows})
                live.update(picture(rows, rates, why, app.config.site.timezone), refresh=True)
                time.sleep(_LOOK)
        except KeyboardInterrupt:
            return


def _look(app: App, also: set[int]) -> tuple[list[QueueRow], list[str]]:
    return app.store.read(lambda tx: (queue_view.mailings(tx, also=also), standstills(tx, app)))


def picture(
    rows: Sequence[QueueRow], rates: Rates, why: Sequence[str], zone: ZoneInfo
) -> RenderableType:
    """A bar for each mailing, and below it what does not go by itself."""
    parts: list[RenderableType] = [Text(line, style="bold red") for line in why]
    for row in rows:
        parts.append(_bar(row, rates.of(row.id)))
        note = _note(row, zone)
        if note:
            parts.append(Padding(Text(note, style="yellow"), (0, 0, 0, _ID + 2)))
    rate = sum(rates.of(row.id) for row in rows)
    last = f"{rate:,.0f} copies a second" if rows else "nothing is queued"
    return Group(*parts, Text(f"{last}; Ctrl-C ends this", style="dim"))


def _bar(row: QueueRow, rate: float) -> Table:
    """One line. Its columns are as wide as those of any other, so that they stand in line."""
    had_turn = row.delivered + row.failed + row.skipped
    total = f"{row.recipients:,}" if row.expanded else f"{row.recipients:,}+"
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(justify="right", width=_ID)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=1)
    table.add_column(justify="right", width=_COUNTS, no_wrap=True)
    table.add_column(justify="right", width=_RATE, no_wrap=True)
    table.add_row(
        str(row.id),
        Text(shown(row.subject) or row.kind),
        ProgressBar(total=max(row.recipients, 1), completed=had_turn),
        f"{had_turn:,} of {total}",
        f"{rate:,.0f}/s",
    )
    return table


def _note(row: QueueRow, zone: ZoneInfo) -> str:
    counts = [
        f"{number:,} {what}"
        for number, what in (
            (row.failed, "failed"),
            (row.deferred, "deferred"),
            (row.set_aside, "set aside"),
        )
        if number
    ]
    state = [row.state] if row.state is not MailingState.ACTIVE else []
    waits = row.next_attempt is not None and (row.deferred or row.state is MailingState.PAUSED)
    when = [f"next {row.next_attempt.astimezone(zone):%H:%M}"] if waits and row.next_attempt else []
    return shown("; ".join([*state, *counts, *when, *([row.words] if row.words else [])]))
