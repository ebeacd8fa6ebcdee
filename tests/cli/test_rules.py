"""rules: the table of posting rules, with a list's own values."""

from pathlib import Path

from listserv.policy.posting import rules_table
from tests.cli.shell import DOMAIN, Shell


def test_without_a_list_all_rules_are_shown_and_no_configuration_is_needed() -> None:
    assert Shell(Path("/nowhere")).ok("rules") == rules_table(None)


def test_with_a_list_its_own_values_are_shown(town: Shell) -> None:
    town.ok("list", "set", "town", "max_size=2048", "nonmember=reject")
    said = town.ok("rules", "town")
    assert f"town@{DOMAIN}" in said and "2 kB" in said
    assert "stranger-reject" in said and "stranger-hold" not in said
