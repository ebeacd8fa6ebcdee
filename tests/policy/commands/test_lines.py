"""Each line of lines.txt means what stands behind it."""

from datetime import date
from pathlib import Path

import pytest

from listserv.domain.address import Recipient, Role
from listserv.policy.commands.command import Command, NotUnderstood, Verb, Why
from listserv.policy.commands.grammar import parse
from listserv.policy.commands.table import BY_VERB

NAMES = ("support", "news", "cancer-l", "walk")
TODAY = date(2026, 5, 10)
REQUEST = Recipient(Role.REQUEST, "support")
ROBOT = Recipient(Role.ROBOT, "")
AT_ROBOT = "at listserv: "

ROWS = [
    tuple(half.strip() for half in row.rsplit("=>", 1))
    for row in Path(__file__).with_name("lines.txt").read_text("utf-8").splitlines()
    if row and not row.startswith("#")
]


def read(*lines: str, subject: str = "", to: Recipient = REQUEST) -> list[str]:
    """What a mail means, as canonical lines."""
    told = parse(subject, lines, to, NAMES, domain="lists.example.org", today=TODAY)
    return [shown(one) for one in told]


def shown(one: Command | NotUnderstood) -> str:
    if isinstance(one, Command):
        return str(one)
    return f"? {one.why.name} {one.nearest}".strip()


@pytest.mark.parametrize("line, meaning", ROWS, ids=[line for line, _ in ROWS])
def test_a_line_means(line: str, meaning: str) -> None:
    to = ROBOT if line.startswith(AT_ROBOT) else REQUEST
    assert read(line.removeprefix(AT_ROBOT), to=to) == [meaning]


@pytest.mark.parametrize("meaning", sorted({m for _, m in ROWS if not m.startswith("?")}))
def test_a_canonical_line_reads_as_itself(meaning: str) -> None:
    assert read(meaning, to=ROBOT) == [meaning]


def test_there_is_a_line_for_each_command_and_each_reason() -> None:
    meanings = [meaning.split() for _, meaning in ROWS]
    verbs = {"SET FOR" if "FOR" in words else words["QUIET" in words] for words in meanings}
    assert {verb for verb in BY_VERB if verb is not Verb.END} <= verbs
    reasons = {words[1] for words in meanings if words[0] == "?"}
    assert {why.name for why in Why} - reasons == {"LONG", "REST"}


def test_no_two_lines_differ_only_in_case_or_list() -> None:
    def plain(line: str) -> str:
        words = line.removeprefix(AT_ROBOT).lower().split()
        return " ".join("LIST" if word in NAMES else word for word in words)

    assert len({plain(line) for line, _ in ROWS}) >= 150
