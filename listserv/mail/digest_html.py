"""An issue as a simple HTML page: a heading for each conversation (h2) and each post (h3), and the
paragraphs of the text. What authors wrote is text, its addresses are links, and nothing else in it
is markup; nh3 looks it over all the same."""

import html
import re
from urllib.parse import quote

import nh3

from listserv.mail.digest_body import Paragraph, Voice, in_short
from listserv.mail.issue import Item, Place, Words

_LONGEST = 300
# Characters of a link's subject, which may take twelve octets each.
_LONGEST_SUBJECT = 150
_NOT_IN_LINKS = r"\s<>\"\u200e\u200f\u202a-\u202e\u2066-\u2069"
_LINK = re.compile(
    rf"\b(?P<web>(?:https?://|www\.)[^{_NOT_IN_LINKS}]{{2,1000}})"
    r"|(?<![\w.+-])(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})",
    re.IGNORECASE,
)
# A line of a table that somebody has made with spaces.
_COLUMNS = re.compile(r"\S {3,}\S.*$", re.MULTILINE)
_AFTER = ".,;:!?'…*_"
_PAIRS = {")": "(", "]": "["}
_CLEANER = nh3.Cleaner(
    tags={"p", "br", "a", "blockquote"},
    attributes={"p": {"dir", "class"}, "a": {"href"}, "blockquote": {"dir"}},
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)


def cleaned(markup: str) -> str:
    """Without all that no paragraph has."""
    return _CLEANER.clean(markup)


def paragraph_html(paragraph: Paragraph) -> str:
    lines = "<br>".join(_linked(line) for line in paragraph.text.split("\n"))
    if paragraph.voice is Voice.OURS:
        return (
            f'<p class="ours" dir="auto">{html.escape(paragraph.text).replace(chr(10), "<br>")}</p>'
        )
    if paragraph.voice is Voice.QUOTED:
        return cleaned(f'<blockquote dir="auto">{lines}</blockquote>')
    if len(_COLUMNS.findall(paragraph.text)) > 1:
        return cleaned(f'<p class="columns" dir="auto">{lines}</p>')
    return cleaned(f'<p dir="auto">{lines}</p>')


def _linked(line: str) -> str:
    """A line as markup, with its addresses as links."""
    pieces: list[str] = []
    at = 0
    for found in _LINK.finditer(line):
        written = _without_end(found[0])
        address = written
        if found["mail"]:
            address = mailto(written)
        elif written[:4].lower() == "www.":
            address = f"https://{written}"
        pieces += [
            html.escape(line[at : found.start()]),
            f'<a href="{html.escape(address)}">{html.escape(written)}</a>',
        ]
        at = found.start() + len(written)
    return "".join([*pieces, html.escape(line[at:])])


def _without_end(written: str) -> str:
    """An address without the punctuation of the sentence that it ends."""
    while written[-1] in _AFTER or (
        written[-1] in _PAIRS and written.count(written[-1]) > written.count(_PAIRS[written[-1]])
    ):
        written = written[:-1]
    return written


def mailto(address: str, subject: str = "") -> str:
    """RFC 6068. A plus sign too is encoded: some programs read a space."""
    link = f"mailto:{quote(address, safe='@')}"
    return f"{link}?subject={quote(subject, safe='')}" if subject else link


def conversation_head(title: str, anchor: str) -> str:
    return f'<h2 id="{anchor}"><bdi>{html.escape(title)}</bdi></h2>'


def item_head(item: Item, place: Place, subject: str, *, continued: bool, words: Words) -> str:
    """`subject` is "" where the conversation has the same one."""
    name = f"<bdi>{html.escape(in_short(item.author, _LONGEST))}</bdi>"
    if continued:
        name = words.phrase("item.continued", what=name)
    at = words.phrase(
        "item.at",
        day=words.date(item.at),
        time=f"{item.at:%H:%M}",
        number=place.number,
        total=place.total,
    )
    head = f"<h3>{name} <small>{html.escape(at)}</small></h3>"
    if not subject:
        return head
    return f'{head}\n<p class="subject" dir="auto">{html.escape(in_short(subject, _LONGEST))}</p>'


def item_tail(item: Item, title: str, words: Words) -> str:
    """Where answers go; `title` is the post's subject without reply marks."""
    subject = f"Re: {in_short(title, _LONGEST_SUBJECT)}".strip()
    links = [(item.reply_to, words.phrase("item.reply"))]
    if item.address:
        name = in_short(item.author, _LONGEST)
        links.append((item.address, words.phrase("item.write", name=name)))
    acts = " ".join(
        f'<a href="{html.escape(mailto(address, subject))}">{html.escape(label)}</a>'
        for address, label in links
    )
    return f'<p class="acts">{acts}</p>'
