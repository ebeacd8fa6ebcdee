"""The table of commands is whole, and speaks kindly and briefly."""

from dataclasses import fields
from datetime import date

import pytest

from listserv.domain.address import Address
from listserv.policy.commands.command import Command, Option, Verb, Why
from listserv.policy.commands.line import abbreviations
from listserv.policy.commands.table import BY_VERB, BY_WORD, COMMANDS, About, Row, Who, result
from listserv.policy.trust import Act


def test_every_verb_has_one_row() -> None:
    assert sorted(row.verb for row in COMMANDS) == sorted(Verb)


def test_no_abbreviation_means_two_commands() -> None:
    for row in COMMANDS:
        assert all(BY_WORD[word] is row for word in abbreviations(row.words, row))


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.verb)
def test_a_rows_words_are_short(row: Row) -> None:
    assert 0 < len(row.help) <= 60 and len(row.done) <= 80 and len(row.form) <= 70
    assert row.form.removeprefix("[QUIET] ").startswith(row.verb.partition(" ")[0])


def test_a_reason_is_a_short_sentence() -> None:
    assert all(why[0].isupper() and why.endswith(".") and len(why) <= 80 for why in Why)


def test_what_changes_something_is_judged_by_trust() -> None:
    """All but questions, what is not there, and what a token proves."""
    asks = {row.verb for row in COMMANDS if row.act is None}
    assert asks == {
        Verb.QUERY, Verb.WHICH, Verb.REVIEW, Verb.INFO, Verb.LISTS, Verb.HELP, Verb.CONFIRM,
        Verb.END, Verb.INDEX, Verb.GET, Verb.SEND, Verb.SEARCH, Verb.PASSWORD,
    }  # fmt: skip
    delivery = {row.verb for row in COMMANDS if row.act is Act.DELIVERY}
    assert delivery == {Verb.SET, Verb.BREAK, Verb.BACK, Verb.NAME}
    assert {row.act for row in COMMANDS} == {None, Act.DELIVERY, Act.MEMBERSHIP}


def test_what_is_about_others_is_for_owners_and_one_list() -> None:
    for row in COMMANDS:
        if row.who in {Who.OWNER, Who.MODERATOR}:
            assert row.about is About.ONE and row.act is Act.MEMBERSHIP


def test_a_result_names_list_and_values() -> None:
    whole = Command(
        Verb.SET, "support", name="Ann", options=(Option.DIGEST, Option.TEXT),
        address=Address("ann", "example.org"), until=date(2026, 6, 1),
    )  # fmt: skip
    assert len(fields(whole)) == 10
    assert result(whole, "support") == "For support this is set: DIGEST, TEXT."
    assert result(Command(Verb.BREAK, until=date(2026, 6, 1)), "support") == (
        "No mail of support comes until 1 June 2026."
    )
    assert "BACK" in result(Command(Verb.BREAK), "support")
    assert result(Command(Verb.NAME, name="{list} {0}"), "x") == "On x your name is {list} {0}."
    banned = Command(Verb.BAN, domain="spam.example")
    assert result(banned, "x") == "@spam.example is kept out of x."
    assert result(Command(Verb.HELP), "x") == ""


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.verb)
def test_an_example_is_a_line_without_brackets(row: Row) -> None:
    for full in (False, True):
        assert not set("[]|") & set(row.example("support", full=full))
    assert BY_VERB[row.verb] is row
