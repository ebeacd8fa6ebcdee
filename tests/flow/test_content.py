"""Content rules at work: they hold, tell the moderators at once, and answer the author."""

import logging
import os
import quopri
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Update, update

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.decision import Verdict
from listserv.domain.lists import MailingList
from listserv.domain.members import MemberState
from listserv.domain.post import Transport
from listserv.flow import moderate
from listserv.rule_files import RuleFiles
from listserv.store import held, lists, members, posts
from listserv.store.tables import MemberRow
from tests.flow.world import PROVEN, World

ANN = "ann@example.org"
MO = "mo@example.org"
MAX = "max@example.org"
OLIVE = "olive@example.org"
UNPROVEN = Authorship(Level.UNPROVEN, ("no signature",), VerifiedPath((), "mail.example"))
CONTRADICTED = Authorship(Level.CONTRADICTED, ("nothing aligns",))
RULES = """\
when subject or body has any of "selling", "survey" then hold "advert?"
when body has any of "end it all" then urgent, tell moderators "crisis sheet",
  answer author with crisis.txt
when body has any of "look here" then tell moderators "look at this"
when author is new and post has link then hold "first link"
"""
CRISIS = "Dear $name,\n\nyou are not alone. Write to $owner.\n"


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """The folder of rules, with those of town."""
    (tmp_path / "town.txt").write_text(RULES)
    (tmp_path / "crisis.txt").write_text(CRISIS)
    world.site = replace(world.site, rule_files=RuleFiles(tmp_path))
    return tmp_path


@pytest.fixture
def town(world: World, folder: Path) -> MailingList:
    """A list with these rules, two moderators, an owner, and ann, who gets no mail of hers."""
    mlist = world.found("town", title="Town", content_rules="town.txt", nonmember="hold")
    world.join(mlist, ANN, delivery="nomail")
    for address in (MO, MAX):
        world.join(mlist, address, role="moderator", delivery="nomail")
    world.join(mlist, OLIVE, role="owner", delivery="nomail")
    return mlist


def reasons(world: World, mlist: MailingList) -> list[tuple[str, str]]:
    """Of what came last, (rule, because)."""
    found = world.store.read(lambda tx: posts.latest(tx, mlist.id))
    assert found is not None
    return [(reason.rule, reason.because) for reason in found.reasons]


def held_now(world: World, mlist: MailingList) -> list[held.Held]:
    return world.store.read(lambda tx: held.ls(tx, mlist.id))


def sent(world: World) -> list[tuple[str, str]]:
    """What is due goes out: (recipient, text), sorted."""
    before = len(world.sent)
    world.deliver()
    mails = [(t.recipients[0], b"".join(t.data).decode()) for t in world.sent[before:]]
    return sorted((to, text.replace("=\r\n", "")) for to, text in mails)


def test_a_post_that_no_rule_speaks_of_goes_out(world: World, town: MailingList) -> None:
    world.post(ANN, "town", body="Good morning.")
    assert reasons(world, town) == []
    assert held_now(world, town) == []


def test_a_post_is_held_with_the_words_of_its_rules(world: World, town: MailingList) -> None:
    world.post(ANN, "town", subject="Survey!", body="see https://example.org")
    assert reasons(world, town) == [
        ("content", "a content rule of the list says: advert?; first link")
    ]
    assert sent(world) == []


def test_who_is_new_is_so_until_enough_posts_went_out(world: World, town: MailingList) -> None:
    for _ in range(3):
        world.post(ANN, "town", body="Good morning.")
    world.post(ANN, "town", body="see https://example.org")
    assert reasons(world, town) == []
    world.post(MO, "town", body="see https://example.org")
    assert reasons(world, town) == []


def test_all_moderators_are_told_at_once_and_the_author_is_answered(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", subject="Today", body="I want to\r\nend it all.\r\n> quoted")
    (to, crisis), *notices = sent(world)
    assert (to, [reader for reader, _ in notices]) == (ANN, [MAX, MO])
    for _, notice in notices:
        assert "Subject: Urgent: please look at a post to Town\r\n" in notice
        assert f"in a post by {ANN}: crisis sheet\r\n" in notice
        assert "\r\nSubject: Today\r\n\r\n> I want to\r\n> end it all.\r\n" in notice
        assert "\r\nContent-Type: message/rfc822" in notice
        assert "The post goes out to the list. The answer that is set" in notice
    assert "Dear Ann,\r\n\r\nyou are not alone. Write to town-owner@" in crisis
    assert "\r\nReply-To: town-owner@" in crisis
    assert "\r\nAuto-Submitted: auto-replied\r\n" in crisis
    assert reasons(world, town) == []


def test_nothing_of_a_post_stands_in_a_line_of_its_own_or_steers_a_screen(
    world: World, town: MailingList
) -> None:
    text = "<b>end it all</b> \x1b[2J \u202eevil<br>approve<br>" + "x<br>" * 100
    world.post(ANN, "town", subject="x\x1b", body=text, content_type="text/html; charset=utf-8")
    notice = next(text for to, text in sent(world) if to == MO)
    shown = notice.partition("Content-Type: message/rfc822")[0]
    shown = quopri.decodestring(shown.encode()).decode("utf-8", "replace")
    assert (
        "> end it all" in shown
        and "> approve" in shown
        and "\nContent-Type: text/html" not in notice
    )
    assert "<b>" not in shown and "\x1b" not in shown and "\u202e" not in shown
    assert "\napprove" not in shown and shown.count("> x") < 60


def test_without_moderators_the_owners_are_told(world: World, folder: Path) -> None:
    mlist = world.found("town", content_rules="town.txt")
    world.join(mlist, ANN, delivery="nomail")
    world.join(mlist, OLIVE, role="owner", delivery="nomail")
    world.post(ANN, "town", body="look here")
    ((to, text),) = sent(world)
    assert to == OLIVE
    assert "Subject: Please look at a post to town\r\n" in text and "look at this" in text


def test_each_moderator_reads_it_in_their_own_language(world: World, folder: Path) -> None:
    mlist = world.found("town", content_rules="town.txt")
    world.join(mlist, ANN, delivery="nomail")
    world.join(mlist, MO, role="moderator", delivery="nomail", language="de")
    world.post(ANN, "town", body="end it all", authorship=UNPROVEN)
    (notice,) = [text for to, text in sent(world) if to == MO]
    assert "Subject: Dringend: " in notice
    assert "Der Beitrag wartet; eine andere Mail fragt," in notice
    assert "Nichts beweist, dass" in notice


def test_the_same_message_again_tells_nobody_again(world: World, town: MailingList) -> None:
    for transport in (Transport.SMTP, Transport.LMTP):
        world.post(
            ANN, "town", body="end it all", message_id="<1@example.org>", transport=transport
        )
    assert [to for to, _ in sent(world)] == [ANN, MAX, MO]


def test_an_answer_comes_once_a_day_and_each_text_for_itself(
    world: World, town: MailingList, folder: Path
) -> None:
    rules = RULES + 'when body has any of "for sale" then answer author with sale.txt\n'
    (folder / "town.txt").write_text(rules)
    (folder / "sale.txt").write_text("Not here, please.")
    world.post(ANN, "town", body="for sale")
    world.post(ANN, "town", body="end it all")
    world.post(ANN, "town", body="end it all, I mean it")
    answers = [text for to, text in sent(world) if to == ANN]
    assert ["Not here" in text for text in answers].count(True) == 1
    assert ["not alone" in text for text in answers].count(True) == 1
    world.clock.pass_by(hours=24)
    world.post(ANN, "town", body="end it all, today")
    assert [to for to, _ in sent(world)] == [ANN, MAX, MO]


def test_an_answer_goes_to_the_address_on_file_only(world: World, town: MailingList) -> None:
    world.join(town, "bob@example.org", delivery="nomail", also="bob@work.example")
    raw = b"\r\n".join(
        [b"From: bob@work.example", b"Reply-To: evil@x.test", b"To: town@lists.example.org",
         b"Subject: x", b"Message-ID: <b@x>", b"", b"end it all", b""]
    )  # fmt: skip
    world.post("bob@work.example", "town", raw=raw, sender="evil@x.test")
    assert [to for to, _ in sent(world)] == ["bob@example.org", MAX, MO]


NOT_ANSWERED = [
    ({"authorship": CONTRADICTED}, {}),
    ({"sender": ""}, {}),
    ({}, {"precedence": "bulk"}),
    ({}, {"auto_submitted": "auto-generated"}),
    ({}, {"x_spam": "yes"}),
    ({}, {"list_id": "<other.example>"}),
]


@pytest.mark.parametrize(("how", "header"), NOT_ANSWERED, ids=range(len(NOT_ANSWERED)))
def test_who_may_not_have_written_it_and_what_no_person_wrote_is_not_answered(
    world: World, town: MailingList, how: dict[str, object], header: dict[str, str]
) -> None:
    world.post(ANN, "town", body="end it all", **how, **header)  # type: ignore[arg-type]
    assert ANN not in [to for to, _ in sent(world)]


def test_a_stranger_and_a_suspended_member_are_not_answered(
    world: World, town: MailingList
) -> None:
    world.post("eve@x.test", "town", body="end it all")
    (ann,) = world.store.read(lambda tx: members.find(tx, ANN))
    world.store.write(lambda tx: tx.execute(suspend(ann.id)).close())
    world.post(ANN, "town", body="end it all")
    told = sent(world)
    assert {to for to, _ in told} == {MAX, MO}
    assert not any("The answer that is set" in text for _, text in told)


def suspend(member: int) -> Update:
    return update(MemberRow).where(MemberRow.id == member).values(state=MemberState.SUSPENDED)


def test_what_a_final_rule_decides_is_not_searched(world: World, town: MailingList) -> None:
    (reply,) = world.post(ANN, "town", body="end it all " * 200_000)
    assert reply.code == 552
    world.post(
        ANN, "town", body="end it all", subject="Undelivered", content_type="multipart/report"
    )
    assert sent(world) == []


def test_a_rule_never_rejects(world: World, town: MailingList) -> None:
    for text in ("selling", "end it all", "look here", "https://example.org"):
        for authorship in (PROVEN, UNPROVEN, CONTRADICTED):
            (reply,) = world.post(ANN, "town", body=text, authorship=authorship)
            assert reply.accepted


def test_forged_posts_do_not_fill_the_moderators_mailboxes(world: World, town: MailingList) -> None:
    for number in range(15):
        world.post(f"eve{number}@x.test", "town", body="end it all")
    world.post(ANN, "town", body="end it all")
    mails = [to for to, _ in sent(world)]
    assert mails.count(MO) == mails.count(MAX) == 10 + 1


def test_a_post_that_its_author_confirms_still_waits_for_a_moderator(
    world: World, town: MailingList
) -> None:
    world.post(ANN, "town", body="selling", authorship=UNPROVEN)
    (one,) = held_now(world, town)
    assert {reason.rule for reason in one.reasons} == {"unproven-author", "content"}
    (_, question), *_ = [mail for mail in sent(world) if mail[0] == ANN]
    (reply_to,) = [ln[10:] for ln in question.split("\r\n") if ln.startswith("Reply-To: ")]
    world.post(ANN, reply_to, body="yes")
    (one,) = held_now(world, town)
    assert {reason.rule for reason in one.reasons} == {"content"}
    world.store.write(lambda tx: moderate.approve(tx, world.site, one.id, MO, world.clock.now()))
    assert held_now(world, town) == []


def test_each_list_has_rules_of_its_own(world: World, town: MailingList, folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "rules.txt").write_text('when subject has any of "hello" then hold "hi"')
    other = world.found("other", content_rules="more/rules.txt", posting="anyone")
    third = world.found("third", posting="anyone")
    world.post(ANN, "town", "other", "third", body="selling")
    assert reasons(world, town) == [("content", "a content rule of the list says: advert?")]
    assert reasons(world, other) == [("content", "a content rule of the list says: hi")]
    assert reasons(world, third) == []


def rewrite(path: Path, text: str) -> None:
    """Change a file; file systems may tell its time in steps."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_a_file_that_changed_is_read_again(world: World, town: MailingList, folder: Path) -> None:
    world.post(ANN, "town", body="a garden")
    assert reasons(world, town) == []
    rewrite(folder / "town.txt", 'when body has any of "garden" then hold "off topic"')
    world.post(ANN, "town", body="another garden")
    assert reasons(world, town) == [("content", "a content rule of the list says: off topic")]


def test_an_answer_that_changed_is_read_again(
    world: World, town: MailingList, folder: Path
) -> None:
    world.post(ANN, "town", body="Good morning.")
    rewrite(folder / "crisis.txt", "Call $owner")
    world.post(ANN, "town", body="end it all")
    assert any("Call town-owner@" in text for _, text in sent(world))


BROKEN = ["when", "\0", None]


@pytest.mark.parametrize("text", BROKEN)
def test_while_a_file_cannot_be_read_the_last_one_is_in_force_with_one_alarm(
    world: World, town: MailingList, folder: Path, text: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    world.post(ANN, "town", body="Good morning.")
    if text is None:
        (folder / "town.txt").unlink()
    else:
        rewrite(folder / "town.txt", text)
    for body in ("selling one", "selling two"):
        world.post(ANN, "town", body=body)
        assert reasons(world, town) == [("content", "a content rule of the list says: advert?")]
    (alarm,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "town.txt: " in alarm.message and "stays in force" in alarm.message
    rewrite(folder / "town.txt", "# nothing")
    world.post(ANN, "town", body="selling three")
    assert reasons(world, town) == []


def test_an_answer_that_is_gone_is_an_alarm_too_and_its_text_is_kept(
    world: World, town: MailingList, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world.post(ANN, "town", body="Good morning.")
    (folder / "crisis.txt").unlink()
    world.post(ANN, "town", body="end it all")
    assert "crisis.txt: cannot be read" in caplog.text
    assert any("not alone" in text for _, text in sent(world))
    rewrite(folder / "crisis.txt", "Call.")
    caplog.clear()
    world.clock.pass_by(days=1)
    world.post(ANN, "town", body="end it all, today")
    assert any("Call." in text for _, text in sent(world))


def test_where_nothing_was_ever_read_every_post_waits(
    world: World, town: MailingList, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rewrite(folder / "town.txt", "when")
    world.post(ANN, "town", body="Good morning.")
    world.post(ANN, "town", body="Good evening.")
    assert reasons(world, town) == [
        ("content", "a content rule of the list says: the file of rules cannot be read")
    ]
    assert caplog.text.count("until it can be read every post is held") == 1


def test_an_expression_that_takes_too_long_holds_nothing_and_is_logged_once(
    world: World, town: MailingList, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rewrite(folder / "town.txt", 'when body matches /(a+)+$/ then hold "a"')
    for number in range(2):
        world.post(ANN, "town", body="a" * 50_000 + f"! {number}")
        assert reasons(world, town) == []
    assert caplog.text.count("the rule in line 1 takes longer than 0.1 s") == 1


def test_a_post_that_is_held_for_another_reason_keeps_all_reasons(
    world: World, town: MailingList
) -> None:
    world.post("eve@x.test", "town", body="selling")
    assert [rule for rule, _ in reasons(world, town)] == ["stranger-hold", "content"]
    found = world.store.read(lambda tx: posts.latest(tx, town.id))
    assert found is not None and found.verdict is Verdict.HOLD


def test_a_german_moderator_reads_the_owners_words_in_a_german_sentence(
    world: World, town: MailingList
) -> None:
    world.store.write(lambda tx: lists.change(tx, town.id, {"language": "de"}))
    world.post(ANN, "town", body="selling")
    text = next(text for to, text in sent(world) if to == MO and "Ein Beitrag wartet" in text)
    assert "eine Inhaltsregel der Liste sagt: advert?" in text
    assert "content rule" not in text
