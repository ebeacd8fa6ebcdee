"""What is left out of a post's text, and what never is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listserv.mail.quotes import (
    MAX_ALONE,
    MAX_KEPT,
    MAX_SIGNATURE,
    WIDTH,
    Block,
    Kind,
    fold_quotes,
)
from listserv.mail.rendering import FORWARDED, render
from tests.mail.clients import CLIENTS, as_sent

ON = "On Sat, 9 May 2026 at 10:00, Ann Lee <ann@example.org> wrote:"
LONG = "\n".join(f"> line {n}" for n in range(MAX_KEPT + 1))
OUTLOOK = "From: Ann Lee <ann@example.org>\nSent: 9 May 2026 10:00\nTo: support\nSubject: Hello\n"
FOOTER = "________________________________\nSupport: to leave, write to support-leave@x.test"


def short(blocks: tuple[Block, ...]) -> list[str]:
    """The lines that are shown, and "[name, lines]" for what is left out."""
    said: list[str] = []
    for block in blocks:
        said += [line for line in block.lines if line]
        if block.count:
            said.append(f"[{block.of}, {block.count}]")
    return said


# text of an answer -> its lines, and what is left out
FOLDED = {
    "a quoted tail": (f"Yes.\n\n{ON}\n> one\n> two\n", ["Yes.", "[Ann Lee, 2]"]),
    "a tail of one line": ("Yes.\n> one", ["Yes.", "[, 1]"]),
    "blank lines in it do not count": ("Yes.\n> one\n>\n\n> two\n>", ["Yes.", "[, 2]"]),
    "a long line counts as it is seen": (f"Yes.\n> {'x' * 3 * WIDTH}", ["Yes.", "[, 3]"]),
    "a quotation in a quotation": ("Yes.\n> one\n>> two\n> > three", ["Yes.", "[, 3]"]),
    "a short one that is answered": (f"{ON}\n> one?\n\nYes.", [ON, "> one?", "Yes."]),
    "several that are answered": ("> a?\nYes.\n> b?\nNo.\n> c", ["> a?", "Yes.", "> b?", "No.",
                                                                 "[, 1]"]),
    "a long one that is answered": (f"{ON}\n{LONG}\n\nYes.",
                                    [f"[Ann Lee, {MAX_KEPT + 1}]", "Yes."]),
    "nothing but a quotation": (f"{ON}\n> one", [ON, "> one"]),
    "nothing but a long quotation": ("> x\n" * (MAX_ALONE + 1), [f"[, {MAX_ALONE + 1}]"]),
    "a quotation above a signature": ("Yes.\n> one\n-- \nBob", ["Yes.", "[, 1]", "Bob"]),
    "announced inside it, by a phone": (f"Yes.\n\n> {ON}\n> \n> one", ["Yes.", "[Ann Lee, 2]"]),
    "announced on two lines": (f"Yes.\n\n{ON[:40]}\n{ON[41:]}\n\n> one", ["Yes.", "[Ann Lee, 1]"]),
    "announced on two lines with nothing below": ("On my way\nhome:\nhello",
                                                  ["On my way", "home:", "hello"]),
    "a sign that is no mark": ("Take it.\n > 5 mg\n> one", ["Take it.", " > 5 mg", "[, 1]"]),
    "a person's line that ends in a colon": ("I read this:\n> one", ["I read this:", "[, 1]"]),
    "a person who says who wrote": ("My doctor wrote:\n> one", ["My doctor wrote:", "[, 1]"]),
    "a person who says when they wrote": ("On 9 May I wrote:\n> one",
                                          ["On 9 May I wrote:", "[, 1]"]),
    "an address in a person's line": ("On 9 May I wrote to ann@x.test about:\n> one",
                                      ["On 9 May I wrote to ann@x.test about:", "[, 1]"]),
    "a smaller sign": ("> one\nI need < 5 and > 3.", ["> one", "I need < 5 and > 3."]),
    "Outlook's heading": (f"Yes, it works.\n\n{OUTLOOK}\none\n\ntwo\n",
                          ["Yes, it works.", "[Ann Lee, 2]"]),
    "Outlook's heading below a rule": (f"Yes, it works.\n{'_' * 32}\n{OUTLOOK}\none\n",
                                       ["Yes, it works.", "[Ann Lee, 1]"]),
    "an old Outlook's heading": (f"Fine.\n\n-----Original Message-----\n{OUTLOOK}\none",
                                 ["Fine.", "[Ann Lee, 1]"]),
    "a phone's heading": ("Fine.\n\n-------- Ursprüngliche Nachricht --------\nVon: Ann Lee "
                          "<a@x.test>\nDatum: 9.5.26\n\none", ["Fine.", "[Ann Lee, 1]"]),
    "a heading that names nobody": ("Fine.\n\n-----Original Message-----\none\n",
                                    ["Fine.", "[, 1]"]),
    "Outlook in German": ("Das geht.\n\nVon: Ann Lee <a@x.test>\nGesendet: Samstag, 9. Mai 2026\n"
                          "An: Bob\nBetreff: Hallo\n\neins", ["Das geht.", "[Ann Lee, 1]"]),
    "Outlook in French": ("Oui.\n\nDe : Ann Lee <a@x.test>\nEnvoyé : samedi\nÀ : Bob\nObjet : x\n"
                          "\nun",
                          ["Oui.", "[Ann Lee, 1]"]),
    "Outlook in Spanish": ("Claro.\n\nDe: Ann Lee <a@x.test>\nEnviado: sábado\nPara: Bob\n"
                           "Asunto: x\n\nuno", ["Claro.", "[Ann Lee, 1]"]),
    "announced, without marks": (f"Fine.\n\n{ON}\n\none\ntwo", ["Fine.", "[Ann Lee, 2]"]),
    "announced by a person, without marks": ("It is bad.\nOn Monday my doctor wrote:\n\ntake five",
                                             ["It is bad.", "On Monday my doctor wrote:",
                                              "take five"]),
    "no marks, and nothing above": (f"{OUTLOOK}\none\nYes.",
                                   [*OUTLOOK.splitlines(), "one", "Yes."]),
    "no marks, and a greeting above": (f"Hi Ann,\n\n{OUTLOOK}\none\nYes.",
                                       ["Hi Ann,", *OUTLOOK.splitlines(), "one", "Yes."]),
    "no marks, and answers below": (f"See my answers below.\n\n{OUTLOOK}\none\nYes.",
                                    ["See my answers below.",
                                     *OUTLOOK.splitlines(), "one", "Yes."]),
    "times that are no heading": ("We meet.\n\nFrom: 9:00\nTo: 12:00\nDate: Saturday\n\nTea.",
                                  ["We meet.", "From: 9:00", "To: 12:00", "Date: Saturday",
                                   "Tea."]),
    "a forwarded message": (f"See this.\n\n---------- Forwarded message ---------\n{OUTLOOK}\none\n"
                            "> two\n", ["See this.", "---------- Forwarded message ---------",
                                        *OUTLOOK.splitlines(), "one", "> two"]),
    "a forwarded message, all marked": ("See this.\n\nAnfang der weitergeleiteten Nachricht:\n\n"
                                        "> Von: Ann\n> one", ["See this.",
                                        "Anfang der weitergeleiteten Nachricht:", "> Von: Ann",
                                        "> one"]),
    "an attached message": (f"See this.\n\n{FORWARDED}Ann\n\n{OUTLOOK}\none",
                            ["See this.", f"{FORWARDED}Ann", *OUTLOOK.splitlines(), "one"]),
    "a signature": ("Yes.\n\n-- \nBob\nTown\n", ["Yes.", "Bob", "Town"]),
    "a signature whose space was lost": ("Yes.\n--\nBob\n", ["Yes.", "Bob"]),
    "a long signature": ("Yes.\n-- \n" + "x\n" * 9, ["Yes.", "x", "x", "x", "x", "[, 5]"]),
    "what is too long for a signature": (
        "Yes.\n-- \n" + "x\n" * (MAX_SIGNATURE + 1), ["Yes.", "-- ", *["x"] * (MAX_SIGNATURE + 1)]),
    "lines that divide a text": ("One.\n--\nTwo.\n--\nBob", ["One.", "--", "Two.", "Bob"]),
    "a signature above a quotation": (f"Yes.\n-- \nBob\n\n{ON}\n> one",
                                      ["Yes.", "Bob", "[Ann Lee, 1]"]),
    "a phone": ("Yes.\n\nSent from my iPhone\n", ["Yes."]),
    "a phone above a quotation": (f"Yes.\n\nVon meinem iPhone gesendet\n\n> {ON}\n> one",
                                  ["Yes.", "[Ann Lee, 2]"]),
    "a program with its address": ("Oui.\n\nGet Outlook for iOS<https://aka.ms/o0ukef>", ["Oui."]),
    "a program in a signature": ("Ja.\n-- \nDiese Nachricht wurde von meinem Android-Gerät mit K-9 "
                                 "Mail gesendet.", ["Ja."]),
    "a person who says from where": ("Sent from my heart\n\nSent from my phone in hospital\n",
                                     ["Sent from my heart", "Sent from my phone in hospital"]),
    "our footer": (f"Yes.\n\n{FOOTER}\n", ["Yes."]),
    "our footer, quoted and broken": (
        "Yes.\n> one\n> ________________________________\n>\n> Support: to leave, write to\n"
        "> support-leave@x.test\n\nNo.", ["Yes.", "> one", "No."]),
    "how to leave some list, quoted": (
        "> one?\n> To unsubscribe, write to x-leave@y.test\n> Abmelden: https://y.test/x\nYes.",
        ["> one?", "Yes."]),
    "how to leave, by a person": ("To unsubscribe, write to x-leave@y.test",
                                  ["To unsubscribe, write to x-leave@y.test"]),
    "a part of our footer": ("Support: to leave", ["Support: to leave"]),
    "nothing": ("", []),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDED)
def test_of_an_answer_the_quotations_are_folded(case: str) -> None:
    text, lines = FOLDED[case]
    assert short(fold_quotes(text, answer=True, footer=FOOTER)) == lines


def test_what_a_post_that_answers_nothing_quotes_is_news() -> None:
    for text in (f"Please read.\n\n{OUTLOOK}\none", f"Please read:\n{ON}\n{LONG}"):
        assert short(fold_quotes(text, answer=False)) == [line for line in text.split("\n") if line]


ORIGINAL = "Dear all,\n\nhow are you? How do you sleep at night?\nYes or no?\n\nAnn\n"
# what stands below a heading -> what is shown, where the original is at hand
BELOW = {
    "nothing new": (ORIGINAL, ["[Ann Lee, 4]"]),
    "broken in other places": (
        "Dear all, how are you? How do\nyou sleep at night? Yes or\nno? Ann", ["[Ann Lee, 3]"]),
    "answers between": (
        "Dear all,\n\nhow are you? How do you sleep at night?\n\nNo.\n\nYes or no?\n\nYes.\n\nAnn",
        [*OUTLOOK.splitlines(), "> Dear all,", ">", "> how are you? How do you sleep at night?",
         "No.", "> Yes or no?", "Yes.", "[, 1]"]),
    "an answer at its end": (f"{ORIGINAL}\nYes or no, who knows.",
                             [*OUTLOOK.splitlines(), *"> Dear all,\n>\n> how are you? How do you sl"
                              "eep at night?\n> Yes or no?\n>\n> Ann".split("\n"),
                              "Yes or no, who knows."]),
    "a part of it": ("How do you sleep at night?\nNot at all.", [
        *OUTLOOK.splitlines(), "> How do you sleep at night?", "Not at all."]),
    "an answer before all": ("Well.\nDear all, how are you? How do you", ["Well.", "[, 1]"]),
}  # fmt: skip


@pytest.mark.parametrize("above", ["Hi Ann,\n\n", "My answers are below.\n\n", "Thank you.\n"])
@pytest.mark.parametrize("case", BELOW)
def test_by_the_original_answers_are_found_that_no_program_marked(case: str, above: str) -> None:
    below, lines = BELOW[case]
    found = fold_quotes(f"{above}{OUTLOOK}\n{below}", answer=True, original=ORIGINAL)
    assert short(found) == [*filter(None, above.split("\n")), *lines]


def test_another_message_than_the_original_is_folded_as_one_that_is_not_at_hand() -> None:
    for above, shown in (("Yes.", ["Yes.", "[Ann Lee, 1]"]), ("", [*OUTLOOK.splitlines(), "one"])):
        text = f"{above}\n{OUTLOOK}\none"
        assert short(fold_quotes(text, answer=True, original=ORIGINAL)) == shown


@pytest.mark.parametrize(
    ("line", "name"),
    {
        "On 5/9/26 10:00, Ann Lee wrote:": "Ann Lee",
        "On Sat, May 9, 2026 at 10:00 AM Ann Lee <a@x.test> wrote:": "Ann Lee",
        "On Saturday, May 9, 2026, 10:00:00 AM EDT, Matt <a@x.test> wrote:": "Matt",
        "On 9 May 2026, at 10:00, a@x.test wrote:": "",
        "Ann Lee <a@x.test> wrote:": "Ann Lee",
        "On 5/9/26 10:00, Ann Lee via Support wrote:": "Ann Lee",
        "Am 09.05.26 um 10:00 schrieb Ann Lee:": "Ann Lee",
        "Am Samstag, 9. Mai 2026 um 10:00 Uhr schrieb Ann <a@x.test> folgendes:": "Ann",
        "Le sam. 9 mai 2026 à 10:00, Ann Lee <a@x.test> a écrit :": "Ann Lee",
        "El sáb, 9 may 2026 a las 10:00 p. m., Ana (<a@x.test>) escribió:": "Ana",
        "Il giorno sab 9 mag 2026 alle ore 10:00 Ann <a@x.test> ha scritto:": "Ann",
        "Op za 9 mei 2026 om 10:00 schreef Ann Lee <a@x.test>:": "Ann Lee",
        "W dniu 9.05.2026 o 10:00, Ann Lee napisał(a):": "Ann Lee",
        "9 мая 2026 \u0433. в 10:00 Anna написал:": "Anna",
        "2026-05-09 10:00 GMT+02:00 Ann Lee <a@x.test>:": "Ann Lee",
    }.items(),
)
def test_a_quotation_is_of_somebody(line: str, name: str) -> None:
    blocks = fold_quotes(f"Yes.\n\n{line}\n> one", answer=True)
    assert [block.kind for block in blocks] == [Kind.OWN, Kind.LEFT_OUT]
    assert (blocks[1].of, blocks[1].count) == (name, 1)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_line_of_an_answer_is_there_whatever_program_sent_it(client: str) -> None:
    blocks = fold_quotes(render(as_sent(client, "It works now.")).text, answer=True)
    assert "It works now." in [line for block in blocks for line in block.lines]


MARKED = st.sampled_from(
    ["> quoted", ">", ">> deeper", f"> {ON}", "> -- ", "> Sent from my iPhone", "", f"> {'_' * 32}"]
)
QUOTED = st.one_of(
    MARKED, st.sampled_from([f"{ON}\n> one", "Am 09.05.26 um 10:00 schrieb Ann Lee:\n\n> one"])
)
BEGINNINGS = st.sampled_from(
    ["", "Sent from my iPhone", "On Monday", "From: me", "Subject: tea", "wrote:", "-", "_", "Am",
     "below", "Hi Ann,", "-- ", "*", "-----Original Message-----", "Get", "I wrote on 9 May:"]
)  # fmt: skip
WORDS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=20)
NEW = st.builds(lambda beginning, words: f"{beginning} {words} (new)", BEGINNINGS, WORDS)


def new(lines: list[str]) -> list[str]:
    return [line for line in lines if line.endswith("(new)")]


def shown(blocks: tuple[Block, ...]) -> list[str]:
    return [line for block in blocks for line in block.lines]


@given(st.lists(st.one_of(QUOTED, NEW)), st.booleans())
@example(["> a", "1 (new)", "> b", f"{ON}\n> c", "2 (new)", "> d", "", "3 (new)"], True)
@example([f"{ON}\n> a", "1 (new)", "1 (new)"], True)
def test_what_is_new_among_marked_quotations_is_shown_in_its_order(
    lines: list[str], answer: bool
) -> None:
    blocks = fold_quotes("\n".join(lines), answer=answer, footer=FOOTER)
    assert new(shown(blocks)) == new(lines)


@given(st.lists(st.one_of(QUOTED, NEW)), st.lists(st.one_of(QUOTED, NEW)))
def test_what_stands_above_a_heading_is_shown(above: list[str], below: list[str]) -> None:
    text = "\n".join([*above, "", *OUTLOOK.split("\n"), *below])
    found = new(shown(fold_quotes(text, answer=True)))
    assert found[: len(new(above))] == new(above)


@given(st.lists(WORDS, min_size=1), st.data())
def test_what_is_new_below_a_heading_is_shown_where_the_original_is_at_hand(
    original: list[str], data: st.DataObject
) -> None:
    original = ["These are words of the original.", *original]
    lines = list(original)
    for n in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(lines)))
        lines.insert(at, f"{data.draw(WORDS)} ({n} is new)")
    text = "\n".join([*OUTLOOK.split("\n"), *lines])
    found = shown(fold_quotes(text, answer=True, original="\n".join(original)))
    wanted = [line for line in lines if line.endswith(" is new)")]
    assert [line for line in found if line.endswith(" is new)")] == wanted


@given(st.text(alphabet="> \nOn9wrote:<@-_Fm", max_size=400), st.booleans())
def test_any_text_is_folded_into_lines_of_its_own(text: str, answer: bool) -> None:
    rest = iter(text.split("\n"))
    for block in fold_quotes(text, answer=answer):
        assert all(line in rest for line in block.lines), "a line of the text, in its order"
        assert block.count or block.lines
