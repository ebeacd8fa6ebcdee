"""/c/TOKEN: a button that says yes as a reply to the question's mail does."""

import re

import pytest

from listserv.domain.members import MemberState
from listserv.store import members
from tests.flow.letters import UNPROVEN, Letter, letters, send, the_letter
from tests.web.serving import PREFIX, Answer, Serving

ANN, ZOE = "ann@example.org", "zoe@example.net"


def page_of(letter: Letter) -> str:
    """The path of the page that a mail names."""
    (path,) = re.findall(rf"https://lists\.example\.org{PREFIX}(/c/[a-z2-7]{{22}})\n", letter.text)
    return str(path)


def press(serving: Serving, path: str) -> Answer:
    """Look at the page and press its button."""
    (token,) = re.findall(rb'name="form" value="([0-9a-z.]+)"', serving.get(path).body)
    return serving.post(path, b"form=" + token)


def asked_to_join(serving: Serving, **settings: str) -> str:
    serving.world.found("town", title="Our Town", subscription="confirm", **settings)
    send(serving.world, ZOE, "", "town-join", UNPROVEN)
    return page_of(the_letter(serving.world, ZOE))


def is_member(serving: Serving, address: str) -> bool:
    there = serving.world.store.read(lambda tx: members.by_key(tx, 1, address))
    return there is not None and there.state is MemberState.ACTIVE


def test_the_button_does_what_a_yes_by_mail_does_and_does_it_once(serving: Serving) -> None:
    path = asked_to_join(serving)
    before = serving.dump()
    page = serving.get(path)
    assert page.status == 200 and "to join Our Town" in page.text
    assert "Yes, I want this" in page.text and ZOE not in page.text
    assert serving.dump() == before
    first = press(serving, path)
    assert first.status == 200 and "Thank you, it is confirmed" in first.text
    assert is_member(serving, ZOE)
    assert {one.to for one in letters(serving.world)} == {ZOE}
    after = serving.dump()
    assert serving.get(path).text == first.text
    assert serving.post(path, b"").text == first.text
    assert serving.dump() == after and letters(serving.world) == []


def test_only_the_button_of_this_page_says_yes(serving: Serving) -> None:
    path = asked_to_join(serving)
    (token,) = re.findall(rb'name="form" value="([0-9a-z.]+)"', serving.get(path).body)
    before = serving.dump()
    for body in (b"", b"form=", b"form=x", b"form=" + token[:-1], b"List-Unsubscribe=One-Click"):
        assert "Is this from you?" in serving.post(path, body).text
    serving.world.clock.pass_by(hours=2)
    assert "Is this from you?" in serving.post(path, b"form=" + token).text
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE"):
        serving.ask(method, path, b"form=" + token)
    assert serving.dump() == before
    assert "confirmed" in press(serving, path).text and is_member(serving, ZOE)


def test_an_answer_that_is_too_late_changes_nothing(serving: Serving) -> None:
    path = asked_to_join(serving)
    serving.world.clock.pass_by(days=15)
    before = serving.dump()
    assert "too late" in serving.get(path).text
    assert "too late" in serving.post(path, b"").text
    assert serving.dump() == before


def test_the_other_address_of_a_member_says_yes(serving: Serving) -> None:
    world = serving.world
    town = world.found("town", title="Our Town")
    world.join(town, ANN)
    for verb, asks in (("ALSO", "post to it from your address"), ("CHANGE", "their mail go to")):
        send(world, ANN, f"{verb} town {ZOE}")
        (letter,) = (one for one in letters(world) if one.to == ZOE)
        assert asks in serving.get(page_of(letter)).text
        assert "confirmed" in press(serving, page_of(letter)).text
        assert ZOE in {one.to for one in letters(world)}
    assert is_member(serving, ZOE) and not is_member(serving, ANN)


def test_who_is_invited_joins_with_the_button(serving: Serving) -> None:
    world = serving.world
    town = world.found("town", title="Unser Ort", description="Für <alle>", language="de")
    world.join(town, ANN, role="owner")
    send(world, ANN, f"INVITE town {ZOE}")
    (letter,) = (one for one in letters(world) if one.to == ZOE)
    page = serving.get(page_of(letter), {"Accept-Language": "en"})
    assert "Sie sind zu „Unser Ort“ eingeladen" in page.text and "Für <alle>" in page.text
    assert "bestätigt" in press(serving, page_of(letter)).text
    assert is_member(serving, ZOE)


def test_a_question_whose_answer_is_no_plain_yes_has_no_page(serving: Serving) -> None:
    world = serving.world
    town = world.found("town", title="Our Town")
    world.join(town, ANN)
    send(world, ANN, "SIGNOFF town")
    goodbye = the_letter(world, ANN)
    (token,) = re.findall(r"-confirm\+([a-z2-7]{22})@", goodbye.reply_to)
    before = serving.dump()
    nothing = serving.get("/no/such/page")
    assert "https://" not in goodbye.text
    for wrong in (token, "a" * 22, token.upper(), token[:-1]):
        assert serving.get(f"/c/{wrong}") == nothing
        assert serving.post(f"/c/{wrong}", b"form=x") == nothing
    assert serving.dump() == before


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_question_of_no_list_speaks_the_visitor_s_language(
    serving: Serving, language: str
) -> None:
    world = serving.world
    for name in ("town", "village"):
        world.join(world.found(name, title=name.title()), ANN)
    send(world, ANN, "SIGNOFF *", "listserv", UNPROVEN)
    page = serving.get(page_of(the_letter(world, ANN)), {"Accept-Language": language})
    expected = {"en": "to leave the lists here", "de": "die Listen hier zu verlassen"}
    assert expected[language] in page.text
