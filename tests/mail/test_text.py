"""What a person wrote, out of plain text or HTML."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.text import MAX_LINE, MAX_LINES, html_to_text, written

# text -> first line, number of lines
WRITTEN = {
    "a lone command": ("unsubscribe\n", "unsubscribe", 1),
    "blank lines around it": ("\n \n  unsubscribe  \n\n", "unsubscribe", 1),
    "nothing": ("", "", 0),
    "blank lines only": (" \n\t\n", "", 0),
    "a signature": ("unsubscribe\n\n-- \nAnn Lee\nTown\n", "unsubscribe", 1),
    "a signature whose space was lost": ("unsubscribe\n--\nAnn\n", "unsubscribe", 1),
    "a phone's line": ("unsubscribe\n\nSent from my iPhone\n", "unsubscribe", 1),
    "a quotation below": ("unsubscribe\n\nOn Mon, Bob wrote:\n> hello\n> all\n", "unsubscribe", 1),
    "a quotation announced on two lines": (
        "unsubscribe\n\nOn Mon, Bob\n<bob@example.net> wrote:\n\n> hello\n",
        "unsubscribe",
        1,
    ),
    "a quotation above": ("Bob wrote:\n> hello\n> all\n\nyes\nno\n", "yes", 2),
    "Outlook's quotation": (
        "unsubscribe\n\n-----Original Message-----\nFrom: Bob\nhello\n",
        "unsubscribe",
        1,
    ),
    "Outlook's rule": (
        "unsubscribe\n________________________________\nFrom: Bob\n", "unsubscribe", 1),
    "a forwarded message": ("see\n---------- Forwarded message ---------\nFrom: Bob\n", "see", 1),
    "hyphens in a text": ("one\n---\ntwo\n", "one", 3),
    "a colon in a text": ("I need:\nmilk\n", "I need:", 2),
    "more lines than are counted": ("line\n" * 500, "line", MAX_LINES),
    "a line longer than is kept": ("x" * 5000, "x" * MAX_LINE, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_the_authors_own_lines_are_counted(case: str) -> None:
    text, first, lines = WRITTEN[case]
    own = written(text)
    assert (own.first_line, own.lines) == (first, lines)


HTML = {
    "paragraphs are lines": ("<p>one</p><p>two</p>", ["one", "two"]),
    "line breaks of the source are spaces": ("<p>one\r\n  two</p>", ["one two"]),
    "inline tags split no word": ("un<b>sub</b>scribe <i>now</i>", ["unsubscribe now"]),
    "breaks": ("one<br>two<BR/>three<br />four", ["one", "two", "three", "four"]),
    "lists and tables": ("<ul><li>a<li>b</ul><table><tr><td>c</table>", ["a", "b", "c"]),
    "character references": ("a&nbsp;&lt;b&gt; &#252;&#x41;", ["a\xa0<b> üA"]),
    "what is not shown": (
        "<head><title>no</title><style>p { }</style></head><SCRIPT>if (a<b) {}</SCRIPT>yes",
        ["yes"],
    ),
    "an unfinished style": ("yes<style>p { } no", ["yes"]),
    "comments": ("a<!-- <p>no</p> -->b", ["ab"]),
    "an unfinished comment": ("a<!-- no", ["a"]),
    "declarations": ("<!DOCTYPE html><?xml?>a", ["a"]),
    "an unfinished tag": ("a<p no", ["a"]),
    "a < that is no tag": ("1 < 2 <3 <- x", ["1 < 2 <3 <- x"]),
    "quotations": (
        "yes<br>Bob wrote:<blockquote>one<br>two</blockquote>three",
        ["yes", "Bob wrote:", "> one", "> two", "three"],
    ),
    "a quotation closed twice": ("</blockquote></blockquote>a<br>b", ["a", "b"]),
    "a reference with more digits than int() takes": (f"a&#{'9' * 5000};b", ["a;b"]),
    "a reference far outside Unicode": ("a&#1234567;&#xfffffffff;b", ["a\ufffd\ufffdb"]),
}


@pytest.mark.parametrize("case", HTML)
def test_html_becomes_lines_of_text(case: str) -> None:
    markup, lines = HTML[case]
    shown = [line.strip(" ") for line in html_to_text(markup).split("\n")]
    assert [line for line in shown if line not in {"", ">"}] == lines


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from(["<", ">", "</", "<!--", "-->", "<p>", "<style>", "&#", "9" * 9, ";", "&lt",
                         "<blockquote>", "</blockquote>", "<!", '"'])
        | st.text(max_size=4)
    ).map("".join)
)  # fmt: skip
def test_nothing_makes_reading_raise(markup: str) -> None:
    written(html_to_text(markup))
