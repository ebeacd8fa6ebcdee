"""A moderator's reason or question without what their mail program or habit puts below it, which is
not for the author of a post: the greeting and the name, telephone numbers, a lawyer's words.

What comes under "-- ", and the lines of telephones ("Sent from my iPhone"), mail.said has left out.
In doubt a line stays: of two mistakes a lost reason is the worse one.
"""

import re
from collections.abc import Iterator, Sequence

# A greeting that nobody begins a sentence with; the second kind is one when a name follows.
_GREETING = re.compile(
    r"(?:(?:with |my |our )?(?:very |many )?(?:kind(?:est)?|best|warm(?:est)?|good|friendly)?"
    r" ?(?:regards|wishes|greetings)|(?:yours |very )?(?:sincerely|faithfully|truly)(?: yours)?"
    r"|(?:(?:mit|viele|liebe|beste|herzliche|freundliche|schöne|sonnige) )?"
    r"(?:(?:freundlich|best|lieb|herzlich|viel|schön)e[nr]? )?gr(?:ü|ue)(?:ß|ss)(?:en|e)?"
    r"|gru(?:ß|ss)|mfg|lg|vg|bg|hochachtungsvoll"
    r"|(?:bien |très )?cordialement|bien à vous|sincères salutations|meilleures salutations"
    r"|bonne journée|(?:un |cordiales? |muchos )?(?:cordial )?saludos?(?: cordiales)?|atentamente"
    r"|cordiali saluti|distinti saluti|met vriendelijke groet(?:en)?|mvh)\b",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:(?:many |with )?thanks|thank you(?: very much)?|thx|cheers|best|all the best|love|yours"
    r"|(?:vielen |besten )?dank|danke(?: schön)?|merci(?: beaucoup)?|(?:muchas )?gracias|grazie"
    r"|bedankt)\b",
    re.IGNORECASE,
)
_PARTICLES = frozenset("von van der den de del di da la le und and & et y".split())
_TELEPHONE = re.compile(
    r"(?:\W*(?:tel(?:ephone|efon|éfono)?|phone|fon|ph|mobile?|mobil|mob|handy|cell|office|büro|fax|t|m"
    r"|f|p|d)\b[\s.:]*)?\(?\+?[\d(][\d\s()/.-]{5,20}\d\W*",
    re.IGNORECASE,
)
_LAWYER = re.compile(
    r"\W*(?:(?:this|the information in this|the contents? of this|diese|der inhalt dieser|ce|le"
    r" contenu de ce|este|esta|questo|dit) (?:e-?mail|message|communication|transmission|nachricht"
    r"|courriel|courrier|mensaje|correo|messaggio|bericht)\b.*(?:confiden|vertraul|intended|bestimmt"
    r"|destin|privileged)|disclaimer\b|confidentiality\b|please consider the environment)",
    re.IGNORECASE,
)
# A name, or a line of an address.
_SHORT = 60
# Lawyers need more characters than this; "this message is confidential" may be a reason.
_LONG = 100


def without_sign_off(lines: Sequence[str]) -> list[str]:
    """The lines up to the first of what is none of the reason. They have single spaces, and one
    that is blank stands between paragraphs."""
    kept: list[str] = []
    for at, line in enumerate(lines):
        if _ends(lines, at):
            break
        kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _ends(lines: Sequence[str], at: int) -> bool:
    following = next((line for line in lines[at + 1 :] if line), "")
    if _is(_GREETING, lines[at]):
        return True
    if _is(_THANKS, lines[at]) and (not following or _is_name(following)):
        return True
    starts = at > 0 and not lines[at - 1]
    return starts and _is_foot(list(_paragraph(lines, at)))


def _is(greeting: re.Pattern[str], line: str) -> bool:
    """Whether the line is this and perhaps a name, and no sentence that begins so."""
    found = greeting.match(line)
    if found is None:
        return False
    rest = line[found.end() :].strip()
    name = rest.lstrip(",.!;:\u2013- ")
    return not name or (name != rest and len(name.split()) <= 2) or _is_name(name)


def _is_name(line: str) -> bool:
    """Whether every word of a short line begins with a capital letter, as names do."""
    words = line.split()
    capital = all(word[0].isupper() or word.lower() in _PARTICLES for word in words)
    return len(words) <= 6 and len(line) <= _SHORT and capital and line[-1] not in "!?:"


def _paragraph(lines: Sequence[str], at: int) -> Iterator[str]:
    for line in lines[at:]:
        if not line:
            return
        yield line


def _is_foot(paragraph: Sequence[str]) -> bool:
    """Whether it is somebody's name with a telephone number, or a lawyer's words."""
    if sum(map(len, paragraph)) > _LONG and _LAWYER.match(" ".join(paragraph)):
        return True
    short = all(len(line) <= _SHORT and line[-1] not in "!?:" for line in paragraph)
    return short and len(paragraph) > 1 and any(map(_TELEPHONE.fullmatch, paragraph[1:]))
