"""Conversations with the whole program, and what follows from them."""

import re
from email.message import Message
from email.utils import parseaddr
from pathlib import Path

import pytest

from listserv.domain.members import Member, MemberState
from listserv.flow import administer, enrol
from listserv.store import bans, held, lists, members
from listserv.store.session import Tx
from tests.dialogue import play
from tests.program.running import DOMAIN, Running

DIALOGUES = sorted(Path(__file__).with_name("dialogues").glob("*.txt"))
_KINDS = re.compile(r"(nothing held|(?:no )?mail to|(?:no )?member|held)")
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
    what_follows = _WhatFollows(town)
    play("127.0.0.1", port, transcript, otherwise=what_follows.expect, names=what_follows.names)


class _WhatFollows:
    """The lines about what follows. "mail to ADDRESS: SUBJECT" is of the next mail there, and
    $reply is then where it is answered; "no mail to ADDRESS" says that there is no other; "member
    ADDRESS: STATE DELIVERY" and "no member ADDRESS" are of the list town."""

    def __init__(self, town: Running) -> None:
        self._town = town
        self._seen: set[Path] = set()
        self._untold: list[Message] = []
        self.names: dict[str, str] = {}

    def expect(self, line: str) -> None:
        found = _KINDS.match(line)
        kind = found[1] if found else line
        rest = line.removeprefix(kind).lstrip(": ")
        match kind:
            case "mail to":
                recipient, _, subject = rest.partition(": ")
                mail = self._next(recipient)
                assert mail is not None, line
                assert mail["Subject"] == subject
                self.names["reply"] = parseaddr(mail["Reply-To"])[1]
            case "no mail to":
                assert self._next(rest) is None, line
            case "member":
                address, _, wanted = rest.partition(": ")
                member = self._member(address)
                assert member is not None, line
                assert f"{member.state} {member.delivery}" == wanted
            case "no member":
                member = self._member(rest)
                assert member is None or member.state is MemberState.LEFT
            case "held":
                (waiting,) = self._town.app.store.read(held.ls)
                assert [reason.because for reason in waiting.reasons] == [rest]
            case "nothing held":
                assert self._town.app.store.read(held.ls) == []
            case _:
                raise AssertionError(f"{line!r} means nothing")

    def _next(self, recipient: str) -> Message | None:
        self._untold += self._town.new_mail(self._seen)
        mine = [mail for mail in self._untold if mail["Delivered-To"] == recipient]
        if not mine:
            return None
        self._untold.remove(mine[0])
        return mine[0]

    def _member(self, address: str) -> Member | None:
        def look(tx: Tx) -> Member | None:
            return members.by_key(tx, lists.find(tx, "town").id, address)

        return self._town.app.store.read(look)
