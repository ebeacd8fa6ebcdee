"""What Postfix itself reports to our return paths about copies that the next hop refused."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postfix.harness import wait_until
from tests.postfix.installation import MEMBERS, TOWN, Installation, message

pytestmark = pytest.mark.postfix

# Two of a domain besides those who have one each.
BIG = ("dan@big.example", "eve@big.example")
NOBODY = "550 5.1.1 no such user here"
UNWANTED = "554 5.7.1 your mail is not wanted here"


@pytest.fixture
def town(root: Path) -> Iterator[Installation]:
    """An installation of its own: whose mail comes back is told to people later."""
    folder = Path(tempfile.mkdtemp(prefix="bounces-", dir=root))
    folder.chmod(0o755)
    with Installation(folder, "dedicated") as installation:
        yield installation


def scores(town: Installation) -> dict[str, int]:
    rows = town.shown("bounce", "ls", TOWN)
    assert {row["state"] for row in rows} <= {"active"}
    return {row["address"]: row["score"] for row in rows}


def is_refused(town: Installation, words: str, subject: str) -> None:
    """A post of whose copies none is taken, in these words."""
    town.sink.start("-f", "RCPT", "-B", words)
    assert town.send(MEMBERS[0], TOWN, message(MEMBERS[0], subject)) == 250


def test_who_is_gone_is_scored_and_who_refuses_us_is_not(town: Installation) -> None:
    is_refused(town, NOBODY, "gone")
    wait_until(lambda: scores(town) == dict.fromkeys(MEMBERS, 1), "the reports are weighed")
    for one in MEMBERS:
        town.listserv("bounce", "reset", TOWN, one)
    town.listserv("member", "add", TOWN, *BIG)
    assert scores(town) == {}

    is_refused(town, UNWANTED, "unwanted")

    def alarms() -> list[str]:
        return sorted(str(one) for one in town.shown("status")["domains_not_scored"])

    domains = ("big.example", "many domains")
    said = [f"{one} (ours): {UNWANTED}" for one in domains]
    wait_until(lambda: alarms() == said, "both are in the status")
    wait_until(lambda: town.shown("status")["bounces_last_day"] == 8, "all reports are there")
    wait_until(lambda: scores(town) == {}, "nobody is scored for it")
    assert town.left_for_others() == []
