"""The table of commands is whole, and speaks kindly and briefly."""

from collections.abc import Mapping
from datetime import date

import pytest

from listserv.policy.commands.command import Option, Verb, Why
from listserv.policy.commands.delivery import OPTIONS
from listserv.policy.commands.line import abbreviations
from listserv.policy.commands.table import BY_VERB, BY_WORD, COMMANDS, About, Row, Who
from listserv.policy.trust import Act
from listserv.resources import JinjaTemplates, read_phrases, templates_dir

WORDS = JinjaTemplates()


def test_every_verb_has_one_row() -> None:
    assert sorted(row.verb for row in COMMANDS) == sorted(Verb)


def test_no_abbreviation_means_two_commands() -> None:
    for row in COMMANDS:
        assert all(BY_WORD[word] is row for word in abbreviations(row.words, row))


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.verb)
def test_a_rows_words_are_short(row: Row) -> None:
    assert 0 < len(WORDS.phrase(f"help.{row.verb.key}", {})) <= 60 and len(row.form) <= 70
    assert row.form.removeprefix("[QUIET] ").startswith(row.verb.partition(" ")[0])


def test_a_reason_is_a_short_sentence() -> None:
    for said in (WORDS.phrase(f"why.{why}", {}) for why in Why):
        assert said[0].isupper() and said.endswith(".") and len(said) <= 80


def test_keys_are_those_of_phrases() -> None:
    assert (Verb.SET_FOR.key, Option.ON.key, str(Why.NO_INDEX)) == ("set-for", "on", "no-index")
    assert all(OPTIONS[at].option is option for at, option in enumerate(Option))
    assert all(WORDS.phrase(f"option.{option.key}", {}) for option in Option)


def test_what_changes_something_says_what_it_has_done() -> None:
    said = {key.partition(".")[2] for key in read_phrases(templates_dir()) if key[:5] == "done."}
    assert said >= {row.verb.key for row in COMMANDS if row.act is not None}
    assert said <= {row.verb.key for row in COMMANDS}


def test_what_changes_something_is_judged_by_trust() -> None:
    """All but questions, what is not there, and what a token proves."""
    asks = {row.verb for row in COMMANDS if row.act is None}
    assert asks == {
        Verb.QUERY, Verb.WHICH, Verb.REVIEW, Verb.INFO, Verb.LISTS, Verb.HELP, Verb.CONFIRM,
        Verb.END, Verb.INDEX, Verb.GET, Verb.SEND, Verb.SEARCH, Verb.PASSWORD, Verb.PREFERENCES,
    }  # fmt: skip
    delivery = {row.verb for row in COMMANDS if row.act is Act.DELIVERY}
    assert delivery == {
        Verb.SET, Verb.BREAK, Verb.BACK, Verb.NAME, Verb.TIMEZONE, Verb.LANGUAGE, Verb.AWAY,
    }  # fmt: skip
    assert {row.act for row in COMMANDS} == {None, Act.DELIVERY, Act.MEMBERSHIP}


def test_what_is_about_others_is_for_owners_and_one_list() -> None:
    own = BY_VERB[Verb.AWAY]
    for row in COMMANDS:
        if row.who in {Who.OWNER, Who.MODERATOR} and row is not own:
            assert row.about is About.ONE and row.act is Act.MEMBERSHIP


@pytest.mark.parametrize(
    ("verb", "values", "says"),
    [
        (Verb.SET, {"options": "DIGEST, TEXT"}, "For support this is set: DIGEST, TEXT."),
        (Verb.BREAK, {"until": date(2026, 6, 1)},
         "No mail of support comes until 1 June 2026, or until you send BACK."),
        (Verb.BREAK, {}, "No mail of support comes until you send BACK."),
        (Verb.NAME, {"name": "{{ list }} {0}"}, "On support your name is {{ list }} {0}."),
        (Verb.BAN, {"address": "@spam.example"}, "@spam.example is kept out of support."),
        (Verb.INDEX, {}, "support keeps no archive, so there is nothing to look up yet."),
        (Verb.INDEX, {"list": ""}, "The lists here keep no archive, so there is nothing to look up"
                                   " yet."),
    ],
)  # fmt: skip
def test_a_result_names_list_and_values(
    verb: Verb, values: Mapping[str, object], says: str
) -> None:
    whole: dict[str, object] = {
        "list": "support",
        "name": "",
        "address": "",
        "options": "",
        "until": None,
    }
    assert WORDS.phrase(f"done.{verb.key}", {**whole, **values}) == says


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.verb)
def test_an_example_is_a_line_without_brackets(row: Row) -> None:
    for full in (False, True):
        assert not set("[]|") & set(row.example("support", full=full))
    assert BY_VERB[row.verb] is row
