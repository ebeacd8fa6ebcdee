"""Conversations with the whole program, and what follows from them."""

from pathlib import Path

import pytest

from listserv.flow import administer, enrol
from listserv.store import bans, held
from listserv.store.session import Tx
from tests.dialogue import play
from tests.program.running import DOMAIN, Running

DIALOGUES = sorted(Path(__file__).with_name("dialogues").glob("*.txt"))
LISTS: dict[str, dict[str, str]] = {
    "town": {"title": "Town"},
    "news": {"nonmember": "reject"},
    "small": {"max_size": "1024"},
}


@pytest.fixture
def town(running: Running) -> Running:
    """Lists with Ann and Ben, who read by mail, and Cleo, who reads the digest; one is banned."""
    now = running.app.clock.now()

    def set_up(tx: Tx) -> None:
        for name, settings in LISTS.items():
            mlist = administer.create_list(
                tx, f"{name}@{DOMAIN}", domains={DOMAIN}, style="discussion", settings=settings,
                owners=(), by="test", now=now,
            )  # fmt: skip
            for address, delivery in (
                ("ann@example.org", "mail"),
                ("ben@example.net", "mail"),
                ("cleo@example.net", "digest"),
            ):
                enrol.add_members(
                    tx, mlist.id, [address], domains={DOMAIN}, settings={"delivery": delivery},
                    by="test", now=now,
                )  # fmt: skip
        bans.add(tx, list_id=None, pattern="pest@example.com", until=None, reason="", now=now)

    running.app.store.write(set_up)
    return running


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_what_is_said_and_what_follows(town: Running, path: Path) -> None:
    transcript = path.read_text()
    port = town.lmtp if transcript.startswith("# lmtp:") else town.smtp
    assert port is not None
    play("127.0.0.1", port, transcript, otherwise=lambda line: expect(town, line))


def expect(town: Running, line: str) -> None:
    """One line about what follows."""
    kind, _, rest = line.partition(" to ") if " to " in line else line.partition(": ")
    match kind:
        case "mail":
            recipient, _, subject = rest.partition(": ")
            mail = town.mail()
            assert recipient in mail, line
            assert mail[recipient]["Subject"] == subject
        case "no mail":
            assert rest not in town.mail()
        case "held":
            (waiting,) = town.app.store.read(held.ls)
            assert [reason.because for reason in waiting.reasons] == [rest]
        case "nothing held":
            assert town.app.store.read(held.ls) == []
        case _:
            raise AssertionError(f"{line!r} means nothing")
