"""Answers to a digest: to one item of it, at LIST+re-TOKEN@, and to a whole one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.message import Message

import pytest
from sqlalchemy import update

from listserv.domain.authorship import Authorship
from listserv.domain.lists import MailingList
from listserv.domain.post import Transport
from listserv.domain.replies import Reply
from listserv.domain.tokens import item_token, own_message_id
from listserv.flow import escalate, recipient, tidy
from listserv.store import digests, held, issues, posts, renderings
from listserv.store.held import Held
from listserv.store.issues import IssuePart
from listserv.store.posts import StoredPost
from listserv.store.session import Tx
from listserv.store.tables import MemberRow
from listserv.workers import digests as worker
from tests.flow.letters import (
    ANN,
    AUTOMATIC,
    BOB,
    CLEO,
    MO,
    PROVEN,
    UNPROVEN,
    ZOE,
    Letter,
    answer,
    at,
    letters,
    set_list,
)
from tests.flow.waiting import reply, shown
from tests.flow.world import World, a_message
from tests.mail.digests import (
    DIGEST,
    FATIGUE,
    ITEMS,
    PORT,
    WALKS,
    contents,
    digest_lines,
    gmail,
    item_lines,
)

OWN = "Swimming is what helped my sister."
SUBJECT = "4 messages in Town, 21 November"


@dataclass
class Town:
    """A list with four posts, one digest of them all, and who reads it."""

    world: World
    mlist: MailingList
    ids: list[int]
    digest: str

    def token(self, item: int) -> str:
        return item_token(self.world.site.secret, self.ids[item])

    def address(self, item: int) -> str:
        return at(f"town+re-{self.token(item)}")

    def write(
        self,
        body: str = OWN,
        to: Sequence[str] = ("town",),
        author: str = BOB,
        authorship: Authorship = PROVEN,
        **header: str,
    ) -> tuple[int, ...]:
        """One mail; the codes of the answers."""
        recipients = tuple(one if "@" in one else at(one) for one in to)
        raw = a_message(author, recipients, body=body, **header)
        answers = self.world.post(author, *recipients, raw=raw, authorship=authorship)
        return tuple(one.code for one in answers)

    def reply(
        self, body: str, authorship: Authorship = PROVEN, author: str = BOB, **header: str
    ) -> None:
        """A reply to the whole digest, as a program sends it."""
        given = {"subject": f"Re: {SUBJECT}", "in_reply_to": self.digest, **header}
        assert self.write(body, ["town"], author, authorship, **given) == (250,)

    def copies(self) -> list[Message]:
        """The copies that go out now: Ann's."""
        before = len(self.world.sent)
        self.world.deliver()
        return [
            message_from_bytes(b"".join(one.data))
            for one in self.world.sent[before:]
            if ANN in one.recipients
        ]

    def copy(self) -> Message:
        (one,) = self.copies()
        return one

    def waiting(self) -> list[Held]:
        return self.world.store.read(held.ls)


@pytest.fixture
def town(world: World) -> Town:
    mlist = world.found("town", title="Town", moderation="off")
    for address in (ANN, BOB):
        world.join(mlist, address)
    world.join(mlist, CLEO, delivery="digest")
    world.join(mlist, MO, role="moderator", delivery="nomail")
    for number, item in enumerate(ITEMS, 1):
        world.post(
            ANN, "town", authorship=PROVEN, subject=item.subject,
            message_id=f"<item{number}@example.org>",
            references="<root@example.org>" if number == 3 else "",
            body=item.text.replace("\n", "\r\n"),
        )  # fmt: skip
    world.deliver()
    ids = [one.id for one in accepted(world, mlist)]
    return Town(world, mlist, ids, an_issue(world, mlist, ids))


def accepted(world: World, mlist: MailingList) -> list[StoredPost]:
    def look(tx: Tx) -> list[StoredPost]:
        found = digests.between(tx, mlist.id, 0, 1000)
        return [posts.get(tx, one.id) for one in found]

    return world.store.read(look)


def an_issue(world: World, mlist: MailingList, ids: list[int], subject: str = SUBJECT) -> str:
    """Keep an issue of these posts; its Message-ID."""
    message_id = own_message_id(world.site.secret, bytes([mlist.id]) * 10, world.site.hostname)

    def keep(tx: Tx) -> None:
        now = world.clock.now()
        issue = issues.begin(tx, mlist.id, b"key", now)
        part = IssuePart(issue, 1, subject, tuple(enumerate(ids, 1)), None)
        issues.add_part(tx, part, message_id, DIGEST, now)

    world.store.write(keep)
    return message_id


def thread(copy: Message) -> tuple[str, list[str]]:
    return str(copy["In-Reply-To"]), str(copy["References"]).split()


def text_of(copy: Message) -> str:
    first = copy.get_payload(0) if copy.is_multipart() else copy
    assert isinstance(first, Message)
    payload = first.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


# What its author's program wrote; the subject of the copy.
SUBJECTS = {
    "none": ({"subject": ""}, "Re: Port or no port?"),
    "a mark of reply alone": ({"subject": "Re: "}, "Re: Port or no port?"),
    "the item's": ({"subject": "Re: Port or no port?"}, "Re: Port or no port?"),
    "their own": ({"subject": "Mine is two years old"}, "Mine is two years old"),
    "the digest's": ({"subject": f"AW: {SUBJECT}"}, "Re: Port or no port?"),
}


@pytest.mark.parametrize(("header", "subject"), SUBJECTS.values(), ids=SUBJECTS)
def test_an_answer_to_an_item_stands_in_its_thread(
    town: Town, header: dict[str, str], subject: str
) -> None:
    header = {"in_reply_to": town.digest, "references": f"<x@y.example> {town.digest}", **header}
    assert town.write(OWN, [town.address(1)], BOB, PROVEN, **header) == (250,)
    copy = town.copy()
    assert copy["Subject"] == subject
    assert thread(copy) == ("<item2@example.org>", ["<item2@example.org>"])
    assert copy["To"] == at("town") and "+re-" not in str(copy)
    assert text_of(copy).strip() == OWN


def test_the_thread_goes_back_to_its_beginning_through_answers_of_ours(town: Town) -> None:
    town.write(to=[town.address(2)], message_id="<first@example.org>")
    assert thread(town.copy())[1] == ["<root@example.org>", "<item3@example.org>"]
    (*_, stored) = accepted(town.world, town.mlist)
    town.ids.append(stored.id)
    town.write(to=[town.address(4)], message_id="")
    assert thread(town.copy())[1][-2:] == ["<item3@example.org>", "<first@example.org>"]
    (*_, stored) = accepted(town.world, town.mlist)
    town.ids.append(stored.id)
    town.write(to=[town.address(5)], subject="")
    nearest, chain = thread(town.copy())
    assert nearest.endswith(f".listserv@{town.world.site.hostname}>") and len(chain) == 4


def test_an_answer_to_an_item_and_to_the_list_is_one_post(town: Town) -> None:
    assert town.write(to=["town", town.address(0)], message_id="<1@a.example>") == (250, 250)
    copy = town.copy()
    assert thread(copy)[0] == "<item1@example.org>"
    assert "+re-" not in str(copy["To"])
    assert town.write(to=[town.address(0)], message_id="<1@a.example>") == (250,)
    assert town.copies() == [] and len(accepted(town.world, town.mlist)) == 5


def no_thread(town: Town) -> dict[str, str]:
    """Addresses that say nothing about what is answered."""
    world = town.world
    other = world.found("secret", title="Secret", moderation="off")
    world.join(other, CLEO)
    world.post(
        CLEO, "secret", authorship=PROVEN, subject="Hidden words", message_id="<hid@x.example>"
    )
    (hidden,) = accepted(world, other)
    world.post(ZOE, "town", authorship=PROVEN, subject="Held words", message_id="<held@x.example>")
    (waits,) = world.store.read(held.ls)
    world.deliver()
    good = town.token(0)
    return {
        "another list's": item_token(world.site.secret, hidden.id),
        "a held post's": item_token(world.site.secret, waits.post_id),
        "one that never was": item_token(world.site.secret, 10**9),
        "another site's": item_token(bytes(32), town.ids[0]),
        "forged": good[:-1] + ("a" if good[-1] != "a" else "b"),
        "cut off": good[:10],
    }


def test_an_address_that_names_nothing_is_the_lists_all_the_same(town: Town) -> None:
    for number, token in enumerate(no_thread(town).values()):
        header = {
            "subject": "",
            "in_reply_to": "<own@y.example>",
            "message_id": f"<n{number}@b.example>",
        }
        assert town.write(OWN, [at(f"town+re-{token}")], BOB, PROVEN, **header) == (250,)
        copy = town.copy()
        assert copy["In-Reply-To"] == "<own@y.example>" and copy["References"] is None
        assert copy["To"] == at("town") and not copy["Subject"]
        assert "idden" not in str(copy) and "hid@" not in str(copy) and "held" not in str(copy)


@pytest.mark.parametrize("transport", Transport)
def test_the_envelope_learns_nothing_from_a_token(town: Town, transport: Transport) -> None:
    world = town.world

    def reply_to(address: str) -> Reply:
        now = world.clock.now()
        return world.store.read(
            lambda tx: recipient.answer(tx, world.site, address, transport, now)
        )

    at_list = reply_to(at("town"))
    tokens = [town.token(0), *no_thread(town).values()]
    assert {reply_to(at(f"town+re-{token}")) for token in tokens} == {at_list}
    assert not reply_to(at(f"nowhere+re-{tokens[0]}")).accepted


@pytest.mark.parametrize("nonmember", ["hold", "reject", "discard"])
def test_a_stranger_may_there_what_they_may_at_the_list(town: Town, nonmember: str) -> None:
    set_list(town.world, town.mlist, nonmember=nonmember)
    at_list = town.write(author=ZOE, subject="")
    at_item = town.write(to=[town.address(0)], author=ZOE, subject="")
    assert at_item == at_list and town.copies() == []
    assert not any("Fatigue" in one.raw.decode() for one in letters(town.world) if one.to == ZOE)


def test_moderators_see_an_answer_as_it_would_go_out(town: Town) -> None:
    set_list(town.world, town.mlist, moderation="all")
    town.reply(gmail(item_lines(PORT), OWN).replace("\n", "\r\n"))
    (one,) = shown(town.world, MO)
    assert str(one.message["Subject"]).endswith(": Re: Port or no port?")
    assert "My nurse" in one.text and "wrote:" not in one.text
    held_copy = one.raw.decode()
    assert "In-Reply-To: <item2@example.org>" in held_copy and town.digest not in held_copy


def test_a_reply_to_the_digest_that_quotes_one_post_is_an_answer_to_it(town: Town) -> None:
    town.reply(gmail(item_lines(PORT), OWN).replace("\n", "\r\n"))
    copy = town.copy()
    assert copy["Subject"] == "Re: Port or no port?"
    assert thread(copy) == ("<item2@example.org>", ["<item2@example.org>"])
    text = text_of(copy)
    assert text.startswith(OWN) and "> My nurse cannot find a vein" in text and "Town <" not in text


def test_the_item_that_is_named_is_answered_whatever_is_quoted(town: Town) -> None:
    body = gmail(digest_lines(), OWN).replace("\n", "\r\n")
    town.write(body, to=[town.address(0)], subject=f"Re: {SUBJECT}", in_reply_to=town.digest)
    copy = town.copy()
    assert copy["Subject"] == "Re: Fatigue after the third round"
    assert "since the third round I sleep" in text_of(copy) and "nurse" not in text_of(copy)


def asked(town: Town, body: str = "", authorship: Authorship = PROVEN, **header: str) -> Letter:
    """Bob answers the whole digest and quotes all of it; the question that he gets."""
    whole = gmail(digest_lines(), OWN).replace("\n", "\r\n")
    town.reply(body or whole, authorship, **header)
    found = letters(town.world)
    assert [one.to for one in found] == [BOB]
    return found[0]


CHOICES = {
    "2": "Re: Port or no port?",
    "No. 2, please": "Re: Port or no port?",
    "2/4": "Re: Port or no port?",
    "new": OWN,
    "Neu: Wer schwimmt?": "Wer schwimmt?",
}


@pytest.mark.parametrize(("words", "subject"), CHOICES.items(), ids=CHOICES)
def test_whoever_answers_the_whole_digest_is_asked_which_post(
    town: Town, words: str, subject: str
) -> None:
    question = asked(town)
    assert question.subject == "Which post of Town do you answer?"
    assert "- 2: Port or no port?" in question and "digest" in question
    assert not shown(town.world)
    answer(town.world, question, words)
    copy = town.copy()
    assert copy["Subject"] == subject
    text = text_of(copy)
    assert text.startswith(OWN) and "-----" not in text and "third round" not in text
    if subject.startswith("Re:"):
        assert thread(copy)[0] == "<item2@example.org>" and "My nurse cannot" in text
    else:
        assert copy["In-Reply-To"] is None and text.strip() == OWN
    answer(town.world, question, "3")
    (told,) = letters(town.world)
    assert told.to == BOB and told.subject == "About your answer to Town"
    assert not town.waiting()


def test_other_words_are_asked_about_again_and_a_program_says_nothing(town: Town) -> None:
    question = asked(town)
    for header in AUTOMATIC:
        answer(town.world, question, "2", **header)
    assert letters(town.world) == []
    for words in ("The one with the port.", "17", "0", "yes", "2 years ago"):
        answer(town.world, question, words)
    again = letters(town.world)
    assert {one.to for one in again} == {BOB} and len(again) == 3  # and no more than that
    assert all("2: Port or no port?" in one and "no number" in one for one in again)
    assert len(town.waiting()) == 1
    answer(town.world, again[0], "1")
    assert town.copy()["Subject"] == "Re: Fatigue after the third round"


def test_what_a_moderator_reads_anyhow_waits_for_them_and_its_author_hears_so(town: Town) -> None:
    set_list(town.world, town.mlist, moderation="all")
    question = asked(town)
    answer(town.world, question, "2")
    (one,) = town.waiting()
    assert [reason.rule for reason in one.reasons] == ["moderate-all"] and one.due is None
    assert one.subject == "Re: Port or no port?"
    told = [letter for letter in letters(town.world) if letter.to == BOB]
    assert town.copies() == [] and len(told) == 0
    assert "waits for a moderator" in b"".join(town.world.waiting[-1].data).decode()


def test_after_half_a_day_moderators_see_it_and_a_yes_sends_no_digest(town: Town) -> None:
    question = asked(town)
    town.world.clock.pass_by(hours=12, minutes=1)
    (one,) = town.waiting()
    now = town.world.clock.now()
    town.world.store.write(lambda tx: escalate.go_on(tx, town.world.site, one.id, now))
    (notice,) = shown(town.world, MO)
    assert "whole digest" in notice.text and "third round" not in notice.text
    reply(town.world, notice, "approve")
    copy = town.copy()
    assert text_of(copy).strip() == OWN and copy["Subject"] == OWN
    letters(town.world)
    answer(town.world, question, "2")
    (told,) = letters(town.world)
    assert "was decided before" in told and town.copies() == []


def test_what_nothing_proves_is_first_asked_about_its_author(town: Town) -> None:
    first = asked(town, authorship=UNPROVEN)
    assert "Did you write" in first.subject
    answer(town.world, first, "yes")
    told, question = sorted(letters(town.world), key=lambda one: "Which" in one.subject)
    assert "Which post" in question.subject and told.to == BOB
    assert not shown(town.world)
    answer(town.world, question, "2")
    assert thread(town.copy())[0] == "<item2@example.org>"


def test_a_digest_is_known_by_its_subject_where_the_rest_is_lost(town: Town) -> None:
    town.reply(gmail(item_lines(FATIGUE), OWN).replace("\n", "\r\n"), in_reply_to="")
    assert thread(town.copy())[0] == "<item1@example.org>"
    replaced = "<0102018f@email.amazonses.com>"
    town.reply(gmail(item_lines(PORT), OWN).replace("\n", "\r\n"), in_reply_to=replaced)
    assert thread(town.copy())[0] == "<item2@example.org>"
    town.reply(OWN, in_reply_to="", subject="Re: 12 messages in Town, 1 May")
    assert town.copy()["Subject"] == "Re: 12 messages in Town, 1 May"


def test_with_a_subject_of_their_own_somebody_begins_a_conversation(town: Town) -> None:
    whole = gmail(digest_lines(), OWN).replace("\n", "\r\n")
    town.reply(whole, subject="A walk on Sunday?")
    copy = town.copy()
    assert (copy["Subject"], copy["In-Reply-To"]) == ("A walk on Sunday?", None)
    assert text_of(copy).strip() == OWN


def test_the_digest_of_another_list_is_nothing_here(town: Town) -> None:
    other = town.world.found("secret", title="Secret")
    theirs = an_issue(town.world, other, [])
    town.reply("What did they say?", in_reply_to=theirs, subject="Re: Secret")
    copy = town.copy()
    assert (copy["Subject"], copy["In-Reply-To"]) == ("Re: Secret", theirs)


def test_an_attached_digest_stays_away_and_a_photo_goes_along(town: Town) -> None:
    attached = f"Message-ID: {town.digest}\r\nSubject: x\r\n\r\n" + "\r\n".join(digest_lines())
    parts = [
        "Content-Type: text/plain\r\n\r\n" + gmail(item_lines(PORT), OWN).replace("\n", "\r\n"),
        "Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K",
        f"Content-Type: message/rfc822\r\n\r\n{attached}",
    ]
    body = "".join(f"--b1\r\n{part}\r\n" for part in parts) + "--b1--"
    town.reply(body, mime_version="1.0", content_type="multipart/mixed; boundary=b1")
    copy = town.copy()
    assert [part.get_content_type() for part in copy.walk()][1:] == ["text/plain", "image/png"]
    assert text_of(copy).startswith(OWN) and "third round" not in str(copy)
    assert "Thanks!" not in text_of(copy) and "Message:" not in text_of(copy)
    assert message_from_bytes(copy.as_bytes()).defects == []


@pytest.mark.parametrize("quoted", [item_lines(PORT), digest_lines()], ids=["one", "all"])
def test_where_nothing_but_the_digest_is_left_a_person_looks_at_it(
    town: Town, quoted: list[str]
) -> None:
    town.reply("\r\n".join(f"> {line}" for line in quoted))
    assert town.copies() == []
    (one,) = town.waiting()
    assert "empty" in {reason.rule for reason in one.reasons}
    for question in letters(town.world):
        answer(town.world, question, "2")
    assert town.copies() == [] and len(town.waiting()) == 1


def test_a_bomb_of_quotations_never_goes_out(town: Town) -> None:
    whole = "\r\n".join(f"> {line}" for line in digest_lines() * 300)
    question = asked(town, f"{OWN}\r\n\r\n{whole}")
    answer(town.world, question, "2")
    assert len(str(town.copy())) < 200_000
    town.reply(f"{OWN}\r\n\r\n{whole}", subject="Look")
    assert len(str(town.copy())) < 5_000


def test_an_answer_within_a_week_is_understood_though_the_posts_bytes_have_left(town: Town) -> None:
    def forget(tx: Tx) -> None:
        tx.execute(update(MemberRow).values(cursor=1000))  # everybody has read them
        tidy.forget(tx, timedelta(days=30), town.world.clock.now())

    town.world.clock.pass_by(days=6)
    town.world.store.write(forget)
    assert town.world.store.read(lambda tx: posts.raw(tx, town.ids[2])) is None
    town.reply(gmail(item_lines(WALKS), OWN).replace("\n", "\r\n"))
    assert thread(town.copy()) == (
        "<item3@example.org>",
        ["<root@example.org>", "<item3@example.org>"],
    )
    town.world.clock.pass_by(days=2)
    town.world.store.write(forget)
    assert not town.world.store.read(lambda tx: renderings.of_posts(tx, town.ids))
    assert "Which post" in asked(town, gmail(item_lines(PORT), OWN).replace("\n", "\r\n")).subject


def test_from_a_post_to_the_digest_to_an_answer_that_stands_in_the_thread(town: Town) -> None:
    world = town.world
    for hours in (0, 20):
        world.clock.pass_by(hours=hours)
        while worker.turn(world.store, world.site, world.clock):
            pass
    (digest,) = letters_to_cleo(world)
    town.digest = str(digest["Message-ID"])
    text, _ = (one.decode() for one in contents(digest.as_bytes()))
    shown_as = dict(
        zip(re.findall(r"Message: (\d)/4", text), re.findall("\nSubject: (.*)", text), strict=True)
    )
    (number,) = (n for n, subject in shown_as.items() if subject.strip() == PORT.subject)
    body = gmail(text.splitlines(), OWN).replace("\n", "\r\n")
    town.reply(body, author=CLEO, subject=f"Re: {digest['Subject']}")
    (question,) = letters(world)
    assert question.to == CLEO and f"- {number}: {PORT.subject}" in question
    answer(world, question, number)
    copy = town.copy()
    assert copy["Subject"] == f"Re: {PORT.subject}" and thread(copy)[0] == "<item2@example.org>"
    assert text_of(copy).startswith(OWN) and "My nurse cannot" in text_of(copy)
    assert "third round" not in text_of(copy) and "+re-" not in text_of(copy)


def letters_to_cleo(world: World) -> list[Message]:
    before = len(world.sent)
    world.deliver()
    mails = (one for one in world.sent[before:] if CLEO in one.recipients)
    return [message_from_bytes(b"".join(one.data)) for one in mails]
