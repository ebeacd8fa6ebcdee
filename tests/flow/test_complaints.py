"""A provider reports that a reader called our mail unwanted: whose stops, and who hears of it."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.mailing import Mode
from listserv.domain.members import Member, MemberState
from listserv.domain.post import Transport
from listserv.domain.tokens import Purpose, copy_token
from listserv.flow import bounce, complaint, tidy
from listserv.store import lists, members, suspensions
from tests.flow.letters import ANN, BOB, CLEO, MO, is_member, letters, the_letter, the_member
from tests.flow.test_at_once import meanwhile
from tests.flow.test_receive import answer_to_rcpt
from tests.flow.world import DOMAIN, World, an_address
from tests.mail import reporting
from tests.mail.building import crlf

OPERATOR = "op@office.test"
URL = "https://lists.example.org"
# Ours, of every kind: at each a complaint is read before anything else.
ADDRESSES = (
    "abuse", "fbl", "postmaster", "town", "town-request", "town-owner", "town-leave", "town-join",
    "town+digest", "listserv", "town-bounces+aaaaaaaaaaaaaaaaaaaaaaaa",
    "listserv-bounces+aaaaaaaaaaaaaaaaaaaaaaaa", "town-confirm+aaaaaaaaaaaaaaaaaaaaaa",
    "town-moderate+aaaaaaaaaaaaaaaaaaaaaa", "town-leave+aaaaaaaaaaaaaaaaaaaaaaaa",
    "town+re-aaaaaaaaaaaaaaaaaaaaaaaa",
)  # fmt: skip


@pytest.fixture
def town(world: World) -> MailingList:
    world.site = replace(world.site, operators={DOMAIN: an_address(OPERATOR)})
    mlist = world.found("town", title="Our Town")
    for address in (ANN, BOB, CLEO):
        world.join(mlist, address)
    world.join(mlist, MO, role="owner")
    return mlist


def copies(world: World) -> dict[str, bytes]:
    """A post of Ann's goes out; each reader's copy as a provider sends it back."""
    world.post(ANN, "town", body="The secret word is heliotrope.")
    before = len(world.sent)
    world.deliver()
    return {
        to: f"Return-Path: <{one.sender}>\r\n".encode() + b"".join(one.data)
        for one in world.sent[before:]
        for to in one.recipients
    }


def complain(world: World, raw: bytes, *to: str, transport: Transport = Transport.SMTP) -> None:
    replies = world.post("fbl@mail.example.net", *to, raw=raw, transport=transport, sender="")
    assert [reply.code for reply in replies] == [250] * len(to)


def state_of(world: World, mlist: MailingList, address: str) -> MemberState:
    return the_member(world, mlist, address).state


def resume(world: World, mlist: MailingList, member: Member) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: bounce.resume(tx, mlist, member, "test", now))


@pytest.mark.parametrize("transport", list(Transport))
def test_one_subscription_stops_whatever_address_of_ours_is_written_to(
    world: World, town: MailingList, transport: Transport
) -> None:
    readers = {f"reader{n}@example.net": address for n, address in enumerate(ADDRESSES)}
    for reader in readers:
        world.join(town, reader)
    sent = copies(world)
    for reader, address in readers.items():
        complain(world, reporting.complaint(sent[reader]), address, transport=transport)
        assert state_of(world, town, reader) is MemberState.SUSPENDED, address
    assert [one.to for one in letters(world)] == [MO], "one mail, to the owner"
    assert copies(world).keys() == {ANN, BOB, CLEO, MO}


def test_the_token_is_found_in_every_place_of_the_copy(world: World, town: MailingList) -> None:
    world.site = replace(world.site, mode=Mode.PERSONAL, urls={DOMAIN: URL})
    sent = copies(world)
    unwanted = {
        ANN: [b"Return-Path:"],
        BOB: [f"List-Unsubscribe: <{URL}/u/".encode()],
        CLEO: [b"<mailto:town-leave+"],
    }
    for reader, (kept, *_) in unwanted.items():
        header = sent[reader].partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
        (line,) = [one for one in header.split(b"\r\n") if kept in one]
        if reader == CLEO:
            line = b"List-Unsubscribe: <mailto:" + line.partition(b"<mailto:")[2]
        complain(world, reporting.complaint(line + b"\r\nSubject: Hello\r\n"), "fbl")
        assert state_of(world, town, reader) is MemberState.SUSPENDED, line


def test_owners_hear_how_many_complained_and_not_who_or_what(
    world: World, town: MailingList
) -> None:
    sent = copies(world)
    complain(world, reporting.complaint(sent[BOB]), "abuse")
    letter = the_letter(world, MO)
    assert letter.subject == "Complaints about Our Town: 1 in 30 days"
    assert "1 of 4 members" in letter
    assert not any(word in letter.raw for word in (b"bob", b"hate", b"heliotrope", b"Feedback"))
    complain(world, reporting.complaint(sent[CLEO]), "abuse")
    assert letters(world) == [], "once a day"
    world.clock.pass_by(days=1, minutes=1)
    now = world.clock.now()
    untold = partial(suspensions.next_untold, why=bounce.COMPLAINT)
    assert world.store.read(untold) == town.id
    world.store.write(lambda tx: complaint.tell_owners(tx, world.site, town.id, now))
    assert "2 of 4 members" in the_letter(world, MO)
    assert world.store.read(untold) is None


def test_complaints_are_counted_for_a_month(world: World, town: MailingList) -> None:
    sent = copies(world)
    complain(world, reporting.complaint(sent[BOB]), "abuse")
    the_letter(world, MO)
    world.clock.pass_by(days=29)
    sent = copies(world)
    now = world.clock.now()
    world.store.write(lambda tx: tidy.forget(tx, timedelta(days=30), now))
    complain(world, reporting.complaint(sent[CLEO]), "abuse")
    assert "2 of 4 members" in the_letter(world, MO)
    world.clock.pass_by(days=2)
    complain(world, reporting.complaint(copies(world)[ANN]), "abuse")
    assert "2 of 4 members" in the_letter(world, MO)


def test_an_owner_who_complained_is_not_written_to(world: World, town: MailingList) -> None:
    sent = copies(world)
    complain(world, reporting.complaint(sent[MO]), "abuse")
    assert the_letter(world).to == OPERATOR


def test_one_complaint_sent_a_hundred_times_stops_one_subscription_once(
    world: World, town: MailingList
) -> None:
    raw = reporting.complaint(copies(world)[BOB])
    for _ in range(100):
        complain(world, raw, "abuse", "fbl")
    assert [one.to for one in letters(world)] == [MO]
    world.clock.pass_by(hours=1)
    resume(world, town, the_member(world, town, BOB))
    complain(world, raw, "abuse")
    assert state_of(world, town, BOB) is MemberState.ACTIVE, "that was before he came back"
    world.clock.pass_by(days=40)
    world.store.write(lambda tx: tidy.forget(tx, timedelta(days=30), world.clock.now()))
    complain(world, reporting.complaint(copies(world)[BOB]), "abuse")
    assert state_of(world, town, BOB) is MemberState.SUSPENDED, "this one is new"


def test_a_complaint_of_before_stops_nobody_at_the_moment_of_their_return(
    world: World, town: MailingList
) -> None:
    raw = reporting.complaint(copies(world)[BOB])
    complain(world, raw, "abuse")
    world.clock.pass_by(hours=1)
    bob, now = the_member(world, town, BOB), world.clock.now()
    meanwhile(
        world,
        lambda tx: bounce.resume(tx, town, bob, "test", now),
        lambda: complain(world, raw, "abuse"),
    )
    assert state_of(world, town, BOB) is MemberState.ACTIVE


def test_who_has_left_is_let_go(world: World, town: MailingList) -> None:
    sent = copies(world)
    bob = the_member(world, town, BOB)
    world.store.write(lambda tx: members.leave(tx, bob.id, world.clock.now()))
    complain(world, reporting.complaint(sent[BOB]), "abuse")
    assert letters(world) == []
    assert not is_member(world, town, BOB)


OPERATORS = {
    "of a list that is gone": "gone",
    "of a copy that many had": "batched",
    "with a token of another site": "foreign",
    "without a token": "bare",
    "of another type": "not-spam",
}


@pytest.mark.parametrize("name", OPERATORS)
def test_what_stops_nothing_is_the_operators(world: World, town: MailingList, name: str) -> None:
    raw = reporting.complaint(copies(world)[BOB])
    match OPERATORS[name]:
        case "gone":
            world.store.write(lambda tx: lists.delete(tx, town.id))
        case "batched":
            token = copy_token(world.site.secret, Purpose.BOUNCES, 0, 1)
            raw = _with_token(token)
        case "foreign":
            raw = _with_token(copy_token(b"x" * 32, Purpose.BOUNCES, 1, 1))
        case "bare":
            raw = reporting.complaint(b"Subject: Hello\r\n\r\n")
        case "not-spam":
            raw = raw.replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam")
    for address in ("abuse", "town", "town-owner"):
        complain(world, raw, address)
        assert world.deliver() == [OPERATOR], address
    if name != "of a list that is gone":
        assert copies(world).keys() == {ANN, BOB, CLEO, MO}


def _with_token(token: str) -> bytes:
    return reporting.complaint(f"Return-Path: <town-bounces+{token}@{DOMAIN}>\r\n\r\n".encode())


def test_who_forwards_a_copy_to_the_operator_does_not_complain(
    world: World, town: MailingList
) -> None:
    copy = copies(world)[BOB]
    forwarded = crlf(
        f"From: {BOB}\nSubject: Fwd: Hello\nMessage-ID: <fwd@example.org>\n"
        'Content-Type: multipart/mixed; boundary="=_c"\n\n--=_c\n\nIs this a feedback-report?\n'
        "--=_c\nContent-Type: message/rfc822\n\n"
    )
    world.post(BOB, "abuse", raw=forwarded + copy + b"\r\n--=_c--\r\n")
    assert world.deliver() == [OPERATOR]
    assert state_of(world, town, BOB) is MemberState.ACTIVE


def test_the_operator_gets_no_more_complaints_a_day_than_other_mail(
    world: World, town: MailingList
) -> None:
    for _ in range(60):
        complain(world, reporting.complaint(b"Subject: Hello\r\n\r\n"), "town", "listserv")
    assert world.deliver() == [OPERATOR] * 50


def test_who_floods_the_address_for_complaints_keeps_none_out(
    world: World, town: MailingList
) -> None:
    sent = copies(world)
    for number in range(50):
        complain(world, crlf(f"From: zoe@example.net\nSubject: {number}\n\nHello\n"), "fbl")
    (reply,) = world.post("zoe@example.net", "fbl")
    assert reply.code == 452
    assert answer_to_rcpt(world, f"fbl@{DOMAIN}") == 250
    complain(world, reporting.complaint(sent[BOB]), "fbl")
    assert state_of(world, town, BOB) is MemberState.SUSPENDED
    assert world.deliver() == [MO, *[OPERATOR] * 50]
    (reply,) = world.post("zoe@example.net", "fbl", transport=Transport.LMTP)
    assert (reply.code, world.deliver()) == (250, []), "or the writer hears a bounce"
