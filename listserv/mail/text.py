"""What a person wrote, out of plain text or HTML. Works on the capped beginning of a text only
(mime.MAX_TEXT), and nothing here can be slow on it: each search that fails ends the reading."""

import html
import re
from dataclasses import dataclass

# What a lone mail command has less of.
MAX_LINES = 20
MAX_LINE = 200

# Below these lines nothing is the author's: the signature (RFC 3676 4.3), rules and marks that
# mail programs put over what they quote or add.
END = re.compile(
    r"-- ?$|_{10,}$|-{8,}+$|-{4,}+.{0,59}[^-]-{4,}+$"
    r"|(sent from my|get outlook for|von meinem|envoyé de) ",
    re.IGNORECASE,
)
_TAG = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]{0,20}")
_SPACE = re.compile(r"\s+")
_BREAKS = frozenset(
    "br p div tr li ul ol table h1 h2 h3 h4 h5 h6 hr pre blockquote body section article".split()
)
# Elements whose content is not text, and where each ends.
_UNSHOWN = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("style", "script", "title")}
# int() refuses thousands of digits, and html.unescape asks it.
_HUGE_REFERENCE = re.compile(r"&#[0-9]{8,}")


@dataclass(frozen=True, slots=True)
class Written:
    """The first non-blank line that the author wrote ("" when none), and how many there are, up
    to MAX_LINES."""

    first_line: str
    lines: int


def written(text: str) -> Written:
    """The author's own lines: without quoted text, what announces it, and the signature."""
    lines: list[str] = []
    paragraph, blank = 0, True  # where the last paragraph begins, whether it is over
    for raw_line in text.splitlines():
        line = raw_line.strip()
        if line.startswith(">"):
            # "On Monday Ann wrote:", perhaps broken in two, belongs to the quotation.
            if lines and lines[-1].endswith(":"):
                del lines[max(paragraph, len(lines) - 3) :]
        elif END.match(line) or len(lines) == MAX_LINES:
            break
        elif line:
            paragraph = len(lines) if blank else paragraph
            lines.append(line)
        blank = not line
    return Written(lines[0][:MAX_LINE] if lines else "", len(lines))


def html_to_text(markup: str) -> str:
    """The text of an HTML page, one line a block, quotations marked with >. No more than what is
    needed to see what was written: not for showing."""
    pieces: list[str] = []
    quoted = 0
    at = 0
    while (start := markup.find("<", at)) >= 0:
        pieces.append(_SPACE.sub(" ", markup[at:start]))
        tag = _TAG.match(markup, start + 1)
        if tag is None:
            at, text = _no_tag(markup, start)
            pieces.append(text)
            continue
        at = _after(markup, ">", tag.end())
        name = tag[0].lower()
        if name in _UNSHOWN:
            end = _UNSHOWN[name].search(markup, at)
            at = end.start() if end else len(markup)
        elif name.endswith("blockquote"):
            quoted = max(0, quoted + (-1 if name.startswith("/") else 1))
        if name.removeprefix("/") in _BREAKS:
            pieces.append("\n> " if quoted else "\n")
    pieces.append(_SPACE.sub(" ", markup[at:]))
    return html.unescape(_HUGE_REFERENCE.sub("", "".join(pieces)))


def _no_tag(markup: str, start: int) -> tuple[int, str]:
    """A comment or declaration is passed over; any other < is text."""
    if markup.startswith("<!--", start):
        return _after(markup, "-->", start), ""
    if markup.startswith(("<!", "<?"), start):
        return _after(markup, ">", start), ""
    return start + 1, "<"


def _after(markup: str, mark: str, at: int) -> int:
    """Behind the next `mark`; the end when there is none."""
    found = markup.find(mark, at)
    return len(markup) if found < 0 else found + len(mark)
