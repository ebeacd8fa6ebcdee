"""digest: send what waits, show what would come."""

from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def waiting(town: Shell) -> Shell:
    """Two posts wait for a digest reader."""
    town.ok("member", "add", "town", "cleo@x.test", "--delivery", "digest")
    for subject, body in (("Seeds to give away", "Beans."), ("Rain", "At last.")):
        town.post("bob@x.test", subject, body)
    return town


def digests(shell: Shell) -> list[dict[str, Any]]:
    return [one for one in shell.json("queue", "ls") if one["kind"] == "digest"]


def test_send_makes_an_issue_of_what_waits_and_none_where_nothing_does(waiting: Shell) -> None:
    assert waiting.ok("digest", "send", "town") == "sent to 1 member\n"
    (mailing,) = digests(waiting)
    assert mailing["recipients"] == 1
    assert waiting.ok("digest", "send", "town") == "sent to 0 members\n"
    assert len(digests(waiting)) == 1


def test_send_at_a_time_does_what_is_due_then(waiting: Shell) -> None:
    assert waiting.ok("digest", "send", "town", "--at", "2000-01-01T07:30") == "sent to 0 members\n"
    waiting.ok("member", "set", "town", "cleo@x.test", "digest_days=thu")
    # 1 January 2099 is a Thursday.
    for at, sent in (("2099-01-01T07:15", 1), ("2099-01-01T07:30", 0)):
        told = waiting.ok("digest", "send", "town", "--at", at)
        assert told == f"sent to {sent} member{'' if sent == 1 else 's'}\n"
    waiting.post("bob@x.test", "Later")
    for at in ("2099-01-07T23:00", "2099-01-08T06:50"):
        assert waiting.ok("digest", "send", "town", "--at", at) == "sent to 0 members\n"
    assert waiting.ok("digest", "send", "town", "--at", "2099-01-08T07:15") == "sent to 1 member\n"
    assert all(one["next_attempt"] < "2099" for one in digests(waiting)), "sent now, not then"


def test_a_list_on_hold_sends_none(waiting: Shell) -> None:
    waiting.ok("list", "hold", "town")
    told = waiting.refused("digest", "send", "town")
    assert told == "town@lists.test is on hold; run listserv list free town"
    waiting.ok("list", "free", "town")
    assert waiting.ok("digest", "send", "town") == "sent to 1 member\n"


def test_preview_writes_a_mail_and_its_page_and_sends_nothing(
    waiting: Shell, tmp_path: Path
) -> None:
    told = waiting.ok("digest", "preview", "town", "cleo@x.test", "--into", str(tmp_path))
    mail, page = tmp_path / "town.eml", tmp_path / "town.html"
    assert told.splitlines() == [str(mail), str(page)]
    assert message_from_bytes(mail.read_bytes())["To"] is not None
    assert "At last." in page.read_text()
    assert not digests(waiting)
    assert waiting.ok("digest", "send", "town") == "sent to 1 member\n", "it still waits"


def test_a_preview_of_whole_messages_has_no_page(waiting: Shell, tmp_path: Path) -> None:
    waiting.ok("member", "set", "town", "cleo@x.test", "format=mime")
    waiting.post("bob@x.test", "Tea", "<p>Tea at four.</p>", kind="text/html")
    told = waiting.ok("digest", "preview", "town", "cleo@x.test", "--into", str(tmp_path))
    assert told.splitlines() == [str(tmp_path / "town.eml")]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("bob@x.test", "no posts of town@lists.test wait for bob@x.test"),
        ("eve@x.test", "eve@x.test is not a member of town@lists.test"),
    ],
)
def test_preview_says_why_there_is_nothing_to_show(town: Shell, address: str, why: str) -> None:
    assert why in town.refused("digest", "preview", "town", address)
