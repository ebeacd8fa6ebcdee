"""What mail programs put over a quotation: who wrote it, and when.

Functions are asked about `marks`: the lines of a text, stripped and cut at LONGEST_MARK
characters.
"""

import re
from collections.abc import Sequence

from listserv.mail.said import (
    COLONS,
    OPENS,
    QUOTED_FIELD,
    QUOTED_FROM,
    WROTE,
    announcement,
)
from listserv.mail.words import shown

LONGEST_MARK = 500

_LONGEST_NAME = 60
_TIME = re.compile(r"\d\d?[:.h]\d\d|\d[時시点]|@")
_ADDRESS = re.compile(r"[<(\[][^<>()\[\]]*@[^<>()\[\]]*[>)\]]|<[^<>]*>|\S+@\S+")
# What lists put behind a name.
_VIA = re.compile(r"\svia\s.*")
# The verb is the last word, or its subject follows; and that is not whoever writes the line.
_OF_OTHERS = re.compile(
    rf"(?:{WROTE.pattern})(?:\(a\)|\s(?:the following|folgendes))?\s?[:\uff1a]"
    r"|\b(?:schrieb|schreef|skrev|kirjoitti)\b",
    re.IGNORECASE,
)
_OF_ONESELF = re.compile(r"\b(?:I|ich|je|yo|io|ik|jag)\b")
_IN_ANGLES = re.compile(r"<[^<>]*@[^<>]*>")
_ORIGINAL = re.compile(
    r"-{3,}\s?(?:original message|original-?nachricht|ursprüngliche nachricht|message d'origine"
    r"|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht)\s?-{3,}$",
    re.IGNORECASE,
)
_RULE = re.compile(r"_{10,}$|-{10,}$")
_SUBJECT = re.compile(
    r"[*_]{0,2}(?:subject|betreff|objet|asunto|assunto|oggetto|onderwerp|emne|ämne|temat|тема|主题)"
    r"[*_]{0,2}\s?[:\uff1a]",
    re.IGNORECASE,
)
# So many lines a heading of header fields has at most.
_HEADING = 8
# In "On 9 May 2026 at 10:00 AM CEST, Ann wrote", what is before the name.
_BEFORE_NAME = re.compile(
    r".*\d(?:\s*(?:[ap]\.?\s?m\b\.?|uhr\b|h\b|(?-i:[A-Z]{2,4}T\b)|(?:utc|gmt)\S*))*"
    r"|(?:on|am|le|el|il|em|op|den|på)\s",
    re.IGNORECASE,
)
_AFTER_VERB = re.compile(r"\(a\)|\b(?:folgendes|the following|via)\b.*", re.IGNORECASE)


def announced(marks: Sequence[str], at: int) -> int:
    """How many lines "On 9 May 2026 Ann wrote:" takes. It has a day or an address in it: other
    lines that end in a colon may be a person's."""
    count = announcement(marks, at)
    if not count or (count > 1 and not _is_broken(marks[at : at + count])):
        return 0
    line = " ".join(marks[at : at + count])
    dated = any(map(str.isdigit, line))
    if _OF_OTHERS.search(line) and not _OF_ONESELF.search(line):
        opens = line[0].isdigit() or line[0] == "\u5728" or OPENS.match(line)
        return count if _IN_ANGLES.search(line) or (dated and opens) else 0
    return count if line[0].isdigit() and line.rstrip("".join(COLONS)).endswith(">") else 0


def _is_broken(marks: Sequence[str]) -> bool:
    """Whether these lines may be one that was broken: the first has a day in it, and no other
    begins anew."""
    begins_anew = (
        one.startswith(">") or (OPENS.match(one) and announced(marks, n))
        for n, one in enumerate(marks)
        if n
    )
    return any(map(str.isdigit, marks[0])) and not any(begins_anew)


def heading(marks: Sequence[str], at: int) -> int:
    """How many lines a program's heading takes over what it quotes without marks."""
    if not marks[at]:
        return 0
    start = at
    if _RULE.match(marks[at]):
        start = next((n for n in range(at + 1, min(at + 4, len(marks))) if marks[n]), at)
    if _ORIGINAL.match(marks[start]):
        end = start + 1
        while end < min(start + _HEADING, len(marks)) and _is_field(marks[end]):
            end += 1
        return end - at
    if fields := _fields(marks, start):
        return start + fields - at
    count = announced(marks, start)
    announces = " ".join(marks[start : start + count])
    return start + count - at if count and _TIME.search(announces) else 0


def _fields(marks: Sequence[str], at: int) -> int:
    """How many lines From, Sent, To and Subject take, in any order; 0 where not all of author,
    subject and another are there."""
    if not _is_field(marks[at]):
        return 0
    found = {"author": 0, "subject": 0, "other": 0}
    for n, mark in enumerate(marks[at : at + _HEADING]):
        kinds = (("author", QUOTED_FROM), ("subject", _SUBJECT), ("other", QUOTED_FIELD))
        kind = next((kind for kind, field in kinds if field.match(mark)), None)
        if kind:
            found[kind] = n + 1
        elif not mark:
            break
    return max(found.values()) if all(found.values()) else 0


def _is_field(mark: str) -> bool:
    return bool(QUOTED_FROM.match(mark) or QUOTED_FIELD.match(mark))


def quoted_author(marks: Sequence[str]) -> str:
    """The name in what announces a quotation; "" where there is none, or only an address."""
    for mark in marks:
        if found := QUOTED_FROM.match(mark):
            return _name(mark[found.end() :])
    if any(map(_ORIGINAL.match, marks)):
        return ""
    line = _ADDRESS.sub("", " ".join(marks)).replace("\uff0c", ",").rstrip("".join(COLONS) + " ")
    verb = WROTE.search(line)
    if verb and (after := _name(_AFTER_VERB.sub("", line[verb.end() :]))):
        return after
    line = line[: verb.start()] if verb else line
    before = _BEFORE_NAME.match(line)
    return _name(line[before.end() if before else 0 :].rpartition(",")[2])


def _name(text: str) -> str:
    name = shown(_VIA.sub("", _ADDRESS.sub("", text))).strip(" ,;*_\"'<>()")
    return name if len(name) <= _LONGEST_NAME and any(map(str.isalpha, name)) else ""
