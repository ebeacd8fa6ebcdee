"""/s/TOKEN and /settings: what a browser sends is what a command says, and nothing is told to who
only types an address."""

import re
from urllib.parse import urlencode

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.store import bans, members
from tests.web.serving import FORM, Answer, Serving

ZOE = "zoe@x.test"
NOBODY = b"Nothing is here"


@pytest.fixture
def town(serving: Serving) -> MailingList:
    return serving.world.found("town", title="Our <Town>")


@pytest.fixture
def zoe(serving: Serving, town: MailingList) -> Member:
    return serving.world.join(town, ZOE, "digest")


def hidden(answer: Answer, name: str = "form") -> str:
    """What a hidden field of a page holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.body.decode())
    assert found is not None
    return found[1]


def fill(serving: Serving, path: str, *fields: tuple[str, str]) -> Answer:
    return serving.post(path, urlencode(fields).encode())


def ask(serving: Serving, address: str) -> Answer:
    form = hidden(serving.get("/settings"))
    return fill(serving, "/settings", ("address", address), ("form", form))


def link(serving: Serving, address: str) -> str:
    """The path of the link that comes by mail."""
    ask(serving, address)
    assert serving.world.deliver() == [address]
    found = re.search(r"https://lists\.example\.org/groups(/s/[a-z2-7]{24})\b", text_of(serving))
    assert found is not None
    return found[1]


def text_of(serving: Serving) -> str:
    return serving.world.last().decode()


def shown(answer: Answer) -> list[tuple[str, str]]:
    """The fields of the settings as a browser sends them back."""
    page = answer.body.decode().partition("<h2>")[0]
    inputs = re.findall(
        r'<input type="(\w+)"(?: id="\w+")? (?:name="([\w-]+)" )?value="([^"]*)"([^>]*)>', page
    )
    sent = []
    for kind, name, value, rest in inputs:
        named = name or re.findall(r'name="([\w-]+)"', rest)[0]
        if kind in {"hidden", "text"} or "checked" in rest:
            sent.append((named, value))
    hour = re.search(r'<option value="(\d*)" selected', page)
    assert hour is not None
    return [*sent, ("hour", hour[1])]


def changed(fields: list[tuple[str, str]], **new: str) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in fields if name not in new]
    return kept + list(new.items())


def member(serving: Serving, known: Member) -> Member:
    found = serving.world.store.read(lambda tx: members.get(tx, known.id))
    assert found is not None
    return found


def test_a_form_that_is_sent_back_as_it_was_changes_nothing(serving: Serving, zoe: Member) -> None:
    path = link(serving, ZOE)
    page = serving.get(path)
    assert page.status == 200 and "Your settings for Our <Town>" in page.text
    assert b"<Town>" not in page.body and b"<script" not in page.body
    again = fill(serving, path, *shown(page))
    assert again.status == 200 and "Nothing was to be changed" in again.text
    assert member(serving, zoe) == zoe and serving.world.deliver() == []


@pytest.mark.parametrize("multipart", [False, True])
def test_what_is_changed_is_set_shown_and_mailed(
    serving: Serving, zoe: Member, multipart: bool
) -> None:
    path = link(serving, ZOE)
    fields = changed(shown(serving.get(path)), name="Zoë Zimmer", hour="19", ack="yes", days="mon")
    if multipart:
        parts = "".join(
            f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields
        )
        body = f"{parts}--xyz--\r\n".encode()
        answer = serving.post(path, body, "multipart/form-data; boundary=xyz")
    else:
        answer = serving.post(path, urlencode(fields).encode(), FORM)
    assert answer.status == 200 and "It is saved" in answer.text
    assert "your name is Zoë Zimmer" in answer.text and hidden(answer, "was-hour") == "19"
    after = member(serving, zoe)
    assert (after.name, after.settings.ack, after.settings.digest_hour) == (
        "Zoë Zimmer",
        True,
        "19",
    )
    assert after.settings.digest_days == "mon"
    assert serving.world.deliver() == [ZOE]


def test_what_is_wrong_stands_at_the_top_and_beside_its_field_and_all_is_kept(
    serving: Serving, zoe: Member
) -> None:
    path = link(serving, ZOE)
    fields = changed(shown(serving.get(path)), name='"><b>', zone="Atlantis", ack="yes")
    answer = fill(serving, path, *fields)
    assert answer.status == 422 and answer.text.count("I do not know this time zone") == 2
    assert (
        b'href="#zone"' in answer.body and b'aria-describedby="zone-wrong zone-hint"' in answer.body
    )
    for kept in (
        b'value="Atlantis"',
        b'value="&#34;&gt;&lt;b&gt;"',
        b'name="ack" value="yes" checked',
    ):
        assert kept in answer.body
    assert hidden(answer, "was-name") == "Zoe" and "saved" not in answer.text
    assert member(serving, zoe) == zoe and serving.world.deliver() == []


def test_fields_of_others_are_nothing(serving: Serving, zoe: Member) -> None:
    path = link(serving, ZOE)
    others = {
        "role": "owner", "moderated": "no", "state": "left", "member": "2", "also": "e@x.test",
        "was-role": "member", "delivery[]": "mail", "until": "",
    }  # fmt: skip
    answer = fill(serving, path, *shown(serving.get(path)), *others.items())
    assert "Nothing was to be changed" in answer.text and member(serving, zoe) == zoe


def test_a_link_in_german_is_a_page_in_german(serving: Serving, town: MailingList) -> None:
    serving.world.join(town, ZOE, language="de")
    page = serving.get(link(serving, ZOE), {"Accept-Language": "en"})
    assert page.header["content-language"] == "de" and "Speichern" in page.text


def test_leaving_is_done_once(serving: Serving, zoe: Member) -> None:
    path = link(serving, ZOE)
    answer = fill(serving, path, ("leave", "yes"))
    assert answer.status == 200 and "You have left Our <Town>" in answer.text
    assert serving.world.deliver() == [ZOE]
    again = fill(serving, path, ("leave", "yes"))
    assert again.status == 404 and NOBODY in again.body


@pytest.mark.parametrize("what", ["old", "left", "moved"])
def test_a_dead_link_is_as_an_unknown_one(serving: Serving, zoe: Member, what: str) -> None:
    path, world = link(serving, ZOE), serving.world
    moment, there = world.clock.now(), zoe.address.__class__("zoe", "y.test")
    match what:
        case "old":
            world.clock.pass_by(hours=24)
        case "left":
            world.store.write(lambda tx: members.leave(tx, zoe.id, moment))
        case "moved":
            world.store.write(lambda tx: members.move(tx, zoe, there, moment))
    unknown = serving.get(f"/s/{'a' * 24}")
    assert unknown.status == 404
    for answer in (serving.get(path), fill(serving, path, ("name", "Eve"), ("was-name", "Zoe"))):
        assert (answer.status, answer.body) == (unknown.status, unknown.body)


def test_who_asks_for_a_link_cannot_tell_whose_address_it_is(serving: Serving, zoe: Member) -> None:
    """A member's, a former member's, a banned one's, ours, nobody's, and a second time."""
    world, now = serving.world, serving.world.clock.now()
    left = world.join(world.found("city"), "left@x.test")
    world.store.write(lambda tx: members.leave(tx, left.id, now))
    world.store.write(
        lambda tx: bans.add(tx, list_id=None, pattern="bad@x.test", until=None, reason="", now=now)
    )
    addresses = [ZOE, "left@x.test", "bad@x.test", "town@lists.example.org", "no@x.test", ZOE]
    answers = [(address, ask(serving, address)) for address in addresses]
    assert {
        (answer.status, answer.body.replace(address.encode(), b"ADDRESS"), len(answer.header))
        for address, answer in answers
    } == {(200, answers[0][1].body.replace(ZOE.encode(), b"ADDRESS"), len(answers[0][1].header))}
    assert world.deliver() == [ZOE]


@pytest.mark.parametrize(
    "address", ["", "zoe", "a@b@c", "zoe@x.test\r\nBcc: eve@evil.example", "<b>"]
)
def test_what_is_no_address_is_said_so(serving: Serving, zoe: Member, address: str) -> None:
    answer = ask(serving, address)
    assert answer.status == 422 and "does not look like a mail address" in answer.text
    assert b"<b>" not in answer.body and serving.world.deliver() == []


def test_a_form_that_was_open_for_long_is_shown_again(serving: Serving, zoe: Member) -> None:
    form = hidden(serving.get("/settings"))
    serving.world.clock.pass_by(hours=2)
    late = fill(serving, "/settings", ("address", ZOE), ("form", form))
    assert late.status == 422 and "open for long" in late.text and ZOE.encode() in late.body
    for bad in ("", "x", form[:-1]):
        assert fill(serving, "/settings", ("address", ZOE), ("form", bad)).status == 422
    assert serving.world.deliver() == []
    fill(serving, "/settings", ("address", ZOE), ("form", hidden(late)))
    assert serving.world.deliver() == [ZOE]
