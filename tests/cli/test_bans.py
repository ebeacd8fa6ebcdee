"""ban: who is kept out, where, and until when."""

import pytest

from tests.cli.shell import DOMAIN, Shell


def test_bans_are_shown_of_a_list_of_the_site_or_all(town: Shell) -> None:
    town.ok("ban", "add", "town", "Eve+x@X.test", "--reason", "rude")
    town.ok("ban", "add", "--site", "@Spam.TEST")
    of_list = town.json("ban", "ls", "town")
    of_site = town.json("ban", "ls", "--site")
    assert [(b["list"], b["pattern"], b["reason"]) for b in of_list] == [
        (f"town@{DOMAIN}", "eve+x@x.test", "rude")
    ]
    assert [(b["list"], b["pattern"], b["until"]) for b in of_site] == [(None, "@spam.test", None)]
    assert town.json("ban", "ls") == of_site + of_list


def test_a_ban_lasts_through_its_last_day_where_the_site_is(town: Shell) -> None:
    town.ok("ban", "add", "town", "eve@x.test", "--until", "2030-06-30")
    (ban,) = town.json("ban", "ls", "town")
    assert ban["until"] == "2030-06-30T23:00:00+00:00"  # midnight in London, in summer


@pytest.mark.parametrize("day", ["soon", "30.6.2030", "2030-02-30", "9999-12-31", ""])
def test_what_is_no_date_is_wrong_usage(town: Shell, day: str) -> None:
    assert "is not a date" in town.misused("ban", "add", "town", "eve@x.test", "--until", day)
    assert town.json("ban", "ls") == []


def test_a_ban_that_means_nothing_is_refused(town: Shell) -> None:
    assert "ended already" in town.refused(
        "ban", "add", "town", "e@x.test", "--until", "2020-01-01"
    )
    for who in ("eve", "@", "@@x", "eve@"):
        assert who in town.refused("ban", "add", "town", who)
    assert town.json("ban", "ls") == []


def test_a_ban_is_lifted_where_it_is(town: Shell) -> None:
    town.ok("ban", "add", "town", "eve@x.test")
    assert "is not banned here" in town.refused("ban", "remove", "--site", "eve@x.test")
    assert town.ok("ban", "remove", "town", "EVE@x.test") == "lifted the ban of eve@x.test\n"
    assert town.json("ban", "ls") == []


@pytest.mark.parametrize(
    "words",
    [("eve@x.test",), ("town",), ("--site",), ("--site", "town", "e@x.test"), ("town", "e@x", "y")],
)
def test_a_ban_says_where_and_who(town: Shell, words: tuple[str, ...]) -> None:
    town.misused("ban", "add", *words)
    town.misused("ban", "remove", *words)


def test_who_is_banned_is_kept_from_posting(town: Shell) -> None:
    town.ok("ban", "add", "--site", "bob@x.test")
    town.post("bob@x.test")
    assert town.json("queue", "ls") == []
    assert town.json("status")["reject_last_hour"] == 1
