"""A refusal that the client could not hear is mailed: to an author who is known, once a day."""

from dataclasses import replace
from typing import Any

import pytest

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.post import Transport
from listserv.store import bans, held, lists, members, paths
from listserv.store.held import HeldState
from tests.flow.world import DOMAIN, PROVEN, World

UNPROVEN = Authorship(Level.UNPROVEN, ("no signature",), VerifiedPath(("mail.example",)))
FORGED = replace(UNPROVEN, level=Level.CONTRADICTED)
ZOE, ANN = "zoe@example.net", "ann@example.org"


@pytest.fixture
def news(world: World) -> str:
    """A list that refuses strangers and has one member."""
    mlist = world.found("news", title="News", nonmember="reject", max_size=2000)
    world.join(mlist, ANN)
    return "news"


def over_lmtp(world: World, author: str, *names: str, **more: Any) -> list[str]:
    """Post by LMTP, where no refusal is heard; who gets mail then."""
    replies = world.post(author, *names, transport=Transport.LMTP, **more)
    assert [reply.code for reply in replies] == [250] * len(names)
    return world.deliver()


def kept(world: World, state: HeldState = HeldState.DISCARDED) -> list[str]:
    return [one.list_address for one in world.store.read(lambda tx: held.ls(tx, None, state))]


def test_over_lmtp_a_proven_author_is_told_in_the_words_of_the_refusal(
    world: World, news: str
) -> None:
    told = over_lmtp(
        world, ZOE, news, subject="Seeds", body="My secret.", message_id="<s@example.net>"
    )
    assert told == [ZOE]
    notice = world.last().decode()
    assert "Subject: Your post to News was not taken" in notice
    words = " ".join(notice.split())
    assert f"news@{DOMAIN}: Only members may post to news@{DOMAIN}, and your address is" in words
    assert "In-Reply-To: <s@example.net>" in notice and "Auto-Submitted: auto-replied" in notice
    assert '"Seeds"' in notice and "My secret" not in notice
    assert kept(world) == [f"news@{DOMAIN}"]


def test_a_familiar_author_is_told_and_an_unproven_or_forged_one_is_not(
    world: World, news: str
) -> None:
    too_big = "x" * 3000
    assert over_lmtp(world, ANN, news, body=too_big, authorship=UNPROVEN) == []
    assert over_lmtp(world, ANN, news, body=too_big, authorship=FORGED) == []
    mlist = world.store.read(lambda tx: lists.find(tx, news))
    member = world.store.read(lambda tx: members.by_key(tx, mlist.id, ANN))
    assert member is not None
    now = world.clock.now()
    world.store.write(lambda tx: paths.confirm(tx, member.id, UNPROVEN.path, ANN, now))
    assert over_lmtp(world, ANN, news, body=too_big, authorship=UNPROVEN) == [ANN]
    assert over_lmtp(world, ZOE, news, authorship=UNPROVEN) == []
    assert len(kept(world)) == 4


def test_an_author_is_told_once_a_day_and_the_post_is_kept_each_time(
    world: World, news: str
) -> None:
    assert over_lmtp(world, ZOE, news) == [ZOE]
    assert over_lmtp(world, "ZOE@example.net", news) == []
    world.clock.pass_by(hours=23, minutes=59)
    assert over_lmtp(world, ZOE, news) == []
    world.clock.pass_by(minutes=1)
    assert over_lmtp(world, ZOE, news) == [ZOE]
    assert over_lmtp(world, "yan@example.net", news) == ["yan@example.net"]
    assert len(kept(world)) == 5


def test_several_lists_that_refuse_one_message_are_told_of_in_one_mail(
    world: World, news: str
) -> None:
    world.found("notes", nonmember="reject")
    assert over_lmtp(world, ZOE, news, "notes") == [ZOE]
    notice = world.last().decode()
    assert f"\r\nnews@{DOMAIN}: Only" in notice and f"\r\nnotes@{DOMAIN}: Only" in notice


def test_over_smtp_one_that_refuses_among_several_lists_is_told_of_by_mail(
    world: World, news: str
) -> None:
    fair = world.found("fair", posting="anyone")
    world.join(fair, ANN)
    replies = world.post(ZOE, "fair", news)
    assert [reply.code for reply in replies] == [250, 250]
    assert world.deliver() == [ANN, ZOE]
    assert kept(world) == [f"news@{DOMAIN}"] and kept(world, HeldState.HELD) == []
    # Told today: the next one waits for a moderator rather than being lost.
    world.post(ZOE, "fair", news)
    assert world.deliver() == [ANN]
    assert kept(world, HeldState.HELD) == [f"news@{DOMAIN}"]


@pytest.mark.parametrize("authorship", [UNPROVEN, PROVEN])
def test_over_smtp_what_the_client_heard_is_not_mailed(
    world: World, news: str, authorship: Authorship
) -> None:
    (reply,) = world.post(ZOE, news, authorship=authorship)
    assert reply.code == 550
    assert world.deliver() == [] and kept(world) == []


@pytest.mark.parametrize(
    "marks",
    [
        {"auto_submitted": "auto-generated"},
        {"precedence": "bulk"},
        {"precedence": "list"},
        {"list_id": "<newsletter.example>"},
        {"auto_submitted": "auto-replied"},
        {"sender": ""},
    ],
)
def test_automatic_mail_is_never_told_anything(
    world: World, news: str, marks: dict[str, Any]
) -> None:
    assert over_lmtp(world, ZOE, news, **marks) == []


def test_the_banned_hear_nothing(world: World, news: str) -> None:
    banned: dict[str, Any] = {"until": None, "reason": "", "now": world.clock.now()}
    world.store.write(lambda tx: bans.add(tx, list_id=None, pattern=ZOE, **banned))
    assert over_lmtp(world, ZOE, news) == []
    fair = world.found("fair", posting="anyone")
    world.join(fair, ANN)
    world.post(ZOE, "fair", news)
    assert world.deliver() == []


def test_a_message_with_two_authors_tells_neither(world: World, news: str) -> None:
    two = {"from": f"{ZOE}, {ANN}", "body": "x" * 3000}
    assert over_lmtp(world, ZOE, news, authorship=PROVEN, **two) == []
