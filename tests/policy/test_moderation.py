"""A moderator's reply -> what they decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.decision import Verdict
from listserv.policy.moderation import (
    KEEP,
    MAX_WORDS,
    WORDS,
    Ruling,
    Unclear,
    Verb,
    read_ruling,
    says_keep,
)
from listserv.policy.posting import RULES
from listserv.resources import read_phrases, templates_dir

SAYS = {
    "approve": Ruling(Verb.APPROVE),
    "OK!": Ruling(Verb.APPROVE),
    "Yes please": Ruling(Verb.APPROVE),
    "ok, thanks": Ruling(Verb.APPROVE),
    "Approve, many thanks": Ruling(Verb.APPROVE),
    "ok thank you very much!": Ruling(Verb.APPROVE),
    "ja, danke sch\u00f6n": Ruling(Verb.APPROVE),
    "oui, merci beaucoup": Ruling(Verb.APPROVE),
    "Muchas gracias, s\u00ed": Ruling(Verb.APPROVE),
    "Not very much": Unclear.NONE,
    "*Approve*": Ruling(Verb.APPROVE),
    "\u201cok\u201d": Ruling(Verb.APPROVE),
    "Bitte freigeben, danke": Ruling(Verb.APPROVE),
    "S\u00ed.": Ruling(Verb.APPROVE),
    "plus tard": Ruling(Verb.LATER),
    "Sp\u00e4ter": Ruling(Verb.LATER),
    "Spa\u0308ter": Ruling(Verb.LATER),
    "discard": Ruling(Verb.DISCARD),
    "confiance": Ruling(Verb.TRUST),
    "reject": Ruling(Verb.REJECT),
    "reject off topic here": Ruling(Verb.REJECT, "off topic here"),
    "Reject: \u201cPlain words\u201d, please": Ruling(
        Verb.REJECT, "\u201cPlain words\u201d, please"
    ),
    "Please reject \u2013 an advert": Ruling(Verb.REJECT, "an advert"),
    "ask Could you leave out the name?": Ruling(Verb.ASK, "Could you leave out the name?"),
    "Fragen: Wer ist das?": Ruling(Verb.ASK, "Wer ist das?"),
    "ask": Unclear.SILENT,
    "no": Unclear.NO,
    "Nein, danke": Unclear.NO,
    "No, I would not": Unclear.NO,
    "I don't approve of this": Unclear.NONE,
    "approve this": Unclear.MORE,
    "approve?": Unclear.MORE,
    "ok but cut the address": Unclear.MORE,
    "discard all of them": Unclear.MORE,
    "yes and no": Unclear.MORE,
    "Okay, so what is this": Unclear.MORE,
    "approvers": Unclear.NONE,
    "Thank you": Unclear.NONE,
    "Reply with one word: approve, reject, discard, ask, later.": Unclear.NONE,
    "> approve": Unclear.NONE,
    "...": Unclear.NONE,
}


@pytest.mark.parametrize("line", SAYS, ids=str)
def test_a_line_decides(line: str) -> None:
    assert read_ruling([line]) == SAYS[line]


def test_nothing_decides_nothing() -> None:
    assert read_ruling([]) is Unclear.NONE


def test_a_reason_goes_on_in_the_next_lines_up_to_the_greeting() -> None:
    lines = ["reject It is an advert.", "Please see our rules.", "Best regards", "Dr. Mo"]
    assert read_ruling(lines) == Ruling(Verb.REJECT, "It is an advert.\nPlease see our rules.")
    assert read_ruling(["reject", "It is an advert."]) == Ruling(Verb.REJECT, "It is an advert.")


def test_only_the_first_line_is_a_verb() -> None:
    assert read_ruling(["Dear all,", "approve"]) is Unclear.NONE
    assert read_ruling(["approve", "reject"]) == Ruling(Verb.APPROVE)


def test_no_word_means_two_things() -> None:
    words = [word for row in WORDS.values() for word in row]
    assert len(words) == len(set(words))
    assert KEEP.isdisjoint(words)


KEEPS = {
    "keep": True, "Keep, please.": True, "\u201ebehalten\u201c": True, "garder merci": True,
    "mantener": True, "keep?": False, "keep on": False, "> keep": False, "Keep it up": False,
    "": False, "I keep": False, "keeping": False, "approve": False, "thanks": False,
}  # fmt: skip


@pytest.mark.parametrize("line", KEEPS, ids=str)
def test_keep_stands_alone(line: str) -> None:
    assert says_keep([line] if line else []) is KEEPS[line]
    assert not says_keep(["Hello", line])


@given(st.lists(st.text(max_size=80), max_size=5))
def test_any_text_is_read(lines: list[str]) -> None:
    read = read_ruling(lines)
    if isinstance(read, Ruling):
        assert len(read.words) <= MAX_WORDS
        assert not read.words or read.verb in {Verb.REJECT, Verb.ASK}


def test_every_rule_that_can_keep_a_post_has_words_for_moderators() -> None:
    phrases = {
        key.partition(".")[2] for key in read_phrases(templates_dir()) if key[:8] == "because."
    }
    keeps = {rule.name for rule in RULES if rule.verdict in {Verdict.HOLD, Verdict.REJECT}}
    assert keeps <= phrases
