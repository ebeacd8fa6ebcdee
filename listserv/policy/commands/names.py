"""A person's name as a stranger writes it: it will stand in mails to others."""

import re
import unicodedata
from collections.abc import Sequence

from listserv.policy.commands.line import Word

LONGEST = 80

# evil.example is one too; Prof.Smith is none.
_ADDRESS_OF_WEB = re.compile(r"://|(?i:www\.)|@|\b(?i:https?)\b|[A-Za-z0-9-]\.[a-z]{2,}")
# Mail programs make a link of Evil.Example, and none of "Evil. Example".
_DOT_INSIDE = re.compile(r"\.(?=\w)")
# Beside letters, marks and digits of any writing.
_ALLOWED = frozenset(" .,'\u2019\u2018\u00b4\u00b7-\u2010\u2011\u2013()&/+\u200c\u200d")
_AROUND = " ,;:\"'\u201c\u201d\u201e\u00ab\u00bb<>"


def clean_name(words: Sequence[Word]) -> str | None:
    """The name that these words are; None for one that is too long, has a web address in it, or
    characters that no name has: those of markup, templates and control."""
    text = unicodedata.normalize("NFC", " ".join(word.written for word in words)).strip(_AROUND)
    if len(text) > LONGEST or _ADDRESS_OF_WEB.search(text):
        return None
    text = " ".join(_DOT_INSIDE.sub(". ", text).split()).strip(_AROUND)
    if len(text) > LONGEST or not any(c.isalpha() for c in text):
        return None
    return text if all(map(_is_of_a_name, text)) else None


def _is_of_a_name(char: str) -> bool:
    return char in _ALLOWED or unicodedata.category(char)[0] in "LMN"
