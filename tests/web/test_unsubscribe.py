"""/u/TOKEN: what RFC 8058 says, and what a person sees."""

import pytest

from listserv.domain.members import MemberState
from listserv.store import members
from tests.web.serving import FORM, ONE_CLICK, Serving

MULTIPART = "multipart/form-data; boundary=xyz"
IN_PARTS = (
    b'--xyz\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n--xyz--\r\n"
)


@pytest.mark.parametrize(("kind", "body"), [(FORM, ONE_CLICK), (MULTIPART, IN_PARTS)])
def test_a_post_ends_the_membership_at_once_and_once_more_says_the_same(
    serving: Serving, kind: str, body: bytes
) -> None:
    mlist = serving.world.found("support", title="Support for all")
    ann = serving.world.join(mlist, "ann@x.test")
    first = serving.post(serving.link(ann), body, kind)
    again = serving.post(serving.link(ann), body, kind)
    assert [answer.status for answer in (first, again)] == [200, 200]
    assert first.text == again.text and "You have left Support for all" in first.text
    assert first.header.keys().isdisjoint({"location", "set-cookie"})
    left = serving.world.store.read(lambda tx: members.get(tx, ann.id))
    assert left is not None and left.state is MemberState.LEFT
    assert serving.world.deliver() == ["ann@x.test"]


def test_a_get_shows_one_button_that_says_what_the_post_needs(serving: Serving) -> None:
    mlist = serving.world.found("support", title="Support for all")
    ann = serving.world.join(mlist, "ann@x.test")
    page = serving.get(serving.link(ann))
    assert page.status == 200 and "Leave Support for all?" in page.text
    assert page.body.count(b"<button") == 1
    assert b'<input type="hidden" name="List-Unsubscribe" value="One-Click">' in page.body
