"""The same commands on PostgreSQL."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import DOMAIN, Shell


@pytest.mark.postgresql
def test_the_commands_work_on_postgresql(
    new_postgresql_database: Callable[[str], str], tmp_path: Path
) -> None:
    config = tmp_path / "listserv.toml"
    url = new_postgresql_database("template0")
    config.write_text(f'[site]\ndomain = "{DOMAIN}"\n[storage]\ndatabase = "{url}"\n')
    shell = Shell(config)
    shell.ok("list", "create", f"town@{DOMAIN}", "--owner", "ann@x.test")
    shell.ok("member", "import", "town", "-", given=b"address,delivery\nbob@x.test,digest\n")
    shell.ok("ban", "add", "--site", "@spam.test")
    shell.post("ann@x.test", "One")
    shell.post("eve@x.test", "Two")
    assert shell.json("member", "show", "town", "bob@x.test")["waiting"] == 1
    (held,) = shell.json("held", "ls")
    shell.ok("held", "approve", str(held["id"]))
    assert [row["kind"] for row in shell.json("queue", "ls")].count("post") == 2
    status = shell.json("status")
    assert status["database_bytes"] > 0 and status["disk_free_bytes"] is None
    shell.ok("list", "rename", "town", "city")
    assert shell.json("list", "show", "town")["address"] == f"city@{DOMAIN}"
    shell.ok("list", "delete", "city", "--yes")
    assert shell.json("list", "ls") == [] and shell.json("queue", "ls") == []
