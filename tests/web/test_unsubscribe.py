"""/u/TOKEN: what RFC 8058 says, and what a person sees."""

import pytest

from listserv.domain.members import Delivery, Member, MemberState
from listserv.domain.tokens import Purpose, copy_token, web_tokens
from listserv.flow import administer
from listserv.store import members
from tests.web.serving import FORM, ONE_CLICK, PREFIX, Serving

MULTIPART = "multipart/form-data; boundary=xyz"
IN_PARTS = (
    b'--xyz\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n--xyz--\r\n"
)
# Whatever the form of the POST that RFC 8058 3.1 asks for.
CLICKS = (
    (FORM, ONE_CLICK),
    (f"{FORM}; charset=UTF-8", ONE_CLICK),
    (FORM.upper(), b"list=x&List-Unsubscribe=One-Click&y=z"),
    (MULTIPART, IN_PARTS),
    ('Multipart/Form-Data; charset=us-ascii; boundary="xyz"', IN_PARTS),
)
# What a program sends that has read no RFC, and must not end a membership.
NO_CLICKS = (
    (FORM, b""),
    (FORM, b"List-Unsubscribe=No"),
    (FORM, b"List-Unsubscribe"),
    (FORM, b"X-List-Unsubscribe=One-Click"),
    ("text/plain", ONE_CLICK),
    ("application/json", b'{"List-Unsubscribe": "One-Click"}'),
    (MULTIPART, ONE_CLICK),
    (MULTIPART, IN_PARTS[:40]),
    (MULTIPART, b"--xyz\r\n\r\nx\r\n--xyz--\r\n"),
    (MULTIPART, IN_PARTS.replace(b'name="', b'filename="a"; name="')),
    ("multipart/form-data", IN_PARTS),
    ("multipart/form-data; boundary=", IN_PARTS),
    (FORM, b"&".join(b"a=b" for _ in range(200)) + b"&" + ONE_CLICK),
)


def ann_of(serving: Serving, **settings: str) -> Member:
    mlist = serving.world.found("support", title="Support for all", **settings)
    return serving.world.join(mlist, "ann@x.test")


def is_member(serving: Serving, member: Member) -> bool:
    now = serving.world.store.read(lambda tx: members.get(tx, member.id))
    return now is not None and now.state is not MemberState.LEFT


@pytest.mark.parametrize(("kind", "body"), CLICKS)
def test_a_post_ends_the_membership_at_once_and_once_more_says_the_same(
    serving: Serving, kind: str, body: bytes
) -> None:
    ann = ann_of(serving)
    first = serving.post(serving.link(ann), body, kind)
    assert not is_member(serving, ann)
    again = serving.post(serving.link(ann), body, kind)
    assert [answer.status for answer in (first, again)] == [200, 200]
    assert first.text == again.text and "You have left “Support for all”" in first.text
    assert first.header.keys().isdisjoint({"location", "set-cookie"})
    assert serving.world.deliver() == ["ann@x.test"]


def test_a_post_says_the_same_below_the_path_of_our_url(serving: Serving) -> None:
    ann = ann_of(serving)
    assert serving.post(PREFIX + serving.link(ann), ONE_CLICK).status == 200
    assert not is_member(serving, ann)


def test_no_other_post_ends_a_membership(serving: Serving) -> None:
    ann = ann_of(serving)
    before = serving.dump()
    for kind, body in NO_CLICKS:
        answer = serving.post(serving.link(ann), body, kind)
        assert answer.status in {200, 400}, (kind, body)
        assert "Leave “Support for all”?" in answer.text or "nothing was changed" in answer.text
    assert serving.dump() == before


def test_a_get_shows_one_button_that_says_what_the_post_needs(serving: Serving) -> None:
    ann = ann_of(serving)
    page = serving.get(serving.link(ann))
    assert page.status == 200 and "Leave “Support for all”?" in page.text
    assert page.body.count(b"<button") == 1
    assert b'<input type="hidden" name="List-Unsubscribe" value="One-Click">' in page.body
    serving.post(serving.link(ann), ONE_CLICK)
    assert "You have left “Support for all”" in serving.get(serving.link(ann)).text


def test_once_the_mail_is_stopped_the_page_says_so_and_has_no_button(serving: Serving) -> None:
    ann = ann_of(serving, one_click="pause")
    link = serving.link(ann)
    assert b"<button" in serving.get(link).body
    clicked = serving.post(link, ONE_CLICK)
    assert "one last mail" in clicked.text and is_member(serving, ann)
    assert serving.get(link).text == clicked.text
    world = serving.world
    world.store.write(lambda tx: members.receive(tx, ann, Delivery.DIGEST))
    assert b"<button" in serving.get(link).body


def test_nothing_but_a_post_changes_anything(serving: Serving) -> None:
    link = serving.link(ann_of(serving))
    before = serving.dump()
    expected = {"GET": 200, "HEAD": 200, "OPTIONS": 204}
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "LIST", "post"):
        answer = serving.ask(method, link, ONE_CLICK, {"Content-Type": FORM})
        assert answer.status == expected.get(method, 405), method
        if method not in {"GET", "HEAD"}:
            assert answer.header["allow"] == "GET, HEAD, OPTIONS, POST"
    assert serving.dump() == before


def test_whatever_is_wrong_with_a_token_the_page_is_the_same(serving: Serving) -> None:
    ann = ann_of(serving)
    world, secret = serving.world, serving.world.site.secret
    gone = world.found("gone")
    lost = world.join(gone, "ann@x.test")
    world.store.write(
        lambda tx: administer.delete_list(tx, gone.id, by="op", now=world.clock.now())
    )
    right = web_tokens(secret, [ann.id], 1)[0]
    tokens = {
        "one letter wrong": right[:-1] + ("a" if right[-1] != "a" else "b"),
        "another site's": web_tokens(b"x" * 32, [ann.id], 1)[0],
        "for leaving by mail": copy_token(secret, Purpose.LEAVE, ann.id, 1),
        "of a deleted list": web_tokens(secret, [lost.id], 1)[0],
        "of no member": web_tokens(secret, [999_999], 1)[0],
        "of a question": "a" * 22,
        "cut off": right[:-1],
        "one more": right + "a",
        "in capitals": right.upper(),
        "nothing": "",
        "a line end": f"{right}%0A",
        "a slash": f"{right}/",
    }
    before = serving.dump()
    nothing = serving.get("/no/such/page")
    assert nothing.status == 404
    for what, token in tokens.items():
        for answer in (serving.get(f"/u/{token}"), serving.post(f"/u/{token}", ONE_CLICK)):
            assert (what, answer) == (what, nothing)
    assert serving.dump() == before


@pytest.mark.parametrize(
    ("of_list", "of_member", "expected"),
    [
        ("en", "", "Leave"),
        ("de", "", "verlassen"),
        ("de", "en", "Leave"),
        ("en", "de", "verlassen"),
    ],
)
def test_the_page_speaks_the_member_s_language_or_the_list_s(
    serving: Serving, of_list: str, of_member: str, expected: str
) -> None:
    mlist = serving.world.found("support", title="S", language=of_list)
    ann = serving.world.join(mlist, "ann@x.test", **{"language": of_member} if of_member else {})
    page = serving.get(serving.link(ann), {"Accept-Language": "fr, de;q=0.5"})
    assert expected in page.text
    assert page.header["content-language"] == (of_member or of_list)
    assert f'<html lang="{of_member or of_list}">'.encode() in page.body


def test_a_page_of_nobody_speaks_the_visitor_s_language(serving: Serving) -> None:
    assert "Hier ist nichts" in serving.get("/u/x", {"Accept-Language": "de-CH, en;q=0.9"}).text


def test_what_a_list_is_called_is_no_html(serving: Serving) -> None:
    mlist = serving.world.found("support", title="</title><script>alert(1)</script> & {{ 7 * 7 }}")
    ann = serving.world.join(mlist, "ann@x.test")
    page = serving.get(serving.link(ann))
    assert b"<script" not in page.body and "<script>alert(1)</script> & {{ 7 * 7 }}”?" in page.text
