"""The listener for notices, without listserv: what comes in there leaves as it came, by a transport
of its own, and does not wait behind copies."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from listserv import config
from listserv.cli.postfix import TEMPLATES, values
from listserv.resources import JinjaTemplates
from tests.ports import free_port
from tests.postfix.harness import (
    Postfix,
    Sink,
    below_postfix,
    wait_until,
    wait_until_answers,
)
from tests.postfix.test_copies_listener import COPY, HOSTILE, SENDER, hand_over
from tests.postfix.test_scripts import QUIET

pytestmark = pytest.mark.postfix

SLOW = "slow.example"


def script(way: str, copies: int, notices: int) -> str:
    text = (
        '[site]\ndomain = "lists.example.org"\n[smtp]\nlisten = "127.0.0.1:1"\n'
        f'[lmtp]\nlisten = "127.0.0.1:2"\n[relay]\nport = {copies}\nnotice_port = {notices}\n'
    )
    filled_in = values(way, config.parse(text, Path("listserv.toml")))
    return JinjaTemplates().render(TEMPLATES[way], filled_in)


@pytest.fixture(params=TEMPLATES)
def ways_out(
    request: pytest.FixtureRequest, root: Path
) -> Iterator[tuple[int, int, Postfix, Sink]]:
    """The port of the listener for copies and that for notices. One connection at a time goes to
    each next hop for copies."""
    folder = root / f"notices-{request.param}-{len(list(root.iterdir()))}"
    folder.mkdir(mode=0o755)
    copies, notices = free_port(), free_port()
    with ExitStack() as undo:
        sink = Sink(folder / "sink")
        undo.callback(sink.stop)
        sink.start("-8")
        postfix = Postfix(folder, sink.port)
        postfix.run("sh", stdin=script(request.param, copies, notices))
        postfix.run("postconf", "-e", *HOSTILE, "listserv-out_destination_concurrency_limit = 1")
        undo.callback(postfix.stop)
        postfix.start()
        wait_until_answers(copies)
        wait_until_answers(notices)
        yield copies, notices, postfix, sink


@pytest.mark.parametrize("relayhost", ["", "smtp.provider.example", "[smtp.provider.example]:587"])
@pytest.mark.parametrize("way", TEMPLATES)
def test_the_script_may_run_twice_and_knows_where_mail_leaves(
    root: Path, way: str, relayhost: str
) -> None:
    folder = root / f"relayhost-{len(list(root.iterdir()))}"
    folder.mkdir(mode=0o755)
    postfix = Postfix(folder, 1)
    postfix.run("postconf", "-e", f"relayhost = {relayhost}")
    for _ in range(2):
        postfix.run("sh", stdin=script(way, 10026, 10027))
        services = postfix.run("postconf", "-M")
        assert services.count("static:{FILTER listserv-notices:") == 1
        assert f"static:{{FILTER listserv-notices:{relayhost}}}" in services
    assert postfix.run("sh", stdin=QUIET) == ""


def test_a_notice_leaves_as_it_came_by_a_transport_of_its_own(
    ways_out: tuple[int, int, Postfix, Sink],
) -> None:
    copies, notices, postfix, sink = ways_out
    hand_over(notices, ["mary@far.example"], "BODY=8BITMIME")
    hand_over(copies, ["joe@far.example"], "BODY=8BITMIME")
    postfix.wait_until_empty()
    sunk = {each.recipients: each for each in sink.messages()}
    assert sunk.keys() == {("mary@far.example",), ("joe@far.example",)}
    assert {each.sender for each in sunk.values()} == {SENDER}
    assert {below_postfix(each.data) for each in sunk.values()} == {COPY}
    sent = postfix.logged(r"to=<\w+@far\.example>.* status=sent")
    by = {
        found[2]: found[1]
        for line in sent
        if (found := re.search(r"postfix/(\S+?)/smtp.*to=<(\w+)", line))
    }
    assert by == {"mary": "listserv-notices", "joe": "listserv-out"}


def test_a_notice_to_an_alias_of_this_host_arrives(
    ways_out: tuple[int, int, Postfix, Sink],
) -> None:
    _, notices, postfix, sink = ways_out
    hand_over(notices, ["postmaster@host.example"])
    hand_over(notices, ["root@mx.example.org"])
    postfix.wait_until_empty()
    arrived = {each.recipients for each in sink.messages()}
    assert arrived == {("mary@far.example",), ("root@mx.example.org",)}
    # What this host delivers itself is not handed to another one.
    assert not postfix.logged(r"listserv-notices/smtp.*to=<root@")


def test_a_notice_does_not_wait_behind_copies_to_the_same_provider(
    ways_out: tuple[int, int, Postfix, Sink],
) -> None:
    copies, notices, _, sink = ways_out
    sink.start("-8", "-w", "3")  # seconds for each message
    sink.forget()
    for n in range(12):
        hand_over(copies, [f"copy{n}@{SLOW}"])
    hand_over(notices, [f"notice@{SLOW}"])

    def arrived() -> set[str]:
        return {to for each in sink.messages() for to in each.recipients}

    wait_until(lambda: f"notice@{SLOW}" in arrived(), "the notice has arrived")
    assert len(arrived()) < 8, "it went behind the copies"
