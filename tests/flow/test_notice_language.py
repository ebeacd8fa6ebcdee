"""A mail of ours is in the reader's language: the one that they chose, else their list's."""

import email
import email.header
import email.policy
import re
from email.message import Message
from pathlib import Path

import pytest

from listserv.domain.authorship import Authorship, Level
from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.domain.post import Transport
from listserv.flow import notices
from listserv.resources import read_phrases, templates_dir
from listserv.store import lists
from tests.flow.world import DOMAIN, World, a_message, an_address

ANN = "ann@example.org"
SPF = Authorship(Level.PROVEN, spf_aligned=True)
UNPROVEN = Authorship(Level.UNPROVEN, ("nothing proves it",))


def subject_of(mail: Message) -> str:
    return str(email.header.make_header(email.header.decode_header(mail["Subject"])))


def text_of(mail: Message) -> str:
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    return f"{subject_of(mail)}\n{text.decode()}"


def told(world: World) -> tuple[str, str]:
    """The subject of the mail that was sent last, and all of it."""
    mail = email.message_from_bytes(world.last())
    return subject_of(mail), text_of(mail)


def words_of(folder: Path) -> set[str]:
    """What the texts in a folder say between their variables, as far as it is a few words."""
    texts = [path.read_text("utf-8") for path in folder.glob("*.txt") if "postfix" not in path.name]
    texts += read_phrases(folder).values()
    pieces = {one.strip() for text in texts for one in re.split(r"\{[{%].*?[%}]\}|\n", text)}
    return {piece for piece in pieces if len(piece.split()) > 1}


ENGLISH_ONLY = words_of(templates_dir()) - words_of(templates_dir() / "de")


def english_in(text: str) -> list[str]:
    return sorted(piece for piece in ENGLISH_ONLY if piece in text)


def welcome(world: World, mlist: MailingList, member: Member) -> str:
    now = world.clock.now()
    world.store.write(lambda tx: notices.welcome(tx, world.site, mlist, member, now))
    world.deliver()
    return told(world)[0]


@pytest.mark.parametrize(
    ("lists_own", "members_own", "says"),
    [
        ("en", "", "Welcome to Town"),
        ("de", "", "Willkommen bei Town"),
        ("de", "en", "Welcome to Town"),
        ("en", "de", "Willkommen bei Town"),
    ],
)
def test_a_list_writes_in_its_own_language_unless_a_member_chose(
    world: World, lists_own: str, members_own: str, says: str
) -> None:
    mlist = world.found("town", title="Town", language=lists_own)
    assert welcome(world, mlist, world.join(mlist, ANN, language=members_own)) == says


def test_a_list_that_changes_its_language_takes_its_members_along(world: World) -> None:
    mlist = world.found("town", title="Town")
    member = world.join(mlist, ANN)
    assert welcome(world, mlist, member) == "Welcome to Town"
    mlist = world.store.write(lambda tx: lists.change(tx, mlist.id, {"language": "de"}))
    assert welcome(world, mlist, member) == "Willkommen bei Town"


def test_a_refusal_is_in_its_readers_language_to_the_last_word(world: World) -> None:
    mlist = world.found("town", title="Town", max_size=2000)
    world.join(mlist, ANN, language="de")
    world.post(ANN, "town", transport=Transport.LMTP, body="x" * 1_700_000)
    assert world.deliver() == [ANN]
    subject, text = told(world)
    assert subject == "Ihr Beitrag an Town wurde nicht angenommen"
    assert "Ihre Mail hat 1,7 MB" in text and "höchstens 1 kB an" in text
    assert "Your" not in text and "please" not in text


def test_what_a_copy_for_the_owners_lacks_is_named_in_the_lists_language(world: World) -> None:
    mlist = world.found("town", language="de")
    world.join(mlist, ANN, role="owner")
    header = {"content_type": "image/jpeg", "content_disposition": "attachment"}
    raw = a_message(ANN, (f"town-owner@{DOMAIN}",), body="x" * 1_500_000, **header)
    world.post(ANN, f"town-owner@{DOMAIN}", raw=raw)
    assert world.deliver() == [ANN]
    assert "[Ein Anhang von 1.465 kB (image/jpeg) wurde hier weggelassen." in told(world)[1]


COMMANDS = """\
query town
which
info town
lists
review town
set town digest norepro
break town until 1.6.2027
back town
name town
help""".split("\n")


SEVERAL = [
    COMMANDS,
    ["frobnicate it", "signof town"],
    ["signoff elsewhere", "change town nobody"],
    ["signoff town"],
    ["add town ben@example.net", "delete town carl@example.net", "hold town", "free town"],
    ["set town nomail for ann@example.org", "ban town @spam.example until 2027-06-01"],
    ["change town other@example.net", "also town other@example.net"],
    ["invite town ben@example.net", "index town", "password x"],
]


def write(world: World, lines: list[str], authorship: Authorship) -> list[str]:
    """The mails that are sent because Ann writes some lines."""
    before, body = len(world.sent), "\r\n".join(lines)
    to = f"town-request@{DOMAIN}"
    world.post(ANN, to, subject="Bitte", body=body, authorship=authorship)
    assert world.deliver()
    return [text_of(email.message_from_bytes(b"".join(one.data))) for one in world.sent[before:]]


@pytest.mark.parametrize("lines", [*([line] for line in COMMANDS), *SEVERAL], ids=" / ".join)
@pytest.mark.parametrize("role", ["member", "owner"])
def test_commands_are_answered_in_german_alone(world: World, lines: list[str], role: str) -> None:
    world.join(world.found("town", title="Ort", language="de"), ANN, role=role)
    for mail in write(world, lines, SPF):
        assert english_in(mail) == []


@pytest.mark.parametrize("line", ["signoff town", "set town digest", "break town", "query town"])
def test_a_question_is_in_german_alone_and_so_is_what_follows(world: World, line: str) -> None:
    world.join(world.found("town", title="Ort", language="de"), ANN)
    (asked,) = write(world, [line], UNPROVEN)
    assert "Ist das von Ihnen?" in asked and english_in(asked) == []
    found = re.search(rb"^Reply-To: <?(town-confirm\+\w+@[\w.]+)", world.last(), re.MULTILINE)
    assert found is not None
    for word in ("was?", "ja", "ja"):
        world.post(ANN, found[1].decode(), body=word, authorship=UNPROVEN)
        assert world.deliver() == [ANN]
        assert english_in(told(world)[1]) == []


@pytest.mark.parametrize(
    ("languages", "english"), [(("de", "de"), False), (("de", "en"), True), ((), True)]
)
def test_the_robot_answers_in_the_language_of_all_of_somebodys_lists(
    world: World, languages: tuple[str, ...], english: bool
) -> None:
    for at, language in enumerate(languages):
        world.join(world.found(f"town{at}", language=language), ANN)
    world.post(ANN, f"listserv@{DOMAIN}", body="help\r\nwhich\r\nfrob", authorship=SPF)
    assert world.deliver() == [ANN]
    text = told(world)[1]
    assert ("What became of" in text) == english
    assert english or english_in(text) == []


def test_english_would_be_seen(world: World) -> None:
    world.join(world.found("town", title="Town"), ANN)
    world.post(ANN, f"town-request@{DOMAIN}", subject="query", authorship=SPF)
    assert world.deliver() == [ANN]
    assert english_in(told(world)[1])


@pytest.mark.parametrize(
    ("language", "name"),
    [("", "Mailing lists at"), ("en", "Mailing lists at"), ("de", "Mailinglisten bei")],
)
def test_a_domain_writes_by_its_robot(world: World, language: str, name: str) -> None:
    to, now = an_address("zoe@example.net"), world.clock.now()
    world.store.write(
        lambda tx: notices.send(
            tx, world.site, DOMAIN, "owner-list-busy.txt", to, now, values={}, language=language
        )
    )
    assert world.deliver() == ["zoe@example.net"]
    message = email.message_from_bytes(world.last(), policy=email.policy.SMTP)
    assert message["From"] == f'"{name} {DOMAIN}" <listserv@{DOMAIN}>'
    assert message["Reply-To"] == f"listserv@{DOMAIN}"
    assert world.sent[-1].sender.startswith("listserv-bounces+")
