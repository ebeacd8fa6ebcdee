"""list: made, shown, renamed, held, deleted."""

import os
import pty
import subprocess
import sys

import pytest

from tests.cli.shell import DOMAIN, Shell


def test_a_list_is_made_and_shown(shell: Shell) -> None:
    assert shell.ok("list", "create", f"Town@{DOMAIN}", "--title", "Söderstadt 💌") == (
        f"made town@{DOMAIN}\n"
    )
    (row,) = shell.json("list", "ls")
    assert list(row)[:3] == ["address", "title", "members"]
    assert (row["address"], row["title"], row["members"]) == (f"town@{DOMAIN}", "Söderstadt 💌", 0)
    assert row["list_id"] == f"town.{DOMAIN}"
    assert shell.json("list", "show", "town") == row
    assert shell.json("list", "show", f"TOWN@{DOMAIN}") == row


def test_a_list_without_a_title_has_its_name(shell: Shell) -> None:
    shell.ok("list", "create", f"town@{DOMAIN}")
    assert shell.json("list", "show", "town")["title"] == "town"


def test_owners_are_members(shell: Shell) -> None:
    shell.ok("list", "create", f"town@{DOMAIN}", "--owner", "ann@x.test", "--owner", "bob@x.test")
    roles = {m["address"]: m["role"] for m in shell.json("member", "ls", "town")}
    assert roles == {"ann@x.test": "owner", "bob@x.test": "owner"}
    assert shell.json("list", "show", "town")["members"] == 2


BAD_LISTS = [
    "town", f"postmaster@{DOMAIN}", f"town-owner@{DOMAIN}", f"{'a' * 31}@{DOMAIN}", f"a b@{DOMAIN}",
    f".a@{DOMAIN}", "town@elsewhere.test", f"täwn@{DOMAIN}", f"@{DOMAIN}", f"a\nb@{DOMAIN}",
]  # fmt: skip


@pytest.mark.parametrize("address", BAD_LISTS, ids=ascii)
def test_what_cannot_be_a_list_is_refused_by_name(shell: Shell, address: str) -> None:
    assert repr(address) in shell.refused("list", "create", address)
    assert shell.json("list", "ls") == []


def test_a_bad_title_or_owner_leaves_no_list_behind(shell: Shell) -> None:
    assert "title" in shell.refused("list", "create", f"town@{DOMAIN}", "--title", "a\x00b")
    assert "ann@@x" in shell.refused("list", "create", f"town@{DOMAIN}", "--owner", "ann@@x")
    assert shell.json("list", "ls") == []


def test_an_unknown_list_is_refused_by_every_command(shell: Shell) -> None:
    for words in (
        ("list", "show"), ("list", "log"), ("list", "hold"), ("list", "free"), ("list", "delete"),
        ("member", "ls"), ("member", "export"), ("held", "ls"), ("ban", "ls"), ("rules",),
    ):  # fmt: skip
        assert shell.refused(*words, "nowhere").startswith("nowhere: there is no such list")


def test_a_list_is_shown_to_people_without_quotes_or_brackets(town: Shell) -> None:
    head, row = town.ok("list", "ls").splitlines()
    assert head.split("\t")[:3] == ["address", "title", "members"]
    assert row.split("\t")[:3] == [f"town@{DOMAIN}", "Our town", "2"]
    assert "\ntitle              Our town\n" in town.ok("list", "show", "town")


def test_a_renamed_list_answers_to_both_names(town: Shell) -> None:
    assert town.ok("list", "rename", "town", "city").startswith(f"renamed to city@{DOMAIN};")
    for name in ("town", "city", f"town@{DOMAIN}"):
        shown = town.json("list", "show", name)
        assert (shown["address"], shown["list_id"]) == (f"city@{DOMAIN}", f"town.{DOMAIN}")
        assert shown["former"] == [f"town@{DOMAIN}"]
    assert "a former address of" in town.refused("list", "create", f"town@{DOMAIN}")
    assert "names ending in -join" in town.refused("list", "rename", "city", "city-join")


def test_hold_and_free(town: Shell) -> None:
    town.ok("list", "hold", "town")
    assert town.json("list", "show", "town")["on_hold"] is True
    town.ok("list", "free", "town")
    assert town.json("list", "show", "town")["on_hold"] is False


def test_the_log_says_who_did_what(town: Shell) -> None:
    town.ok("list", "set", "town", "reply_to=author")
    told = [(event["who"], event["what"]) for event in town.json("list", "log", "town")]
    assert told == [
        ("command line", "created the list, style discussion"),
        ("command line", "added ann@x.test"),
        ("command line", "added bob@x.test"),
        ("command line", "set reply_to=author"),
    ]


def test_delete_without_a_terminal_wants_yes(town: Shell) -> None:
    line = town.refused(
        "list",
        "delete",
        "town",
    )
    assert f"Delete town@{DOMAIN} with 2 members" in line and line.endswith("say --yes")
    assert len(town.json("list", "ls")) == 1
    assert town.ok("list", "delete", "town", "--yes") == f"deleted town@{DOMAIN}\n"
    assert town.json("list", "ls") == []


@pytest.mark.parametrize(("answer", "left"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_delete_asks_on_a_terminal(town: Shell, answer: bytes, left: int) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "listserv",
        "--config",
        str(town.config),
        "list",
        "delete",
        "town",
    ]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as asking:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 1000)
        os.write(ours, answer)
    os.close(ours)
    assert asking.returncode == left
    assert len(town.json("list", "ls")) == left


def test_on_a_terminal_ls_is_a_table(town: Shell) -> None:
    town.ok("list", "set", "town", "title=[red]bell[/red]")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "listserv", "--config", str(town.config), "list", "ls"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(command, stdout=theirs, env=environment) as listing:
        os.close(theirs)
        said = b""
        try:
            while some := os.read(ours, 10_000):
                said += some
        except OSError:
            pass  # the terminal's other end is closed
    os.close(ours)
    assert listing.returncode == 0
    assert b"[red]bell[/red]" in said and "─".encode() in said
