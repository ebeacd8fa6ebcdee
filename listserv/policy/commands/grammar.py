"""A mail's subject and lines -> its commands, in their order.

Linear in the little that is read: the subject, and ten lines of at most 300 characters.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from listserv.domain.address import Recipient
from listserv.policy.commands.addresses import WRITTEN, by_address
from listserv.policy.commands.command import (
    ALL_LISTS,
    Command,
    NotUnderstood,
    Verb,
    Why,
    shortened,
)
from listserv.policy.commands.delivery import ALONE, OPTION_WORDS
from listserv.policy.commands.joining import FILLERS
from listserv.policy.commands.line import Line, Lists, Trouble, Word, words_of
from listserv.policy.commands.member import read_anything
from listserv.policy.commands.nearest import example, mended, wished
from listserv.policy.commands.table import BY_VERB, BY_WORD, MAY_BE_QUIET, About, Row

# Lines that are read of a mail, and those among them that may be no commands.
MAX_COMMANDS = 10
MAX_UNKNOWN = 2
# Characters of a line that may be a command.
MAX_LINE = 300
# Lines that are looked at in search of ten that say something.
_LOOKED_AT = 50

_COURTESY = frozenset({"please", "pls", "plz", "kindly", "bitte", "s'il", "vous", "plaît"})
_THANKS = _COURTESY | {"thanks", "thank", "you", "thx", "now", "immediately", "asap", "danke"}
_BULLETS = frozenset("-\u2013\u2014\u2022\u00b7") | {"1", "2", "3", "4", "5"}
_TWO_WORDS = {("sign", "off"): "signoff", ("un", "subscribe"): "unsubscribe",
              ("time", "zone"): "timezone"}  # fmt: skip
_HYPHENATED = {"sign-off": "signoff", "un-subscribe": "unsubscribe", "no-mail": "nomail"}
_GREETING = re.compile(
    r"(?:hi|hello|hallo|hey|dear|good (?:morning|day|afternoon|evening)|greetings"
    r"|guten (?:tag|morgen)"
    r"|liebe[rs]?|sehr geehrte[rs]?|hola|buen[oa]s|bonjour|ciao)\b[^.?]{0,40}[,.!:]?"
)
_CLOSING = re.compile(
    r"(?:thanks|thank you|many thanks|thx|(?:best|kind|warm|with)? ?(?:regards|wishes)|best|cheers"
    r"|sincerely|yours|love|danke|vielen dank|mfg|lg|vg"
    r"|mit (?:freundlich|besten|lieben)|viele grüße|liebe grüße|gracias|saludos|un saludo"
    r"|merci|cordialement|bien à vous|grazie|cordiali)\b"
    r".{0,40}"
)
_SHORT = 3
_SET = Word(Verb.SET, Verb.SET)


def parse(
    subject: str,
    lines: Sequence[str],
    to: Recipient,
    names: Collection[str],
    *,
    domain: str,
    today: date,
) -> tuple[Command | NotUnderstood, ...]:
    """What a mail to `to` asks for. `names` are those of all lists at `domain`; `today` is the
    writer's. Empty when it says nothing at all: then help is the answer.

    An address that is a command says it all. The subject counts when it is a command, or when the
    lines say nothing of use. After a command, lines that come near none are a greeting or a name.
    """
    if to.role not in WRITTEN:
        command = by_address(to)
        return (command,) if command else ()
    lists = Lists(names, domain, to.name)
    first = _read(subject, lists, today)
    told = _read_lines(lines, lists, today)
    if isinstance(first, Command) and first.verb is not Verb.END:
        told = [first, *told]
    elif isinstance(first, NotUnderstood) and not any(map(_is_of_use, told)):
        told = [first, *told[:1]] if first.nearest or not told else told
    return tuple(dict.fromkeys(_without_small_talk(told)))


def _is_of_use(one: Command | NotUnderstood) -> bool:
    return isinstance(one, Command) or bool(one.nearest)


def _read_lines(lines: Sequence[str], lists: Lists, today: date) -> list[Command | NotUnderstood]:
    told: list[Command | NotUnderstood] = []
    unknown = 0
    for text in lines[:_LOOKED_AT]:
        if told and is_closing(text):
            break
        one = _read(text, lists, today)
        if one is None:
            continue
        if isinstance(one, Command) and one.verb is Verb.END:
            break
        if len(told) == MAX_COMMANDS:
            if isinstance(one, Command):
                told.append(NotUnderstood(shortened(text), "", Why.REST))
            break
        told.append(one)
        unknown += isinstance(one, NotUnderstood)
        if unknown == MAX_UNKNOWN:
            break
    return told


def _without_small_talk(
    told: Sequence[Command | NotUnderstood],
) -> list[Command | NotUnderstood]:
    """Without lines, behind the last command, that come near no other command than it."""
    kept = list(told)
    done = {str(one).split()[0] for one in kept if isinstance(one, Command)}
    while done and isinstance(last := kept[-1], NotUnderstood):
        if last.why not in {Why.WORD, Why.REQUEST, Why.MORE, Why.TOKEN, Why.LONG}:
            break
        if last.nearest and last.nearest.split()[0] not in done:
            break
        kept.pop()
    return kept


def is_closing(text: str) -> bool:
    """Whether a line is the "Best regards" under a mail: what follows says nothing more."""
    return _is(_CLOSING, text)


def _is(pattern: re.Pattern[str], text: str) -> bool:
    return len(text) <= MAX_LINE and bool(pattern.fullmatch(text.strip().lower()))


def _read(text: str, lists: Lists, today: date) -> Command | NotUnderstood | None:
    """One line; None for one that says nothing."""
    if len(text) > MAX_LINE:
        return NotUnderstood(shortened(text[:MAX_LINE]), "", Why.LONG)
    words = _bare(words_of(text))
    if not words or text.startswith("//"):
        return None
    quiet = len(words) > 1 and words[0].plain.lower() == "quiet"
    found = _read_words(words[1:] if quiet else words, lists, today)
    if isinstance(found, Command):
        if not quiet:
            return found
        if found.verb in MAY_BE_QUIET:
            return replace(found, quiet=True)
        return NotUnderstood(shortened(text), str(found), Why.QUIET)
    wish = wished(text)
    if found is not None and found.why is Why.OPTION:
        better = _read_words(mended(words), lists, today)
        found = Trouble(found.why, str(better)) if isinstance(better, Command) else found
    if found is not None and not (wish and _is_prose(found, wish)):
        return NotUnderstood(shortened(text), found.nearest, found.why)
    if found is None and wish is None and _is_small_talk(text):
        return None
    return _unknown(text, words, wish, lists, today)


def _is_prose(found: Trouble, wish: Verb) -> bool:
    """Whether a line that begins with a verb, and wishes something else, is a sentence."""
    return found.why in {Why.MORE, Why.ADDRESS} and not found.nearest.startswith(wish)


def _is_small_talk(text: str) -> bool:
    return _is(_GREETING, text) or is_closing(text)


def _unknown(
    text: str, words: tuple[Word, ...], wish: Verb | None, lists: Lists, today: date
) -> NotUnderstood:
    """A line that begins with no command: with a slip of the finger, or in plain language."""
    meant = _read_words(mended(words), lists, today)
    if isinstance(meant, Command):
        return NotUnderstood(shortened(text), str(meant))
    if wish:
        return NotUnderstood(shortened(text), example(wish, lists.here), Why.REQUEST)
    return NotUnderstood(shortened(text), meant.nearest if meant else "")


def _bare(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words without bullets, "please" and thanks, and with a verb in two parts made one."""
    while words and words[0].plain.lower() in _COURTESY | _BULLETS:
        words = words[1:]
    while len(words) > 1 and words[-1].plain.lower() in _THANKS:
        words = words[:-1]
    if not words:
        return ()
    verb = words[0].plain.lower()
    if len(words) > 1 and (joined := _TWO_WORDS.get((verb, words[1].plain.lower()))):
        return (Word(joined, joined), *words[2:])
    whole = _HYPHENATED.get(verb, words[0].plain)
    return (Word(words[0].written, whole), *words[1:])


def _read_words(words: tuple[Word, ...], lists: Lists, today: date) -> Command | Trouble | None:
    """The command that some words are; Trouble when the first says so and the rest does not fit;
    None when the first is no verb, or there is none."""
    if not words:
        return None
    verb = words[0].plain.lower()
    row = BY_WORD.get(verb)
    if row is not None and len(verb) < _SHORT and len(words) > 2 and verb.upper() not in row.words:
        row = None  # "I would like", "in my last mail"
    if row is None and OPTION_WORDS.get(verb) in ALONE:
        row = BY_VERB[Verb.SET]
        named = 1 if len(words) > 1 and lists.named(words[1]) else 0
        words = (_SET, *words[1 : 1 + named], words[0], *words[1 + named :])
    if row is None:
        return None
    line = Line(row.verb, "", words[1:], lists, today)
    if row.about is not About.NO:
        joins = row.verb in {Verb.SUBSCRIBE, Verb.SIGNOFF}
        line = line.about(FILLERS if joins else ())
    if row.read is read_anything and wished(" ".join(word.plain for word in words)):
        return Trouble(Why.MORE, row.example(line.list))
    return _checked(row, line, row.read(line))


# What to send instead of a time, or a zone, that cannot be read.
_TIMES = {
    Why.HOUR: "SET {} DIGEST AT 7 PM",
    Why.ZONE: "TIMEZONE {} Europe/Berlin",
    Why.NO_ZONE: "TIMEZONE {} Europe/Berlin",
}
_DATES = frozenset({Why.DATE, Why.NO_DAY, Why.TWO_DATES, Why.PAST, Why.TOO_FAR})


def _checked(row: Row, line: Line, read: Command | Trouble) -> Command | Trouble:
    """What was read, if it is about a list where it has to be; trouble with a line to send."""
    if isinstance(read, Trouble):
        if read.why is Why.TOKEN:
            return read
        nowhere = not line.list and row.about in {About.ONE, About.MINE}
        why = Why.LIST if nowhere and read.why in {Why.MORE, Why.OPTION} else read.why
        here = line.lists.here if line.list == ALL_LISTS else line.list
        if why in _TIMES:
            return Trouble(why, _TIMES[why].format(here or "listname"))
        return Trouble(why, row.example(here, full=why in _DATES))
    row = BY_VERB[read.verb]
    if row.about is About.ONE and not read.list:
        return Trouble(Why.LIST, row.example(""))
    if row.about is About.ONE and read.list == ALL_LISTS:
        return Trouble(Why.ONE_LIST, row.example(line.lists.here))
    if row.about in {About.MAYBE, About.NO} and read.list == ALL_LISTS:
        return replace(read, list="")
    return read
