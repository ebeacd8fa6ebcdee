"""A person who has only a mail client lives a whole life on a list, through a real Postfix."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.postfix.harness import Sunk
from tests.postfix.installation import DOMAIN, Installation
from tests.postfix.person import Got, Person, gmail, readable, thunderbird

pytestmark = pytest.mark.postfix

OLGA = "olga@owners.example"


@pytest.fixture(scope="module", params=["dedicated", "shared"])
def place(request: pytest.FixtureRequest, root: Path) -> Iterator[Installation]:
    """A server as it is after `listserv init`, apart from personal copies."""
    folder = root / f"life-{request.param}"
    folder.mkdir(mode=0o755)
    with Installation(folder, request.param, proof=True, mode="personal") as site:
        yield site


class Village:
    """A list with its owner, who posts to see whom it reaches."""

    def __init__(self, site: Installation, name: str, *settings: str) -> None:
        self.site, self.name, self.address = site, name, f"{name}@{DOMAIN}"
        self.request, self.join = f"{name}-request@{DOMAIN}", f"{name}-join@{DOMAIN}"
        title = name.title()
        site.shell.ok("list", "create", self.address, "--title", title, "--owner", OLGA)
        if settings:
            site.shell.ok("list", "set", self.address, *settings)
        if site.way == "shared":
            site.load_recipients()
        self.olga = Person(site, OLGA, [self.address, self.request], name="Olga")
        self._posts, self.title = 0, ""

    def mail(self, *people: Person) -> list[list[Got]]:
        """What has come for each of these people since somebody looked; nobody else got any."""
        left: list[Sunk] = self.site.left()
        addresses = {person.address for person in people}
        assert {to for sunk in left for to in sunk.recipients} <= addresses
        return [person.got(left) for person in people]

    def each(self, *people: Person) -> list[Got]:
        """The one mail that came for each, short enough for a phone."""
        found = [got for (got,) in self.mail(*people)]
        for got in found:
            assert not list(readable(got)), got.text
        return found

    def answer(self, person: Person) -> Got:
        """The one mail that came, for this person."""
        return self.each(person)[0]

    def reaches(self, person: Person) -> bool:
        """Whether a post comes to them, which is once if at all."""
        self._posts += 1
        self.title = f"Tomatoes {self._posts}"
        self.olga.writes(self.address, "They are red.", self.title)
        mine, hers = self.mail(person, self.olga)
        assert [mail.subject for mail in hers] == [self.title]
        assert [mail.subject for mail in mine] in ([], [self.title])
        return bool(mine)

    def nothing_bounced(self) -> None:
        assert not self.site.postfix.queue()
        assert not self.site.postfix.logged(r"status=(bounced|deferred)|reject:")

    def has(self, *addresses: str) -> bool:
        """Whether one of these is a member's."""
        rows = self.site.shell.json("member", "ls", self.address)
        return not {row["address"] for row in rows}.isdisjoint(addresses)

    def shows(self, address: str, **wanted: object) -> bool:
        """Whether `member show` says so."""
        shown = self.site.shell.json("member", "show", self.address, address)
        return all(shown[key] == value for key, value in wanted.items())


@dataclass(frozen=True)
class Words:
    """What a person says and reads in a language."""

    yes: str
    undo: str
    welcome: str
    digest: str
    away: str
    missed: str
    singly: str
    asked: str
    moved: str
    goodbye: str
    undone: str


ENGLISH = Words(
    "Yes, please!", "Undo", "Welcome to Garden", "posts together, in a digest, each day.",
    "or until you send BACK.", "You have missed one post.", "this is set: each post by itself.",
    "we have sent a mail to", "now goes to", "Goodbye from Garden", "All is as it was before.",
)  # fmt: skip
GERMAN = Words(
    "Ja, bitte!", "Rückgängig", "Willkommen bei Rosen", "in einer Sammelmail, jeden Tag.",
    "oder bis Sie BACK senden.", "Sie haben einen Beitrag verpasst.", "jeder Beitrag einzeln.",
    "wir haben eine Mail an", "geht jetzt an", "Auf Wiedersehen von Rosen",
    "Alles ist wieder wie vorher.",
)  # fmt: skip


@pytest.mark.parametrize("signs", [True, False], ids=["all is signed", "nothing is, in German"])
def test_join_digest_break_back_another_address_leave(place: Installation, signs: bool) -> None:
    """Where nothing proves who wrote a mail, each step is confirmed by a reply."""
    village = Village(place, "garden") if signs else Village(place, "rosen", "language=de")
    words, first = (ENGLISH, gmail) if signs else (GERMAN, thunderbird)
    domain = f"{village.name}.example"
    petra = Person(place, f"petra@{domain}", [village.join], signs=signs, first=first)
    later = petra.with_address(f"petra@new-{domain}")

    def confirmed(person: Person) -> Got:
        """The answer to what they have written, after their yes where that is needed."""
        mail = village.answer(person)
        if not signs:
            person.replies(mail, words.yes)
            mail = village.answer(person)
        return mail

    petra.writes(village.join, "Hello, I would like to join.", "Joining")
    petra.replies(village.answer(petra), words.yes)
    assert village.answer(petra).subject == words.welcome
    assert village.shows(petra.address, state="active", delivery="mail")
    assert village.reaches(petra)

    petra.writes(village.request, "set digest")
    digest = confirmed(petra)
    assert words.digest in digest.text
    assert village.shows(petra.address, delivery="digest")
    assert not village.reaches(petra)
    village.site.shell.ok("digest", "send", village.address)
    ((issue,),) = village.mail(petra)
    assert "They are red." in issue.text
    if signs:
        petra.replies(issue, "Mine are green.")
        _, (answer,) = village.mail(petra, village.olga)
        assert answer.subject == f"Re: {village.title}" and "Mine are green." in answer.text
        village.site.shell.ok("digest", "send", village.address)
        ((issue,),) = village.mail(petra)  # or it would come with the break, some minutes later
        assert "Mine are green." in issue.text

    petra.replies(digest, "break 2 weeks")
    away = confirmed(petra)
    assert words.away in away.text
    assert village.shows(petra.address, delivery="nomail")
    assert not village.reaches(petra)

    petra.replies(away, "Back")
    if not signs:
        petra.replies(village.answer(petra), words.yes)
    (mails,) = village.mail(petra)
    offer, back = sorted(mails, key=lambda one: words.missed in one.text)
    assert words.missed in back.text and "DIGEST" in offer.text
    assert village.shows(petra.address, delivery="digest", until="")

    petra.replies(back, "Set Mail")
    mail = confirmed(petra)
    assert words.singly in mail.text
    assert village.reaches(petra)

    petra.replies(mail, f"change {later.address}")
    if not signs:
        petra.replies(village.answer(petra), words.yes)
    told, asked = village.each(petra, later)
    assert f"{words.asked} {later.address}" in told.text
    later.replies(asked, words.yes)
    for told in village.each(petra, later):
        assert f"{words.moved} {later.address}" in told.text
    assert village.shows(later.address, state="active", delivery="mail")
    assert village.reaches(later)

    (leave,) = {one for one in later.known if "-leave@" in one}
    later.writes(leave)
    goodbye = confirmed(later)
    assert goodbye.subject == words.goodbye
    assert not village.has(petra.address, later.address)
    assert not village.reaches(later)

    later.replies(goodbye, words.undo)
    assert words.undone in village.answer(later).text
    assert village.reaches(later)

    later.writes(leave)
    confirmed(later)
    assert not village.reaches(later)
    village.nothing_bounced()


def test_an_owner_looks_after_a_list_from_a_phone(place: Installation) -> None:
    village = Village(place, "orchard")
    olga = village.olga
    ivo = Person(place, "ivo@orchard.example", name="Ivo")

    olga.writes(village.request, f"ADD orchard {ivo.address} Ivo Brand")
    told, welcome = village.each(olga, ivo)
    assert f"{ivo.address} is a member of Orchard." in told.text
    assert welcome.subject == "Welcome to Orchard"
    assert any("-leave@" in known for known in ivo.known)
    assert village.reaches(ivo)

    olga.writes(village.request, "hold")
    on_hold = village.answer(olga)
    olga.writes(village.address, "Is anybody there?", "Waits")
    (waits,), nothing = village.mail(olga, ivo)
    assert waits.subject == "Your post waits for a moderator of Orchard" and nothing == []
    assert [row["subject"] for row in place.shell.json("held", "ls", village.address)] == ["Waits"]
    olga.replies(on_hold, "free")
    village.answer(olga)
    assert village.reaches(ivo)

    olga.writes(village.request, f"DELETE orchard {ivo.address}")
    deleted, farewell = village.each(olga, ivo)
    assert farewell.subject == "You are no longer on Orchard"
    assert not village.has(ivo.address)
    olga.replies(deleted, "undo")
    village.answer(olga)
    assert village.reaches(ivo)

    # A member is no owner, and is told so.
    ivo.writes(village.request, f"delete orchard {olga.address}")
    assert "Only the owners of Orchard can do that." in village.answer(ivo).text
    assert village.has(olga.address)
    village.nothing_bounced()


def test_who_is_invited_says_yes_and_is_in(place: Installation) -> None:
    village = Village(place, "cellar", "subscription=invite")
    vera = Person(place, "vera@cellar.example", [village.join], name="Vera", signs=False)

    village.olga.writes(village.request, f"INVITE cellar {vera.address}")
    told, invitation = village.each(village.olga, vera)
    assert f"{vera.address} is asked to join Cellar." in told.text
    vera.replies(invitation, "Yes, gladly")
    assert village.answer(vera).subject == "Welcome to Cellar"
    assert village.reaches(vera)
    village.nothing_bounced()


def test_who_applies_waits_for_the_moderators(place: Installation) -> None:
    village = Village(place, "clinic", "subscription=approve")
    nora = Person(place, "nora@clinic.example", [village.join], name="Nora")

    nora.writes(village.join, "I am a nurse, and look after two patients.", "Joining")
    told, asked = village.each(nora, village.olga)
    assert "will decide" in told.text
    assert not village.has(nora.address)
    (waiting,) = place.shell.json("held", "ls", village.address)
    shown = place.shell.json("held", "show", str(waiting["id"]))
    assert "I am a nurse" in shown["text"] and "> I am a nurse" in asked.text
    village.olga.replies(asked, "Approve, thanks")
    assert village.answer(nora).subject == "Welcome to Clinic"
    assert village.reaches(nora)
    village.nothing_bounced()


def test_moderators_decide_about_posts_from_their_phones(place: Installation) -> None:
    """One whose provider signs, and one of whom nothing is proven: that one is asked."""
    village = Village(place, "ward", "moderation=all")
    mo = Person(place, "mo@ward.example", name="Mo")
    ulf = Person(place, "ulf@plain-ward.example", name="Ulf", signs=False)
    ann = Person(place, "ann@ann-ward.example", [village.address], name="Ann")
    kim = Person(place, "kim@kim-ward.example", name="Kim")
    options = ("--role", "moderator", "--delivery", "nomail")
    place.shell.ok("member", "add", village.address, mo.address, ulf.address, *options)
    place.shell.ok("member", "add", village.address, ann.address)

    def waits(title: str) -> tuple[Got, Got]:
        """Ann posts; what both of them get."""
        ann.writes(village.address, "The lift works again.", title)
        (to_mo,), (to_ulf,), (to_ann,) = village.mail(mo, ulf, ann)
        assert to_ann.subject == "Your post waits for a moderator of Ward"
        assert "> The lift works again." in to_mo.text
        assert to_mo.reply_to != to_ulf.reply_to
        return to_mo, to_ulf

    to_mo, to_ulf = waits("Lift")
    # A colleague to whom the notice was passed on.
    kim.known.add(to_mo.reply_to)
    kim.replies(to_mo, "approve")
    assert village.mail(kim, mo, ulf, ann, village.olga) == [[]] * 5
    assert [row["subject"] for row in place.shell.json("held", "ls", village.address)] == ["Lift"]
    mo.replies(to_mo, "Approve, thank you")
    (copy,), (hers,), _ = village.mail(ann, village.olga, mo)
    assert copy.subject == hers.subject == "Lift"

    to_mo, to_ulf = waits("Nurse Joy")
    number = place.shell.json("held", "ls", village.address)[0]["id"]
    ulf.replies(to_ulf, "reject Please leave out the name.\n\nKind regards\nDr. Ulf")
    asked = village.answer(ulf)
    assert "Please leave out the name." in asked.text
    ulf.replies(asked, "yes")
    refused = village.answer(ann)
    assert "Please leave out the name." in refused.text and "Dr. Ulf" not in refused.text
    shown = place.shell.json("held", "show", str(number))
    assert (shown["state"], shown["decided_by"]) == ("rejected", ulf.address)
    mo.replies(to_mo, "approve")
    assert f"rejected by {ulf.address}" in village.answer(mo).text
    village.nothing_bounced()


def test_the_unsubscribe_button_of_a_mail_program_ends_it(place: Installation) -> None:
    """The mailto of List-Unsubscribe, as Apple Mail or Outlook use it: nothing is signed, and
    nothing is asked."""
    village = Village(place, "attic")
    kurt = Person(place, "kurt@attic.example", name="Kurt", signs=False)
    place.shell.ok("member", "add", village.address, kurt.address)
    village.olga.writes(village.address, "Dusty.", "Boxes")
    (copy,), _ = village.mail(kurt, village.olga)
    (button,) = re.findall(r"<mailto:([^>?]+)", copy.unsubscribe)
    assert re.fullmatch(r"attic-leave\+[a-z2-7]{24}@lists\.example\.org", button)

    kurt.writes(button, "", "unsubscribe")
    goodbye = village.answer(kurt)
    assert not village.has(kurt.address)
    assert not village.reaches(kurt)
    kurt.replies(goodbye, "undo")
    village.answer(kurt)
    assert village.reaches(kurt)
    village.nothing_bounced()
