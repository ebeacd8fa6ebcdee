"""Whatever stands in a form of ours: the answer is a page, never a fault."""

import re
from urllib.parse import urlencode

from listserv.flow import by_page
from tests.flow.letters import letters
from tests.flow.world import an_address
from tests.web.serving import PREFIX, Serving

ANN = "ann@x.test"
NASTY = (
    "\0",
    "a\0b@x.test",
    "\ud7ff\ufffe\U0010ffff",
    "\u202eSIGNOFF \u2028x",
    "x" * 20_000,
    "9" * 5_000,
    "-1",
    "²",
    "2026-02-30",
    "99999-01-01",
    "25:61",
    "../../etc/passwd",
    "{{ 7 * 7 }}<script>alert(1)</script>",
    '"><img src=x>',
    "a@x.test, b@x.test",
    "=?utf-8?q?x?=",
    "\r\nBcc: b@x.test\r\n\r\nx",
)


def test_any_values_in_any_field_are_answered_with_a_page(serving: Serving) -> None:
    world = serving.world
    town = world.found("town", title="Our Town", advertised=True)
    world.join(town, ANN)
    now = world.clock.now()
    world.store.write(
        lambda tx: by_page.ask_for_link(tx, world.site, an_address(ANN), "192.0.2.1", now)
    )
    (mailed,) = letters(world)
    (settings,) = re.findall(rf"{PREFIX}(/s/[a-z2-7]+)", mailed.text)
    for path in (f"/lists/{town.address}", "/settings", settings):
        page = serving.get(path)
        assert page.status == 200
        fields = dict.fromkeys(re.findall(rb' name="([^"]+)"', page.body))
        hidden = dict(re.findall(rb' name="([^"]+)" value="([^"]*)"', page.body))
        for name in fields:
            for value in NASTY:
                body = urlencode({**hidden, name: value.encode("utf-8", "replace")}).encode()
                answer = serving.post(path, body)
                assert answer.status < 500, (path, name, value)
                assert b"<script" not in answer.body and b"<img" not in answer.body
    assert {letter.to for letter in letters(world)} <= {ANN}
