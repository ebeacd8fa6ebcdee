"""Texts as they are compared: the same words are the same, however a mail program writes them.

Linear in the length of the text, whatever it is.
"""

import re
import unicodedata

import regex

# What people type with one key and mail programs replace, and what nobody sees.
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u2032\x91\x92`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\x93\x94", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\x96\x97", "-"),
        **dict.fromkeys([0x00AD, 0x034F, 0x061C, 0x180E, 0x2060, 0xFEFF]),
        **dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x2070)]),
        **dict.fromkeys(range(0xFE00, 0xFE10)),
    }
)
# Normalising sorts marks upon one letter in a time that grows with the square of their number; more
# than 30 stand in no text (UAX #15, Stream-Safe Text Format).
_MANY_MARKS = regex.compile(r"(\p{M}{30})\p{M}++")
# Scripts that write no spaces between words: each character counts as a word.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = regex.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]++|\.")
# The end of a sentence, among the words.
_END = "."
_ENDS = str.maketrans(dict.fromkeys("!?;:\u3002", _END))
# The same for plain English, several times as fast.
_PLAIN = str.maketrans(
    {char: char.lower() if char.isalnum() else " " for char in map(chr, range(128))}
    | dict.fromkeys(".!?;:", _END)
)
# What may stand in a rule's words beside letters and figures: it only divides them.
_DIVIDES = re.compile(r"[\s',_-]")

# Characters of a text that are compared; one may stand for up to 18 when it is normalised.
LONGEST = 256 * 1024

Term = tuple[str, ...]


def tidy(text: str) -> str:
    """A text in one line and one spelling of each character (NFKC), with plain quotation marks and
    dashes; each run of white space is a space."""
    if text.isascii():
        return " ".join(text[:LONGEST].translate(_ALIKE).split())
    text = unicodedata.normalize("NFKC", _MANY_MARKS.sub(r"\1", text))[:LONGEST]
    return " ".join(text.translate(_ALIKE).split())


def words_of(tidied: str) -> Term:
    """The words of a tidied text in lower case. The end of a sentence stands between them as a mark
    of its own, so that no phrase reaches over it."""
    if tidied.isascii():
        return tuple(tidied.translate(_PLAIN).replace(_END, f" {_END} ").split())
    return tuple(_WORD.findall(tidied.casefold().translate(_ENDS)))


def term_of(text: str) -> Term | None:
    """The words that a rule looks for; None when `text` has none, or has more than words in it."""
    tidied = tidy(text)
    words = words_of(tidied)
    if not words or _END in words:
        return None
    rest = _WORD.sub("", _DIVIDES.sub("", tidied.casefold()))
    return None if rest else words
