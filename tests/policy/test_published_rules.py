"""docs/posting-rules.md is what the program prints."""

from pathlib import Path

from listserv.policy.posting import rules_table

PUBLISHED = Path(__file__).parents[2] / "docs" / "posting-rules.md"


def test_the_published_posting_rules_are_those_of_the_code() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == rules_table(None)
