"""The frame of the command line: configuration, help, exit statuses."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from listserv import __version__
from listserv.cli import NOUNS, main
from listserv.store.schema import HEAD
from tests.cli.shell import DOMAIN, Shell


def _commands(command: click.Command = main, *words: str) -> list[tuple[str, ...]]:
    found = [words]
    if isinstance(command, click.Group):
        for word in command.commands:
            found += _commands(command.commands[word], *words, word)
    return found


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_every_command_has_help_without_a_configuration(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, ["--config", "/nowhere/listserv.toml", *words, "--help"])
    assert done.exit_code == 0
    described = done.output.split("Options:")[0].strip().splitlines()
    assert len(described) > 1 and described[-1]


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_json_is_the_last_option_of_what_prints_data(words: tuple[str, ...]) -> None:
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    options = [p.opts[0] for p in command.params if isinstance(p, click.Option)]
    prints = words[-1:] in {
        ("ls",), ("show",), ("find",), ("log",), ("status",), ("dns",), ("doctor",), ("rules",),
    }  # fmt: skip
    assert ("--json" in options) == prints
    assert not prints or options[-1] == "--json"


def test_the_table_says_what_each_noun_says_itself() -> None:
    assert list(main.commands) == list(NOUNS)
    for noun, command in main.commands.items():
        assert command.name == noun


def test_version() -> None:
    done = CliRunner().invoke(main, ["--version"])
    assert (done.exit_code, done.output) == (0, f"listserv {__version__}\n")


@pytest.mark.parametrize("words", [(), ("list",), ("nonsense",), ("list", "nonsense"), ("--odd",)])
def test_wrong_usage_is_exit_status_2(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, words).exit_code == 2


def test_the_configuration_comes_from_the_environment_too(shell: Shell) -> None:
    environment = {"LISTSERV_CONFIG": str(shell.config)}
    done = CliRunner().invoke(main, ["list", "ls", "--json"], env=environment)
    assert (done.exit_code, done.output) == (0, "[]\n")


BAD_CONFIGS = {
    "missing": (None, "cannot be read: No such file"),
    "wrong key": ('[site]\ndomain = "a.test"\ndomian = "b.test"\n', "site.domian"),
    "wrong type": ('[site]\ndomain = "a.test"\n[relay]\nport = "25"\n', "relay.port"),
    "no TOML": ("[site\n", "is not TOML"),
    "no folder for the database": (
        '[site]\ndomain = "a.test"\n[storage]\ndatabase = "sqlite:////nowhere/x/listserv.db"\n',
        "storage.database: /nowhere/x/listserv.db: No such file or directory",
    ),
    "no server for the database": (
        '[site]\ndomain = "a.test"\n[storage]\n'
        'database = "postgresql+psycopg://x@/x?host=/nowhere"\n',
        "storage.database: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "why"), BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_a_bad_configuration_is_one_line_that_names_it(
    tmp_path: Path, text: str | None, why: str
) -> None:
    file = tmp_path / "listserv.toml"
    if text is not None:
        file.write_text(text)
    line = Shell(file).refused("list", "ls")
    assert why in line
    assert str(file) in line or "storage.database" in line


def test_a_folder_as_configuration_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in Shell(tmp_path).refused("config", "check")


def test_config_check_and_example(shell: Shell, tmp_path: Path) -> None:
    assert shell.ok("config", "check") == f"{shell.config}: good\n"
    example = Shell(Path("/nowhere")).ok("config", "example")
    own = tmp_path / "example.toml"
    own.write_text(example)
    assert Shell(own).ok("config", "check") == f"{own}: good\n"


def test_config_check_reads_the_operators_own_wording(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "member-welcome.txt").write_text("Subject: x\n\n{{ nonsense }}\n")
    text = shell.config.read_text()
    shell.config.write_text(text.replace("[site]\n", '[site]\ntemplates_dir = "words"\n'))
    assert "nonsense" in shell.refused("config", "check")


def test_control_characters_never_reach_the_terminal(shell: Shell) -> None:
    line = shell.refused("list", "show", "\x1b]0;gotcha\x07\x9b2J")
    assert line.isprintable()


def test_an_older_database_says_how_to_upgrade(town: Shell) -> None:
    with town.app() as app:
        app.store.write(
            lambda tx: tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        )
    assert town.refused("list", "ls").endswith("run `listserv db upgrade`")


def test_db_upgrade_says_what_it_did(shell: Shell) -> None:
    (shell.config.parent / "listserv.db").unlink()
    made = f"upgraded the database from version (none) to {HEAD}\n"
    assert shell.ok("db", "upgrade") == made
    assert shell.ok("db", "upgrade") == f"the database is of version {HEAD} already\n"


def test_the_first_command_makes_a_database_that_is_missing(shell: Shell) -> None:
    (shell.config.parent / "listserv.db").unlink()
    shell.ok("list", "create", f"town@{DOMAIN}")
    assert [one["address"] for one in shell.json("list", "ls")] == [f"town@{DOMAIN}"]


def test_only_the_noun_that_is_used_is_imported() -> None:
    program = (
        "import sys; from listserv.cli import main\n"
        "main(['config', 'example'], standalone_mode=False)\n"
        "print([m for m in sys.modules if m.split('.')[0] in"
        " {'alembic', 'rich', 'aiosmtpd', 'email_validator', 'uvloop'}])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert said.stdout.splitlines()[-1] == "[]"


def test_python_m_listserv_is_the_same_program() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "listserv", "--version"], check=True, capture_output=True, text=True
    )
    assert re.fullmatch(r"listserv \d+\.\d+\.\d+\n", said.stdout)
