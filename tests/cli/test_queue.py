"""queue and status: what goes out, and one look at it all."""

from tests.cli.shell import DOMAIN, Shell


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
        "lists": 1, "members": 2, "queue_mailings": 1, "held": 1, "accept_last_hour": 1,
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
