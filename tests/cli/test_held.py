"""held: shown and decided, once."""

import pytest
from sqlalchemy import select

from listserv.domain.address import Address
from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.members import Delivery, JoinRequest
from listserv.flow import requests
from listserv.store import lists
from listserv.store.tables import ModerationRow
from tests.cli.shell import DOMAIN, Shell


@pytest.fixture
def waiting(town: Shell) -> Shell:
    """A stranger's post waits."""
    town.post("eve@x.test", "Seeds to give away", "Beans.\r\n\x1b]0;gotcha\x07Peas.")
    return town


def _states(shell: Shell) -> dict[str, int]:
    return {
        "held": len(shell.json("held", "ls")),
        "discarded": len(shell.json("held", "ls", "--discarded")),
        "queued": len(shell.json("queue", "ls")),
    }


def test_a_held_post_is_shown_with_its_reasons_and_its_text(waiting: Shell) -> None:
    (row,) = waiting.json("held", "ls")
    assert {"id", "list", "author", "subject", "reasons", "received"} <= set(row)
    assert (row["list"], row["author"]) == (f"town@{DOMAIN}", "eve@x.test")
    assert row["reasons"] == ["its author is not subscribed"]
    assert waiting.json("held", "ls", "town") == [row]
    shown = waiting.json("held", "show", str(row["id"]))
    assert shown["text"].splitlines()[0] == "Beans."
    said = waiting.ok("held", "show", str(row["id"]))
    assert "its author is not subscribed" in said
    assert said.replace("\n", "").isprintable()
    assert said.endswith("Peas.\n")


def test_a_post_in_html_or_without_text_is_shown_as_far_as_it_can_be(town: Shell) -> None:
    town.post("eve@x.test", "Html\r\nContent-Type: text/html", "<p>Beans &amp; <b>peas</b>")
    town.post("eve@x.test", "Picture\r\nContent-Type: image/png", "\x00\x01")
    texts = [town.json("held", "show", str(r["id"]))["text"] for r in town.json("held", "ls")]
    assert texts == ["Beans & peas", ""]


def test_a_post_whose_html_says_something_else_is_shown_twice(town: Shell) -> None:
    body = "--b\r\n\r\nHello\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Buy pills\r\n--b--"
    kind = "multipart/alternative; boundary=b"
    town.post("eve@x.test", f"Twice\r\nContent-Type: {kind}", body)
    (row,) = town.json("held", "ls")
    said = town.json("held", "show", str(row["id"]))["text"]
    assert said == "Hello\n\nThe same as HTML, which says something else:\n> Buy pills"


def test_a_long_post_is_cut(town: Shell) -> None:
    town.post("eve@x.test", "Long", "\r\n".join(f"line {n}" for n in range(100)))
    (row,) = town.json("held", "ls")
    assert town.ok("held", "show", str(row["id"])).endswith("line 39\n… and 60 more lines\n")


@pytest.mark.parametrize(
    ("by_command", "by_mail"),
    [
        (("approve",), "approve"),
        (("reject", "--reason", "Not here."), "reject Not here."),
        (("discard",), "verwerfen"),
    ],
    ids=lambda way: way[0],
)
def test_a_decision_by_command_leaves_what_one_by_mail_does(
    town: Shell, by_command: tuple[str, ...], by_mail: str
) -> None:
    for subject in ("First", "Second"):
        town.post("eve@x.test", subject)
    first, second = (row["id"] for row in town.json("held", "ls"))
    verb, *options = by_command
    asked = queued(town)
    town.ok("held", verb, str(first), *options)
    told = queued(town)[len(asked) :]
    token = moderators_token(town, second)
    hers = Authorship(Level.PROVEN, ("spf",), VerifiedPath((), "x.test"), spf_aligned=True)
    town.post("ann@x.test", "Re: A post waits", by_mail, hers, to=f"town-moderate+{token}")

    one, two = (town.json("held", "show", str(number)) for number in (first, second))
    assert (one["decided_by"], two["decided_by"]) == ("command line", "ann@x.test")
    for key in ("state", "note", "waits_for", "reasons"):
        assert one[key] == two[key]
    # The log of the list has both, in the same words, and the same mails went out.
    by = {event["who"]: event["what"] for event in town.json("list", "log", "town")[-2:]}
    assert by["command line"].replace(str(first), "#") == by["ann@x.test"].replace(str(second), "#")
    again = [mail.replace("First", "Second") for mail in told]
    assert queued(town) == [*asked, *told, *again]


def queued(shell: Shell) -> list[str]:
    return [row["subject"] for row in shell.json("queue", "ls")]


def moderators_token(shell: Shell, held_id: int) -> str:
    query = select(ModerationRow.token).where(ModerationRow.held_id == held_id)
    with shell.app() as app:
        return app.store.read(lambda tx: tx.execute(query).scalar_one())


@pytest.mark.parametrize(
    ("words", "after"),
    [
        (("approve",), {"held": 0, "discarded": 0, "queued": 3}),
        (("reject", "--reason", "Not here."), {"held": 0, "discarded": 0, "queued": 3}),
        (("discard",), {"held": 0, "discarded": 1, "queued": 2}),
    ],
)
def test_a_post_is_decided_once(
    waiting: Shell, words: tuple[str, ...], after: dict[str, int]
) -> None:
    (row,) = waiting.json("held", "ls")
    verb, *options = words
    waiting.ok("held", verb, str(row["id"]), *options)
    assert _states(waiting) == after
    for again in ("approve", "discard"):
        line = waiting.refused("held", again, str(row["id"]))
        assert "by command line at 20" in line and "nothing changed" in line
    assert _states(waiting) == after
    assert waiting.json("held", "show", str(row["id"]))["decided_by"] == "command line"


def test_a_rejection_has_a_reason_on_one_line(waiting: Shell) -> None:
    (row,) = waiting.json("held", "ls")
    waiting.misused("held", "reject", str(row["id"]))
    waiting.misused("held", "reject", str(row["id"]), "--reason", "a\r\nBcc: everybody@x.test")
    assert _states(waiting)["held"] == 1


def test_an_unknown_or_impossible_number(town: Shell) -> None:
    for verb in (("show",), ("approve",), ("discard",), ("reject", "--reason", "x")):
        assert "there is no held post 17" in town.refused("held", verb[0], "17", *verb[1:])
    town.misused("held", "show", "first")


UNPROVEN = Authorship(
    Level.UNPROVEN, ("no signature of x.test",), VerifiedPath(("mail.test",), "out.test")
)


def test_a_members_unproven_post_waits_for_its_author_and_shows_what_is_known(town: Shell) -> None:
    town.post("ann@x.test", authorship=UNPROVEN)
    (row,) = town.json("held", "ls")
    assert row["reasons"] == ["its author is not proven: no signature of x.test"]
    assert row["waits_for"] == "its author" and row["due"] > row["received"]
    assert "its author" in town.ok("held", "ls")
    shown = town.json("held", "show", str(row["id"]))
    assert shown["authorship"] == "unproven"
    assert shown["authorship_reasons"] == ["no signature of x.test"]
    assert shown["came_by"] == ["signature mail.test", "sender out.test"]
    said = town.ok("held", "show", str(row["id"]))
    assert "unproven" in said and "signature mail.test" in said

    town.ok("held", "approve", str(row["id"]))
    assert town.json("held", "show", str(row["id"]))["waits_for"] == ""
    town.post("ann@x.test", "Again", authorship=UNPROVEN)
    assert len(town.json("held", "ls")) == 1


def test_a_moderators_trust_sends_a_post_out_and_knows_its_way_again(town: Shell) -> None:
    town.post("ann@x.test", authorship=UNPROVEN)
    (row,) = town.json("held", "ls")
    town.ok("held", "approve", str(row["id"]), "--trust")
    assert town.json("held", "show", str(row["id"]))["authorship"] == "familiar"
    town.post("ann@x.test", "Again", authorship=UNPROVEN)
    assert town.json("held", "ls") == []


def test_a_post_of_which_nothing_is_known_waits_for_a_moderator(waiting: Shell) -> None:
    (row,) = waiting.json("held", "ls")
    assert (row["waits_for"], row["due"]) == ("a moderator", None)
    line = waiting.refused("held", "approve", str(row["id"]), "--trust")
    assert line.endswith("nothing to trust: its author is no member; approve it without trust")
    assert _states(waiting)["held"] == 1


@pytest.fixture
def applicant(town: Shell) -> Shell:
    """A stranger asks to join."""
    words = "I care for my mother.\n\x1b]0;gotcha\x07She is ninety."
    wanted = JoinRequest(Address("zoe", "x.test"), "Zoë", Delivery.DIGEST, words, "by mail", "")
    with town.app() as app:
        now = app.clock.now()
        app.store.write(lambda tx: requests.ask(tx, app.site, lists.find(tx, "town"), wanted, now))
    return town


def test_a_request_to_join_is_shown_with_what_the_applicant_says(applicant: Shell) -> None:
    applicant.post("eve@x.test", "Seeds")
    asks, post = applicant.json("held", "ls")
    columns = ("list", "author", "subject", "reasons", "waits_for")
    assert [asks[key] for key in columns] == [
        f"town@{DOMAIN}", "zoe@x.test", "", ["asks to join"], "a moderator",
    ]  # fmt: skip
    assert (asks["name"], asks["delivery"], asks["began"]) == ("Zoë", "digest", "by mail")
    assert post["subject"] == "Seeds"
    assert applicant.json("status")["held"] == 2
    assert "asks to join" in applicant.ok("held", "ls")

    shown = applicant.json("held", "show", str(asks["id"]))
    assert shown["text"] == "I care for my mother.\n]0;gotchaShe is ninety."
    said = applicant.ok("held", "show", str(asks["id"]))
    assert said.endswith("\n\nI care for my mother.\n]0;gotchaShe is ninety.\n")
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("words", "done", "mails"),
    [
        (("approve",), "approved", ["member welcome"]),
        (("reject", "--reason", "We are full."), "rejected", ["applicant rejected"]),
        (("discard",), "discarded", []),
    ],
)
def test_a_request_is_decided_once(
    applicant: Shell, words: tuple[str, ...], done: str, mails: list[str]
) -> None:
    verb, *options = words
    assert applicant.ok("held", verb, "1", *options) == f"{done} request 1\n"
    assert [row["subject"] for row in applicant.json("queue", "ls")] == mails
    is_in = "zoe@x.test" in [row["address"] for row in applicant.json("member", "ls", "town")]
    assert is_in == (verb == "approve")
    line = applicant.refused("held", "approve", "1")
    assert line.startswith(f"request 1 was {done} by command line at 20")
    if is_in:
        began = applicant.json("member", "show", "town", "zoe@x.test")["began"]
        assert began == "by mail, approved by command line"


def test_trust_is_not_for_a_request(applicant: Shell) -> None:
    assert "there is no post to trust" in applicant.refused("held", "approve", "1", "--trust")
    assert len(applicant.json("held", "ls")) == 1
