"""When the digest comes: members say it by mail, and hear when the next one does."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery
from listserv.flow import enrol, moderate
from listserv.store import held
from tests.flow.letters import (
    ANN,
    BOB,
    ZOE,
    answer,
    letters,
    letters_to,
    send,
    set_list,
    the_letter,
    the_member,
)
from tests.flow.world import DOMAIN, World

# Ann's zone differs from the site's: it is 13:00 there, on a Saturday.
DATE = "Sat, 21 Nov 2026 13:00:00 +0100"
# What bob writes, one mail after the other; hour, days and zone then; what he reads.
STEPS = [
    ("SET town DIGEST", ("", "", ""),
     "set: posts together, in a digest, each day. The next one comes on Sunday, 22 November, about"
     " 6:30 in the morning, Europe/London."),
    ("DIGEST AT 7 PM", ("19", "", ""),
     "The next one comes on Saturday, 21 November, about 7:00 in the evening, Europe/London."),
    ("TIMEZONE Tokyo", ("19", "", "Asia/Tokyo"),
     "On Our Town your times are those of Asia/Tokyo. The next one comes on Sunday, 22 November,"
     " about 7:00 in the evening, Asia/Tokyo."),
    ("DIGEST MON THU", ("19", "mon,thu", "Asia/Tokyo"),
     "in a digest, each Monday and Thursday. The next one comes on Monday, 23 November,"),
    ("query town", ("19", "mon,thu", "Asia/Tokyo"),
     "in a digest, each Monday and Thursday about 7:00 in the evening, Asia/Tokyo."),
    ("which", ("19", "mon,thu", "Asia/Tokyo"),
     "in a digest, each Monday and Thursday about 7:00 in the evening, Asia/Tokyo\n"),
    ("SET town NOACK", ("19", "mon,thu", "Asia/Tokyo"), "this is set: you get no receipts.\n"),
    ("BREAK 1 WEEK", ("19", "mon,thu", "Asia/Tokyo"), "until you send BACK.\n"),
    ("BACK", ("19", "mon,thu", "Asia/Tokyo"),
     "Mail of Our Town comes again. The next one comes on Monday, 23 November"),
    ("DIGEST DAILY AT 8\r\nSET town TEXT TIMEZONE London", ("8", "", "Europe/London"),
     "the digest is plain text; times are those of Europe/London. The next one comes on Sunday,"),
    ("SET town MAIL", ("8", "", "Europe/London"), "this is set: each post by itself.\n"),
    ("TIMEZONE Berlin", ("8", "", "Europe/Berlin"), "are those of Europe/Berlin.\n"),
    ("TIMEZONE", ("8", "", "Europe/Berlin"), "Did you mean this? TIMEZONE town Europe/Berlin"),
    ("DIGEST AT TEATIME", ("8", "", "Europe/Berlin"),
     "write it as 7 PM or as 19:30. Did you mean this? SET town DIGEST AT 7 PM"),
]  # fmt: skip


@pytest.fixture
def town(world: World) -> MailingList:
    """bob reads it, ann owns it; it has a time of its own, and the site is in London."""
    world.site = replace(world.site, zone=ZoneInfo("Europe/London"))
    mlist = world.found("town", title="Our Town", subscription="open", digest_hour="6:30")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, BOB)
    return mlist


def times(world: World, mlist: MailingList, address: str) -> tuple[str, str, str]:
    settings = the_member(world, mlist, address).settings
    return settings.digest_hour, settings.digest_days, settings.timezone


def test_a_member_says_when_and_hears_when_the_next_one_comes(
    world: World, town: MailingList
) -> None:
    for lines, expected, says in STEPS:
        world.clock.pass_by(minutes=1)
        send(world, BOB, lines)
        assert says in the_letter(world, BOB), lines
        assert times(world, town, BOB) == expected, lines


def test_it_is_taken_back_with_undo_and_said_in_german(world: World, town: MailingList) -> None:
    bob = {"language": "de"}
    world.store.write(
        lambda tx: enrol.change_member(
            tx, town.id, BOB, bob, domains={DOMAIN}, by="command line", now=world.clock.now()
        )
    )
    send(world, ANN, f"SET town DIGEST MON AT 7 PM TIMEZONE Tokyo FOR {BOB}")
    mails = letters(world)
    told = next(one for one in mails if one.to == ANN)
    assert "The next one comes on Monday, 23 November, about 7:00 in the evening" in told
    heard = next(one for one in mails if one.to == BOB)
    assert "in einer Sammelmail, jeden Montag gegen 19:00 Uhr, Asia/Tokyo" in heard
    assert "es gelten die Uhrzeiten von Asia/Tokyo" in heard
    assert times(world, town, BOB) == ("19", "mon", "Asia/Tokyo")
    answer(world, told, "Undo")
    assert times(world, town, BOB) == ("", "", "")
    assert the_member(world, town, BOB).delivery is Delivery.MAIL
    letters(world)
    send(world, BOB, "digest dienstags um 19:30 Uhr")
    said = "Die nächste kommt am Dienstag, dem 24. November, gegen 19:30 Uhr, Europe/London."
    assert said in the_letter(world, BOB)


@pytest.mark.parametrize(
    ("kind", "date", "zone"),
    [("open", DATE, "Europe/Berlin"), ("confirm", DATE, "Europe/Berlin"),
     ("approve", DATE, "Europe/Berlin"), ("open", DATE.replace("+01", "+00"), ""),
     ("open", "yesterday", "")],
)  # fmt: skip
def test_the_zone_is_guessed_from_the_mail_that_joins_and_the_welcome_says_so(
    world: World, town: MailingList, kind: str, date: str, zone: str
) -> None:
    set_list(world, town, subscription=kind)
    send(world, ZOE, "SUBSCRIBE town Zoë WITH DIGEST TEXT AT 8 PM", date=date)
    mail = the_letter(world, ZOE)
    if kind == "confirm":
        answer(world, mail)
        mail = the_letter(world, ZOE)
    if kind == "approve":
        (one,) = world.store.read(held.ls)
        now = world.clock.now()
        world.store.write(lambda tx: moderate.approve(tx, world.site, one.id, ANN, now))
        (mail,) = letters_to(world, ZOE)
    assert times(world, town, ZOE) == ("20", "", zone)
    assert the_member(world, town, ZOE).settings.format == "text"
    where = zone or "Europe/London"
    assert f"in a digest, each day about 8:00 in the evening. Times are those of {where};" in mail
    to = mail.reply_to if kind == "open" else str(mail.message["From"]).partition("<")[2][:-1]
    send(world, ZOE, "TIMEZONE New York", to)
    assert "your times are those of America/New_York." in the_letter(world, ZOE)
    assert times(world, town, ZOE) == ("20", "", "America/New_York")


def test_who_reads_each_post_is_not_bothered_with_times(world: World, town: MailingList) -> None:
    send(world, ZOE, "SUBSCRIBE town", date=DATE)
    assert "Times are" not in the_letter(world, ZOE)
    assert times(world, town, ZOE) == ("", "", "Europe/Berlin")
