"""What a member does on our pages, by keyboard, and each page on the way looked at from all sides,
in English and in German."""

from playwright.sync_api import Browser

from listserv.web.page import problem
from listserv.web.render import Printer
from tests.pages.reader import Reader
from tests.pages.window import Window
from tests.program.running import DOMAIN
from tests.program.village import URL, Village

NOTHING = "a" * 32
PROBLEMS = ("busy", "fault", "slow", "too big", "broken")


def has_mail(village: Village, address: str, subject: str) -> bool:
    return any(subject in mail["Subject"] for mail in village.mail_to(address))


def test_a_member_leaves(village: Village, reader: Reader) -> None:
    village.writes("ann@example.org", f"town@{DOMAIN}", "Hello", "To all of you.")
    link = village.link("ben@example.net", "/u/")
    reader.opens(link)
    reader.reads("leave", '<Pulmonary Hypertension> & "Courage"')
    reader.presses("Leave the list")
    reader.reads("left", "You have left")
    assert has_mail(village, "ben@example.net", "Goodbye from Living with")
    reader.opens(link)
    assert "You have left" in reader.text


def test_a_click_stops_the_mail_of_a_german_list(village: Village, reader: Reader) -> None:
    village.writes("ann@example.org", f"dorf@{DOMAIN}", "Hallo", "Euch allen.")
    reader.opens(village.link("ben@example.net", "/u/"))
    reader.reads("pause-de", "Lungenhochdruckselbsthilfegruppe")
    reader.presses("Keine Mail mehr")
    reader.reads("paused-de", "Lungenhochdruckselbsthilfegruppe")


def test_somebody_confirms_that_they_join(village: Village, reader: Reader) -> None:
    for name, heading, button, done in (
        ("town", "Is this from you?", "Yes, I want this", "Thank you"),
        ("dorf", "Ist das von Ihnen?", "Ja, das möchte ich", "Danke"),
    ):
        village.writes("dora@example.com", f"{name}-join@{DOMAIN}")
        reader.opens(village.link("dora@example.com", "/c/"))
        reader.reads(f"confirm-{name}", heading)
        reader.presses(button)
        reader.reads(f"confirmed-{name}", done)


def test_somebody_finds_a_list_and_asks_to_join(village: Village, reader: Reader) -> None:
    reader.opens(f"{URL}/")
    reader.reads("lists", "Mailing lists")
    reader.presses("Living with")
    reader.reads("list", 'Living with <Pulmonary Hypertension> & "Courage"')
    reader.types("Your mail address", "fay@example.com")
    reader.presses("Join the list")
    reader.reads("join-sent", "Please look into your mail")
    assert len(village.mail_to("fay@example.com")) == 1


def test_a_german_list_is_joined_in_german(village: Village, reader: Reader) -> None:
    reader.opens(f"{URL}/lists/dorf@{DOMAIN}")
    reader.reads("list-de", "Lungenhochdruckselbsthilfegruppe")
    reader.types("Ihre Mailadresse", f"{'g' * 70}@example.com")
    reader.presses("Der Liste beitreten")
    reader.reads("join-wrong-de", "Lungenhochdruckselbsthilfegruppe")
    assert reader.typed("Ihre Mailadresse") == f"{'g' * 70}@example.com"


def test_a_member_changes_settings(village: Village, reader: Reader) -> None:
    reader.opens(f"{URL}/settings")
    reader.reads("link", "A link to your settings")
    reader.types("Your mail address", "cleo@example.net")
    reader.presses("Send me the link")
    reader.reads("link-sent", "Please look into your mail")
    reader.opens(village.link_beside("Lungenhochdruck", "cleo@example.net"))
    reader.reads("settings-de", "Lungenhochdruckselbsthilfegruppe")
    reader.opens(village.link_beside("Courage", "cleo@example.net"))
    reader.reads("settings", "Your settings for")
    reader.types("Until when no mail comes", "the day after never")
    reader.presses("Save")
    reader.reads("settings-wrong", "Your settings for")
    assert "Nothing is changed yet." in reader.text
    reader.types("Until when no mail comes", " ")
    reader.chooses("They come to me, too", "They do not come to me")
    reader.presses("Save")
    reader.reads("settings-saved", "Your settings for")
    assert "It is saved." in reader.text
    reader.presses("Leave the list")
    reader.reads("settings-left", "You have left")
    assert has_mail(village, "cleo@example.net", "Goodbye from Living with")


def test_an_owner_invites_somebody(village: Village, reader: Reader) -> None:
    village.writes("ann@example.org", f"circle-request@{DOMAIN}", "INVITE gina@example.com")
    reader.opens(village.link("ann@example.org", "/c/"))
    reader.reads("confirm-invitation", "Is this from you?")
    reader.presses("Yes, I want this")
    reader.opens(village.link("gina@example.com", "/c/"))
    reader.reads("invitation", "You are invited to")
    reader.presses("Yes, join the list")
    assert "Thank you" in reader.text
    assert has_mail(village, "gina@example.com", "Welcome to Circle")


def test_somebody_asks_moderators_to_let_them_join(village: Village, reader: Reader) -> None:
    reader.opens(f"{URL}/lists/circle@{DOMAIN}")
    reader.reads("list-approve", "Circle")
    reader.types("Your mail address", "hal@example.com")
    reader.types("What you would like to tell the moderators", "My sister is ill.")
    reader.presses("Ask to join")
    reader.reads("list-asked", "Please look into your mail")


def test_what_is_not_there_says_so_kindly(reader: Reader) -> None:
    for path in (f"u/{NOTHING}", f"c/{NOTHING}", "elsewhere"):
        reader.opens(f"{URL}/{path}")
        reader.reads("nothing", "Nothing is here")


def test_what_goes_wrong_can_be_read(village: Village, window: Window, reader: Reader) -> None:
    printer, now = Printer(village.running.app.site.templates), village.running.app.clock.now()
    for language in ("en", "de"):
        for what in PROBLEMS:
            page = printer.print(problem(what, language, 400, reference="0a1b2c3d"), now)
            window.page.set_content(bytes(page.body).decode())
            reader.reads(f"{what}-{language}", "")


def test_a_page_works_without_style_and_scripts(village: Village, chromium: Browser) -> None:
    village.writes("emil@example.com", f"town-join@{DOMAIN}")
    window = Window(chromium, scripts=False)
    window.page.goto(village.here(village.link("emil@example.com", "/c/")))
    assert "Is this from you?\n\nSomebody, perhaps you, asks" in window.without_style()
    window.page.get_by_role("button", name="Yes, I want this").click()
    window.page.get_by_role("heading", name="Thank you").wait_for()
    window.close()
    assert window.complaints == []
