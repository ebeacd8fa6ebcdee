"""A member's post that nothing proves: its author is asked, and what a yes does."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.post import Transport
from listserv.flow import administer, enrol, moderate, recipient
from listserv.store import bans, events, held, lists, posts
from listserv.store.held import Held, HeldState
from tests.flow.world import DOMAIN, PROVEN, World, a_message

# What the edge finds out of a domain without DKIM: the server that sent it may send for it.
BY_SPF = Authorship(Level.UNPROVEN, ("no signature",), VerifiedPath((), "mail.example"))
BY_BOTH = replace(BY_SPF, path=VerifiedPath(("mail.example",), "mail.example"))
BY_EVIL = replace(BY_SPF, path=VerifiedPath(("evil.example",), "evil.example"))
BY_NOTHING = replace(BY_SPF, path=VerifiedPath())
FORGED = Authorship(Level.CONTRADICTED, ("example.org refuses such mail",), policy="reject")
ANN, BEN, MO = "ann@example.org", "ben@example.org", "mo@example.com"


@pytest.fixture
def town(world: World) -> MailingList:
    """A list with two members and a moderator."""
    mlist = world.found("town", title="Town")
    world.join(mlist, ANN)
    world.join(mlist, BEN)
    world.join(mlist, MO, role="moderator")
    return mlist


def mails(world: World, to: str) -> list[Message]:
    """What was sent to somebody so far; sends what is due."""
    world.deliver()
    return [message_from_bytes(b"".join(one.data)) for one in world.sent if one.recipients == (to,)]


def last_to(world: World, to: str) -> Message:
    return mails(world, to)[-1]


def questions(world: World, to: str = ANN) -> list[str]:
    """The reply addresses of the questions that somebody got."""
    return [str(m["Reply-To"]) for m in mails(world, to) if "-confirm+" in str(m["Reply-To"])]


def answer(world: World, address: str, words: str = "yes", **more: Any) -> int:
    """Somebody replies to a question; what the client hears."""
    (reply,) = world.post(ANN, address, authorship=BY_NOTHING, body=words, **more)
    return reply.code


def held_posts(world: World, state: HeldState = HeldState.HELD) -> list[Held]:
    return world.store.read(lambda tx: held.ls(tx, None, state))


def rules(one: Held) -> list[str]:
    return [reason.rule for reason in one.reasons]


def test_an_honest_member_without_dkim_confirms_once_and_is_not_asked_again(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="Tomatoes", authorship=BY_SPF)
    assert mails(world, BEN) == []
    (waiting,) = held_posts(world)
    assert rules(waiting) == ["unproven-author"]
    assert waiting.due == world.clock.now() + timedelta(hours=12)
    (question,) = questions(world)

    assert answer(world, question) == 250
    assert held_posts(world) == []
    assert [m["Subject"] for m in mails(world, BEN)] == ["Tomatoes"]

    world.clock.pass_by(days=179)
    world.post(ANN, "town", subject="Beans", authorship=BY_SPF)
    assert [m["Subject"] for m in mails(world, BEN)] == ["Tomatoes", "Beans"]
    assert len(questions(world)) == 1
    latest = world.store.read(lambda tx: posts.latest(tx, town.id))
    assert latest is not None and latest.authorship.level is Level.FAMILIAR


def test_after_180_days_the_author_is_asked_again(world: World, town: MailingList) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    answer(world, questions(world)[0])
    world.clock.pass_by(days=180)
    world.post(ANN, "town", authorship=BY_SPF)
    assert len(questions(world)) == 2


def test_the_question_goes_to_the_address_on_file_and_says_nothing_of_the_posts_text(
    world: World, town: MailingList
) -> None:
    world.post(
        "ANN@example.org", "town", authorship=BY_EVIL, sender="x@evil.example",
        subject="Cheap pills " * 20, body="Buy at http://evil.example/",
        reply_to="x@evil.example",
    )  # fmt: skip
    assert world.deliver() == [ANN]
    question = last_to(world, ANN)
    assert question["To"] == ANN
    assert "evil.example" not in question.as_string()
    assert question["Auto-Submitted"] == "auto-generated"
    assert question["X-Auto-Response-Suppress"]
    assert question["In-Reply-To"] is None
    text = question.get_payload(decode=True)
    assert isinstance(text, bytes)
    quoted = text.decode().partition('the subject "')[2].partition('"')[0]
    assert quoted.startswith("Cheap pills Cheap") and quoted.endswith("…") and len(quoted) <= 80
    token = str(question["Reply-To"]).removeprefix("town-confirm+").removesuffix(f"@{DOMAIN}")
    assert len(token) == 22 and token.islower()


def test_a_post_without_a_subject_is_asked_about_by_its_list(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", authorship=BY_SPF, subject="")
    assert last_to(world, ANN)["Subject"] == "Did you write to Town?"


def test_an_author_is_asked_once_a_day_and_list(world: World, town: MailingList) -> None:
    other = world.found("country")
    world.join(other, ANN)
    for _ in range(3):
        world.post(ANN, "town", authorship=BY_SPF)
    assert len(questions(world)) == 1
    world.post(ANN, "country", authorship=BY_SPF)
    assert len(questions(world)) == 2
    world.clock.pass_by(hours=23, minutes=59)
    world.post(ANN, "town", authorship=BY_SPF)
    assert len(questions(world)) == 2
    world.clock.pass_by(minutes=1)
    world.post(ANN, "town", authorship=BY_SPF)
    assert len(questions(world)) == 3


def test_one_yes_releases_later_posts_that_came_the_same_way(
    world: World, town: MailingList
) -> None:
    for subject, authorship in (
        ("first", BY_SPF), ("evil", BY_EVIL), ("second", BY_SPF), ("third", BY_BOTH),
        ("bare", BY_NOTHING),
    ):  # fmt: skip
        world.post(ANN, "town", subject=subject, authorship=authorship)
    waits = {one.subject: one.due is not None for one in held_posts(world)}
    assert waits == {"first": True, "evil": False, "second": True, "third": True, "bare": False}

    answer(world, questions(world)[0])

    assert [m["Subject"] for m in mails(world, BEN)] == ["first", "second", "third"]
    assert {one.subject for one in held_posts(world)} == {"evil", "bare"}


def test_one_yes_releases_nothing_that_came_before_the_question(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="evil", authorship=BY_EVIL)
    world.post(ANN, "town", subject="early", authorship=BY_SPF)
    world.clock.pass_by(days=1)
    world.post(ANN, "town", subject="late", authorship=BY_SPF)
    answer(world, questions(world)[1])
    assert [m["Subject"] for m in mails(world, BEN)] == ["late"]


def test_where_nothing_is_verified_a_yes_releases_that_post_and_teaches_nothing(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="first", authorship=BY_NOTHING)
    assert "not asked about again" not in str(last_to(world, ANN))
    world.post(ANN, "town", subject="second", authorship=BY_NOTHING)
    (first, second) = held_posts(world)
    assert (first.due is not None, second.due) == (True, None)
    answer(world, questions(world)[0])
    assert [m["Subject"] for m in mails(world, BEN)] == ["first"]

    world.clock.pass_by(days=1)
    world.post(ANN, "town", subject="third", authorship=BY_NOTHING)
    assert len(questions(world)) == 2


def test_a_familiar_path_is_that_members_on_that_list(world: World, town: MailingList) -> None:
    other = world.found("country")
    world.join(other, ANN)
    world.post(ANN, "town", authorship=BY_SPF)
    answer(world, questions(world)[0])
    world.post(BEN, "town", authorship=BY_SPF)
    world.post(ANN, "country", authorship=BY_SPF)
    assert len(held_posts(world)) == 2


def test_no_familiar_path_helps_a_post_that_its_domain_contradicts(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    answer(world, questions(world)[0])
    world.deliver()
    world.post(ANN, "town", authorship=replace(FORGED, path=BY_SPF.path))
    assert world.deliver() == []
    (waiting,) = held_posts(world)
    assert rules(waiting) == ["forged-member"]
    assert waiting.reasons[0].because.endswith("example.org refuses such mail")


@pytest.mark.parametrize("transport", Transport)
def test_a_members_forged_post_is_held_and_nobody_is_written_to(
    world: World, town: MailingList, transport: Transport
) -> None:
    (reply,) = world.post(ANN, "town", authorship=FORGED, transport=transport)
    assert reply.code == 250
    assert world.deliver() == []
    (waiting,) = held_posts(world)
    assert (rules(waiting), waiting.due) == (["forged-member"], None)

    now = world.clock.now()
    with pytest.raises(ListservError, match="forged, so they cannot be told; discard it"):
        world.store.write(
            lambda tx: moderate.reject(tx, world.site, waiting.id, "Who is this?", MO, now)
        )
    assert held_posts(world) == [waiting] and world.deliver() == []


@pytest.mark.parametrize("posting", ["anyone", "members"])
def test_a_strangers_forged_post_is_refused_over_smtp_and_discarded_over_lmtp(
    world: World, posting: str
) -> None:
    world.found("fair", posting=posting)
    (heard,) = world.post("zoe@example.net", "fair", authorship=FORGED)
    (taken,) = world.post("zoe@example.net", "fair", authorship=FORGED, transport=Transport.LMTP)
    assert heard.line.startswith("550 5.7.1 The domain of your From address says")
    assert taken.code == 250
    assert world.deliver() == [] and held_posts(world) == []
    (kept,) = held_posts(world, HeldState.DISCARDED)
    assert rules(kept) == ["forged-stranger"]


def test_not_asking_for_proof_lets_a_members_unproven_post_out_and_no_forged_one(
    world: World, town: MailingList
) -> None:
    world.site = replace(world.site, require_proven_author=False)
    world.post(ANN, "town", authorship=replace(BY_NOTHING, temporary=True))
    assert len(mails(world, BEN)) == 1
    world.post(ANN, "town", authorship=FORGED)
    assert len(mails(world, BEN)) == 1


@pytest.mark.parametrize(
    "marks",
    [
        {"auto_submitted": "auto-generated"},
        {"precedence": "bulk"},
        {"list_id": "<other.example>"},
        {"x_spam": "yes"},
    ],
)
def test_nobody_is_asked_about_what_a_program_wrote_or_a_filter_takes_for_spam(
    world: World, town: MailingList, marks: dict[str, Any]
) -> None:
    world.post(ANN, "town", authorship=BY_SPF, **marks)
    assert world.deliver() == []
    (waiting,) = held_posts(world)
    assert "unproven-author" in rules(waiting) and waiting.due is None


def test_a_post_that_a_rule_refuses_is_not_asked_about(world: World, town: MailingList) -> None:
    world.store.write(lambda tx: lists.change(tx, town.id, {"max_size": 1024}))
    world.post(ANN, "town", authorship=BY_SPF, body="x" * 2000)
    world.post(ANN, "town", authorship=BY_SPF, body="x" * 2000, transport=Transport.LMTP)
    world.post(ANN, "town", authorship=BY_SPF, sender="")
    assert world.deliver() == [] and held_posts(world) == []


# What comes to the question's address and is no person's yes.
NO_YES: list[dict[str, str]] = [
    {"words": "yes", "sender": ""},
    {"words": "yes", "auto_submitted": "auto-replied"},
    {"words": "Yes, I am away until Monday.", "precedence": "bulk"},
    {"words": "yes", "subject": "Automatic reply: Did you write it", "auto_submitted": "auto-x"},
    {"words": "yes", "x_autoreply": "yes"},
    {"words": "yes", "content_type": "multipart/report; report-type=delivery-status"},
    {"words": "yes", "from": "mailer-daemon@example.org"},
    {"words": "no"},
    {"words": "> yes"},
    {"words": "On Monday Town wrote:\r\n> reply with one word: yes"},
    {"words": "Yesterday I was away."},
    {"words": "I did not."},
    {"words": ""},
]


@pytest.mark.parametrize("mail", NO_YES)
def test_what_is_no_persons_yes_releases_nothing_and_spends_nothing(
    world: World, town: MailingList, mail: dict[str, str]
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    (question,) = questions(world)
    assert answer(world, question, **mail) == 250
    assert len(held_posts(world)) == 1 and mails(world, BEN) == []
    answer(world, question)
    assert held_posts(world) == [] and len(mails(world, BEN)) == 1


def test_a_programs_mail_to_a_question_is_never_answered(world: World, town: MailingList) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    (question,) = questions(world)
    before = len(mails(world, ANN))
    for mail in NO_YES[:8]:
        answer(world, question, **mail)
    assert len(mails(world, ANN)) == before


@pytest.mark.parametrize(
    "words",
    [
        "Yes",
        "OK!",
        "confirm\r\n\r\nOn Monday Town wrote:\r\n> A mail in your name came",
        "> A mail in your name came\r\n\r\nyes, I did",
        "\r\n\r\n  yes\r\n-- \r\nAnn\r\nNo vacation in sight",
    ],
)
def test_a_persons_yes_is_understood_above_and_below_the_quotation(
    world: World, town: MailingList, words: str
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    answer(world, questions(world)[0], words)
    assert held_posts(world) == []


def test_an_answer_from_another_address_counts_and_all_that_is_written_goes_to_the_one_on_file(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    (question,) = questions(world)
    world.post("ann.lee@work.example", question, authorship=FORGED, body="yes")
    assert held_posts(world) == []
    assert mails(world, "ann.lee@work.example") == []
    assert "Thank you" in str(last_to(world, ANN)) or "Thank you" in str(mails(world, ANN)[-2])


def test_an_unclear_answer_is_told_how_to_say_yes_three_times_at_most(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    (question,) = questions(world)
    for _ in range(5):
        answer(world, question, "What is this?")
    asked = questions(world)
    assert asked == [question] * 4
    answer(world, question)
    assert held_posts(world) == []


def test_a_second_yes_changes_nothing_and_is_told_so(world: World, town: MailingList) -> None:
    world.post(ANN, "town", subject="Tomatoes", authorship=BY_SPF)
    (question,) = questions(world)
    answer(world, question)
    thanks = [m for m in mails(world, ANN) if "on its way" in m["Subject"]]
    assert len(thanks) == 1 and "was sent out" in str(thanks[0])
    for _ in range(5):
        assert answer(world, question) == 250
    answers = [str(m) for m in mails(world, ANN) if "on its way" in m["Subject"]]
    assert len(answers) == 3
    assert "already confirmed" in answers[-1]
    assert len(mails(world, BEN)) == 1


def test_a_yes_that_comes_too_late_is_told_so_and_releases_nothing(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    (question,) = questions(world)
    world.clock.pass_by(days=14)
    answer(world, question)
    assert len(held_posts(world)) == 1
    assert "too late" in str(last_to(world, ANN))
    world.post(ANN, "town", authorship=BY_SPF)
    assert len(held_posts(world)) == 2


def test_a_yes_after_a_moderator_decided_makes_the_path_familiar_and_nothing_else(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="first", authorship=BY_SPF)
    (question,) = questions(world)
    (waiting,) = held_posts(world)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.discard(tx, waiting.id, MO, now))
    answer(world, question)
    assert "decided not to send it out" in " ".join(str(last_to(world, ANN)).split())
    world.post(ANN, "town", subject="second", authorship=BY_SPF)
    assert [m["Subject"] for m in mails(world, BEN)] == ["second"]


@pytest.mark.parametrize(
    "settings", [{"moderation": "all"}, {"moderation": "new"}], ids=["all", "new"]
)
def test_after_the_yes_the_other_rules_decide(world: World, settings: dict[str, str]) -> None:
    mlist = world.found("town", **settings)
    world.join(mlist, ANN)
    world.post(ANN, "town", authorship=BY_SPF)
    (waiting,) = held_posts(world)
    assert len(waiting.reasons) == 2
    answer(world, questions(world)[0])
    (still,) = held_posts(world)
    assert "unproven-author" not in rules(still) and len(still.reasons) == 1
    assert still.due is None
    assert still.authorship.level is Level.FAMILIAR
    assert "waits for a moderator" in str(last_to(world, ANN))


def _on_hold(world: World, mlist: MailingList) -> None:
    now = world.clock.now()
    world.store.write(lambda tx: administer.hold_list(tx, mlist.id, True, by=MO, now=now))


def _banned(world: World, mlist: MailingList) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: bans.add(tx, list_id=mlist.id, pattern=ANN, until=None, reason="", now=now)
    )


def _left(world: World, mlist: MailingList) -> None:
    now = world.clock.now()
    world.store.write(
        lambda tx: enrol.remove_members(tx, mlist.id, [ANN], by="command line", now=now)
    )


CHANGES = {"list-on-hold": _on_hold, "banned": _banned, "stranger-hold": _left}


@pytest.mark.parametrize("rule", CHANGES)
def test_what_changed_while_the_post_waited_keeps_it_for_the_moderators(
    world: World, town: MailingList, rule: str
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    (question,) = questions(world)
    CHANGES[rule](world, town)
    answer(world, question)
    (still,) = held_posts(world)
    assert (rules(still), still.due) == ([rule], None)
    assert mails(world, BEN) == []


def test_who_is_suspended_cannot_be_asked(world: World, town: MailingList) -> None:
    world.store.write(
        lambda tx: tx.exec_driver_sql(
            f"UPDATE member SET state = 'suspended' WHERE address_key = '{ANN}'"
        )
    )
    world.post(ANN, "town", authorship=BY_SPF)
    assert world.deliver() == [ANN]
    assert b"Subject: No mail from" in world.last()
    (waiting,) = held_posts(world)
    assert waiting.due is None


def test_a_moderators_trust_releases_and_makes_the_path_familiar(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    (waiting,) = held_posts(world)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.approve(tx, world.site, waiting.id, MO, now, trust=True))
    world.post(ANN, "town", authorship=BY_SPF)
    assert len(mails(world, BEN)) == 2
    (event,) = world.store.read(lambda tx: events.ls(tx, town.id))
    assert event.what == f"approved held post {waiting.id}, and trusts the way it came"


def test_a_moderators_approval_alone_makes_nothing_familiar(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    (waiting,) = held_posts(world)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.approve(tx, world.site, waiting.id, MO, now))
    world.post(ANN, "town", authorship=BY_SPF)
    assert len(held_posts(world)) == 1


@pytest.mark.parametrize(
    ("author", "authorship", "why"),
    [
        (ANN, BY_NOTHING, "nothing of the way it came was verified"),
        (ANN, FORGED, "its author is contradicted in any case"),
        (ANN, PROVEN, "its author is proven in any case"),
        ("zoe@example.net", BY_SPF, "its author is no member"),
    ],
)
def test_where_there_is_nothing_to_trust_the_post_stays(
    world: World, author: str, authorship: Authorship, why: str
) -> None:
    mlist = world.found("town", moderation="all")
    world.join(mlist, ANN)
    world.post(author, "town", authorship=authorship)
    (waiting,) = held_posts(world)
    now = world.clock.now()
    with pytest.raises(ListservError, match=why):
        world.store.write(
            lambda tx: moderate.approve(tx, world.site, waiting.id, MO, now, trust=True)
        )
    assert held_posts(world) == [waiting]


def test_the_same_post_again_while_it_waits_asks_and_holds_nothing_twice(
    world: World, town: MailingList
) -> None:
    raw = a_message(ANN, (f"town@{DOMAIN}",))
    world.post(ANN, "town", raw=raw, authorship=BY_SPF)
    world.post(ANN, "town", raw=raw, authorship=BY_SPF)
    assert len(held_posts(world)) == 1 and len(questions(world)) == 1


def test_a_questions_address_is_known_on_its_own_list_only_and_as_long_as_it_is_kept(
    world: World, town: MailingList
) -> None:
    world.found("country")
    world.post(ANN, "town", authorship=BY_SPF)
    (question,) = questions(world)
    now = world.clock.now()
    token = question.removeprefix("town-confirm+")

    def code(address: str) -> int:
        return world.store.read(
            lambda tx: recipient.answer(tx, world.site, address, Transport.SMTP, now)
        ).code

    assert code(question) == 250
    assert code(question.upper()) == 250
    assert code(f"country-confirm+{token}") == 550
    assert code(f"listserv-confirm+{token}") == 550
    assert code(f"town-confirm+{'a' * 22}@{DOMAIN}") == 550
    assert code(f"town-moderate+{token}") == 550


def test_the_way_of_who_left_helps_nobody_until_they_join_again(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", authorship=BY_SPF)
    answer(world, questions(world)[0])
    world.deliver()
    _left(world, town)
    world.post(ANN, "town", authorship=BY_SPF)
    (waiting,) = held_posts(world)
    assert (rules(waiting), waiting.authorship.level) == (["stranger-hold"], Level.UNPROVEN)

    now = world.clock.now()
    world.store.write(
        lambda tx: enrol.add_members(
            tx, town.id, [ANN], domains={DOMAIN}, settings={}, by="command line", now=now
        )
    )
    world.post(ANN, "town", authorship=BY_SPF)
    assert held_posts(world) == [waiting]
