"""docs/commands.md is what the program prints."""

from pathlib import Path

from listserv.policy.commands.table import commands_table
from listserv.resources import JinjaTemplates

PUBLISHED = Path(__file__).parents[2] / "docs" / "commands.md"
WORDS = JinjaTemplates()


def test_the_published_commands_are_those_of_the_code() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == commands_table(
        lambda key: WORDS.phrase(key, {})
    )
