"""A form to join says what SUBSCRIBE by mail says, or what is wrong with it."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import Recipient, Role
from listserv.domain.lists import ListSettings, MailingList
from listserv.policy.commands.grammar import parse
from listserv.policy.joining_form import Joining, joining

TODAY = date(2026, 5, 10)
ANN = "ann@example.org"


def a_list(delivery: str = "mail") -> MailingList:
    settings = ListSettings(default_delivery=delivery)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return MailingList(1, "town", "x.test", "town.x.test", now, False, settings, {})


@pytest.mark.parametrize(
    ("usual", "given", "line"),
    [
        ("mail", {}, "SUBSCRIBE town"),
        ("mail", {"name": " Ann  Lee "}, "SUBSCRIBE town Ann Lee"),
        ("mail", {"name": "J.R.R. Tolkien"}, "SUBSCRIBE town J. R. R. Tolkien"),
        ("mail", {"delivery": "mail"}, "SUBSCRIBE town"),
        ("mail", {"delivery": "digest"}, "SUBSCRIBE town WITH DIGEST"),
        ("digest", {"delivery": "mail", "name": "Ann"}, "SUBSCRIBE town Ann WITH MAIL"),
        ("digest", {"delivery": "nomail"}, "SUBSCRIBE town WITH NOMAIL"),
    ],
)
def test_a_form_is_a_command(usual: str, given: dict[str, str], line: str) -> None:
    want = joining(a_list(usual), {"address": ANN, **given}, TODAY)
    assert isinstance(want, Joining) and str(want.command) == line


@pytest.mark.parametrize(
    "name",
    ["x" * 81, "http://evil.example", "evil.example", "Ann\x00", "<b>Ann</b>", "Ann WITH NOMAIL",
     "Digest", "eve@evil.example", "Ann\r\nBcc: eve", "me please", "!"],
)  # fmt: skip
def test_a_name_that_is_none_or_would_say_more_is_wrong(name: str) -> None:
    assert joining(a_list(), {"address": ANN, "name": name}, TODAY) == {"name": "why.name"}


def test_all_that_is_wrong_is_said() -> None:
    given = {"address": "ann", "name": "<", "delivery": "x", "words": "x" * 501}
    assert joining(a_list(), given, TODAY) == {
        "address": "form.address", "name": "why.name", "delivery": "why.option",
        "words": "form.words",
    }  # fmt: skip


def test_words_are_lines_without_control_characters() -> None:
    want = joining(
        a_list(), {"address": ANN, "words": " I\x00 care\r\nfor \x1bher.\u2028So. "}, TODAY
    )
    assert isinstance(want, Joining) and want.words == "I care\nfor her.\nSo."


@given(
    st.dictionaries(st.sampled_from(["address", "name", "delivery", "words"]), st.text()),
    st.sampled_from(["", ANN]),
)
def test_any_form_is_read_and_its_line_is_its_command(form: dict[str, str], address: str) -> None:
    want = joining(a_list(), {**form, "address": address or form.get("address", "")}, TODAY)
    if isinstance(want, Joining):
        robot = Recipient(Role.ROBOT, "")
        line = str(want.command)
        assert parse(line, (), robot, ["town"], domain="x.test", today=TODAY) == (want.command,)
