"""A report to a running server, from the copy that arrived to the table that an operator sees."""

import smtplib
import time
from functools import partial

from listserv.flow import enrol, weigh
from listserv.flow.administer import create_list
from listserv.flow.weigh import Row
from tests.flow.bouncing import HARD, a_report
from tests.flow.world import a_message
from tests.program.running import DOMAIN, PATIENCE, Running

ANN, BOB = "ann@example.org", "bob@example.net"


def rows(running: Running, list_id: int) -> list[Row]:
    app = running.app
    page = partial(weigh.page, site=app.site, list_id=list_id, now=app.clock.now(), after=0)
    found, _ = app.store.read(page)
    return found


def test_a_report_is_in_the_table_soon_and_nobody_is_written_to(running: Running) -> None:
    app = running.app
    now, by = app.clock.now(), "test"
    town = app.store.write(
        lambda tx: create_list(
            tx, f"town@{DOMAIN}", domains={DOMAIN}, style="discussion", settings={}, owners=[ANN],
            by=by, now=now,
        )
    )  # fmt: skip
    app.store.write(
        lambda tx: enrol.add_members(
            tx, town.id, [BOB], domains={DOMAIN}, settings={}, by=by, now=now
        )
    )
    with smtplib.SMTP("127.0.0.1", running.smtp or 0) as client:
        client.sendmail(ANN, [f"town@{DOMAIN}"], a_message(ANN, (f"town@{DOMAIN}",)))
        copies = running.mail()
        assert set(copies) == {ANN, BOB}
        path = copies[BOB]["Return-Path"].strip("<>")
        client.sendmail("", [path], a_report(path, HARD, BOB))
    end = time.monotonic() + PATIENCE
    while not (found := rows(running, town.id)):
        assert time.monotonic() < end, "the report is not weighed"
        time.sleep(0.05)
    (row,) = found
    assert (str(row.address), row.score, row.state) == (BOB, 1, "active")
    assert row.last is not None
    assert set(running.mail()) == {ANN, BOB}
    assert len(list(running.maildir.glob("new/*"))) == 2
