"""docs/posting-rules.md is what the program prints."""

from pathlib import Path

from listserv.policy.posting import rules_table
from listserv.policy.trust import trust_table

PUBLISHED = Path(__file__).parents[2] / "docs" / "posting-rules.md"


def test_the_published_posting_rules_are_those_of_the_code() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == rules_table(None)


def test_the_published_trust_table_is_that_of_the_code() -> None:
    page = PUBLISHED.with_name("trust.md")
    assert page.read_text(encoding="utf-8") == trust_table(require_proven_author=True)
