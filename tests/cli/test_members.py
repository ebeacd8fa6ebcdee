"""member: added, imported, shown, changed, removed."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from listserv.store.tables import MemberRow
from tests.cli.shell import DOMAIN, Shell


def _roster(shell: Shell) -> dict[str, dict[str, Any]]:
    return {member["address"]: member for member in shell.json("member", "ls", "town")}


def _file(shell: Shell, data: bytes) -> str:
    file = shell.config.parent / "members.csv"
    file.write_bytes(data)
    return str(file)


def _queued(shell: Shell) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shell.json("queue", "ls")
    return found


def test_a_member_is_shown_with_all_that_works(town: Shell) -> None:
    bob = town.json("member", "show", "town", "BOB@x.test")
    assert list(bob)[:5] == ["address", "name", "role", "delivery", "state"]
    assert bob == {
        "address": "bob@x.test", "name": "Bob", "role": "member", "delivery": "mail",
        "state": "active", "format": "html", "digest_hour": "", "digest_days": "",
        "timezone": "", "own_posts": "yes", "duplicates": "yes", "ack": "no",
        "conceal": "no", "moderated": "no", "read_next": "no", "away": "", "also": "",
        "language": "", "until": "",
        "waiting": 0, "posts": 0, "joined": bob["joined"], "began": "command line",
    }  # fmt: skip
    assert _roster(town)["bob@x.test"] == bob


def test_who_is_no_member_is_refused(town: Shell) -> None:
    for words in (("show",), ("set",), ("remove",)):
        setting = ("delivery=mail",) if words == ("set",) else ()
        line = town.refused("member", *words, "town", "carol@x.test", *setting)
        assert line == f"carol@x.test is not a member of town@{DOMAIN}"


def test_members_are_added_at_once_and_get_no_mail(town: Shell) -> None:
    said = town.ok("member", "add", "town", "Carol@X.test", "söder@exämple.test")
    assert said == "added Carol@x.test\nadded söder@xn--exmple-cua.test\n"
    assert len(_roster(town)) == 4
    assert _queued(town) == []


def test_one_bad_address_keeps_all_out_and_is_named(town: Shell) -> None:
    for bad in ("carol", "ca rol@x.test", "carol@localhost", "bob@x.test", f"town@{DOMAIN}"):
        assert bad in town.refused("member", "add", "town", "dave@x.test", bad)
    assert set(_roster(town)) == {"ann@x.test", "bob@x.test"}


def test_names_with_control_characters_are_refused(town: Shell) -> None:
    for name in ("a\nb", "\x1b[2J", "\x00", "a\u2028b", "\u202eevil"):
        assert "name" in town.refused("member", "add", "town", "carol@x.test", "--name", name)
        assert "name" in town.refused("member", "set", "town", "bob@x.test", f"name={name}")
    assert _roster(town)["bob@x.test"]["name"] == "Bob"


def test_options_of_add(town: Shell) -> None:
    town.ok(
        "member", "add", "town", "carol@x.test",
        "--name", "Carol", "--delivery", "digest", "--role", "moderator",
    )  # fmt: skip
    carol = _roster(town)["carol@x.test"]
    assert (carol["name"], carol["delivery"], carol["role"]) == ("Carol", "digest", "moderator")
    for option, value in (("--delivery", "weekly"), ("--role", "boss")):
        assert value in town.refused("member", "add", "town", "dave@x.test", option, value)
    town.misused("member", "add", "town", "dave@x.test", "erin@x.test", "--name", "Dave")
    town.misused("member", "add", "town")


def test_welcome_is_sent_only_when_asked_for(town: Shell) -> None:
    town.ok("member", "add", "town", "carol@x.test", "dave@x.test", "--welcome")
    assert [mailing["kind"] for mailing in _queued(town)] == ["notice", "notice"]
    assert {mailing["list"] for mailing in _queued(town)} == {f"town@{DOMAIN}"}
    file = _file(town, b"carol@x.test\nerin@x.test\n")
    town.ok("member", "import", "town", file, "--welcome")
    assert len(_queued(town)) == 3


def test_add_brings_back_who_left_but_not_who_is_banned(town: Shell) -> None:
    town.ok("member", "remove", "town", "bob@x.test")
    assert set(_roster(town)) == {"ann@x.test"}
    town.ok("ban", "add", "town", "bob@x.test")
    assert "bob@x.test is banned" in town.refused("member", "add", "town", "bob@x.test")
    town.ok("ban", "remove", "town", "bob@x.test")
    town.ok("member", "add", "town", "bob@x.test")
    assert _roster(town)["bob@x.test"]["state"] == "active"


def test_posts_wait_for_a_digest_reader(town: Shell) -> None:
    town.post("ann@x.test", "One")
    town.ok("member", "set", "town", "bob@x.test", "delivery=digest")
    town.post("ann@x.test", "Two")
    town.post("ann@x.test", "Three")
    assert town.json("member", "show", "town", "bob@x.test")["waiting"] == 2
    assert {a: m["waiting"] for a, m in _roster(town).items()} == {"ann@x.test": 0, "bob@x.test": 2}
    assert _roster(town)["ann@x.test"]["posts"] == 3


def test_members_are_removed_all_or_none(town: Shell) -> None:
    town.refused("member", "remove", "town", "bob@x.test", "carol@x.test")
    assert len(_roster(town)) == 2
    said = town.ok("member", "remove", "town", "ann@x.test", "bob@x.test")
    assert said.splitlines() == [f"removed {n}@x.test from town@{DOMAIN}" for n in ("ann", "bob")]
    assert _roster(town) == {}
    town.misused("member", "remove", "town")


def test_somebody_is_found_on_and_removed_from_every_list(town: Shell) -> None:
    town.ok("list", "create", f"city@{DOMAIN}", "--owner", "Bob@x.test")
    town.ok("member", "remove", "town", "bob@x.test")
    found = town.json("member", "find", "BOB@x.test")
    assert [(m["list"], m["state"]) for m in found] == [
        (f"town@{DOMAIN}", "left"),
        (f"city@{DOMAIN}", "active"),
    ]
    assert town.json("member", "find", "nobody@x.test") == []
    said = town.ok("member", "remove", "--all-lists", "bob@x.test")
    assert said == f"removed bob@x.test from city@{DOMAIN}\n"
    assert "not a member of any list" in town.refused(
        "member", "remove", "--all-lists", "bob@x.test"
    )


def test_an_import_says_how_many_it_added_and_left_alone(town: Shell) -> None:
    town.ok("member", "add", "town", "left@x.test", "sick@x.test")
    town.ok("member", "remove", "town", "left@x.test")
    town.ok("ban", "add", "town", "@spam.test")
    with town.app() as app:
        sick = MemberRow.address_key == "sick@x.test"
        app.store.write(
            lambda tx: tx.execute(update(MemberRow).where(sick).values(state="suspended"))
        )
    file = _file(
        town,
        b"\xef\xbb\xbfName,ADDRESS,delivery\r\nRobert,bob@x.test,digest\r\n,left@x.test,\r\n"
        b",eve@spam.test,\r\n,sick@x.test,\r\nNew,new@x.test,nomail\r\nNew,NEW@x.test,nomail\r\n",
    )
    assert town.ok("member", "import", "town", file).splitlines() == [
        "1 added, 0 revived, 0 overwritten, 5 left alone",
        "  1 repeated in the file",
        "  1 members already",
        "  1 left before",
        "  1 banned",
        "  1 suspended",
    ]
    assert _roster(town)["bob@x.test"]["name"] == "Bob"
    new = _roster(town)["new@x.test"]
    assert (new["name"], new["delivery"], new["began"]) == ("New", "nomail", "import")
    said = town.ok("member", "import", "town", file, "--revive", "--overwrite")
    assert said.startswith("0 added, 1 revived, 1 overwritten, 4 left alone\n")
    bob = _roster(town)["bob@x.test"]
    assert (bob["name"], bob["delivery"]) == ("Robert", "digest")
    assert {a: m["state"] for a, m in _roster(town).items()} == {
        "ann@x.test": "active", "bob@x.test": "active", "left@x.test": "active",
        "sick@x.test": "suspended", "new@x.test": "active",
    }  # fmt: skip


def test_of_ten_thousand_lines_one_bad_one_keeps_all_out(town: Shell) -> None:
    lines = [b"member%d@x.test" % n for n in range(10_000)]
    lines[7_776] = b"member7776 at x.test"
    said = town.complaint("member", "import", "town", _file(town, b"\n".join(lines)))
    assert said.splitlines()[0] == "nobody was added, bad lines: 1"
    assert said.splitlines()[1].startswith("line 7777: member7776 at x.test: ")
    assert len(_roster(town)) == 2
    lines[7_776] = b"member7776@x.test"
    said = town.ok("member", "import", "town", _file(town, b"\n".join(lines)))
    assert said == "10000 added, 0 revived, 0 overwritten, 0 left alone\n"
    assert town.json("list", "show", "town")["members"] == 10_002


def test_every_bad_line_is_on_a_line_of_its_own(town: Shell) -> None:
    file = _file(town, f"address,role\nx@x.test,king\nok@x.test,\ntown@{DOMAIN},\nbad,\n".encode())
    first, *lines = town.complaint("member", "import", "town", file).splitlines()
    assert first == "nobody was added, bad lines: 3"
    assert [line.split(":")[0] for line in lines] == ["line 2", "line 4", "line 5"]


def test_an_import_comes_from_standard_input_too(town: Shell) -> None:
    town.ok("member", "import", "town", "-", given="söder@x.test\n".encode())
    assert "söder@x.test" in _roster(town)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_named(town: Shell, name: str, tmp_path: Path) -> None:
    file = str(tmp_path / name)
    assert town.refused("member", "import", "town", file).startswith(f"{file}: cannot be read: ")


def test_what_export_prints_import_reads(town: Shell) -> None:
    name = 'Söder, "Ännchen"'
    town.ok("member", "add", "town", "a@x.test", "--name", name, "--delivery", "digest")
    town.ok("member", "set", "town", "a@x.test", "digest_hour=7 pm", "digest_days=Thu Mon",
            "timezone=new york", "format=text")  # fmt: skip
    town.ok("list", "create", f"copy@{DOMAIN}")
    exported = town.ok("member", "export", "town")
    first, ann, *_, a = exported.splitlines()
    assert first == "address,name,delivery,role,also,format,digest_hour,digest_days,timezone"
    assert ann == "ann@x.test,,mail,owner,,html,,,"
    assert a.endswith(',digest,member,,text,19,"mon,thu",America/New_York')
    town.ok("member", "import", "copy", "-", given=exported.encode())
    assert town.ok("member", "export", "copy") == exported
    town.ok("member", "set", "copy", "a@x.test", "digest_hour=", "timezone=Berlin", "format=html")
    town.ok("member", "import", "copy", "-", "--overwrite", given=exported.encode())
    assert town.ok("member", "export", "copy") == exported
    town.ok("member", "set", "copy", "a@x.test", "digest_days=")
    town.ok("member", "remove", "copy", "a@x.test")
    town.ok("member", "import", "copy", "-", "--revive", given=exported.encode())
    assert town.ok("member", "export", "copy") == exported


def test_on_a_terminal_an_import_shows_a_bar(town: Shell) -> None:
    file = _file(town, b"".join(b"member%d@x.test\n" % n for n in range(3000)))
    ours, theirs = pty.openpty()
    words = ["--config", str(town.config), "member", "import", "town", file]
    command = [sys.executable, "-m", "listserv", *words]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env=environment
    ) as importing:
        os.close(theirs)
        bar = b""
        try:
            while some := os.read(ours, 10_000):
                bar += some
        except OSError:
            pass  # the terminal's other end is closed
        assert importing.stdout is not None
        assert importing.stdout.read().startswith(b"3000 added")
    os.close(ours)
    assert b"adding" in bar and b"100%" in bar


def test_a_list_of_the_same_name_elsewhere_is_not_guessed(town: Shell) -> None:
    text = town.config.read_text()
    town.config.write_text(text.replace(f'"{DOMAIN}"', '"other.test"'))
    town.ok("list", "create", "town@other.test")
    line = town.refused("member", "ls", "town")
    assert f"town@{DOMAIN}, town@other.test" in line
    assert len(town.json("member", "ls", f"town@{DOMAIN}")) == 2


def test_a_break_ends_on_its_day_and_a_day_that_is_past_is_refused(town: Shell) -> None:
    town.ok("member", "set", "town", "bob@x.test", "until=2090-12-01")
    shown = town.json("member", "show", "town", "bob@x.test")
    assert (shown["delivery"], shown["until"]) == ("nomail", "2090-12-01")
    line = town.refused("member", "set", "town", "bob@x.test", "until=2020-12-01")
    assert line.startswith("until=2020-12-01: until is a day after today")
    line = town.refused("member", "set", "town", "bob@x.test", "until=2090-12-01", "delivery=mail")
    assert "say one of them" in line
    assert town.json("member", "show", "town", "bob@x.test") == shown
    town.ok("member", "set", "town", "bob@x.test", "until=")
    shown = town.json("member", "show", "town", "bob@x.test")
    assert (shown["delivery"], shown["until"]) == ("nomail", "")
    town.ok("member", "set", "town", "bob@x.test", "delivery=mail")
    assert town.json("member", "show", "town", "bob@x.test")["delivery"] == "mail"
