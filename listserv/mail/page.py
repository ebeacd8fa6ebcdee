"""HTML -> the text that a person reads of it: paragraphs, lists, quotations marked with >, where
links go. Nothing remote, nothing hidden, no scripts.

Linear in the length of the page: it is cut into tags once, and each is looked at once (twice where
something hidden never ends).
"""

import html
import re
from collections.abc import Sequence

from listserv.mail.said import WROTE
from listserv.mail.text import HUGE_REFERENCE, split_tags

# Blocks begin and end a line; those with True have a blank line around them too.
_BLOCKS = {
    **dict.fromkeys("p h1 h2 h3 h4 h5 h6 ul ol dl table pre blockquote hr".split(), True),
    **dict.fromkeys(
        "div tr li dt dd section article header footer main nav aside center form address figure"
        " figcaption caption fieldset legend option body html".split(),
        False,
    ),
}
# Word and Outlook write each line as a paragraph.
_TIGHT = re.compile(r"mso(?:normal|plaintext|nospacing)|margin(?:-top|-bottom)?\s*:\s*0", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I)
# What marks a <blockquote> as words of somebody else; people use others to move text to the right.
_CITES = re.compile(r"cite|quote|border-left\s*:\s*(?!0|none)|border\s*:\s*(?!0|none)", re.I)
_NO_BORDER = re.compile(r"border\s*:\s*(?:0|none)", re.I)
_LINK = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.I)
_SOURCE = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+", re.I)
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.I)
_VOID = frozenset("area base br col embed hr img input link meta param source wbr".split())
# Other tags change no more than how a text looks.
_MEANS = frozenset({*_BLOCKS, *map("/{}".format, _BLOCKS), "br", "td", "th", "a", "/a", "img"})
_LONGEST_LINK = 500
_LONGEST_ROW = 500
_LONGEST_EMOJI = 12
_DEEPEST = 50
# Between two cells, until spaces are made single. In no text: it would be a control.
_CELL = "\0"


def page_text(markup: str) -> str:
    """The text of a page that was made `shown_markup`: lines ended by "\\n", blank ones alone."""
    tokens = split_tags(markup)
    page = _Page()
    if not page.read(tokens, hide=True):
        page = _Page()
        page.read(tokens, hide=False)
    return "\n".join(page.lines)


class _Page:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.gap = False
        self.tight = False  # the last paragraph begun is a line
        self.quoted = 0
        self.last_quoted = 0
        self.quotes: list[bool] = []
        self.lists: list[int] = []  # the last number of each open list; 0 in one without numbers
        self.mark = ""  # of a list's item, until its first line is written
        self.preformatted = 0
        self.row = 0  # the line with which the last row of a table begins
        self.link: tuple[str, int, int] | None = None

    def read(self, tokens: Sequence[str], *, hide: bool) -> bool:
        """Read the page; False where something hidden has no end."""
        self.line.append(tokens[0])
        hidden, depth = "", 0
        for at in range(1, len(tokens), 3):
            name, attributes = tokens[at].lower(), tokens[at + 1]
            if hidden:
                if name == hidden:
                    depth += 1
                elif name == "/" + hidden:
                    depth -= 1
                if depth:
                    continue
                hidden = ""
            elif hide and attributes and name not in _VOID and _HIDDEN.search(attributes):
                hidden, depth = name, 1
                continue
            if name in _MEANS:
                self.tag(name, attributes)
            if text := tokens[at + 2]:
                if self.preformatted:
                    self.text(text)
                else:
                    self.line.append(text)
        self.end_line()
        return not hidden

    def text(self, text: str) -> None:
        """Text whose lines are as they are."""
        *before, text = text.split("\n")
        for line in before:
            self.line.append(line)
            self.end_line(broken=True)
        self.line.append(text)

    def tag(self, name: str, attributes: str) -> None:
        bare = name.removeprefix("/")
        if bare in _BLOCKS:
            self.block(name, bare, attributes)
        elif name == "br":
            self.end_line(broken=True)
        elif name in {"td", "th"}:
            self.cell()
        elif name == "a":
            self.begin_link(attributes)
        elif name == "/a":
            self.end_link()
        elif name == "img":
            self.line.append(_emoji(attributes))

    def block(self, name: str, bare: str, attributes: str) -> None:
        if name in {"p", "div"} and self.is_fresh(_CELL):
            return
        self.end_line()
        if name == "p":
            self.tight = bool(_TIGHT.search(attributes))
        nested = bare in {"ul", "ol"} and len(self.lists) > (name != bare)
        self.gap = self.gap or (_BLOCKS[bare] and not nested and not (bare == "p" and self.tight))
        if name == "tr":
            self.row = len(self.lines)
        elif name == "li":
            self.item()
        elif name == "blockquote":
            self.quote(attributes)
        elif name == "/blockquote" and self.quotes:
            self.quoted -= self.quotes.pop()
        elif name in {"ul", "ol"}:
            if len(self.lists) < _DEEPEST:
                self.lists.append(0 if name == "ul" else 1)
        elif name in {"/ul", "/ol"}:
            self.mark = ""
            if self.lists:
                self.lists.pop()
        elif bare == "pre":
            self.preformatted = max(0, self.preformatted + (1 if name == bare else -1))

    def item(self) -> None:
        if not self.lists:
            self.lists.append(0)
        indent = "  " * (len(self.lists) - 1)
        if number := self.lists[-1]:
            self.lists[-1] += 1
        self.mark = f"{indent}{number}. " if number else f"{indent}- "

    def cell(self) -> None:
        """Begin a cell: on the line of those before it, where that is all that they are. Word puts
        a paragraph into each."""
        prefix, lines = self.prefix(), self.lines[self.row : self.row + 3]
        last = lines[-1] if len(lines) < 3 and len([*filter(None, lines)]) == 1 else ""
        is_row = prefix != last[:_LONGEST_ROW] == last and last.startswith(prefix)
        if is_row and not self.mark and self.is_fresh(""):
            cells = self.lines.pop().removeprefix(prefix)
            self.line = [html.escape(cells).replace("  ", _CELL)]
            self.gap = False
        self.line.append(_CELL)

    def is_fresh(self, begins: str) -> bool:
        """Whether the line has nothing in it behind the last piece, which is `begins`."""
        return "".join(self.line[-2:]).strip(" \t\r\n")[-1:] == begins

    def prefix(self) -> str:
        return ">" * self.quoted + " " * bool(self.quoted)

    def quote(self, attributes: str) -> None:
        announced = bool(self.lines) and WROTE.search(self.lines[-1][-_LONGEST_LINK:])
        cites = (announced or _CITES.search(attributes)) and not _NO_BORDER.search(attributes)
        self.quotes.append(bool(cites) and self.quoted < _DEEPEST)
        self.quoted += self.quotes[-1]

    def begin_link(self, attributes: str) -> None:
        found = _LINK.search(attributes)
        target = html.unescape(found[1] or found[2] or found[3] or "").strip() if found else ""
        if len(target) <= _LONGEST_LINK and _SOURCE.fullmatch(target):
            self.link = target, len(self.lines), len(self.line)

    def end_link(self) -> None:
        if self.link is None:
            return
        target, lines, at = self.link
        self.link = None
        label = "".join(self.line[at:] if lines == len(self.lines) else self.line)
        label = " ".join(html.unescape(label).split())
        bare = target.removeprefix("mailto:").partition("://")[2] or target.removeprefix("mailto:")
        if (label or lines < len(self.lines)) and bare.rstrip("/") not in label:
            self.line.append(f" <{html.escape(target.removeprefix('mailto:'))}>")

    def end_line(self, *, broken: bool = False) -> None:
        """End the line that is being made. An empty one is written only where it was `broken`, or
        has spaces that may not be broken."""
        if not self.line and not broken:
            return
        raw, self.line = "".join(self.line), []
        if "&" in raw:
            raw = html.unescape(HUGE_REFERENCE.sub("", raw))
        text = _cells(raw.rstrip() if self.preformatted else " ".join(raw.split()))
        if text:
            if self.gap:
                self.blank()
            self.lines.append(self.prefix() + self.mark + text)
            self.mark, self.gap, self.last_quoted = "", False, self.quoted
        elif broken or "\xa0" in raw:
            self.blank()

    def blank(self) -> None:
        depth = min(self.quoted, self.last_quoted)
        if self.lines and self.lines[-1].strip("> "):
            self.lines.append(">" * depth)


def _cells(text: str) -> str:
    """Cells of a row two spaces apart."""
    if _CELL not in text:
        return text
    return "  ".join(filter(None, (cell.strip() for cell in text.split(_CELL))))


def _emoji(attributes: str) -> str:
    """Mail programs send them as pictures too; of others the description is left out."""
    found = _ALT.search(attributes)
    alt = html.unescape(found[1] or found[2] or "") if found else ""
    return alt if 0 < len(alt) <= _LONGEST_EMOJI and not alt[:1].isascii() else ""
