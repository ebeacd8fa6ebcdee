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
# What is no text: comments, declarations, and elements whose content is not shown. Each that fails
# to end reaches to the end of the page, so that no place is searched twice.
_UNREAD = re.compile(
    r"<(?:!--(?:-?>|.*?(?:-->|\Z))|[!?][^>]*+(?:>|\Z)"
    r"|(style|script|title)(?![a-zA-Z0-9])[^>]*+(?:\Z|>.*?(?:</\1[^>]*+(?:>|\Z)|\Z)))",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]{0,20})([^>]*+)(?:>|\Z)")
_SPACE = re.compile(r"\s+")
_BREAKS = frozenset(
    "br p div tr li ul ol table h1 h2 h3 h4 h5 h6 hr pre blockquote body section article".split()
)
# int() refuses thousands of digits, and html.unescape asks it.
HUGE_REFERENCE = re.compile(r"&#[0-9]{8,}")


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


def shown_markup(markup: str) -> str:
    """A page without comments, declarations, scripts, styles and its title."""
    return _UNREAD.sub("", markup)


def split_tags(markup: str) -> list[str]:
    """Shown markup in threes behind its first text: a tag's name ("/p" where it ends one), the rest
    of the tag, and the text up to the next one."""
    return _TAG.split(markup)


def html_to_text(markup: str) -> str:
    """The text of an HTML page, one line a block, quotations marked with >. No more than what is
    needed to see what was written: not for showing."""
    tokens = split_tags(shown_markup(markup))
    pieces = [_SPACE.sub(" ", tokens[0])]
    quoted = 0
    for at in range(1, len(tokens), 3):
        name, text = tokens[at].lower(), tokens[at + 2]
        if name.endswith("blockquote"):
            quoted = max(0, quoted + (-1 if name.startswith("/") else 1))
        if name.removeprefix("/") in _BREAKS:
            pieces.append("\n> " if quoted else "\n")
        if text:
            pieces.append(_SPACE.sub(" ", text))
    return html.unescape(HUGE_REFERENCE.sub("", "".join(pieces)))
