"""/ and /lists/NAME@DOMAIN: the groups that everybody may know of, and joining them."""

from urllib.parse import urlencode

import pytest

from listserv.domain.lists import MailingList
from listserv.store import bans, lists
from listserv.web import page
from listserv.web.directory import domains_at
from tests.web.serving import Answer, Serving
from tests.web.test_preferences import fill, hidden

PATH = "/lists/town@lists.example.org"
BOB = "bob@x.test"
UNSEEN = "/lists/secret@lists.example.org"


@pytest.fixture
def town(serving: Serving) -> MailingList:
    serving.world.found("secret", title="The hidden group")
    found = serving.world.found(
        "town", title="Our <Town>", description="All of us", advertised=True, moderation="new"
    )
    serving.world.join(found, "ann@x.test", role="owner")
    return found


def join(serving: Serving, address: str, *fields: tuple[str, str], path: str = PATH) -> Answer:
    form = hidden(serving.get(PATH))
    return fill(serving, path, ("address", address), ("form", form), *fields)


def test_the_directory_has_the_advertised_lists_alone(serving: Serving, town: MailingList) -> None:
    for path in ("/", "/groups/"):
        page = serving.get(path)
        assert page.status == 200 and "Our <Town>All of us" in page.text
        assert b'href="lists/town@lists.example.org"' in page.body
        assert b"secret" not in page.body and b"hidden" not in page.body
    serving.world.store.write(lambda tx: lists.change(tx, town.id, {"advertised": False}))
    assert "none of them is shown" in serving.get("/").text


def test_a_host_has_the_lists_of_its_domains(serving: Serving, town: MailingList) -> None:
    urls = {
        "a.test": "https://a.test",
        "b.test": "https://b.test:8443/x",
        "c.test": "https://a.test/",
    }
    hosts = {"a.test": {"a.test", "c.test"}, "b.test": {"b.test"}, "127.0.0.1": set(), "": set()}
    assert {host: domains_at(host, urls) for host in hosts} == hosts
    for host in ("lists.example.org", "LISTS.example.org:443", "127.0.0.1:8026", "x"):
        assert "Our <Town>" in serving.get("/", {"Host": host}).text


def test_a_list_says_what_it_is(serving: Serving, town: MailingList) -> None:
    page = serving.get(PATH.replace("town", "TOWN"))
    for said in ("Our <Town>", "All of us", "first posts of new members", "town-owner@"):
        assert said in page.text
    assert b"<Town>" not in page.body and b"<script" not in page.body


def test_a_list_that_is_not_advertised_is_not_there(serving: Serving, town: MailingList) -> None:
    for got in (serving.get, serving.post, lambda path: join(serving, BOB, path=path)):
        answers = [got(path) for path in (UNSEEN, "/lists/no@lists.example.org", "/lists/x", "/no")]
        assert {(one.status, one.body) for one in answers} == {(404, answers[0].body)}
    assert serving.world.deliver() == []


def test_who_joins_cannot_tell_whose_address_it_is(serving: Serving, town: MailingList) -> None:
    """A stranger's, a member's, a banned one's, one of ours; each of the first three is asked, and
    by the same mail, without a word of who joined."""
    world, now = serving.world, serving.world.clock.now()
    world.store.write(
        lambda tx: bans.add(
            tx, list_id=town.id, pattern="bad@x.test", until=None, reason="", now=now
        )
    )
    addresses = [BOB, "ann@x.test", "bad@x.test", "town@lists.example.org", BOB]
    answers = [join(serving, one, ("name", "Win a prize")) for one in addresses]
    assert {
        (answer.status, answer.body.replace(address.encode(), b"ADDRESS"))
        for address, answer in zip(addresses, answers, strict=True)
    } == {(200, answers[0].body.replace(BOB.encode(), b"ADDRESS"))}
    assert world.deliver() == ["ann@x.test", "bad@x.test", BOB]
    texts = [b"".join(one.data).partition(b"\r\n\r\n")[2] for one in world.sent[-3:]]
    assert all(b"prize" not in text and b"to join Our <Town>" in text for text in texts)
    assert len({text.partition(b"https")[0] for text in texts}) == 1


def test_one_client_gets_little_mailed_and_then_waits(
    serving: Serving, town: MailingList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First our mails end, then the page does. Behind a proxy that says nothing of its clients all
    of them are one for the mails, and none for the page."""
    monkeypatch.setattr(page, "EVEN", 0.0)
    form, client = hidden(serving.get(PATH)), {"X-Forwarded-For": "198.51.100.7"}
    for header, last in ((client, 429), ({}, 200)):
        statuses = []
        for number in range(70):
            body = urlencode({"address": f"victim{number}@{last}.test", "form": form}).encode()
            statuses.append(serving.post(PATH, body, header=header).status)
        assert statuses[:20] == [200] * 20 and statuses[-1] == last
        assert len(serving.world.deliver()) == 20


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "x" * 500, "at most 80 characters"),
        ("name", "Cheap pills http://evil.example", "no web address"),
        ("name", "evil.example", "no web address"),
        ("name", "{{ 7 * 7 }}", "at most 80"),
        ("delivery", "always", "no such option"),
        ("words", "x" * 501, "more than 500 characters"),
        ("address", "bob@x.test\r\nBcc: eve@evil.example", "look like a mail address"),
        ("address", "bob@x.test, eve@evil.example", "look like a mail address"),
    ],
)
def test_what_is_wrong_is_said_and_all_is_kept(
    serving: Serving, town: MailingList, field: str, value: str, said: str
) -> None:
    serving.world.store.write(lambda tx: lists.change(tx, town.id, {"subscription": "approve"}))
    given = {"address": BOB, "name": "Bob Ray", "words": "I care.", field: value}
    fields = tuple((name, text) for name, text in given.items() if name != "address")
    answer = join(serving, given["address"], *fields)
    assert answer.status == 422 and said in answer.text and f'href="#{field}"' in str(answer.body)
    assert all(text in answer.text or f'value="{text}"' in answer.body.decode()
               for name, text in given.items() if name != field)  # fmt: skip
    assert serving.world.deliver() == []


def test_a_name_with_a_line_end_is_a_name(serving: Serving, town: MailingList) -> None:
    answer = join(serving, BOB, ("name", "Bob\r\nBcc: eve"))
    assert answer.status == 422
    assert join(serving, BOB, ("name", "Bob\r\nRay")).status == 200
    assert serving.world.deliver() == [BOB]


def test_a_list_for_the_invited_has_no_form(serving: Serving, town: MailingList) -> None:
    form = hidden(serving.get(PATH))
    serving.world.store.write(lambda tx: lists.change(tx, town.id, {"subscription": "invite"}))
    page = serving.get(PATH)
    assert "by invitation" in page.text and b"<form" not in page.body
    assert fill(serving, PATH, ("address", BOB), ("form", form)).status == 200
    assert serving.world.deliver() == []


def test_a_form_of_another_list_is_none(serving: Serving, town: MailingList) -> None:
    city = serving.world.found("city", advertised=True)
    answer = join(serving, BOB, path=f"/lists/{city.address}")
    assert answer.status == 422 and "open for long" in answer.text
    assert serving.world.deliver() == []
