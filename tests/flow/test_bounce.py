"""Mail that comes back: what counts, who is tried, who is suspended, and how they come back."""

from datetime import timedelta

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.mailing import Fate, Mode, Outcome
from listserv.domain.members import Member, MemberState
from listserv.domain.tokens import Purpose, copy_token
from listserv.flow import tidy
from listserv.policy.bounces import Excuse
from listserv.store import bounces, excused, lists, members
from tests.flow.bouncing import (
    HARD,
    POLICY,
    SOFT,
    Said,
    a_day,
    a_report,
    bounce,
    is_suspended,
    now_is,
    sent_to,
    standing,
    weigh_all,
)
from tests.flow.letters import letters, send, the_letter
from tests.flow.world import DOMAIN, World, an_address

ANN, BOB, ZOE = "ann@example.org", "bob@example.net", "zoe@example.com"


@pytest.fixture
def town(world: World) -> MailingList:
    return world.found("town")


@pytest.fixture
def bob(world: World, town: MailingList) -> Member:
    world.join(town, ANN, role="owner")
    return world.join(town, BOB)


def refused_copy(world: World, member: Member, said: Said = HARD) -> None:
    """A post goes out, and the copy of one member comes back."""
    address = str(now_is(world, member).address)
    a_day(world, [(address, said)], ANN, "town")


def test_a_mailbox_that_is_gone_is_tried_then_suspended_and_comes_back_by_a_reply(
    world: World, town: MailingList, bob: Member
) -> None:
    for score in (1, 2, 3):
        refused_copy(world, bob)
        assert (standing(world, bob).score, standing(world, bob).probed) == (score, score == 3)
    (probe,) = sent_to(world, BOB)
    assert b"Subject: A trial" in b"".join(probe.data)
    bounce(world, probe)
    weigh_all(world)
    assert is_suspended(world, bob)

    world.post(ANN, "town")
    assert sent_to(world, BOB) == []
    world.post(BOB, "town")
    (told,) = [one for one in letters(world) if one.to == BOB]
    assert f"Mail to {BOB} came back to us again and again" in told
    world.post(BOB, "town")
    assert sent_to(world, BOB) == []  # told once a day
    send(world, BOB, "yes", told.reply_to)
    assert not is_suspended(world, bob)
    assert "Thank you" in the_letter(world, BOB)
    assert standing(world, bob).score == 0
    world.post(ANN, "town")
    assert len(sent_to(world, BOB)) == 1


def test_a_probe_that_arrives_takes_back_what_was_scored_before(
    world: World, town: MailingList, bob: Member
) -> None:
    for _ in range(3):
        refused_copy(world, bob)
    assert len(sent_to(world, BOB)) == 1
    world.clock.pass_by(days=8)
    assert standing(world, bob).score == 0
    refused_copy(world, bob)
    assert (standing(world, bob).score, sent_to(world, BOB)) == (1, [])


def test_a_full_mailbox_is_tried_after_six_days_and_suspended_after_seven(
    world: World, town: MailingList, bob: Member
) -> None:
    for day in range(1, 7):
        refused_copy(world, bob, SOFT)
        probe = sent_to(world, BOB)
        assert len(probe) == (day == 6)
    bounce(world, probe[0], SOFT)
    weigh_all(world)
    assert not is_suspended(world, bob)
    refused_copy(world, bob, SOFT)
    assert is_suspended(world, bob)


def test_a_day_counts_once_however_often_it_is_said(
    world: World, town: MailingList, bob: Member
) -> None:
    world.post(ANN, "town")
    (copy,) = sent_to(world, BOB)
    for _ in range(100):
        bounce(world, copy)
    world.post(ANN, "town")
    for another in sent_to(world, BOB):
        bounce(world, another)
    weigh_all(world)
    assert standing(world, bob).score == 1
    world.clock.pass_by(days=1)
    bounce(world, copy)
    weigh_all(world)
    assert standing(world, bob).score == 1


def test_what_is_no_failure_of_a_mail_of_ours_scores_nobody(
    world: World, town: MailingList, bob: Member
) -> None:
    other = world.found("other")
    world.join(other, ZOE)
    world.post(ANN, "town")
    (copy,) = sent_to(world, BOB)
    bounce(world, copy, action="delayed")
    vacation = (
        b"From: bob@example.net\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\n\r\nBye\r\n"
    )
    person = b"From: bob@example.net\r\nSubject: Re: Hello\r\n\r\nPlease stop.\r\n"
    for raw in (vacation, person):
        world.post("", copy.sender, raw=raw, sender="")
    local, _, domain = copy.sender.partition("@")
    forged = f"{local[:-1]}{'b' if local[-1] == 'a' else 'a'}@{domain}"
    of_others = f"other-bounces+{copy.sender.partition('+')[2]}"
    of_nobody = copy_token(world.site.secret, Purpose.BOUNCES, 0, 999)
    unknown = copy_token(world.site.secret, Purpose.BOUNCES, bob.id, 999_999)
    for to in (
        of_others,
        f"town-bounces+{of_nobody}@{DOMAIN}",
        f"town-bounces+{unknown}@{DOMAIN}",
        f"listserv-bounces+{of_nobody}@{DOMAIN}",
        forged,
        f"town@{DOMAIN}",
    ):
        world.post("", to, raw=a_report(to, HARD, BOB), sender="")
    weigh_all(world)
    assert standing(world, bob).score == 0
    assert [one for one in letters(world) if one.to != ANN] == []


def test_a_report_about_a_list_that_was_deleted_does_nothing(
    world: World, town: MailingList, bob: Member
) -> None:
    world.post(ANN, "town")
    (copy,) = sent_to(world, BOB)
    world.store.write(lambda tx: lists.delete(tx, town.id))
    raw = a_report(copy.sender, HARD, BOB)
    (reply,) = world.post("", copy.sender, raw=raw, sender="")
    assert not reply.accepted or reply.code == 250
    again = world.found("town")
    world.join(again, BOB)
    world.post("", copy.sender, raw=raw, sender="")
    weigh_all(world)
    assert world.store.read(lambda tx: bounces.concerned(tx, again.id, 0, 10)) == []


def test_policy_words_for_two_members_of_a_domain_are_about_us(
    world: World, town: MailingList, bob: Member
) -> None:
    eve = world.join(town, "eve@example.net")
    world.join(town, "fay@example.net")
    refused_copy(world, bob, HARD)
    a_day(world, [(BOB, POLICY)], ANN, "town")
    assert standing(world, bob).score == 2
    world.post(ANN, "town")
    one, two, late = sent_to(world, BOB, "eve@example.net", "fay@example.net")
    bounce(world, one, POLICY)
    weigh_all(world)
    bounce(world, two, POLICY)
    weigh_all(world)
    assert (standing(world, bob).score, standing(world, eve).score) == (2, 0)
    (alarm,) = world.store.read(lambda tx: excused.alarms(tx, world.clock.now()))
    assert (alarm.domain, alarm.why, alarm.members) == ("example.net", Excuse.OURS, 2)
    for more in (late, late):
        bounce(world, more, HARD)
        weigh_all(world)
    (alarm,) = world.store.read(lambda tx: excused.alarms(tx, world.clock.now()))
    assert alarm.members == 3


def test_the_log_has_a_refusal_without_the_addresses_in_it(
    world: World, town: MailingList, bob: Member, caplog: pytest.LogCaptureFixture
) -> None:
    eve = world.join(town, "eve@example.net")
    world.post(ANN, "town")
    for copy in sent_to(world, BOB, str(eve.address)):
        words = f"550 5.7.1 <{copy.recipients[0]}>: message refused because of our policy"
        bounce(world, copy, ("5.7.1", words))
    weigh_all(world)
    assert "not scored" in caplog.text and "because of our policy" in caplog.text
    assert BOB not in caplog.text and str(eve.address) not in caplog.text


def test_policy_words_of_many_domains_are_about_us_and_others_count(
    world: World, town: MailingList, bob: Member
) -> None:
    people = [world.join(town, f"m@d{number}.example") for number in range(4)]
    said = dict(zip(map(str, (one.address for one in people)), [POLICY] * 3 + [HARD], strict=True))
    a_day(world, [*said.items(), (BOB, SOFT)], ANN, "town")
    assert [standing(world, one).score for one in (*people, bob)] == [0, 0, 0, 1, 1]
    (alarm,) = world.store.read(lambda tx: excused.alarms(tx, world.clock.now()))
    assert (alarm.domain, alarm.why, alarm.members) == ("", Excuse.OURS, 3)


def test_a_suspension_for_what_was_about_us_is_taken_back(
    world: World, town: MailingList, bob: Member
) -> None:
    world.join(town, "eve@example.net")
    for _ in range(6):
        refused_copy(world, bob, SOFT)
    (probe,) = sent_to(world, BOB)
    bounce(world, probe, SOFT)
    weigh_all(world)
    world.clock.pass_by(days=1)
    world.post(ANN, "town")
    copies = {one.recipients[0]: one for one in sent_to(world, BOB, "eve@example.net")}
    bounce(world, copies[BOB], POLICY)
    weigh_all(world)
    assert is_suspended(world, bob)
    bounce(world, copies["eve@example.net"], POLICY)
    weigh_all(world)
    assert not is_suspended(world, bob)


def test_when_a_tenth_of_a_domain_bounces_nobody_there_is_scored_for_that_mailing(
    world: World, town: MailingList, bob: Member
) -> None:
    there = [world.join(town, f"m{number}@example.net") for number in range(28)]
    three = [str(one.address) for one in there[:3]]
    world.post(ANN, "town")
    for at, copy in enumerate(sent_to(world, *three)):
        bounce(world, copy, SOFT)
        weigh_all(world)
        assert standing(world, there[0]).score == (at < 2)
    # 29 members: three are more than a tenth. From 30 on they are not.
    world.join(town, "m30@example.net")
    world.clock.pass_by(days=1)
    a_day(world, [(one, SOFT) for one in three], ANN, "town")
    assert standing(world, there[0]).score == 1


def test_the_relays_refusals_and_what_it_was_tried_for_in_vain_are_scored_too(
    world: World, town: MailingList, bob: Member
) -> None:
    world.answers = {BOB: Outcome(Fate.FAILED, "550 5.1.1 no such user")}
    world.post(ANN, "town")
    world.deliver()
    weigh_all(world)
    assert standing(world, bob).score == 1
    world.answers = {BOB: Outcome(Fate.DEFERRED, "450 4.2.2 over quota")}
    world.clock.pass_by(days=1)
    world.post(ANN, "town")
    for _ in range(3):
        world.deliver()
        world.clock.pass_by(days=3)
    weigh_all(world)
    assert standing(world, bob).score == 2
    world.answers = {BOB: Outcome(Fate.DEFERRED, "421 too busy", counts=False)}
    world.post(ANN, "town")
    for _ in range(3):
        world.deliver()
        world.clock.pass_by(days=3)
    weigh_all(world)
    assert standing(world, bob).score == 2


def test_what_went_to_an_address_that_a_member_gave_up_does_not_count(
    world: World, town: MailingList, bob: Member
) -> None:
    world.post(ANN, "town")
    (copy,) = sent_to(world, BOB)
    world.clock.pass_by(hours=1)
    world.store.write(lambda tx: members.move(tx, bob, an_address(ZOE), world.clock.now()))
    world.clock.pass_by(hours=1)
    bounce(world, copy)
    weigh_all(world)
    assert standing(world, bob).score == 0
    refused_copy(world, bob)
    assert standing(world, bob).score == 1


def test_the_token_says_who_it_was_whoever_the_report_names(
    world: World, town: MailingList, bob: Member
) -> None:
    zoe = world.join(town, ZOE)
    world.post(ANN, "town")
    (copy,) = sent_to(world, BOB)
    bounce(world, copy, to=ZOE)
    weigh_all(world)
    assert (standing(world, bob).score, standing(world, zoe).score) == (1, 0)


def test_where_many_had_one_return_path_those_count_who_were_among_them(
    world: World, town: MailingList, bob: Member
) -> None:
    object.__setattr__(world.site, "mode", Mode.BATCHED)
    world.post(ANN, "town")
    copies = sent_to(world, BOB)
    late = world.join(town, ZOE)
    raw = a_report(copies[0].sender, HARD, BOB, ZOE, "stranger@example.net")
    world.post("", copies[0].sender, raw=raw, sender="")
    weigh_all(world)
    assert (standing(world, bob).score, standing(world, late).score) == (1, 0)


def test_bounces_of_a_digest_and_of_a_notice_count_and_of_who_left_do_nothing(
    world: World, town: MailingList, bob: Member
) -> None:
    zoe = world.join(town, ZOE, delivery="digest")
    world.post(ANN, "town")
    send(world, ZOE, "MAIL", "town-request")
    found = sent_to(world, ZOE, BOB)
    for copy in found:
        bounce(world, copy)
    world.store.write(lambda tx: members.leave(tx, bob.id, world.clock.now()))
    weigh_all(world)
    assert standing(world, zoe).score == 0 or len(found) > 1
    assert now_is(world, bob).state is MemberState.LEFT


def test_what_came_back_is_forgotten_after_ninety_days(
    world: World, town: MailingList, bob: Member
) -> None:
    refused_copy(world, bob)

    def kept_after(days: int) -> bool:
        world.clock.pass_by(days=days)
        now = world.clock.now()
        world.store.write(lambda tx: tidy.forget(tx, timedelta(days=30), now))
        return world.store.read(lambda tx: bounces.concerned(tx, town.id, 0, 10)) == [bob.id]

    assert kept_after(89)
    assert not kept_after(1)
