"""queue and status: what goes out, and one look at it all."""

from datetime import timedelta

import pytest

from listserv.domain.mailing import Again, Fate, Outcome
from listserv.flow.deliver import Deliveries
from listserv.store import counters, leases, queue, site
from listserv.store.session import Tx
from tests.cli.shell import DOMAIN, Shell

WORDS = "451 4.7.1 \x1b[2Jgreylisted"


@pytest.fixture
def tried(town: Shell) -> int:
    """A post that bob gets later, ann did not want, and cleo has; the mailing's number."""
    town.ok("member", "add", "town", "cleo@x.test")
    town.post("ann@x.test", "Tomatoes")
    with town.app() as app:
        now = app.clock.now()

        def job(tx: Tx) -> int:
            held = Deliveries(app.site, "here:1:1").lease(tx, now)
            assert held is not None
            fresh = {0: Outcome(Fate.FAILED, "550 no such user"), 2: Outcome(Fate.DELIVERED)}
            leases.record(tx, held, b"\xa0", fresh, now)
            later = now + timedelta(hours=1)
            leases.finish(tx, held, [Again((1,), later, 1, WORDS)], now)
            counters.count(tx, 1, "delivered", now)
            return held.mailing.id

        return app.store.write(job)


def test_a_mailing_is_shown_until_it_is_dropped(town: Shell) -> None:
    town.post("ann@x.test", "Tomatoes")
    (row,) = town.json("queue", "ls")
    wanted = "id list kind recipients delivered deferred failed next_attempt".split()
    assert set(wanted) <= set(row)
    assert (row["list"], row["kind"], row["subject"]) == (f"town@{DOMAIN}", "post", "Tomatoes")
    shown = town.json("queue", "show", str(row["id"]))
    assert {key: shown[key] for key in row} == row and shown["refused"] == []
    assert "Tomatoes" in town.ok("queue", "show", str(row["id"]))
    assert town.ok("queue", "retry", str(row["id"])) == f"mailing {row['id']} is due now\n"
    assert town.ok("queue", "drop", str(row["id"])) == f"dropped mailing {row['id']}\n"
    assert town.json("queue", "ls") == []
    for verb in ("retry", "drop"):
        assert "is not in the queue" in town.refused("queue", verb, str(row["id"]))


def test_a_mailing_says_who_waits_and_why_and_who_was_refused(town: Shell, tried: int) -> None:
    (row,) = town.json("queue", "ls")
    assert (row["recipients"], row["delivered"], row["deferred"], row["failed"]) == (3, 1, 1, 1)
    assert row["words"] == WORDS and row["expanded"] is True
    shown = town.json("queue", "show", str(tried))
    (waiting,) = shown["waiting"]
    assert (waiting["recipients"], waiting["addresses"]) == (1, ["bob@x.test"])
    assert (waiting["attempts"], waiting["words"]) == (1, WORDS)
    assert waiting["next_attempt"] == row["next_attempt"] is not None
    (refused,) = shown["refused"]
    assert (refused["address"], refused["words"]) == ("ann@x.test", "550 no such user")
    said = town.ok("queue", "show", str(tried))
    assert "bob@x.test: 451 4.7.1 [2Jgreylisted (attempts 1, next 20" in said
    assert "ann@x.test: 550 no such user" in said
    assert said.replace("\n", "").isprintable()


def test_a_paused_mailing_is_shown_with_the_relays_words(town: Shell, tried: int) -> None:
    with town.app() as app:
        now = app.clock.now()
        app.store.write(lambda tx: queue.pause(tx, tried, "554 5.7.1 spam", now))
    (row,) = town.json("queue", "ls")
    assert (row["state"], row["words"]) == ("paused", "554 5.7.1 spam")
    assert row["next_attempt"] > now.isoformat()
    assert "554 5.7.1 spam" in town.ok("queue", "ls")
    town.ok("queue", "retry", str(tried))
    assert [one["state"] for one in town.json("queue", "ls")] == ["active"]


def test_who_retried_and_dropped_a_mailing_stands_in_the_log(town: Shell, tried: int) -> None:
    town.ok("queue", "retry", str(tried))
    town.ok("queue", "drop", str(tried))
    retried, dropped = town.json("list", "log", "town")[-2:]
    assert (retried["who"], retried["what"]) == ("command line", f"retried mailing {tried}")
    assert (dropped["who"], dropped["what"]) == ("command line", f"gave up mailing {tried}")


def test_a_relay_that_takes_nothing_is_named_with_its_words(town: Shell, tried: int) -> None:
    assert town.json("status")["relay_down"] is None
    with town.app() as app:
        now = app.clock.now()
        app.store.write(lambda tx: site.note_relay(tx, "535 5.7.8 who \x1b[2Jare you?", now))
    down = town.json("status")["relay_down"]
    assert down.startswith("since 20") and "535 5.7.8 who" in down
    for words in (("status",), ("queue", "ls")):
        done = town.run(*words)
        assert done.stderr.startswith("nothing goes out: the relay takes nothing, since 20")
        assert done.stderr.endswith(": 535 5.7.8 who [2Jare you?\n")
        assert "\x1b" not in done.output
    with town.app() as app:
        app.store.write(lambda tx: site.note_relay(tx, "", now))
    assert town.ok("queue", "ls") and town.json("status")["relay_down"] is None


def test_a_limit_that_is_reached_is_named(town: Shell, tried: int) -> None:
    config = town.config.read_text()
    town.config.write_text(f"{config}[relay]\nmax_per_day = 2\n")
    assert town.ok("queue", "ls")
    town.config.write_text(f"{config}[relay]\nmax_per_day = 1\n")
    for words in (("status",), ("queue", "ls")):
        said = town.run(*words).stderr
        assert said == "nothing goes out: relay.max_per_day = 1 is reached\n"


def test_status_shows_how_fast_it_goes(town: Shell, tried: int) -> None:
    status = town.json("status")
    assert (status["queue_recipients"], status["refused_last_day"]) == (1, 1)
    assert status["delivered_last_minute"] == status["delivered_last_hour"] == 1
    with town.app() as app:
        now = app.clock.now()
        app.store.write(lambda tx: counters.count(tx, 0, "delivered", now, 599))
    status = town.json("status")
    assert status["delivered_last_minute"] == status["delivered_last_day"] == 600
    assert status["rate_per_second"] == 10.0


def test_an_unknown_mailing_is_refused(town: Shell) -> None:
    for verb in ("show", "retry", "drop"):
        assert "mailing 17" in town.refused("queue", verb, "17")
    town.misused("queue", "show", "first")


def test_the_relay_is_paused_and_resumed(town: Shell) -> None:
    town.ok("queue", "pause")
    assert town.json("status")["relay_paused"] == "paused by command line"
    done = town.run("queue", "ls")
    assert done.stderr == "nothing goes out: paused by command line\n"
    town.ok("queue", "resume")
    assert town.json("status")["relay_paused"] is None


def test_status_is_one_object(town: Shell) -> None:
    town.post("ann@x.test", "One")
    town.post("eve@x.test", "Two")
    status = town.json("status")
    assert {
        "lists": 1, "members": 2, "queue_mailings": 3, "held": 1, "accept_last_hour": 1,
        "hold_last_hour": 1, "reject_last_hour": 0, "discard_last_hour": 0,
        "delivered_last_hour": 0, "refused_last_day": 0, "relay_paused": None,
    }.items() <= status.items()  # fmt: skip
    assert status["queue_oldest"] and status["held_oldest"]
    assert status["database_bytes"] > 100_000 and status["disk_free_bytes"] > 0
    assert status["days_to_full"] > 0
    assert "held_oldest" in town.ok("status")


def test_watch_is_for_people(town: Shell) -> None:
    for words in (("status",), ("queue", "ls")):
        assert "--watch" in town.misused(*words, "--watch", "--json")
