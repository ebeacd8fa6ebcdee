"""rules: the table of posting rules, with a list's own values."""

from pathlib import Path

from listserv.policy.posting import rules_table
from listserv.policy.trust import trust_table
from tests.cli.shell import DOMAIN, Shell


def test_without_a_list_all_rules_are_shown_and_no_configuration_is_needed() -> None:
    assert Shell(Path("/nowhere")).ok("rules") == rules_table(None)


def test_with_a_list_its_own_values_are_shown(town: Shell) -> None:
    town.ok("list", "set", "town", "max_size=2048", "nonmember=reject")
    said = town.ok("rules", "town")
    assert f"town@{DOMAIN}" in said and "2 kB" in said
    assert "stranger-reject" in said and "stranger-hold" not in said


def test_the_trust_table_is_shown_as_it_is_in_force(town: Shell) -> None:
    assert Shell(Path("/nowhere")).ok("rules", "--trust") == trust_table(require_proven_author=True)
    assert town.ok("rules", "town", "--trust") == trust_table(require_proven_author=True)
    assert "unproven-author" in town.ok("rules", "town")

    town.config.write_text(town.config.read_text() + "\n[auth]\nrequire_proven_author = false\n")
    assert town.ok("rules", "town", "--trust") == trust_table(require_proven_author=False)
    assert "unproven-author" not in town.ok("rules", "town")
    assert "no such list" in town.refused("rules", "nowhere", "--trust")
