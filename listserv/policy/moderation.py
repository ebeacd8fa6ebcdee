"""A moderator's reply -> what they decided. WORDS is the table of verbs, in four languages.

Only the first line that they wrote above the quotation counts. `approve`, `discard`, `later` and
`trust` stand alone on it, but for thanks; `reject` and `ask` take what follows. Anything else
decides nothing: "I don't approve of this" is no verb, "no" may mean two things, "approve?" asks.
"""

import itertools
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from listserv.policy.sign_off import without_sign_off


class Verb(StrEnum):
    """What a moderator can say of a held post, or of a request to join."""

    APPROVE = "approve"
    REJECT = "reject"
    DISCARD = "discard"
    ASK = "ask"
    LATER = "later"
    TRUST = "trust"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verb, and with REJECT and ASK the moderator's own words, "" when there are none."""

    verb: Verb
    words: str = ""


class Unclear(StrEnum):
    """Why a reply decides nothing. NO: it says no, which may mean reject or discard. MORE: a verb
    that stands alone has something behind it. SILENT: an ask without a question."""

    NO = "no"
    MORE = "more"
    NONE = "none"
    SILENT = "silent"


WORDS: Mapping[Verb, tuple[str, ...]] = {
    Verb.APPROVE: (
        "approve", "approved", "accept", "ok", "okay", "yes", "genehmigen", "genehmigt",
        "freigeben", "ja", "approuver", "oui", "aprobar", "sí", "si",
    ),
    Verb.REJECT: ("reject", "ablehnen", "refuser", "rechazar"),
    Verb.DISCARD: ("discard", "verwerfen", "supprimer", "descartar"),
    Verb.ASK: ("ask", "fragen", "demander", "preguntar"),
    Verb.LATER: ("later", "später", "plus tard", "después", "despues"),
    Verb.TRUST: ("trust", "vertrauen", "confiance", "confiar"),
}  # fmt: skip
_VERB: Mapping[tuple[str, ...], Verb] = {
    tuple(word.split()): verb for verb, words in WORDS.items() for word in words
}
# Of a member who posts freely from now on: go on reading their posts before.
KEEP = frozenset({"keep", "behalten", "garder", "mantener"})
_TAKES_REST = frozenset({Verb.REJECT, Verb.ASK})
_NO = frozenset({"no", "nein", "non", "nope"})
_COURTESY = frozenset(
    "please pls plz thanks thank you thx cheers bitte danke vielen dank merci s'il vous plaît"
    " por favor gracias many very much sehr sch\u00f6n beaucoup muchas".split()
)
# Of what a moderator tells an author, in characters.
MAX_WORDS = 2000
# Marks that stand around words.
_AROUND = (
    "\"'`*_.,;:!?()[]<>\u00a1\u00bf\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2026-\u2013\u2014"
)


def read_ruling(lines: Sequence[str]) -> Ruling | Unclear:
    """What the lines say that a moderator wrote above the quotation; a blank one may stand between
    paragraphs."""
    if not lines or lines[0].startswith(">"):
        return Unclear.NONE
    first = unicodedata.normalize("NFKC", lines[0])
    told = _told(first)
    verb, length = _verb(told)
    if verb is None:
        return Unclear.NO if told and told[0] in _NO else Unclear.NONE
    if verb not in _TAKES_REST:
        return Ruling(verb) if len(told) == length and "?" not in first else Unclear.MORE
    if "?" in _up_to_verb(first):
        return Unclear.MORE
    behind = _behind_verb(first)
    own = without_sign_off([behind, *lines[1:]] if behind else lines[1:])
    text = "\n".join(own)[:MAX_WORDS].strip()
    if verb is Verb.ASK and not text:
        return Unclear.SILENT
    return Ruling(verb, text)


def says_keep(lines: Sequence[str]) -> bool:
    """Whether the first line above the quotation says to go on reading somebody's posts."""
    if not lines or lines[0].startswith(">") or "?" in lines[0]:
        return False
    told = _told(unicodedata.normalize("NFKC", lines[0]))
    return len(told) == 1 and told[0] in KEEP


def _told(line: str) -> list[str]:
    """The words of a line, but for courtesy."""
    words = [plain for word in line.split() if (plain := word.strip(_AROUND).casefold())]
    return [word for word in words if word not in _COURTESY]


def _verb(told: Sequence[str]) -> tuple[Verb | None, int]:
    """The verb that the words begin with, and of how many words it is made."""
    for words in (tuple(told[:2]), tuple(told[:1])):
        if words in _VERB:
            return _VERB[words], len(words)
    return None, 0


def _up_to_verb(line: str) -> str:
    """The line up to a verb of one word, with the marks around it."""
    words = line.split()
    polite = itertools.takewhile(lambda w: w.strip(_AROUND).casefold() in _COURTESY | {""}, words)
    return " ".join(words[: len(list(polite)) + 1])


def _behind_verb(line: str) -> str:
    """What stands behind a verb of one word, as it was written, without the marks between."""
    behind = " ".join(line.split())[len(_up_to_verb(line)) :]
    return behind.lstrip(":;,.!?-\u2013\u2014 ")
