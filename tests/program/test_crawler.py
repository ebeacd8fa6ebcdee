"""Nothing that a program does with the links of our mails changes anything."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from email import message_from_string
from http.client import HTTPConnection

import pytest

from listserv.web.app import ROUTES
from tests.program.crawler import PATIENCE, crawl, links
from tests.program.running import DOMAIN
from tests.program.village import TOWN, URL, Village


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    opened = Village(tmp_path_factory.mktemp("village"))
    yield opened
    opened.close()


def dump(village: Village) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    path = village.running.app.store.path
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(database.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for (name,) in names
        }


def test_links_are_found_wherever_a_mail_has_them() -> None:
    mail = message_from_string(
        "List-Unsubscribe: <https://a.example/u/1>,\n <mailto:town-leave+x@a.example>\n"
        "Subject: =?utf-8?q?https=3A//a.example/2?=\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\n'
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
        "U2VlIGh0dHBzOi8vYS5leGFtcGxlLzMu\n--b\n"
        "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n"
        '<a href=3D"https://a.example/4?x=3D1&amp;y">here</a>\n--b\n'
        "Content-Type: message/rfc822\n\nX: http://a.example/5\n\n(https://a.example/6)\n--b--\n"
    )
    ends = ("u/1", "2", "3", "4?x=1&y", "6")
    found = links(mail)
    assert found[-2] == "http://a.example/5"
    assert found[:-2] + found[-1:] == [f"https://a.example/{end}" for end in ends]


def test_no_link_of_any_mail_changes_anything(village: Village) -> None:
    village.writes("ann@example.org", TOWN, "Hello", f"See {URL}/elsewhere and https://x.example/")
    village.sends_digests()
    village.writes("dora@example.com", f"town-join@{DOMAIN}")
    village.writes("ben@example.net", f"town-leave@{DOMAIN}")
    village.writes("ben@example.net", f"town-request@{DOMAIN}", "PREFERENCES")
    village.writes("ben@example.net", f"town-request@{DOMAIN}", "ALSO town ben@example.com")
    village.writes("ann@example.org", f"circle-request@{DOMAIN}", "INVITE gina@example.com")
    mails = list(village.mail)
    found = {url for mail in mails for url in links(mail)}
    for route in ROUTES:
        if "{token" in route.path:
            begins = URL + route.path.partition("{")[0]
            assert any(url.startswith(begins) for url in found), f"no mail has a link {begins}"
    before = dump(village)

    assert village.running.web is not None
    answers = crawl(village.running.web, URL, {*found, f"{URL}/", f"{URL}/lists/{TOWN}"})

    assert dump(village) == before
    assert list(village.mail) == mails
    assert [fault for answer in answers for fault in answer.faults()] == []

    # The same link does act, for who does what a person or RFC 8058 does.
    path = village.link("ben@example.net", "/u/").removeprefix(URL)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with closing(HTTPConnection("127.0.0.1", village.running.web, timeout=PATIENCE)) as client:
        client.request("POST", path, b"List-Unsubscribe=One-Click", form)
        assert client.getresponse().status == 200
    assert dump(village) != before
