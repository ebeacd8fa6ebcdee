"""How far a mail is believed decides what its commands do: each level and each kind, what an
unproven mail causes, whom a yes comes from, and what never does anything."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from listserv.domain.authorship import Authorship, Level, Signature, VerifiedPath
from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.store import held, members, paths
from tests.flow.letters import (
    ANN,
    AUTOMATIC,
    BOB,
    CONTRADICTED,
    LEVELS,
    MO,
    NOTHING_VERIFIED,
    PROVEN,
    UNPROVEN,
    ZOE,
    Letter,
    answer,
    is_member,
    letters,
    receives,
    rows,
    send,
    the_letter,
    the_member,
)
from tests.flow.world import DOMAIN, World


@pytest.fixture
def town(world: World) -> MailingList:
    """ann owns it, mo moderates it, bob reads it and has used a path that is not his domain's."""
    mlist = world.found("town", title="Our Town", subscription="open")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, MO, role="moderator")
    for who in (
        world.join(mlist, BOB),
        the_member(world, mlist, ANN),
        the_member(world, mlist, MO),
    ):
        make_familiar(world, who)
    return mlist


FAMILIAR_PATH = VerifiedPath((), "forwarder.example")
FAMILIAR = Authorship(Level.UNPROVEN, ("nothing aligns",), FAMILIAR_PATH)


def make_familiar(world: World, member: Member) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: paths.confirm(tx, member.id, FAMILIAR_PATH, by="test", now=now))


@contextmanager
def nothing_changes(world: World) -> Iterator[None]:
    before = rows(world)
    yield
    assert rows(world) == before


# Kind of command, whose, line, and what each level makes of it: it acts, with an offer of UNDO or
# without one; the address is asked; or nothing happens at all.
TABLE = [
    (BOB, "SET town DIGEST", {"proven": "acts", "familiar": "undo"}),
    (BOB, "BREAK town 2 WEEKS", {"proven": "acts", "familiar": "undo"}),
    (BOB, "NAME town Robert", {"proven": "acts", "familiar": "undo"}),
    (BOB, "SIGNOFF town", {"proven": "undo", "familiar": "asks"}),
    (BOB, "SUBSCRIBE town Robert", {"proven": "undo", "familiar": "asks"}),
    (ZOE, "SUBSCRIBE town", {"proven": "undo", "familiar": "asks"}),
    (MO, "HOLD town", {"proven": "undo", "familiar": "asks"}),
    (ANN, f"ADD town {ZOE}", {"proven": "undo", "familiar": "asks"}),
    (ANN, f"QUIET DELETE town {BOB}", {"proven": "undo", "familiar": "asks"}),
    (ANN, f"SET town DIGEST FOR {BOB}", {"proven": "undo", "familiar": "asks"}),
    (ANN, f"BAN town {BOB}", {"proven": "undo", "familiar": "asks"}),
]


def test_each_level_and_each_kind(world: World, town: MailingList) -> None:
    undone: list[Letter] = []
    for author, line, follows in TABLE:
        for name, authorship in {**LEVELS, "familiar": FAMILIAR}.items():
            world.clock.pass_by(days=31)
            expected = follows.get(name, "nothing" if name == "contradicted" else "asks")
            if author == ZOE and name == "familiar":
                expected = "asks"
            make_familiar(world, the_member(world, town, BOB))
            make_familiar(world, the_member(world, town, ANN))
            make_familiar(world, the_member(world, town, MO))
            before = rows(world)
            send(world, author, line, "town-request", authorship)
            sent = [one for one in letters(world) if one.to == author]
            changed = rows(world) != before
            said = (author, line, name)
            assert changed is (expected in {"acts", "undo"}), said
            assert len(sent) == (expected != "nothing"), said
            if expected == "asks":
                assert sent[0].subject == "Is this from you? A request to Our Town", said
            offers = [one for one in sent if "one word: undo" in one.text]
            assert bool(offers) is (expected == "undo"), said
            undone += offers
            for one in offers:
                answer(world, one, "undo")
            if expected == "acts":
                send(world, BOB, "SET town MAIL HTML\r\nBACK\r\nNAME town Bob")
            letters(world)
    assert len(undone) == 11


def test_an_unproven_mail_causes_one_mail_that_is_the_same_for_everybody(
    world: World, town: MailingList
) -> None:
    """Member, moderator of it, who has left, stranger; one command or several, one list or all."""
    city = world.found("city", title="The City")
    for mlist in (town, city):
        world.join(mlist, "reader@example.org", "digest", language="de")
        gone = world.join(mlist, "gone@example.org")
        world.store.write(lambda tx, gone=gone: members.leave(tx, gone.id, world.clock.now()))  # type: ignore[misc]
    world.join(town, "onlytown@example.org", role="moderator")
    people = ["reader", "gone", "onlytown", "stranger"]
    for to, text in (
        ("town-request", "SIGNOFF"),
        ("town-request", "SUBSCRIBE Hans Müller"),
        ("town-request", "BREAK 2 WEEKS"),
        ("town-request", "NAME http://evil.example"),
        ("town-request", "CHANGE victim@example.com"),
        ("town-leave", ""),
        ("town-join", "I am Hans."),
        ("town+digest", ""),
        ("town+nomail", "WAKE UP"),
        ("listserv", "SIGNOFF"),
        ("listserv", "SIGNOFF *"),
        ("listserv", "SET * DIGEST"),
        ("listserv", "BACK"),
        ("listserv", "QUERY *"),
        ("listserv", "WHICH"),
        ("listserv", "LISTS"),
        ("listserv", "SUBSCRIBE town Hans\r\nSIGNOFF city\r\nSET city MAIL"),
        ("listserv", "REVIEW city"),
        ("listserv", "HOLD town"),
        ("listserv", "ADD town victim@example.com Hans"),
    ):
        seen = set()
        for person in people:
            world.clock.pass_by(days=31)
            with nothing_changes(world):
                send(world, f"Hans <{person}@example.org>", text, to, UNPROVEN,
                     sender=f"{person}@example.org")  # fmt: skip
                sent = letters(world)
            if text == "NAME http://evil.example":
                assert sent == []
                continue
            (one,) = sent
            assert one.to == f"{person}@example.org"
            token = one.reply_to.partition("+")[2].partition("@")[0]
            assert len(token) == 22
            body = one.raw.partition(b"\r\n\r\n")[2]
            assert token.encode() not in body
            assert one.raw.count(token.encode()) == 1
            lowered = anonymous(one.raw, person).lower()
            for theirs in (b"hans", b"evil", b"wake", b"victim", "müller".encode()):
                assert theirs not in lowered.replace(b"example.com", b""), (text, theirs)
            seen.add(anonymous(one.raw, person))
        assert len(seen) <= 1, (to, text, seen)


def anonymous(raw: bytes, person: str) -> bytes:
    """A mail without what has to differ: chance letters may spell anybody's name."""
    raw = re.sub(rb"(?<=\+)[\w-]{22}(?=@)", b"TOKEN", raw.replace(person.encode(), b"PERSON"))
    return re.sub(rb"(?ms)^(DKIM-Signature|Message-ID|Date):.*?(?=^\S)", b"", raw)


def test_a_question_about_no_list_by_name_says_where(world: World, town: MailingList) -> None:
    send(world, BOB, "SIGNOFF *", "listserv", UNPROVEN)
    assert "- to leave the lists here" in the_letter(world, BOB)


def test_a_yes_acts_from_whatever_author_and_a_programs_mail_never(
    world: World, town: MailingList
) -> None:
    for author, authorship in (
        (ZOE, NOTHING_VERIFIED),
        ("another@example.com", PROVEN),
        ("another@example.com", CONTRADICTED),
        ("town-request@" + DOMAIN, UNPROVEN),
    ):
        world.clock.pass_by(days=31)
        send(world, ZOE, "", "town-join", UNPROVEN)
        question = the_letter(world, ZOE)
        for marks in AUTOMATIC:
            with nothing_changes(world):
                answer(world, question, "yes", author, authorship, **marks)
            assert letters(world) == []
        for words in ("no", "No, thanks", "> yes", ""):
            answer(world, question, words, author, authorship)
            assert not is_member(world, town, ZOE)
        letters(world)
        answer(world, question, "Yes, please", author, authorship)
        assert is_member(world, town, ZOE)
        assert [one.to for one in letters(world)] == [ZOE]
        send(world, ZOE, "SIGNOFF")
        letters(world)


def test_what_a_program_sent_is_nothing_whoever_proves_it(world: World, town: MailingList) -> None:
    with nothing_changes(world):
        for to in ("town-request", "listserv", "town-leave", "town-join", "town+digest"):
            for marks in AUTOMATIC:
                for level in LEVELS.values():
                    assert send(world, BOB, "SIGNOFF town", to, level, **marks).accepted
    assert letters(world) == []


def test_a_contradicted_mail_is_not_answered_and_does_nothing(
    world: World, town: MailingList
) -> None:
    send(world, ZOE, "", "town-join", UNPROVEN)
    code = the_letter(world, ZOE).reply_to.partition("+")[2].partition("@")[0]
    with nothing_changes(world):
        for to in ("town-request", "listserv", "town-leave", "town-join", "town+nomail"):
            for text in ("SIGNOFF town", "HELP", "gibberish", "", f"CONFIRM {code}"):
                send(world, BOB, text, to, CONTRADICTED)
    assert letters(world) == []


def test_a_mail_seen_before_does_nothing(world: World, town: MailingList) -> None:
    """The client lost our 250 and sends it again; or somebody plays it again later."""
    send(world, BOB, "SIGNOFF", message_id="<same@example.org>")
    answer(world, the_letter(world, BOB), "undo")
    letters(world)
    with nothing_changes(world):
        send(world, BOB, "SIGNOFF", message_id="<same@example.org>")
    assert letters(world) == []


def test_a_signed_mail_counts_once_at_each_address(world: World, town: MailingList) -> None:
    """Somebody who has got a signed mail sends it again: with another Message-ID, which the
    signature does not cover."""
    names = frozenset({"from", "to", "subject"})
    signed = Signature("example.org", b"d" * 32, int(world.clock.now().timestamp()), names)
    authorship = replace(PROVEN, aligned=(signed,), spf_aligned=False)
    send(world, BOB, "SIGNOFF", "town-request", authorship)
    answer(world, the_letter(world, BOB), "undo")
    letters(world)
    with nothing_changes(world):
        send(world, BOB, "SIGNOFF", "town-request", authorship)
    assert the_letter(world, BOB).subject.startswith("Is this from you?")


def test_a_linked_address_acts_for_its_member_who_is_told_at_their_own(
    world: World, town: MailingList
) -> None:
    bob = the_member(world, town, BOB)
    phone = "phone@example.com"
    world.store.write(lambda tx: members.change(tx, bob, {"also": phone}))
    with nothing_changes(world):
        send(world, phone, "SET town DIGEST", "town-request", UNPROVEN)
    assert the_letter(world).to == BOB
    send(world, phone, "SET town DIGEST", subject="again")
    assert the_letter(world).to == BOB
    assert receives(world, town, BOB)[0] == "digest"
    send(world, phone, "SIGNOFF *", "listserv")
    assert the_letter(world).to == BOB
    assert not is_member(world, town, BOB)


@pytest.mark.parametrize("to", ["town-leave", "listserv"])
def test_other_spellings_of_a_mailbox_are_its_member_when_proven(
    world: World, town: MailingList, to: str
) -> None:
    known = "jo.doe@gmail.com"
    world.join(town, known)
    other = "JoDoe+lists@googlemail.com"
    send(world, other, "SIGNOFF", to, UNPROVEN)
    (asked,) = letters(world)
    assert asked.to == "JoDoe+lists@googlemail.com"
    answer(world, asked)
    assert {one.to for one in letters(world)} == {known, asked.to}
    assert not is_member(world, town, known)
    world.join(town, "jo.d.oe@gmail.com")
    send(world, other, "SIGNOFF", to)
    assert the_letter(world).to == "jo.d.oe@gmail.com"
    assert not is_member(world, town, "jo.d.oe@gmail.com")
    for spelling in ("jane.doe@gmail.com", "janedoe@gmail.com"):
        world.join(town, spelling)
    send(world, "jane.d.oe@gmail.com", "SIGNOFF", to)
    assert "If you joined with another one" in the_letter(world)
    assert is_member(world, town, "janedoe@gmail.com")


def test_without_required_proof_settings_act_and_membership_still_waits(
    world: World, town: MailingList
) -> None:
    world.site = replace(world.site, require_proven_author=False)
    send(world, BOB, "SET DIGEST", "town-request", NOTHING_VERIFIED)
    assert "one word: undo" in the_letter(world, BOB)
    assert receives(world, town, BOB)[0] == "digest"
    for author, line in ((BOB, "SIGNOFF"), (ANN, f"DELETE town {BOB}"), (MO, "HOLD town")):
        with nothing_changes(world):
            send(world, author, line, "town-request", NOTHING_VERIFIED)
        assert the_letter(world, author).subject.startswith("Is this from you?")
    with nothing_changes(world):
        send(world, BOB, "SET MAIL", "town-request", CONTRADICTED)
    assert letters(world) == []


def test_a_mail_for_somebody_else_asks_them(world: World, town: MailingList) -> None:
    """However proven its author is."""
    for line, asked in (
        (f"SUBSCRIBE town {ZOE}", ZOE),
        (f"SIGNOFF town {BOB}", BOB),
        (f"CHANGE town {MO} {ZOE}", MO),
    ):
        world.clock.pass_by(days=31)
        with nothing_changes(world):
            send(world, ANN, line)
        told = {one.to: one for one in letters(world)}
        assert told.keys() == {ANN, asked}
        assert b"ann" not in anonymous(told[asked].raw, asked).lower()
    assert is_member(world, town, BOB) and world.store.read(held.ls) == []
