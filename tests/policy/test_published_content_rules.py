"""docs/content-rules.md says what the code does: its tables and its example."""

import re
from pathlib import Path

from listserv.policy.content_language import language_table
from listserv.policy.content_reader import MAX_PATTERNS, MAX_RULES, MAX_TERM, parse
from listserv.policy.content_rules import ANSWER_VALUES, REGEX_SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "content-rules.md").read_text("utf-8")


def test_the_published_language_is_that_of_the_code() -> None:
    assert f"## The words of the language\n\n{language_table()}\n## How words" in PAGE


def test_the_published_example_is_sound() -> None:
    example = re.search(r"```\n(# rules\.txt.*?)```", PAGE, re.S)
    assert example and len(parse(example[1], "rules.txt").rules) == 4


def test_the_published_limits_are_those_of_the_code() -> None:
    words = " ".join(PAGE.split())
    assert f"{REGEX_SECONDS:g} s for a post" in words
    assert f"up to {MAX_PATTERNS} of them and {MAX_RULES} rules" in words
    assert f"up to {MAX_TERM} words" in words
    assert all(f"`${name}`" in words for name in ANSWER_VALUES)
