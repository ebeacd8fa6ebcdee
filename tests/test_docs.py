"""What the documents say is true: files they name exist, commands they show are there."""

import re
import subprocess
from pathlib import Path

import click
import pytest

from listserv.cli import main

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text("utf-8")

# A path from the root of the repository, anywhere in a document but not inside another path.
_PATH = re.compile(
    r"(?<![\w/.~-])(?:(?:listserv|tests|templates|docs|systemd|benchmarks|\.ci)/[\w./-]*"
    r"|[\w.-]+\.(?:md|example\.toml)|pyproject\.toml|constraints\.txt|LICENSE)"
)
_BEGINS = "python3 -m venv .venv && .venv/bin/pip install"
_BETWEEN = " -c constraints.txt -e '.[dev]' && "
_ENDS = (".venv/bin/listserv demo", ".venv/bin/pytest -n auto")


def named_files(text: str) -> set[str]:
    return {found.rstrip(".") for found in _PATH.findall(text)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    named = named_files(document.read_text("utf-8"))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_names_of_files_are_recognised() -> None:
    text = "See listserv/app.py, [b](docs/flow.md). `tests/`; /etc/listserv/x, /opt/listserv/bin"
    assert named_files(text) == {"listserv/app.py", "docs/flow.md", "tests/"}


def test_a_recipe_names_one_file_of_code_and_one_test() -> None:
    recipes = re.split(r"^## ", (ROOT / "docs/adding.md").read_text("utf-8"), flags=re.M)[1:]
    assert [recipe.partition("\n")[0] for recipe in recipes] == [
        "A posting rule", "A command", "A command by mail", "A question", "What a provider says",
        "A header", "A notice", "A page",
    ]  # fmt: skip
    for recipe in recipes:
        code = re.search(r"^- Code: (.*?)^- Test: ", recipe, flags=re.M | re.S)
        test = re.search(r"^- Test: (.*)", recipe, flags=re.M | re.S)
        assert code and any(
            name.startswith(("listserv/", "templates/")) for name in named_files(code[1])
        )
        assert test and any(name.startswith("tests/") for name in named_files(test[1]))


def test_the_readme_has_the_two_commands_each_on_one_line() -> None:
    lines = [line for line in README.splitlines() if line.startswith(_BEGINS)]
    assert lines == [_BEGINS + _BETWEEN + end for end in _ENDS]


def test_the_readme_has_the_same_for_uv() -> None:
    lines = [line for line in README.splitlines() if line.startswith("uv venv")]
    assert lines == ["uv venv .venv && uv pip install" + _BETWEEN + end for end in _ENDS]


def test_ci_takes_the_commands_out_of_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8")
    extract = script[script.index("from_readme() {") : script.index("\nreadme() {")]
    for end in _ENDS:
        ask = f"{extract}\nfrom_readme ' && \\{end}'"
        found = subprocess.run(["bash", "-c", ask], cwd=ROOT, capture_output=True, text=True)
        assert found.stdout == f"{_BEGINS}{_BETWEEN}{end}\n"
        assert f"step readme ' && \\{end}'" in script
    missing = subprocess.run(["bash", "-c", f"{extract}\nfrom_readme ' && true'"], cwd=ROOT)
    assert missing.returncode == 1


def shown_commands() -> list[str]:
    """Each `listserv …` of the documents, in code blocks and in the text."""
    shown: set[str] = set()
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        found = re.findall(r"(?:^|`|sudo -u listserv )listserv ([a-z][^`#|>\n]*)", text, re.M)
        shown.update(command.strip() for command in found)
    return sorted(shown)


@pytest.mark.parametrize("command", shown_commands())
def test_every_command_that_a_document_shows_is_there(command: str) -> None:
    here: click.Command = main
    for word in command.split():
        if isinstance(here, click.Group):
            assert word in here.commands, f"listserv {command}"
            here = here.commands[word]
        elif word.startswith("--"):
            options = {option for parameter in here.params for option in parameter.opts}
            assert word in options, f"listserv {command}"


def test_the_unit_starts_what_the_command_line_has() -> None:
    unit = (ROOT / "systemd/listserv.service").read_text("utf-8")
    assert "\nExecStart=listserv --config /etc/listserv/listserv.toml serve\n" in unit
    assert "serve" in main.commands
    assert "--config" in {option for parameter in main.params for option in parameter.opts}
