"""quarantine: what is set aside is shown, retried and dropped."""

import pytest

from listserv.app import App
from listserv.domain.mailing import Lease
from listserv.flow import quarantine
from listserv.flow.deliver import Deliveries
from listserv.store import leases, queue
from tests.cli.shell import DOMAIN, Shell

ANN = "ann@x.test"


def lease(app: App, worker: str) -> Lease:
    now = app.clock.now()
    held = app.store.record(lambda tx: Deliveries(app.site, worker).lease(tx, now))
    assert held is not None
    return held


def crash(shell: Shell, times: int) -> Lease:
    """So many workers lease the next batch and die; then another one leases it."""
    with shell.app() as app:
        for _ in range(times):
            lease(app, "here:1:1")
            app.store.record(lambda tx: leases.take_back(tx, app.clock.now(), ["here:1:1"]))
        return lease(app, "here:2:2")


@pytest.fixture
def one(town: Shell) -> Shell:
    """Ann's copy of a post is set aside."""
    town.post(ANN, "Tomatoes")
    crash(town, 3)
    return town


@pytest.fixture
def whole(town: Shell) -> Shell:
    """The whole mailing is."""
    town.post(ANN, "Tomatoes")
    held = crash(town, 0)
    with town.app() as app:
        app.store.record(
            lambda tx: quarantine.set_aside(tx, held, "it \x1b[2Jcrashes", held.mailing.created)
        )
    return town


def test_nothing_is_set_aside(town: Shell) -> None:
    assert town.json("quarantine", "ls") == []
    assert town.json("status")["quarantined"] == 0
    for verb in ("show", "retry", "drop"):
        assert "nothing with the id 17 is set aside" in town.refused("quarantine", verb, "17")
        town.misused("quarantine", verb, "first")


def test_a_recipient_is_shown_with_the_reason(one: Shell) -> None:
    (row,) = one.json("quarantine", "ls")
    assert (row["list"], row["kind"], row["subject"]) == (f"town@{DOMAIN}", "post", "Tomatoes")
    assert row["recipient"] == ANN
    assert "crashed 3 times in a row" in row["why"]
    shown = one.json("quarantine", "show", str(row["id"]))
    assert {key: shown[key] for key in row} == row
    assert (shown["recipients"], shown["set_aside"], shown["mailing_state"]) == (2, 1, "active")
    assert ANN in one.ok("quarantine", "ls")
    assert one.json("status")["quarantined"] == 1
    assert one.json("queue", "show", str(row["mailing"]))["set_aside"] == 1


def test_a_mailing_is_shown_without_a_recipient(whole: Shell) -> None:
    (row,) = whole.json("quarantine", "ls")
    assert row["recipient"] is None
    said = whole.ok("quarantine", "show", str(row["id"]))
    assert "everybody who has not got it" in said
    assert "set aside" in said
    assert said.replace("\n", "").isprintable()
    (queued,) = whole.json("queue", "ls")
    assert (queued["state"], queued["next_attempt"]) == ("set aside", None)


def test_a_recipient_is_retried_or_dropped_once(one: Shell) -> None:
    (row,) = one.json("quarantine", "ls")
    number, mailing = str(row["id"]), row["mailing"]
    assert one.ok("quarantine", "retry", number) == f"{ANN} gets mailing {mailing}\n"
    assert one.json("quarantine", "ls") == []
    assert one.json("queue", "show", str(mailing))["recipients"] == 2
    for verb in ("retry", "drop"):
        assert "is set aside" in one.refused("quarantine", verb, number)
    what = f"retried mailing {mailing} for {ANN}, which was set aside"
    assert one.json("list", "log", "town")[-1]["what"] == what


def test_a_dropped_recipient_is_named_in_the_log(one: Shell) -> None:
    (row,) = one.json("quarantine", "ls")
    said = one.ok("quarantine", "drop", str(row["id"]))
    assert said == f"{ANN} does not get mailing {row['mailing']}\n"
    (last,) = one.json("list", "log", "town")[-1:]
    what = f"gave up mailing {row['mailing']} for {ANN}, which was set aside"
    assert (last["who"], last["what"]) == ("command line", what)


def test_a_retried_mailing_is_in_the_queue_again(whole: Shell) -> None:
    (row,) = whole.json("quarantine", "ls")
    said = whole.ok("quarantine", "retry", str(row["id"]))
    assert said == f"everybody who has not got it gets mailing {row['mailing']}\n"
    assert whole.json("quarantine", "ls") == []
    assert [one["state"] for one in whole.json("queue", "ls")] == ["active"]


def test_a_dropped_mailing_leaves_the_queue(whole: Shell) -> None:
    (row,) = whole.json("quarantine", "ls")
    whole.ok("quarantine", "drop", str(row["id"]))
    assert whole.json("quarantine", "ls") == whole.json("queue", "ls") == []


def test_a_recipient_of_a_paused_mailing_waits_with_it(one: Shell) -> None:
    (row,) = one.json("quarantine", "ls")
    with one.app() as app:
        now = app.clock.now()
        app.store.write(lambda tx: queue.pause(tx, row["mailing"], "554 no", now))
    said = one.ok("quarantine", "retry", str(row["id"]))
    assert said == f"{ANN} gets mailing {row['mailing']}, once that is no longer paused\n"
