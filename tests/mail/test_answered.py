"""An answer to a whole digest: which item is meant, and what of the digest goes out with it."""

import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.answered import Answered, answered
from listserv.mail.digest_words import Quotable
from listserv.mail.parse import parse
from listserv.mail.rendering import render
from listserv.mail.searched import wording
from tests.mail.digests import (
    ATTRIBUTION,
    BARE,
    DIGEST,
    FATIGUE,
    ITEMS,
    MARK,
    PAGE,
    PAGES,
    PORT,
    THANKS,
    TITLE,
    WALKS,
    body,
    digest_lines,
    heading,
    item_lines,
)

Program = Callable[[list[str], str], str]
OWN = "Swimming is what helped my sister.\nAll the best, Bob"
EACH_PROGRAM = pytest.mark.parametrize(
    "program", [*MARK.values(), *BARE.values()], ids=[*MARK, *BARE]
)
EACH_THAT_MARKS = pytest.mark.parametrize("program", MARK.values(), ids=MARK)
EACH_PAGE = pytest.mark.parametrize("program", PAGES.values(), ids=PAGES)
# The digest as it went out, where it is kept, and where it is not any more.
FRAME = wording(DIGEST, parse(DIGEST)).body
EACH_FRAME = pytest.mark.parametrize("frame", [FRAME, ""], ids=["kept", "gone"])
EACH_ITEM = pytest.mark.parametrize("item", [FATIGUE, PORT, WALKS], ids=lambda one: one.author)


def kept(text: str, found: Answered) -> list[str]:
    """The lines that go out, without blank ones."""
    cut = {at for start, end in found.cut for at in range(start, end)}
    return [line for at, line in enumerate(text.split("\n")) if at not in cut and line.strip()]


def own_lines(text: str, found: Answered) -> list[str]:
    return [line for line in kept(text, found) if not line.startswith(">")]


@EACH_PROGRAM
def test_a_whole_digest_under_a_few_words_names_nothing_and_none_of_it_goes_out(
    program: Program,
) -> None:
    text = program(digest_lines(), OWN)
    found = answered(text, ITEMS, TITLE, None, FRAME)
    assert found.item is None
    assert [ln for ln in kept(text, found) if ln != "Sent from my iPhone"] == OWN.split("\n")


@EACH_PROGRAM
@EACH_ITEM
def test_one_item_that_was_quoted_is_meant(program: Program, item: Quotable) -> None:
    for quoted in (item_lines(item), heading(item) + body(item), item_lines(item)[-3:]):
        text = program(quoted, OWN)
        found = answered(text, ITEMS, TITLE)
        assert found.item == ITEMS.index(item), text
        assert set(OWN.split("\n")) <= set(kept(text, found))
        assert "example.org" not in "\n".join(kept(text, found)).replace(ATTRIBUTION, "")


@EACH_THAT_MARKS
def test_what_is_quoted_of_the_item_goes_out_and_nothing_else_of_the_digest(
    program: Program,
) -> None:
    text = program(heading(PORT) + body(PORT) + heading(WALKS)[:2], OWN)
    found = answered(text, ITEMS, TITLE)
    out = " ".join(" ".join(kept(text, found)).replace(">", "").split())
    assert found.item == 1
    assert "My nurse cannot find a vein any more." in out and "would you do it again?" in out
    assert "Message:" not in out and "wrote" not in out and "schrieb" not in out
    assert "Reply to the list" not in out


def answered_in_place(after: Sequence[str]) -> list[str]:
    """The whole digest, marked, with words of the reader's own below these lines of it."""
    lines: list[str] = []
    for line in digest_lines():
        lines.append(f"> {line}".rstrip())
        if line in after:
            lines += ["", "I have had one for two years.", "No trouble at all.", ""]
    return lines


LAST_OF_PORT = item_lines(PORT)[-1]


@pytest.mark.parametrize("above", [[], ["Hello, see below."], [ATTRIBUTION]])
def test_words_in_the_midst_of_a_digest_answer_what_is_above_them(above: list[str]) -> None:
    text = "\n".join([*above, *answered_in_place([LAST_OF_PORT])])
    found = answered(text, ITEMS, TITLE)
    assert found.item == 1
    own = [line for line in above if line != ATTRIBUTION]
    assert own_lines(text, found) == [*own, "I have had one for two years.", "No trouble at all."]
    assert f"> {LAST_OF_PORT}" in kept(text, found)
    assert not any("Ann Lee" in line or "-----" in line for line in kept(text, found))


@EACH_PROGRAM
def test_a_quotation_that_nothing_marks_would_be_read_as_the_authors_words(
    program: Program,
) -> None:
    text = program(item_lines(PORT), OWN)
    found = answered(text, ITEMS, TITLE)
    quoted = [line for line in kept(text, found) if "nurse" in line]
    assert found.item == 1 and all(line.startswith(">") for line in quoted)
    assert bool(quoted) == (program in MARK.values())


ANSWERS = (
    "I have had one for two years, no trouble.",
    "Who would do it again? My nurse, and I would.",  # words of the item, and in no row
)


def test_a_link_in_such_words_is_not_lost_while_the_digest_is_kept() -> None:
    lines = digest_lines()
    at = lines.index(LAST_OF_PORT) + 1
    for own in ("Read https://ports.example/faq before anything else", "Answer: ask Professor Ito"):
        text = BARE["Outlook"]([*lines[:at], "", own, *lines[at:]], "See below")
        found = answered(text, ITEMS, TITLE, None, FRAME)
        assert (found.item, kept(text, found)) == (1, ["See below", own])


@pytest.mark.parametrize("own", ANSWERS)
@EACH_FRAME
def test_words_in_the_midst_of_what_outlook_does_not_mark_are_not_lost(
    frame: str, own: str
) -> None:
    lines = digest_lines()
    at = lines.index(LAST_OF_PORT) + 1
    text = BARE["Outlook"]([*lines[:at], "", own, *lines[at:]], "See below")
    found = answered(text, ITEMS, TITLE, None, frame)
    assert found.item == 1
    assert kept(text, found)[:2] == ["See below", own]


SAME_PAGE = PAGE.replace("do it again?</p>", f"do it again?</p><p>{ANSWERS[0]}</p>")


@EACH_PAGE
def test_pages_are_understood_as_texts_are(program: Callable[[str, str], bytes]) -> None:
    one = PAGE[PAGE.index("<h3><bdi>Ben") : PAGE.index("<h3><bdi>Dora")]
    for quoted, item in ((PAGE, None), (one, 1), (SAME_PAGE, 1)):
        text = render(program(quoted, "Swimming helps.")).text
        found = answered(text, ITEMS, TITLE, None, FRAME)
        out = kept(text, found)
        assert (found.item, out[0]) == (item, "Swimming helps.")
        assert any(ANSWERS[0] in line for line in out) == (quoted is SAME_PAGE)
        of_item = ("Sent from", "> My nurse", "> Who of you", f"> {ANSWERS[0]}", ANSWERS[0], ">")
        assert [line for line in out[1:] if not line.startswith(of_item)] == []


def test_an_answer_in_common_words_right_below_the_line_that_it_answers_stays() -> None:
    lines = [f"> {line}".rstrip() for line in digest_lines()]
    at = lines.index(f"> {LAST_OF_PORT}") + 1
    own = ["I would do it again.", "My doctor says that this is"]
    text = "\n".join([*lines[:at], *own, *lines[at:]])
    found = answered(text, ITEMS, TITLE, None, FRAME)
    assert found.item == 1 and own_lines(text, found) == own


UNCLEAR = {
    "two items quoted": "\n".join(
        f"> {line}" for line in [*item_lines(FATIGUE), "", *item_lines(PORT)]
    )
    + "\n\nYes to both of you.",
    "words under two items": "\n".join(answered_in_place([item_lines(FATIGUE)[1], LAST_OF_PORT])),
    "words under the whole": "\n".join(
        [*(f"> {ln}" for ln in digest_lines()), "", "Yes, I would."]
    ),
    "nothing quoted": "I have had one for two years, no trouble.",
    "nothing at all": "",
    "only the contents": "\n".join([OWN, "", *(f"> {line}" for line in digest_lines()[:6])]),
    "something else quoted": "> Do not go gentle into that good night\n\nSo says Thomas.",
}


@pytest.mark.parametrize("text", UNCLEAR.values(), ids=UNCLEAR)
def test_where_none_is_clearly_meant_nobody_guesses(text: str) -> None:
    assert answered(text, ITEMS, TITLE).item is None


def test_the_only_item_is_meant_whatever_is_quoted() -> None:
    assert answered("Thank you.", ITEMS[1:2], TITLE).item == 0
    assert answered("Thank you.", (), TITLE) == Answered(None, (), True)


def test_an_item_of_one_word_is_known_by_the_address_below_it() -> None:
    found = answered(MARK["Gmail"](heading(THANKS) + body(THANKS), OWN), ITEMS, TITLE)
    assert found.item == ITEMS.index(THANKS)


@EACH_THAT_MARKS
def test_the_item_that_its_author_names_is_what_goes_out_with_the_words(program: Program) -> None:
    text = program(digest_lines(), OWN)
    for meant, item in enumerate(ITEMS[:3]):
        out = kept(text, answered(text, ITEMS, TITLE, meant, FRAME))
        joined = " ".join(" ".join(out).replace(">", "").split())
        assert all(" ".join(ln.split()) in joined for ln in item.text.split("\n")[-3:])
        assert all(ln in out for ln in OWN.split("\n"))
        others = (max(item_lines(one), key=len) for one in ITEMS if one is not item)
        assert not any(line in joined for line in others)
        assert "@" not in joined and "Subject" not in joined


def test_what_somebody_quotes_of_another_place_stays() -> None:
    poem = [
        "> Do not go gentle into that good night,",
        "> Old age should burn and rave at close of day;",
    ]
    text = "\n".join(
        ["This one helped me.", "", *poem, "", "Bob", "", *(f"> {ln}" for ln in digest_lines())]
    )
    found = answered(text, ITEMS, TITLE)
    assert kept(text, found) == ["This one helped me.", *poem, "Bob"]


def test_a_digest_that_nothing_is_known_of_any_more_does_not_go_out_either() -> None:
    text = MARK["Gmail"](digest_lines(), OWN)
    unknown = [Quotable(one.subject, one.author, "", "") for one in ITEMS]
    assert kept(text, answered(text, unknown, "")) == OWN.split("\n")


BOMBS = {
    "marks": ">" * 1_000_000,
    "marked lines": "> a b c\n" * 120_000,
    "an item over and over": "".join(f"> {ln}\n" for ln in item_lines(FATIGUE)) * 2_000,
    "words of an item, unmarked": FATIGUE.text.replace("\n", " ") * 2_000,
    "announcements": "On 21 Nov\n" * 100_000,
    "blocks of fields": "From: a\nTo: b\n" * 60_000,
    "blank lines": "\n" * 1_000_000,
    "one word a line": "> tired\n" * 120_000,
    "colons": "a" * 500_000 + ":" * 500_000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_of_quotations_is_read_in_time(text: str) -> None:
    begun = time.process_time()
    answered(text, ITEMS, TITLE)
    assert time.process_time() - begun < 5


PIECES = st.sampled_from(
    [
        *digest_lines(),
        *OWN.split("\n"),
        ATTRIBUTION,
        "> ",
        ">>> x",
        "",
        "From: a",
        "To: b",
        "_" * 40,
    ]
)


@given(
    st.lists(st.one_of(PIECES, PIECES.map(lambda ln: f"> {ln}"), st.text(max_size=30)), max_size=60)
)
def test_whatever_is_quoted_of_it_no_line_of_the_digest_alone_goes_out_marked(
    lines: list[str],
) -> None:
    text = "\n".join(lines)
    found = answered(text, ITEMS, TITLE)
    assert list(found.cut) == sorted(found.cut) and all(a < b for a, b in found.cut)
    assert all(end <= text.count("\n") + 1 for _, end in found.cut)
    assert found.item is None or 0 <= found.item < len(ITEMS)
    for number, item in enumerate(ITEMS[:3]):
        if number != found.item:
            assert f"> {max(item_lines(item), key=len)}" not in kept(text, found)


@given(
    st.lists(st.text(st.characters(categories=["Lu", "Nd"]), min_size=1, max_size=8), max_size=20)
)
def test_words_above_the_quotation_always_go_out(words: list[str]) -> None:
    text = MARK["Gmail"](digest_lines(), "\n".join(["My own words.", *words]))
    assert kept(text, answered(text, ITEMS, TITLE))[: len(words) + 1] == ["My own words.", *words]
