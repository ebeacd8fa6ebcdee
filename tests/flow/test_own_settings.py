"""What members change about themselves by mail: how mail comes, breaks, names, addresses."""

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery
from listserv.flow import breaks
from listserv.store import members
from tests.flow.letters import (
    ANN,
    BOB,
    MO,
    NOTHING_VERIFIED,
    UNPROVEN,
    ZOE,
    answer,
    is_member,
    letters,
    letters_to,
    log_of,
    receives,
    send,
    the_letter,
    the_member,
)
from tests.flow.world import World

MAIL, DIGEST, NOMAIL = Delivery


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town", subscription="open")
    world.join(mlist, BOB)
    return mlist


def test_whether_mail_comes_is_one_thing_and_how_it_comes_another(
    world: World, town: MailingList
) -> None:
    """LISTSERV's rule, by words and by addresses, one after the other."""
    for to, line, expected in (
        ("town+digest", "", (DIGEST, DIGEST)),
        ("town+nomail", "", (NOMAIL, DIGEST)),
        ("town+mail", "", (DIGEST, DIGEST)),
        ("town-request", "SET town MAIL", (MAIL, MAIL)),
        ("town-request", "set digest plain", (DIGEST, DIGEST)),
        ("town-request", "set delivery off", (NOMAIL, DIGEST)),
        ("town-request", "SET NODIGEST", (NOMAIL, MAIL)),
        ("town-request", "set delivery on", (MAIL, MAIL)),
        ("town-request", "set delivery on", (MAIL, MAIL)),
        ("listserv", "SET * DIGEST", (DIGEST, DIGEST)),
        ("town-request", "NOMAIL", (NOMAIL, DIGEST)),
        ("town-request", "BREAK 2 WEEKS", (NOMAIL, DIGEST)),
        ("town-request", "SET town NOMAIL", (NOMAIL, DIGEST)),
        ("town-request", "BACK", (DIGEST, DIGEST)),
        ("town-request", "BACK", (DIGEST, DIGEST)),
        ("town-request", "set digest off", (MAIL, MAIL)),
    ):
        world.clock.pass_by(minutes=1)
        send(world, BOB, line, to)
        assert receives(world, town, BOB) == expected, (to, line)
        assert the_letter(world).to == BOB
    settings = the_member(world, town, BOB).settings
    assert settings.format == "text"


def test_every_option_is_set_and_said(world: World, town: MailingList) -> None:
    send(world, BOB, "SET town NOREPRO ACK CONCEAL MIME NODUPLICATES")
    settings = the_member(world, town, BOB).settings
    assert (settings.own_posts, settings.ack, settings.conceal) == (False, True, True)
    assert (settings.format, settings.duplicates) == ("mime", False)
    assert "you get a receipt for each of your posts" in the_letter(world)
    send(world, BOB, "SET town REPRO NOACK NOCONCEAL HTML DUPLICATES")
    assert the_member(world, town, BOB).stored == {}
    assert [who for who, _ in log_of(world, town)] == [BOB, BOB]


def test_a_break_ends_by_itself_and_tells_what_was_missed(world: World, town: MailingList) -> None:
    world.join(town, ANN, "nomail")
    send(world, BOB, "SET town DIGEST\r\nBREAK town UNTIL 1 December")
    assert "1 December 2026" in the_letter(world)
    for number in range(3):
        world.post(ANN, "town", body=f"Post {number}")
    letters(world)
    world.clock.pass_by(days=9)
    now = world.clock.now()
    world.store.write(lambda tx: breaks.end_breaks(tx, world.site, now))
    assert receives(world, town, BOB)[0] is NOMAIL
    world.clock.pass_by(days=1)
    now = world.clock.now()
    world.store.write(lambda tx: breaks.end_breaks(tx, world.site, now))
    assert receives(world, town, BOB) == (DIGEST, DIGEST)
    assert "3" in the_letter(world, BOB)


def test_back_before_the_day_counts_and_ends_it(world: World, town: MailingList) -> None:
    world.join(town, ANN, "nomail")
    send(world, BOB, "BREAK 2 WEEKS")
    world.post(ANN, "town")
    letters(world)
    send(world, BOB, "BACK")
    offer, answer = sorted(letters(world), key=lambda one: one.reply_to)
    assert "You have missed one post." in answer
    assert offer.subject == "What you missed at Our Town" and "DIGEST" in offer
    member = the_member(world, town, BOB)
    assert (member.delivery, member.until, member.away_since) == (MAIL, None, None)
    send(world, BOB, "BACK", subject="again")
    assert "missed" not in the_letter(world).text


def test_a_break_that_cannot_be_is_none(world: World, town: MailingList) -> None:
    for end in ("UNTIL 1 June 2020", "UNTIL yesterday", "300 WEEKS", "0 DAYS"):
        send(world, BOB, f"BREAK {end}")
        assert receives(world, town, BOB) == (MAIL, MAIL)
        assert the_letter(world).to == BOB


def test_change_is_confirmed_at_both_addresses(world: World, town: MailingList) -> None:
    new = "bob@new.example"
    send(world, BOB, f"CHANGE town {new}", "town-request", UNPROVEN)
    at_old = the_letter(world, BOB)
    assert new not in at_old.text
    answer(world, at_old)
    at_new = next(one for one in letters(world) if one.to == new)
    assert is_member(world, town, BOB) and BOB not in at_new.text
    answer(world, at_new)
    assert is_member(world, town, new) and not is_member(world, town, BOB)
    assert {one.to for one in letters(world)} == {BOB, new}
    assert log_of(world, town)[-1] == (BOB, f"changed the address to {new}")


def test_from_the_new_address_the_old_one_is_asked_first(world: World, town: MailingList) -> None:
    """Whoever has lost the old one has to ask an owner."""
    new = "bob@new.example"
    send(world, new, f"CHANGE town {BOB} {new}")
    told = {one.to: one for one in letters(world)}
    assert told.keys() == {BOB, new} and "yes" in told[BOB].text
    answer(world, told[BOB], "no")
    assert is_member(world, town, BOB)
    answer(world, told[BOB])
    (at_new,) = letters_to(world, new)
    answer(world, at_new)
    assert is_member(world, town, new) and not is_member(world, town, BOB)


@pytest.mark.parametrize("whose", ["member", "left", "linked", "banned", "ours"])
def test_an_address_that_cannot_be_theirs_is_looked_up_only_when_it_has_said_yes(
    world: World, town: MailingList, whose: str
) -> None:
    other = {"ours": "town@lists.example.org"}.get(whose, ZOE)
    if whose in {"member", "left"}:
        member = world.join(town, ZOE)
        if whose == "left":
            world.store.write(lambda tx: members.leave(tx, member.id, world.clock.now()))
    if whose == "linked":
        world.join(town, MO, also=ZOE)
    if whose == "banned":
        owner = world.join(town, ANN, role="owner")
        send(world, owner.address.key, f"BAN town {ZOE}")
        letters(world)
    before = the_member(world, town, BOB)
    for verb in ("CHANGE", "ALSO"):
        world.clock.pass_by(days=31)
        send(world, BOB, f"{verb} town {other}")
        told = {one.to: one for one in letters(world)}
        if whose == "ours":
            assert told.keys() == {BOB} and "not possible" in told[BOB]
            continue
        assert told.keys() == {BOB, ZOE}
        assert f"we have sent a mail to {ZOE}" in told[BOB]
        answer(world, told[ZOE])
        replies = letters(world)
        if verb == "ALSO" and whose == "left":
            assert {one.to for one in replies} == {BOB, ZOE}
            continue
        assert [one.to for one in replies] == [ZOE] and "not possible" in replies[0]
        assert the_member(world, town, BOB) == before


def test_also_lets_them_write_from_there_and_sends_nothing_there(
    world: World, town: MailingList
) -> None:
    world.join(town, ANN)
    send(world, BOB, f"ALSO town {ZOE}")
    (question,) = letters_to(world, ZOE)
    assert "Our Town" in question and BOB not in question.text
    answer(world, question, "Yes!", "whoever@example.com", NOTHING_VERIFIED)
    letters(world)
    world.post(ZOE, "town")
    assert {one.to for one in letters(world)} == {ANN, BOB}


def test_their_own_address_is_no_other_one(world: World, town: MailingList) -> None:
    for line in (f"CHANGE town {BOB}", f"ALSO town {BOB.upper()}"):
        send(world, BOB, line)
        assert "is your address already" in the_letter(world, BOB)


def test_several_commands_one_answer_that_says_what_became_of_each(
    world: World, town: MailingList
) -> None:
    city = world.found("city", title="The City", subscription="open")
    send(world, BOB, "SET town DIGEST\r\nSET city DIGEST\r\nSUBSCRIBE city Bob\r\nQUERY town\r\n"
         "SIGNOF town\r\nHELP", "listserv")  # fmt: skip
    sent = {one.subject: one for one in letters(world)}
    assert len(sent) == 2 and "Welcome to The City" in sent
    (told,) = (one for subject, one in sent.items() if not subject.startswith("Welcome"))
    for said in ("> SET town DIGEST", "is not on the list The City", "> QUERY town",
                 "Did you mean this? SIGNOFF town"):  # fmt: skip
        assert said in told, said
    assert is_member(world, town, BOB) and is_member(world, city, BOB)


def test_nothing_to_read_is_answered_with_help_and_nonsense_with_what_comes_near(
    world: World, town: MailingList
) -> None:
    for to in ("town-request", "listserv"):
        send(world, BOB, "", to)
        assert "HELP" in the_letter(world, BOB) or "SIGNOFF" in the_letter(world, BOB)
    send(world, BOB, "please take me off this list")
    assert "SIGNOFF town" in the_letter(world, BOB) and is_member(world, town, BOB)
    send(world, BOB, "SET town DIGGEST")
    assert "SET town DIGEST" in the_letter(world, BOB)
    assert receives(world, town, BOB) == (MAIL, MAIL)


def test_an_archive_is_asked_for_in_vain(world: World, town: MailingList) -> None:
    for word in ("INDEX", "GET town 12", "SEND town 12", "SEARCH tea IN town"):
        send(world, BOB, word)
        assert "no archive" in the_letter(world, BOB)
