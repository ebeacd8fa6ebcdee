"""How many mails others can have us send to somebody, and how many they get from us themselves."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from listserv.domain.lists import MailingList
from listserv.domain.post import Client, Incoming, Transport
from listserv.flow import receive
from listserv.mail.parse import parse
from listserv.policy.linked import mailbox_key
from listserv.store.tables import ConfirmationRow
from tests.flow.letters import (
    ANN,
    BOB,
    NOTHING_VERIFIED,
    PROVEN,
    UNPROVEN,
    ZOE,
    Letter,
    answer,
    at,
    is_member,
    letters,
    letters_to,
    send,
    the_letter,
)
from tests.flow.world import World, a_message, an_address

VICTIM = "vic.tim@gmail.com"
SPELLINGS = (
    VICTIM, "victim@gmail.com", "VIC.TIM+a@Gmail.com", "v.i.c.t.i.m@googlemail.com",
    "victim+lists@googlemail.com",
)  # fmt: skip


@pytest.fixture
def town(world: World) -> MailingList:
    for name in ("city", "hill"):
        world.found(name)
    mlist = world.found("town", title="Our Town")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, BOB)
    return mlist


def from_client(
    world: World, client: str, author: str, line: str, to: str = "town-request"
) -> None:
    """A mail whose client has this address; nothing proves who wrote it."""
    raw = a_message(author, (at(to),), subject="", body=line)
    incoming = Incoming(
        Transport.SMTP, Client(client, "client.example", trusted=True), author, (at(to),), raw
    )
    now = world.clock.now()
    world.store.submit(
        lambda tx: receive.message(tx, world.site, incoming, parse(raw), now, NOTHING_VERIFIED)
    ).result()


def asked(world: World) -> list[Letter]:
    """Mails that ask somebody."""
    return [one for one in letters(world) if "one word: yes" in one]


def test_five_hundred_mails_that_name_a_victim_cause_one(world: World, town: MailingList) -> None:
    """By every command that names an address, in every spelling, on every list, from authors who
    are proven and authors who are not."""
    lines = [
        "SUBSCRIBE {list} {victim}", "SUBSCRIBE {list} address={victim}", "SIGNOFF {list} {victim}",
        "CHANGE {list} {victim} eve@evil.example", "CHANGE {list} {victim}", "ALSO {list} {victim}",
    ]  # fmt: skip
    for number in range(500):
        victim = SPELLINGS[number % len(SPELLINGS)]
        name = ("town", "city", "hill")[number % 3]
        line = lines[number % len(lines)].format(list=name, victim=victim)
        if number % 4 == 0:
            send(world, victim, "", f"{name}-join", UNPROVEN)
        elif number % 4 == 1:
            from_client(world, f"192.0.2.{number % 250}", f"eve{number}@evil.example", line)
        else:
            proven = PROVEN if number % 4 == 2 else UNPROVEN
            send(world, BOB if number % 8 < 4 else f"eve{number}@evil.example", line,
                 "listserv", proven)  # fmt: skip
    reached = [one.to for one in letters(world)]
    assert len([to for to in reached if mailbox_key(an_address(to)) == "victim@gmail.com"]) == 1


def test_three_in_thirty_days_one_a_day(world: World, town: MailingList) -> None:
    sent = []
    for _ in range(80):
        send(world, ZOE, "", "town-join", UNPROVEN)
        sent += [(world.clock.now(), one.to) for one in asked(world)]
        world.clock.pass_by(hours=12)
    start = sent[0][0]
    days = [(when - start) / timedelta(days=1) for when, _ in sent]
    assert days == [0, 1, 2, 30, 31, 32]


def test_an_answered_question_no_longer_counts(world: World, town: MailingList) -> None:
    for _ in range(5):
        send(world, ZOE, "", "town-join", UNPROVEN)
        (question,) = asked(world)
        answer(world, question)
        assert is_member(world, town, ZOE)
        letters(world)
        send(world, ZOE, "", "town-leave", UNPROVEN)
        (question,) = asked(world)
        answer(world, question, "OK")
        assert not is_member(world, town, ZOE)
        letters(world)


def test_one_account_asks_twenty_a_day(world: World, town: MailingList) -> None:
    """A client, whose customer has a whole /64 where it is IPv6."""
    for network in ("198.51.100.7", "2001:db8:1:2::{}"):
        for number in range(30):
            client = network.format(number + 1)
            from_client(world, client, f"victim{number}@example.com", "SUBSCRIBE town")
        assert len(asked(world)) == 20
        world.clock.pass_by(days=31)
    from_client(world, "2001:db8:1:3::1", "another@example.com", "SUBSCRIBE town")
    assert len(asked(world)) == 1


def test_a_site_asks_three_hundred_an_hour(world: World, town: MailingList) -> None:
    for number in range(310):
        client = f"192.0.2.{number // 20}"
        from_client(world, client, f"victim{number}@example.com", "SUBSCRIBE town")
    count = select(func.count()).select_from(ConfirmationRow)
    assert world.store.read(lambda tx: tx.execute(count).scalar_one()) == 300
    letters(world)
    world.clock.pass_by(hours=1)
    from_client(world, "192.0.2.99", "another@example.com", "SUBSCRIBE town")
    assert len(asked(world)) == 1


def test_double_opt_in_and_invitations_are_exempt(world: World, town: MailingList) -> None:
    """Who proves to be the author, and an owner, may ask again; and an attacker who has used up
    what may be asked of an address stops neither."""
    for _ in range(3):
        send(world, "eve@evil.example", f"SUBSCRIBE town {ZOE}", "town-request", UNPROVEN)
        world.clock.pass_by(days=1)
    letters(world)
    send(world, "eve@evil.example", f"SUBSCRIBE town {ZOE}", "town-request", UNPROVEN)
    assert asked(world) == []
    for _ in range(4):
        send(world, ZOE, "", "town-join")
        assert [one.to for one in asked(world)] == [ZOE]
        send(world, ANN, f"INVITE town {ZOE}")
        assert [one.to for one in asked(world)] == [ZOE]


def test_a_person_asks_few_others_on_however_many_lists(world: World, town: MailingList) -> None:
    lists = [world.found(f"list{number}") for number in range(3)]
    for mlist in lists:
        world.join(mlist, "reader@example.org")
    for number in range(30):
        send(world, "reader@example.org", f"ALSO list{number % 3} other{number}@example.com",
             "listserv")  # fmt: skip
    assert len(asked(world)) == 20


def test_all_lists_are_one_question(world: World, town: MailingList) -> None:
    """Symptom: CHANGE * changed one list of three. Cause: each list asked, and only the first
    question of a day is sent."""
    lists = [world.found(f"list{number}") for number in range(3)]
    for mlist in lists:
        world.join(mlist, "reader@example.org")
    send(world, "reader@example.org", "CHANGE * new@example.com", "listserv")
    (question,) = asked(world)
    assert question.to == "new@example.com"
    answer(world, question)
    assert all(is_member(world, mlist, "new@example.com") for mlist in lists)
    undo = [one for one in letters(world) if one.to == "reader@example.org" and "undo" in one.text]
    assert len(undo) == 3
    send(world, "new@example.com", "ALSO * phone@example.com", "listserv")
    (question,) = asked(world)
    answer(world, question)
    assert len(letters_to(world, "phone@example.com")) == 3


def test_two_robots_that_do_not_mark_their_mail_stop_after_a_few(
    world: World, town: MailingList
) -> None:
    """Each of our mails is answered at once, at its Reply-To, with the same words."""
    for words in ("Thank you for your message.", "HELP", "SET town DIGEST", "UNDO", "SIGNOFF town",
                  "SUBSCRIBE town\r\nThank you!"):  # fmt: skip
        for to in ("town-request", "listserv"):
            world.clock.pass_by(days=31)
            robot = f"robot{world.clock.now().timestamp():.0f}@example.net"
            send(world, robot, words, to)
            sent = 0
            while waiting := letters_to(world, robot):
                sent += len(waiting)
                assert sent < 60, words
                for one in waiting:
                    send(world, robot, words, one.reply_to, subject=f"Re: {one.subject}")
            assert sent <= 35, (words, sent)


def test_somebody_who_understands_nothing_is_told_a_few_times_a_day(
    world: World, town: MailingList
) -> None:
    for _ in range(10):
        send(world, BOB, "Where is the button?")
    assert len(letters_to(world, BOB)) == 5
    send(world, BOB, "QUERY")
    assert the_letter(world, BOB)
    world.clock.pass_by(days=1, minutes=1)
    send(world, BOB, "Where is the button?")
    assert the_letter(world, BOB)
