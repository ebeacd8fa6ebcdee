"""A command line with an installation of its own: real files, a real database."""

from pathlib import Path

import pytest

from tests.cli.shell import DOMAIN, Shell
from tests.database import with_schema


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Commands on an installation that is empty."""
    (tmp_path / "listserv.db").write_bytes(with_schema())
    config = tmp_path / "listserv.toml"
    config.write_text(
        f'[site]\ndomain = "{DOMAIN}"\ntimezone = "Europe/London"\n\n'
        f'[storage]\ndatabase = "sqlite:///{tmp_path / "listserv.db"}"\n'
    )
    return Shell(config)


@pytest.fixture
def town(shell: Shell) -> Shell:
    """The same with a list, town, and its members ann (owner) and bob."""
    shell.ok("list", "create", f"town@{DOMAIN}", "--title", "Our town", "--owner", "ann@x.test")
    shell.ok("member", "add", "town", "bob@x.test", "--name", "Bob")
    return shell
