"""Hostile mails with commands: a short answer or none, nothing changed, nothing leaked, and never
a fault of ours."""

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.post import Transport
from listserv.store import held
from tests.flow.letters import (
    ANN,
    BOB,
    NOTHING_VERIFIED,
    PROVEN,
    UNPROVEN,
    ZOE,
    answer,
    at,
    is_member,
    letters,
    receives,
    send,
    the_letter,
    the_member,
)
from tests.flow.world import World, a_message

EVIL = (
    "http://evil.example/x", "www.evil.example", "evil.example", "{{ 7 * 7 }}", "${title} %s",
    "{% for x in y %}", "<b>Bold</b>", "Zoë\x00\x07\x1b[31m", "\u202eeoZ", "a" * 10_000,
    "x@evil.example",
)  # fmt: skip


@pytest.fixture
def town(world: World) -> MailingList:
    mlist = world.found("town", title="Our Town", subscription="open")
    world.join(mlist, ANN, role="owner")
    world.join(mlist, BOB)
    return mlist


def test_a_name_that_is_none_is_not_kept_and_goes_to_nobody_else(
    world: World, town: MailingList
) -> None:
    for name in EVIL:
        for author, line in (
            (BOB, f"NAME town {name}"),
            (BOB, f"SUBSCRIBE town {name}"),
            (ANN, f"ADD town {ZOE} {name}"),
            (ANN, f"INVITE town {ZOE} {name}"),
        ):
            world.clock.pass_by(minutes=1)
            assert send(world, author, line).accepted, (name, line)
            for one in letters(world):
                assert one.to == author or "evil" not in one.text, name
                assert "49" not in one.text and len(one.text) < 1500
                assert not set(one.text) & set("\x00\x07\x1b\u202e")
        kept = the_member(world, town, BOB).name
        assert kept == "Bob" or (kept.isprintable() and "evil" not in kept), name
        if is_member(world, town, ZOE):
            assert "evil" not in the_member(world, town, ZOE).name
            send(world, ANN, f"QUIET DELETE town {ZOE}")
            letters(world)
        world.clock.pass_by(days=1)


def test_the_name_in_from_is_shown_to_nobody(world: World, town: MailingList) -> None:
    author = '"Click http://evil.example" <zoe@example.net>'
    for authorship in (UNPROVEN, PROVEN):
        send(world, author, "", "town-join", authorship, sender=ZOE)
        assert b"evil" not in the_letter(world, ZOE).raw


def test_ten_thousand_lines_are_ten(world: World, town: MailingList) -> None:
    body = "\r\n".join(f"ADD town victim{n}@example.com" for n in range(10_000))
    send(world, ANN, body)
    sent = letters(world)
    assert len([one for one in sent if one.to != ANN]) == 10
    assert "I read ten lines of a mail" in next(one for one in sent if one.to == ANN)
    body = "\r\n".join(f"SUBSCRIBE town victim{n}@example.com" for n in range(10_000))
    send(world, "eve@evil.example", body, "listserv", UNPROVEN)
    assert len(letters(world)) <= 10


def test_no_mail_of_ours_goes_to_an_address_of_ours(world: World, town: MailingList) -> None:
    """As the author, as the one who is named, as the other address of a member."""
    world.found("city")
    for local in ("town", "town-request", "town-owner", "listserv", "town-join", "postmaster",
                  "town-confirm+aaaaaaaaaaaaaaaaaaaaaa", "town-bounces", "city"):  # fmt: skip
        world.clock.pass_by(days=31)
        ours = at(local)
        for level in (PROVEN, UNPROVEN):
            for line in ("SUBSCRIBE town", "HELP", "gibberish"):
                send(world, ours, line, "town-request", level)
            for line in (f"SUBSCRIBE town {ours}", f"SIGNOFF town {ours}", f"CHANGE town {ours}",
                         f"ALSO town {ours}", f"CHANGE town {ours} {ZOE}"):  # fmt: skip
                send(world, BOB, line, "town-request", level)
        for line in (f"ADD town {ours}", f"INVITE town {ours}"):
            send(world, ANN, line)
        assert {one.to for one in letters(world)} <= {ANN, BOB}, local
        assert not is_member(world, town, ours)


def test_no_mail_goes_where_no_mailbox_is(world: World, town: MailingList) -> None:
    for to in ("root@localhost", "a@192.0.2.1", "a@[127.0.0.1]", "a@[IPv6:::1]", "a@b", "a@b..c",
               '"x y"@example', "a" * 65 + "@example.com", "a@" + "b" * 64 + ".example",
               "a@-x.example", "a@example.invalid"):  # fmt: skip
        for line in (f"SUBSCRIBE town {to}", f"CHANGE town {to}", f"ALSO town {to}",
                     f"CHANGE town {to} {ZOE}"):  # fmt: skip
            send(world, BOB, line, "town-request", UNPROVEN)
            send(world, BOB, line)
        send(
            world, to, "SUBSCRIBE town", "town-request", NOTHING_VERIFIED, sender="eve@evil.example"
        )
    assert {one.to for one in letters(world)} <= {BOB}


def test_look_alikes_are_other_addresses(world: World, town: MailingList) -> None:
    """Cyrillic o in the local part, in the domain, and fullwidth letters."""
    for look_alike in ("b\u043eb@example.org", "bob@ex\u0430mple.org", "\uff42ob@example.org"):
        for level in (PROVEN, UNPROVEN):
            send(world, look_alike, "SIGNOFF town", "town-request", level, sender="e@evil.example")
            send(world, look_alike, "SET DIGEST", "town-request", level, sender="e@evil.example")
        send(world, ANN, f"DELETE town {look_alike}")
        letters(world)
        assert receives(world, town, BOB)[0] == "mail"


def test_other_peoples_addresses_act_for_nobody(world: World, town: MailingList) -> None:
    for line in (f"SIGNOFF town {BOB}", f"SUBSCRIBE town {BOB} Fool", f"DELETE town {BOB}",
                 f"SET town DIGEST FOR {BOB}", f"CHANGE town {BOB} {ZOE}", f"BAN town {BOB}",
                 f"QUERY town FOR {BOB}", f"REVIEW town {BOB}"):  # fmt: skip
        world.clock.pass_by(days=31)
        before = the_member(world, town, BOB)
        send(world, ZOE, line)
        for one in letters(world):
            assert one.to in {ZOE, BOB}
            assert one.to == BOB or "example.org" not in one.text.replace(f"> {line}", "").replace(
                BOB, ""
            ).replace(at(""), ""), line
        assert the_member(world, town, BOB) == before


def test_a_mail_to_several_of_our_addresses_acts_at_each_once_in_order(
    world: World, town: MailingList
) -> None:
    for first, second, expected in (
        ("town+digest", "town+nomail", "nomail"),
        ("town+nomail", "town+digest", "digest"),
    ):
        to = (at(first), at(second), at(first))
        raw = a_message(BOB, to, subject="")
        replies = world.post(BOB, *to, raw=raw, authorship=PROVEN)
        assert all(reply.accepted for reply in replies)
        assert receives(world, town, BOB)[0] == expected
        assert [one.to for one in letters(world)] == [BOB, BOB]


def test_a_mail_to_the_list_and_its_commands_is_a_post_and_a_command(
    world: World, town: MailingList
) -> None:
    to = (at("town"), at("town+digest"))
    raw = a_message(BOB, to, subject="Hello", body="Good morning everybody")
    assert [r.code for r in world.post(BOB, *to, raw=raw, authorship=PROVEN)] == [250, 250]
    assert receives(world, town, BOB)[0] == "digest"
    assert {one.to for one in letters(world)} == {ANN, BOB}


def test_words_of_an_applicant_are_kept_short_and_printable(
    world: World, town: MailingList
) -> None:
    city = world.found("city", subscription="approve")
    words = "\x00\x1b]0;title\x07 {{ 7 * 7 }}\u202e " + "x" * 20_000
    for authorship in (PROVEN, UNPROVEN):
        author = f"applicant@{authorship.level}.example"
        assert send(world, author, words, "city-join", authorship).accepted
        for one in letters(world):
            if "one word: yes" in one:
                assert answer(world, one).accepted
        letters(world)
    requests = [one.request for one in world.store.read(held.ls) if one.request]
    assert len(requests) == 2 and city
    for request in requests:
        assert len(request.words) <= 500 and not set("\x1b\x00") & set(request.words)


@pytest.mark.parametrize("transport", Transport)
def test_an_author_nobody_can_answer_causes_nothing(
    world: World, town: MailingList, transport: Transport
) -> None:
    for author in (
        "a@x, b@y",
        "",
        "nobody",
        "<>",
        "=?utf-8?q?=00?= <bob@example.org",
        "@example.org",
    ):
        raw = a_message(BOB, (at("town-request"),), body="SIGNOFF")
        raw = raw.replace(f"from: {BOB}".encode(), f"from: {author}".encode())
        (reply,) = world.post(BOB, at("town-request"), raw=raw, transport=transport)
        assert reply.accepted
    assert is_member(world, town, BOB)
