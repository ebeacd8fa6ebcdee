"""The author of a post that waits: what they hear, and how they take it back. And applicants, whose
requests moderators decide with the same words."""

from listserv.domain.lists import MailingList
from listserv.flow import moderate
from listserv.store import held
from listserv.store.held import HeldState
from tests.flow.letters import (
    ANN,
    AUTOMATIC,
    CONTRADICTED,
    MO,
    NOTHING_VERIFIED,
    PROVEN,
    UNPROVEN,
    ZOE,
    is_member,
    letters,
    letters_to,
    send,
    the_letter,
)  # fmt: skip
from tests.flow.waiting import Shown, a_town, reply, shown, state
from tests.flow.world import DOMAIN, World, a_message


def waits(world: World) -> list[tuple[str, str]]:
    """Who is told that their post waits, and where they take it back."""
    before = len(world.waiting)
    world.deliver()
    raws = [(one.recipients[0], b"".join(one.data)) for one in world.waiting[before:]]
    return [
        (to, raw.partition(b"Reply-To:")[2].partition(b"\r\n")[0].strip().decode())
        for to, raw in raws
        if b"Subject: Your post waits" in raw
    ]


def test_only_an_author_who_is_known_to_be_the_author_hears(world: World) -> None:
    a_town(world, nonmember="hold")
    for author in (ANN, ZOE):
        for level in (UNPROVEN, NOTHING_VERIFIED, CONTRADICTED):
            world.post(author, "town", authorship=level)
            assert waits(world) == []
        world.post(author, "town", authorship=PROVEN, sender="")
        world.post(author, "town", authorship=PROVEN, auto_submitted="auto-generated")
        world.post(author, "town", authorship=PROVEN, precedence="bulk")
        assert waits(world) == []
        world.post(author, "town", authorship=PROVEN)
        assert [to for to, _ in waits(world)] == [author]


def test_the_notice_goes_to_the_address_on_file_and_grants_nothing_else(world: World) -> None:
    a_town(world)
    world.post(ANN, "town", authorship=PROVEN, reply_to="evil@example.net")
    ((to, address),) = waits(world)
    assert to == ANN and address.startswith("town-confirm+")
    world.store.read(held.ls)
    reply(world, address.replace("-confirm+", "-moderate+"), "approve", ANN)
    reply(world, address, "approve", ANN)
    (one,) = world.store.read(held.ls)
    assert one.state is HeldState.HELD


def test_somebody_who_posts_a_lot_hears_it_five_times_a_day(world: World) -> None:
    a_town(world)
    for _ in range(9):
        world.post(ANN, "town", authorship=PROVEN)
    assert len(waits(world)) == 5
    world.clock.pass_by(days=1)
    world.post(ANN, "town", authorship=PROVEN)
    assert len(waits(world)) == 1


def held_one(world: World) -> tuple[int, str]:
    """Ann's post: its number, and where she takes it back."""
    world.post(ANN, "town", authorship=PROVEN)
    ((_, address),) = waits(world)
    letters(world)
    return max(one.id for one in world.store.read(held.ls)), address


def test_cancel_takes_it_back_once(world: World) -> None:
    a_town(world)
    number, address = held_one(world)
    for mark in AUTOMATIC:
        reply(world, address, "cancel", ANN, PROVEN, **mark)
    reply(world, address, "no", ANN)
    assert state(world, number) is HeldState.HELD and letters(world) == []
    reply(world, address, "Cancel my membership", ANN)
    assert state(world, number) is HeldState.HELD
    assert "reply with: cancel" in the_letter(world, ANN)

    reply(world, address, "Cancel.\r\n\r\n> cancel", ANN, NOTHING_VERIFIED)
    assert state(world, number) is HeldState.WITHDRAWN
    assert "taken your post back" in the_letter(world, ANN).subject
    for _ in range(9):
        reply(world, address, "cancel", ANN, NOTHING_VERIFIED)
    again = letters(world)
    assert {letter.to for letter in again} == {ANN} and len(again) <= 3
    assert all("before" in letter for letter in again)


def test_cancel_after_a_decision_changes_nothing(world: World) -> None:
    a_town(world)
    number, address = held_one(world)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.discard(tx, number, "cli", now))
    reply(world, address, "cancel", ANN)
    assert state(world, number) is HeldState.DISCARDED
    assert "cannot be taken back" in the_letter(world, ANN)


def test_cancel_after_its_time_changes_nothing(world: World) -> None:
    a_town(world, held_expiry=60, held_deadline=720)
    number, address = held_one(world)
    world.clock.pass_by(days=14)
    reply(world, address, "cancel", ANN)
    assert state(world, number) is HeldState.HELD
    assert len(letters(world)) == 1


def an_applicant(world: World) -> tuple[MailingList, Shown]:
    mlist = a_town(world, subscription="approve")
    send(world, ZOE, "subscribe town Zoe Zu\r\n", "listserv")
    (notice,) = shown(world, MO)
    letters(world)
    return mlist, notice


def test_requests_to_join_are_decided_by_the_same_words(world: World) -> None:
    town, notice = an_applicant(world)
    assert not notice.message.is_multipart()
    assert f"{ZOE} (Zoe Zu) asks to join" in notice.text
    reply(world, notice, "later")
    reply(world, notice, "approve", ZOE)
    assert state(world, notice) is HeldState.HELD and letters(world) == []
    reply(world, notice, "ask Why do you want to join?")
    assert "Why do you want to join?" in the_letter(world, ZOE)
    reply(world, notice, "ja, danke")
    assert state(world, notice) is HeldState.APPROVED
    assert is_member(world, town, ZOE)


def test_an_applicant_who_is_rejected_hears_the_moderators_words(world: World) -> None:
    town, notice = an_applicant(world)
    reply(world, notice, "ablehnen Wir sind voll.\r\n-- \r\nDr. Mo")
    refusal = the_letter(world, ZOE)
    assert "Wir sind voll." in refusal and "Dr. Mo" not in refusal
    assert state(world, notice) is HeldState.REJECTED
    assert not is_member(world, town, ZOE)


def test_trust_says_yes_to_an_applicant_and_discard_tells_nobody(world: World) -> None:
    town, notice = an_applicant(world)
    reply(world, notice, "trust")
    assert is_member(world, town, ZOE)

    send(world, "yan@example.net", "subscribe town\r\n", "listserv")
    (other,) = shown(world, MO)
    letters(world)
    reply(world, other, "discard")
    assert state(world, other) is HeldState.DISCARDED
    assert letters_to(world, "yan@example.net") == []


def test_where_an_applicant_is_a_member_by_now_the_moderator_hears_that(world: World) -> None:
    town, notice = an_applicant(world)
    world.join(town, ZOE)
    reply(world, notice, "approve")
    assert "not possible" in the_letter(world, MO)
    assert state(world, notice) is HeldState.HELD


def test_an_authors_answer_to_a_question_of_a_moderator_goes_to_the_owners(world: World) -> None:
    a_town(world)
    world.post(ANN, "town", authorship=PROVEN)
    (one,) = shown(world, MO)
    letters(world)
    reply(world, one, "ask Who are you?")
    question = the_letter(world, ANN)
    assert question.reply_to == f"town-owner@{DOMAIN}"
    raw = a_message(ANN, (question.reply_to,), body="I am Ann.")
    world.post(ANN, question.reply_to, raw=raw, authorship=PROVEN)
    assert state(world, one) is HeldState.HELD
