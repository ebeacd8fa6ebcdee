"""The text of an HTML page, as a person reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.page import page_text
from listserv.mail.text import shown_markup


def read(markup: str) -> str:
    return page_text(shown_markup(markup))


PAGES = {
    "paragraphs": ("<p>one</p>\r\n<p>two\r\n three</p>", "one\n\ntwo three"),
    "lines as Gmail writes them": ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
    "lines as Outlook writes them": (
        "<p class=MsoNormal>one<o:p></o:p></p><p class=MsoNormal>two</p><p class=MsoNormal>"
        "<o:p>&nbsp;</o:p></p><p class=MsoNormal>three</p>", "one\ntwo\n\nthree"),
    "breaks": ("one<br>two<BR/><br />three<br>", "one\ntwo\n\nthree"),
    "a heading": ("<h1>One</h1>two", "One\n\ntwo"),
    "words in parts": ("un<b>break</b>able <i>words</i>", "unbreakable words"),
    "characters": ("&lt;b&gt; &amp;amp; &uuml;&#252;&#xfc;&nbsp;&hellip;", "<b> &amp; üüü …"),
    "no character": ("&#99999999999;&#0;&#xD800;&bogus;", ";\ufffd\ufffd&bogus;"),
    "a smaller sign": ("1 < 2 <3 <", "1 < 2 <3 <"),
    "a list": ("<ul><li>one<li>two<p>more</ul>three", "- one\n- two\n\nmore\n\nthree"),
    "a list with numbers": ("<ol><li><p>one</p></li><li>two</li></ol>", "1. one\n\n2. two"),
    "a list in a list": ("<ul><li>one<ul><li>two</li></ul></li><li>three</li></ul>",
                         "- one\n  - two\n- three"),
    "a list's end without a list": ("</ul></ol><li>one</blockquote></pre>", "- one"),
    "a table": ("<table><tr><td>Hb</td><td>12.3</td></tr><tr><td></td><td>x</td></tr></table>",
                "Hb  12.3\nx"),
    "a table as Word writes it": (
        "<p>x</p><table><tr><td><p>Hb &lt;</p></td> <td> <p>12.3</p></td><td><p>g</p></td></tr>"
        "<tr><td><p>a</p><p>b</p></td><td><p>c</p></table>", "x\n\nHb <  12.3  g\n\na\n\nb\n\nc"),
    "a table in a quotation": (
        "<blockquote type=cite><table><tr><td><p>a</p><td>b<td></table></blockquote>", "> a  b"),
    "what is preformatted": ("<pre>a\n  b\n\nc</pre>d", "a\n  b\n\nc\n\nd"),
    "a quotation": ("yes<blockquote type=cite>one<blockquote type='cite'>two</blockquote>"
                    "</blockquote>no", "yes\n\n> one\n>\n>> two\n\nno"),
    "a quotation with blank lines": ("<blockquote type=cite><p>one</p><p>two</p></blockquote>",
                                     "> one\n>\n> two"),
    "what Gmail moves to the right": (
        '<blockquote class="gmail_quote" style="margin:0 0 0 40px;border:none;padding:0px">one'
        "</blockquote>", "one"),
    "what a person moves to the right": ("<blockquote>one</blockquote>", "one"),
    "a quotation by what stands above": ("Ann wrote:<blockquote>one</blockquote>",
                                         "Ann wrote:\n\n> one"),
    "a list that a person announces": ("I need:<blockquote>one</blockquote>", "I need:\n\none"),
    "a link": ('<a href="https://x.test/a?b&amp;c">here</a>.', "here <https://x.test/a?b&c>."),
    "a link that is its text": ("<a href='https://x.test/'>x.test</a>", "x.test"),
    "a link to write to": ("<a href=mailto:ann@x.test>Ann</a>", "Ann <ann@x.test>"),
    "a link without text": ('<a href="https://x.test/"><img src=x></a>one', "one"),
    "a link around a block": (
        '<a href="https://x.test/"><div>one</div></a>', "one\n<https://x.test/>"),
    "a link that does something": ('<a href="javascript:alert(1)">one</a>', "one"),
    "a link longer than anybody reads": (f'<a href="https://x.test/{"x" * 600}">one</a>', "one"),
    "a link that brings its own marks": ('<a href="https://x.test/%3E&lt;b&gt;">one</a>', "one"),
    "a picture": ('<img src="https://x.test/pixel.gif" alt="A photo">one', "one"),
    "a picture for a character": ('<img alt="\u2603" src=x>', "\u2603"),
    "what is hidden": ('<div style="display: none">no <div>no</div></div>'
                       '<span style="mso-hide:all">no</span>yes', "yes"),
    "what is hidden without end": ('yes<div style="display:none">and this', "yes\nand this"),
    "scripts, styles, comments": (
        "<style>p {}</style><script>if (a<b) {}</script><title>no</title><!-- <p>no --><!-->one"
        "<![if !mso]>two<![endif]><?xml no?>", "onetwo"),
    "an unfinished comment": ("yes<!-- no", "yes"),
    "an unfinished tag": ("yes<p no", "yes"),
    "an unfinished script": ("yes<script> no", "yes"),
    "nothing": ("", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", PAGES)
def test_a_page_is_read_as_text(case: str) -> None:
    markup, text = PAGES[case]
    assert read(markup) == text


TAGS = st.sampled_from(
    ["<p>", "</p>", "<div style='display:none'>", "</div>", "<blockquote type=cite>",
     "</blockquote>", "<ul>", "<ol>", "<li>", "</ul>", "<pre>", "</pre>", "</a>", "<td>",
     "<br>", "<a href='https://x.test'>", "<!--", "-->", "<script>", "</script>",
     "&nbsp;", "&#", "<img alt='\u2603'>", "\n", "<"]
)  # fmt: skip


@given(st.lists(st.one_of(TAGS, st.text(max_size=5))).map("".join))
def test_any_page_is_read(markup: str) -> None:
    assert "\n\n\n" not in read(markup) or "<pre>" in markup


@given(st.lists(st.sampled_from(["<p>", "</p>", "<br>", "<b>", "<div>", "<td>", "<li>", "</ul>",
                                 "</blockquote>", "<blockquote type=cite>", "<pre>", "\n", " "])),
       st.integers(0, 20))  # fmt: skip
def test_no_visible_word_is_lost(tags: list[str], words: int) -> None:
    markup = "".join(f"{tag} w{n} " for n, tag in enumerate([*tags, *["<i>"] * words]))
    found = read(markup).replace(">", " ").split()
    assert [word for word in found if word.startswith("w")] == [
        f"w{n}" for n in range(len(tags) + words)
    ]
