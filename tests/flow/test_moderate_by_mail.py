"""A moderator replies to a notice: what decides, and all that does not."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle

import pytest
from sqlalchemy import func, select, update

from listserv.domain.authorship import Signature
from listserv.domain.lists import MailingList
from listserv.domain.members import MemberRole, MemberState
from listserv.flow import administer, moderate, moderate_by_mail
from listserv.mail.said import said, top_lines
from listserv.policy.moderation import Ruling, Verb, read_ruling
from listserv.resources import JinjaTemplates
from listserv.store import events, held, lists, members
from listserv.store.held import HeldState
from listserv.store.session import Store, Tx
from listserv.store.tables import MailingRow, MemberRow, ModerationRow, PostRow
from tests.flow.letters import (
    ANN,
    AUTOMATIC,
    CONTRADICTED,
    LEVELS,
    MO,
    NOTHING_VERIFIED,
    PROVEN,
    UNPROVEN,
    ZOE,
    letters,
    letters_to,
    the_letter,
)  # fmt: skip
from tests.flow.waiting import (
    MAX,
    OLGA,
    Shown,
    a_post_waits,
    a_town,
    as_client_sends,
    look,
    reply,
    shown,
    state,
)  # fmt: skip
from tests.flow.world import DOMAIN, World, a_message
from tests.mail.clients import CLIENTS

# What a moderator writes, and what becomes of the post; what they say of it is in its note.
SAYS: tuple[tuple[str, HeldState], ...] = (
    ("approve", HeldState.APPROVED),
    ("Reject This is an advert.", HeldState.REJECTED),
    ("Verwerfen", HeldState.DISCARDED),
    ("oui, merci", HeldState.APPROVED),
    ("rechazar", HeldState.REJECTED),
    ("Später", HeldState.HELD),
    ("trust", HeldState.APPROVED),
    ("S\u00ed.", HeldState.APPROVED),
    ("plus tard", HeldState.HELD),
    ("Bitte freigeben", HeldState.APPROVED),
    ("supprimer", HeldState.DISCARDED),
)
# These put what the person writes below what they quote: such a reply has no first line.
BELOW = {"mutt"}
TWINS: tuple[str, ...] = (
    "Auto-Submitted: auto-replied",
    "Auto-Submitted: auto-generated (vacation)",
    "Precedence: bulk",
    "Precedence: auto_reply",
    "Precedence: junk",
    "X-Autoreply: yes",
    "X-Autorespond: A post waits",
    "X-Auto-Response-Suppress: All",
    "List-Id: <other.example.net>",
    "Delivered-To: Autoresponder",
    "",
)


@pytest.fixture
def town(world: World) -> MailingList:
    return a_town(world)


def set_role(world: World, mlist: MailingList, role: MemberRole) -> None:
    """Of a moderator."""

    def change(tx: Tx) -> None:
        mo = members.by_key(tx, mlist.id, MO)
        assert mo is not None
        members.change(tx, mo, {"role": role})

    world.store.write(change)


def nothing_happens(world: World, one: Shown) -> None:
    """It still waits, and nobody hears anything."""
    assert state(world, one) is HeldState.HELD
    assert letters(world) == []


def waiting_posts(world: World, count: int) -> list[Shown]:
    """So many posts of as many members, shown to a moderator."""
    mlist = world.store.read(lambda tx: lists.find(tx, "town"))
    for number in range(count):
        author = f"m{number}@example.org"
        world.join(mlist, author)
        world.post(author, "town", subject=f"Post {number}", authorship=PROVEN)
    found = shown(world, MO)
    letters(world)
    assert len(found) == count
    return found


def test_replies_of_all_mail_programs_decide_and_their_automatic_twins_do_nothing(
    world: World, town: MailingList
) -> None:
    words = cycle(SAYS)
    cases = [(client, *next(words)) for _ in range(4) for client in CLIENTS]
    assert len(cases) >= 60
    found = dict(zip(cases, waiting_posts(world, len(cases)), strict=True))
    marks = cycle(TWINS)
    for (client, line, _), one in found.items():
        mark = next(marks)
        twin = as_client_sends(client, line, one, MO, *([mark] if mark else []))
        sender = MO if mark else ""
        world.post(MO, one.reply_to, raw=twin, sender=sender, authorship=PROVEN)
    assert letters(world) == []
    assert {state(world, one) for one in found.values()} == {HeldState.HELD}

    for (client, line, _), one in found.items():
        raw = as_client_sends(client, line, one)
        world.post(MO, one.reply_to, raw=raw, authorship=PROVEN)
    became = {case: state(world, one) for case, one in found.items()}
    expected = {case: HeldState.HELD if case[0] in BELOW else case[2] for case in cases}
    assert became == expected
    notes = {look(world, one).note for case, one in found.items() if case[1].startswith("Reject")}
    assert notes - {""} == {"This is an advert."}
    log = world.store.read(lambda tx: events.ls(tx, town.id))
    later = [case for case in cases if case[0] not in BELOW and case[2] is HeldState.HELD]
    assert len([event for event in log if "put off" in event.what]) == len(later)


def test_a_question_goes_to_the_author_and_the_post_waits_on(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    reply(world, one, "ask Could you leave out the name?\r\n\r\nKind regards\r\nDr. Mo")
    question = the_letter(world, ANN)
    assert "Could you leave out the name?" in question
    assert "Dr. Mo" not in question
    assert state(world, one) is HeldState.HELD
    reply(world, one, "approve")
    assert state(world, one) is HeldState.APPROVED


def test_the_same_question_that_a_server_delivers_twice_is_asked_once(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    for _ in range(2):
        reply(world, one, "ask Who are you?", message_id="<1@example.org>")
    assert len(letters_to(world, ANN)) == 1


NO_VERBS = (
    "approve?", "Approve this one", "I don't approve of this", "Dear all,\r\n\r\napprove", "no",
    "> approve\r\napprove", "On Monday Town wrote:\r\n> approve\r\n\r\napprove", "\r\n\r\n",
    "Sent from my iPhone\r\n\r\napprove", "-- \r\napprove", "yes and no", "reject?",
)  # fmt: skip


def test_words_that_are_no_verb_get_help_and_decide_nothing(
    world: World, town: MailingList
) -> None:
    for body in NO_VERBS:
        one = a_post_waits(world, repr(body))
        letters(world)
        reply(world, one, body)
        help_ = the_letter(world, MO)
        assert "Nothing was decided" in help_
        assert help_.reply_to == one.reply_to
        assert state(world, one) is HeldState.HELD
        assert not isinstance(read_ruling(said(help_.raw).lines), Ruling)


def test_help_is_given_a_few_times_a_day(world: World, town: MailingList) -> None:
    one = a_post_waits(world)
    letters(world)
    for _ in range(9):
        reply(world, one, "Hello?")
    assert len(letters(world)) == 5

    # Where nothing proves that the moderator wrote, once.
    two = a_post_waits(world, "second")
    letters(world)
    for _ in range(9):
        reply(world, two, "Hello?", MO, UNPROVEN)
    assert the_letter(world, MO)
    reply(world, two, "Hello?", MO, CONTRADICTED)
    assert "in your name" in the_letter(world, MO).subject


def test_a_large_reply_and_one_that_is_only_an_attachment(world: World, town: MailingList) -> None:
    first, second = a_post_waits(world, "first"), a_post_waits(world, "second")
    letters(world)
    reply(world, first, "approve\r\n\r\n" + "> a line of a quotation\r\n" * 80_000)
    assert state(world, first) is HeldState.APPROVED
    letters(world)
    reply(
        world, second, "YXBwcm92ZQ==", content_type="application/pdf; name=approve.pdf",
        content_transfer_encoding="base64", mime_version="1.0",
    )  # fmt: skip
    assert state(world, second) is HeldState.HELD
    assert "Nothing was decided" in the_letter(world, MO)


VACATIONS = (
    "I am out of the office until Monday.",
    "Ja, ich bin im Urlaub und lese Ihre Mail sp\u00e4ter.",
    "Oui, je suis absent jusqu'\u00e0 lundi.",
    "S\u00ed, estoy fuera de la oficina.",
    "Sono fuori ufficio fino a luned\u00ec.",
    "Ik ben niet op kantoor.",
    "Estou de f\u00e9rias.",
    "Jag \u00e4r p\u00e5 semester.",
    "Jestem na urlopie.",
    "\u042f \u0432 \u043e\u0442\u043f\u0443\u0441\u043a\u0435.",
    "ok",
)


def test_vacation_programs_decide_nothing_and_are_not_answered_when_they_say_so(
    world: World, town: MailingList, caplog: pytest.LogCaptureFixture
) -> None:
    one = a_post_waits(world)
    letters(world)
    for mark in AUTOMATIC:
        for words in VACATIONS:
            reply(world, one, words, MO, PROVEN, **mark)
    nothing_happens(world, one)
    assert "dropped: mail for town-moderate+…@" in caplog.text and one.token not in caplog.text


def test_old_vacation_programs_that_mark_nothing_decide_nothing(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    for words in VACATIONS[:-1]:
        reply(world, one, words)
    assert state(world, one) is HeldState.HELD
    assert {letter.to for letter in letters(world)} == {MO}


def test_the_right_token_in_a_mail_of_somebody_else_does_nothing(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    for level in LEVELS.values():
        for author in (MAX, OLGA, ANN, ZOE, "mo@example.com", f"{MO}.example.net", ""):
            reply(world, one, "approve", author, level, sender="x@example.net")
            nothing_happens(world, one)


def test_a_from_that_only_looks_like_the_moderators_does_nothing(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    for from_ in (f"{ANN}, {MO}", f'"{MO}" <{ANN}>', f"Mo <{MO}.example.net>", f"Mo: {MO};"):
        reply(world, one, "approve", from_, PROVEN, sender=ANN)
        nothing_happens(world, one)


def test_a_from_that_is_spelled_differently_is_the_moderators(
    world: World, town: MailingList
) -> None:
    for from_ in ("MO@Example.ORG", f'"Dr. Mo" <{MO}>', f"<{MO}>"):
        one = a_post_waits(world, from_.replace('"', ""))
        reply(world, one, "approve", from_, PROVEN, sender=MO)
        assert state(world, one) is HeldState.APPROVED


def test_a_token_is_of_one_post_one_moderator_and_one_list(world: World, town: MailingList) -> None:
    other = a_town_like(world, "country")
    first, second = a_post_waits(world, "first"), a_post_waits(world, "second")
    letters(world)
    reply(world, first, "approve")
    assert (state(world, first), state(world, second)) == (HeldState.APPROVED, HeldState.HELD)
    letters(world)
    # The token of this list at the other one's address, and tokens that nobody gave.
    for local in (f"country-moderate+{second.token}", f"town-moderate+{'a' * 22}", "town-moderate"):
        reply(world, f"{local}@{DOMAIN}", "approve")
    nothing_happens(world, second)
    assert other.id != town.id


def a_town_like(world: World, name: str) -> MailingList:
    mlist = world.found(name, moderation="all")
    world.join(mlist, MO, role="moderator")
    return mlist


def test_an_expired_token_decides_nothing(world: World) -> None:
    a_town(world, held_expiry=60, held_deadline=720)
    one = a_post_waits(world)
    letters(world)
    world.clock.pass_by(days=13, hours=23)
    reply(world, one, "later")
    assert letters(world) == []
    world.clock.pass_by(hours=1)
    for _ in range(9):
        reply(world, one, "approve")
    assert state(world, one) is HeldState.HELD
    late = letters(world)
    assert {letter.to for letter in late} == {MO} and len(late) <= 5
    assert "over" in late[0]


SIGNED = Signature("example.org", b"d" * 32, 1_795_262_400, frozenset({"from", "to"}))


def test_a_replay_decides_nothing_and_is_told_once(world: World, town: MailingList) -> None:
    """The same bytes again, by somebody to whom they were passed on: signed, but not sent, by the
    moderator."""
    signed = replace(PROVEN, spf_aligned=False, aligned=(SIGNED,))
    one = a_post_waits(world)
    letters(world)
    raw = a_message(MO, (one.reply_to,), body="ask Who are you?", message_id="<7@example.org>")
    world.post(MO, one.reply_to, raw=raw, authorship=signed)
    assert [letter.to for letter in letters(world)] == [ANN]
    for time in ({"minutes": 1}, {"days": 2}):
        world.clock.pass_by(**time)
        world.post(ZOE, one.reply_to, raw=raw, sender=ZOE, authorship=signed)
        told = letters(world)
        assert [letter.to for letter in told] in ([], [MO])
        assert all("Is this decision yours?" in letter.subject for letter in told)
    assert state(world, one) is HeldState.HELD


def test_a_replay_after_the_decision_hears_who_decided(world: World, town: MailingList) -> None:
    signed = replace(PROVEN, spf_aligned=False, aligned=(SIGNED,))
    one = a_post_waits(world)
    raw = a_message(MO, (one.reply_to,), body="reject No.", message_id="<7@example.org>")
    world.post(MO, one.reply_to, raw=raw, authorship=signed)
    before = look(world, one)
    letters(world)
    for time in ({"minutes": 1}, {"days": 2}):
        world.clock.pass_by(**time)
        world.post(ZOE, one.reply_to, raw=raw, sender=ZOE, authorship=signed)
        assert [letter.to for letter in letters(world)] in ([], [MO])
        assert look(world, one) == before


def test_a_post_that_says_approve_is_not_approved_by_being_quoted(
    world: World, town: MailingList
) -> None:
    body = "approve\r\n\r\nReply with one word: approve\r\n\r\n-- \r\nok"
    one = a_post_waits(world, "approve", body=body)
    letters(world)
    assert all(line[:2] == "> " for line in one.text.splitlines() if line.strip(" >") == "approve")
    for text in (one.text, "\n".join(f"> {line}" for line in one.text.splitlines())):
        reply(world, one, text.replace("\n", "\r\n"), MO, PROVEN, subject="approve")
    assert state(world, one) is HeldState.HELD


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("joins", [True, False])
def test_the_notice_itself_is_no_answer(language: str, joins: bool) -> None:
    values = {
        "title": "approve", "author": "approve@example.org", "name": "approve", "joins": joins,
        "subject": "approve", "reasons": ["approve was said"], "lines": ["approve"], "more": 1,
        "attachments": ["approve"], "attached": True, "others": ["approve"], "more_others": 1,
    }  # fmt: skip
    subject, _, text = (
        JinjaTemplates().render("moderator-held.txt", values, language).partition("\n\n")
    )
    assert "http" not in text  # nothing that a scanner could follow
    lines = [line for line in text.splitlines() if line.strip()]
    assert not any(isinstance(read_ruling([line]), Ruling) for line in [*lines, subject[9:]])
    assert not isinstance(read_ruling(top_lines(lines, lazy=True)), Ruling)


def test_who_is_no_moderator_any_more_decides_nothing(world: World, town: MailingList) -> None:
    one = a_post_waits(world)
    letters(world)
    set_role(world, town, MemberRole.MEMBER)
    reply(world, one, "approve")
    nothing_happens(world, one)


def test_who_has_left_decides_nothing(world: World, town: MailingList) -> None:
    one = a_post_waits(world)
    letters(world)
    now = world.clock.now()

    def leave(tx: Tx) -> None:
        mo = members.by_key(tx, town.id, MO)
        assert mo is not None
        members.leave(tx, mo.id, now)

    world.store.write(leave)
    reply(world, one, "approve")
    assert state(world, one) is HeldState.HELD
    assert letters_to(world, MO) == []


def test_nobody_is_asked_about_their_own_post_nor_decides_it(
    world: World, town: MailingList
) -> None:
    world.post(MO, "town", subject="Mine", authorship=PROVEN)
    (to_max,) = shown(world)
    assert to_max.to == MAX
    letters(world)
    reply(world, to_max, "approve", MO)
    nothing_happens(world, to_max)
    reply(world, to_max, "approve", MAX)
    assert state(world, to_max) is HeldState.APPROVED


def test_who_becomes_the_author_of_what_they_were_shown_does_not_decide_it(
    world: World, town: MailingList
) -> None:
    """Their address has been linked with the author's since."""
    one = a_post_waits(world)
    letters(world)
    number = look(world, one).post_id

    def own(tx: Tx) -> None:
        mo = members.by_key(tx, town.id, MO)
        assert mo is not None
        tx.execute(update(PostRow).where(PostRow.id == number).values(member_id=mo.id))

    world.store.write(own)
    reply(world, one, "approve")
    assert state(world, one) is HeldState.HELD
    assert "your own" in the_letter(world, MO)


def test_a_contradicted_reply_does_nothing_and_the_moderator_is_told_once_a_day(
    world: World, town: MailingList
) -> None:
    one, two = a_post_waits(world, "first"), a_post_waits(world, "second")
    letters(world)
    for _ in range(3):
        for each in (one, two):
            reply(world, each, "approve", MO, CONTRADICTED)
    assert "in your name" in the_letter(world, MO).subject
    assert state(world, one) is HeldState.HELD
    world.clock.pass_by(days=1)
    reply(world, one, "approve", MO, CONTRADICTED)
    assert the_letter(world, MO)


def test_the_author_of_a_forged_post_hears_of_no_rejection(world: World, town: MailingList) -> None:
    world.post(ANN, "town", authorship=CONTRADICTED)
    (one,) = shown(world, MO)
    letters(world)
    reply(world, one, "reject Not here.")
    assert "not possible" in the_letter(world, MO)
    assert state(world, one) is HeldState.HELD


def test_an_unproven_reply_is_asked_about_once_and_yes_acts_and_teaches(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    for _ in range(3):
        reply(world, one, "reject Mind\r\nour rules.", MO, UNPROVEN)
    question = the_letter(world, MO)
    assert "> Mind\n> our rules." in question
    assert one.token not in question.raw.decode()
    assert state(world, one) is HeldState.HELD

    for mark in AUTOMATIC:
        reply(world, question.reply_to, "yes", MO, NOTHING_VERIFIED, **mark)
    nothing_happens(world, one)

    reply(world, question.reply_to, "yes", MO, NOTHING_VERIFIED)
    assert state(world, one) is HeldState.REJECTED
    assert "Mind\nour rules." in the_letter(world, ANN)
    reply(world, question.reply_to, "yes", MO, NOTHING_VERIFIED)
    assert [letter.to for letter in letters(world)] == [MO]

    two = a_post_waits(world, "second")
    reply(world, two, "approve", MO, UNPROVEN)
    assert state(world, two) is HeldState.APPROVED


def test_unproven_replies_are_asked_about_once_a_day_for_each_post_and_moderator(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="first", authorship=PROVEN)
    world.post(ANN, "town", subject="second", authorship=PROVEN)
    notices = shown(world)
    letters(world)
    for words in ("approve", "discard", "trust"):
        for one in notices:
            reply(world, one, words, one.to, UNPROVEN)
    asked = letters(world)
    assert sorted(letter.to for letter in asked) == [MAX, MAX, MO, MO]
    assert all('answers "approve"' in letter for letter in asked)
    world.clock.pass_by(days=1)
    reply(world, notices[0], "discard", notices[0].to, UNPROVEN)
    assert 'answers "discard"' in the_letter(world, notices[0].to)


def test_a_yes_decides_nothing_when_the_moderator_is_none_any_more(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    reply(world, one, "approve", MO, UNPROVEN)
    question = the_letter(world, MO)

    set_role(world, town, MemberRole.MEMBER)
    reply(world, question.reply_to, "yes", MO, NOTHING_VERIFIED)
    nothing_happens(world, one)


def test_a_yes_is_too_late_when_somebody_has_decided(world: World, town: MailingList) -> None:
    world.post(ANN, "town", authorship=PROVEN)
    both = {one.to: one for one in shown(world)}
    letters(world)
    reply(world, both[MO], "approve", MO, UNPROVEN)
    question = the_letter(world, MO)
    reply(world, both[MAX], "discard", MAX)
    reply(world, question.reply_to, "yes", MO, NOTHING_VERIFIED)
    assert state(world, both[MO]) is HeldState.DISCARDED
    assert f"discarded by {MAX}" in the_letter(world, MO)


def test_a_notice_that_is_passed_on_gives_a_colleague_nothing(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    letters(world)
    for body in ("approve", "approve\r\n\r\n" + one.text.replace("\n", "\r\n")):
        for level in (PROVEN, UNPROVEN, CONTRADICTED):
            reply(world, one, body, "colleague@example.com", level)
    nothing_happens(world, one)


def test_one_reply_to_two_notices_decides_both_and_to_the_list_too_is_a_post(
    world: World, town: MailingList
) -> None:
    first, second = a_post_waits(world, "first"), a_post_waits(world, "second")
    raw = a_message(MO, (first.reply_to, second.reply_to), body="discard")
    world.post(MO, first.reply_to, second.reply_to, raw=raw, authorship=PROVEN)
    assert (state(world, first), state(world, second)) == (HeldState.DISCARDED,) * 2


def test_a_list_that_was_renamed_meanwhile_knows_its_tokens(
    world: World, town: MailingList
) -> None:
    one = a_post_waits(world)
    now = world.clock.now()
    world.store.write(
        lambda tx: administer.rename_list(
            tx, town.id, "village", domains=world.site.domains, by="cli", now=now
        )
    )
    reply(world, one, "approve")
    assert state(world, one) is HeldState.APPROVED


def test_what_was_decided_meanwhile_stays_so_and_the_moderator_hears_by_whom(
    world: World, town: MailingList
) -> None:
    decisions = [
        (HeldState.APPROVED, "cli"), (HeldState.EXPIRED, "listserv"), (HeldState.WITHDRAWN, ANN)
    ]  # fmt: skip
    for as_, by in decisions:
        for words in (*(verb.value for verb in Verb), "ask Why?", "Hello"):
            one = a_post_waits(world, f"{words} {as_}")
            decide(world, one, as_, by)
            before = look(world, one)
            letters(world)
            reply(world, one, words)
            told = the_letter(world, MO)
            assert f"{as_} by {by}" in told and "21 November 2026 at 12:00" in told
            assert look(world, one) == before


def decide(world: World, one: Shown, as_: HeldState, by: str) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: held.decide(tx, one.held, as_, by, "", now))


def test_two_moderators_at_once_decide_once_each_time(
    world: World, town: MailingList, database: str
) -> None:
    """Their mails come in at two servers at the same moment, 200 times."""
    for number in range(200):
        world.post(ANN, "town", subject=f"Post {number}", authorship=PROVEN)
    tokens = tokens_of(world, MO), tokens_of(world, MAX)
    other = Store(database)
    elsewhere = World(other, world.site, world.clock)
    before = answers(world)

    def say(where: World, by: str, token: str, words: str) -> int:
        address = f"town-moderate+{token}@{DOMAIN}"
        return reply(where, address, words, by, PROVEN).code

    try:
        with ThreadPoolExecutor(2) as people:
            for number in tokens[0]:
                one = people.submit(say, world, MO, tokens[0][number], "approve")
                two = people.submit(say, elsewhere, MAX, tokens[1][number], "discard")
                assert (one.result(), two.result()) == (250, 250)
    finally:
        other.close()
    became = [look(world, number) for number in tokens[0]]
    ways = {(one.state, one.decided_by) for one in became}
    assert ways <= {(HeldState.APPROVED, MO), (HeldState.DISCARDED, MAX)}
    # Each time one of them was late, and heard so.
    assert answers(world) - before == 200
    assert lists_number(world, town) == sum(one.state is HeldState.APPROVED for one in became)


def tokens_of(world: World, moderator: str) -> dict[int, str]:
    """By the number of the held post."""
    query = (
        select(ModerationRow.held_id, ModerationRow.token)
        .join(MemberRow, MemberRow.id == ModerationRow.member_id)
        .where(MemberRow.address == moderator)
    )
    return {number: token for number, token in world.store.read(lambda tx: tx.execute(query).all())}


def answers(world: World) -> int:
    """How many answers to moderators were queued."""
    query = select(func.count()).where(MailingRow.subject == "moderator answer")
    return world.store.read(lambda tx: tx.execute(query).scalar_one())


def lists_number(world: World, mlist: MailingList) -> int:
    """How many posts the list has accepted."""
    query = select(func.count()).where(PostRow.list_id == mlist.id, PostRow.number.is_not(None))
    return world.store.read(lambda tx: tx.execute(query).scalar_one())


def test_a_decision_by_mail_that_comes_a_moment_late_hears_who_was_first(
    world: World, town: MailingList
) -> None:
    """The other one's is committed between what this one reads and what it writes."""
    one = a_post_waits(world)
    letters(world)
    before = look(world, one)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.discard(tx, one.held, MAX, now))

    def late(tx: Tx) -> None:
        mo = members.by_key(tx, town.id, MO)
        assert mo is not None
        for verb in Verb:
            moderate_by_mail._carry_out(
                tx, world.site, before, mo, one.token, Ruling(verb, "?"), now
            )

    world.store.write(late)
    told = letters(world)
    assert [letter.to for letter in told] == [MO] * len(Verb)
    assert all(f"discarded by {MAX}" in letter for letter in told)


def test_who_is_suspended_is_not_asked(world: World, town: MailingList) -> None:
    def suspend(tx: Tx) -> None:
        mo = members.by_key(tx, town.id, MO)
        assert mo is not None
        suspended = {"state": MemberState.SUSPENDED}
        tx.execute(update(MemberRow).where(MemberRow.id == mo.id).values(**suspended))

    one = a_post_waits(world)
    letters(world)
    world.store.write(suspend)
    reply(world, one, "approve")
    nothing_happens(world, one)
    world.post(ANN, "town", subject="second", authorship=PROVEN)
    assert [each.to for each in shown(world)] == [MAX]


def test_html_that_says_something_else_is_shown_beside_the_text(
    world: World, town: MailingList
) -> None:
    body = (
        "--b\r\n\r\nHello\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>approve</p><p>Buy"
        " pills</p>\r\n--b--\r\n"
    )
    kind = "multipart/alternative; boundary=b"
    one = a_post_waits(world, mime_version="1.0", content_type=kind, body=body)
    assert one.text.endswith(
        "The post as plain text:\n\n> Hello\n\n"
        "The same as HTML, which says something else:\n\n> approve\n>\n> Buy pills\n"
    )
    # Who sends it back without marks, as programs do, decides nothing.
    reply(world, one, one.text.replace("\n", "\r\n"))
    assert state(world, one) is HeldState.HELD


HOSTILE: tuple[bytes, ...] = (
    b"Subject: \xff\xfe\xe4 approve\r\nContent-Type: text/plain\r\n\r\n\xff\xfe" + b"x" * 5000,
    b"Subject: =?utf-8?q?a=0D=0AReply-To:_evil=40example=2Enet=0D=0A=0D=0Aapprove?=\r\n\r\nHello",
    b"Subject: " + b"y" * 5000 + b"\r\n\r\n" + "Grüße\r\n".encode() * 500,
    b"Subject: \xe2\x80\xae evorppa\r\nContent-Type: application/\xff; name=\"\xff\x01\"\r\n\r\nx",
    b"Content-Type: multipart/mixed; boundary=\"=_\"\r\n\r\n--=_\r\nContent-Type: text/html\r\n\r\n"
    b"<b>x</b>\r\n--=_\r\nContent-Type: message/\xff\r\n\r\nz\r\n--=_--\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>",
    b"Content-Type: text/html; " + b"x" * 9000 + b"\r\n\r\n<script>",
    b"\r\n> approve\r\n\x0b\x0capprove\r\n\xc2\x85approve\r\n\xe2\x80\xa8approve\r\n-- \r\n",
)  # fmt: skip


def test_whatever_waits_is_shown_in_a_mail_that_may_leave(world: World, town: MailingList) -> None:
    """What may leave is looked at wherever a mail of these tests goes out."""
    for number, rest in enumerate(HOSTILE):
        raw = f"From: {ANN}\r\nTo: town@{DOMAIN}\r\nMessage-ID: <{number}@x.example>\r\n".encode()
        world.post(ANN, "town", raw=raw + rest, authorship=PROVEN)
        (one,) = shown(world, MO)
        assert str(one.message["Reply-To"]) == f"town-moderate+{one.token}@{DOMAIN}"
        assert one.raw.isascii()
        assert one.text.startswith("Reply with one word: ")
        assert "text/html" not in {part.get_content_type() for part in one.message.walk()}
        below = one.text.partition("The post:")[2]
        assert all(line[:1] in {"", ">"} for line in below.partition("Attachments")[0].split("\n"))
